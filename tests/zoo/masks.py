"""Masks: where they start, how layers obey them, which layers pass them on and which drop them."""

from __future__ import annotations

from typing import Any

from tests.zoo.entry import (
    PADDED,
    SECOND,
    SIGNAL,
    TEXTS,
    WORDS,
    Entry,
    Inputs,
    Source,
    graph,
    normal,
    padded_signal,
    stack,
)
from tests.zoo.recurrent import CELLS
from tests.zoo.states import KEEP

PADDED_MINUS_ONE = Source(padded_signal(-1.0))
WHOLE_ROWS = Source(padded_signal()[[3, 4, 3, 0, 3]])
OTHER_PADDED = Source(padded_signal(seed=8)[[4, 0, 1, 2, 3]], "other")
FOUR_D = Source(normal(5, 3, 7, 2) * (TEXTS.array > 0)[..., None])
LENGTHS: dict[str, dict[str, Any]] = {
    "": {},
    "_sequences": {"return_sequences": True},
    "_backwards": {"go_backwards": True},
    "_backwards_sequences": {"go_backwards": True, "return_sequences": True},
    "_unrolled_sequences": {"unroll": True, "return_sequences": True},
    "_unrolled_backwards": {"unroll": True, "go_backwards": True},
    "_zero_output": {"zero_output_for_mask": True, "return_sequences": True},
    "_zero_output_backwards": {"zero_output_for_mask": True, "return_sequences": True, "go_backwards": True},
    "_zero_output_last": {"zero_output_for_mask": True},
}


def masked(*make: Any, source: Source = PADDED, value: float = 0.0, **options: Any) -> Entry:
    """Return a Sequential model of layers behind Masking."""
    return stack(source, lambda layers: [layers.Masking(value), *(one(layers) for one in make)], **options)


def words(*make: Any, source: Source = WORDS, **options: Any) -> Entry:
    """Return a Sequential model of layers behind an Embedding that masks its padding."""
    return stack(
        source, lambda layers: [layers.Embedding(11, 3, mask_zero=True), *(one(layers) for one in make)], **options
    )


def obeyed(prefix: str, class_name: str) -> dict[str, Entry]:
    """Return a recurrent layer behind Masking and behind an Embedding, in every direction and length."""
    made = {
        f"mask_{prefix}{suffix}": masked(
            lambda layers, arguments=arguments: getattr(layers, class_name)(4, **arguments)
        )
        for suffix, arguments in LENGTHS.items()
    }
    return {
        **made,
        f"mask_words_{prefix}": words(lambda layers: getattr(layers, class_name)(4)),
        f"mask_words_{prefix}_stacked": words(
            lambda layers: getattr(layers, class_name)(4, return_sequences=True),
            lambda layers: getattr(layers, class_name)(6),
        ),
    }


def sequences(layers: Any) -> Any:
    """Return an LSTM over sequences, whose masked steps repeat the output before them."""
    return layers.LSTM(4, return_sequences=True)


def last(layers: Any) -> Any:
    """Return an LSTM whose output shows whether a mask still reaches it."""
    return layers.LSTM(6, name="last")


def passed_through(name: str, make: Any, **options: Any) -> dict[str, Entry]:
    """Return a layer between a mask and an LSTM."""
    return {f"mask_through_{name}": masked(make, last, **options)}


def merged(name: str, only_mixed: Any = None, **arguments: Any) -> dict[str, Entry]:
    """Return a merge of two masked tensors, and of a masked and an unmasked one, before an LSTM.

    ``only_mixed`` is the one generation that can merge the latter.
    """

    def both(layers: Any, one: Any, other: Any) -> Any:
        join = getattr(layers, name)(**arguments)
        return last(layers)(join([layers.Masking()(one), layers.Masking()(other)]))

    def first(layers: Any, one: Any, other: Any) -> Any:
        return last(layers)(getattr(layers, name)(**arguments)([layers.Masking()(one), other]))

    def second(layers: Any, one: Any, other: Any) -> Any:
        return last(layers)(getattr(layers, name)(**arguments)([one, layers.Masking()(other)]))

    key = "_".join([name.lower(), *(f"axis_{value}" for value in arguments.values())])
    return {
        f"mask_{key}_both": graph((PADDED, OTHER_PADDED), both),
        f"mask_{key}_first": graph((PADDED, SECOND), first, only=only_mixed),
        f"mask_{key}_second": graph((SIGNAL, OTHER_PADDED), second, only=only_mixed),
    }


def explicit(layers: Any, signal: Any, keep: Any) -> Any:
    """Connect an LSTM to a mask that is an input of the model."""
    return layers.LSTM(4, return_sequences=True)(signal, mask=keep)


def explicit_bidirectional(layers: Any, signal: Any, keep: Any) -> Any:
    """Connect a Bidirectional GRU to a mask that is an input of the model."""
    return layers.Bidirectional(layers.GRU(4, return_sequences=True))(signal, mask=keep)


def masked_states(layers: Any, words: Any, signal: Any) -> Any:
    """Connect a decoder to the state of an encoder of masked words."""
    _, *state = layers.LSTM(4, return_state=True)(layers.Embedding(11, 3, mask_zero=True)(words))
    return layers.LSTM(4, return_sequences=True)(signal, initial_state=state)


def residual(layers: Any, signal: Any) -> Any:
    """Connect a masked LSTM that is added to its own input before another one."""
    kept = layers.Masking()(signal)
    return last(layers)(layers.Add()([layers.LSTM(3, return_sequences=True)(kept), kept]))


def two_pools(layers: Any, signal: Any) -> Any:
    """Connect an average that obeys the mask and a maximum that may not."""
    kept = sequences(layers)(layers.Masking()(signal))
    return layers.Concatenate()([layers.GlobalAveragePooling1D()(kept), layers.GlobalMaxPooling1D()(kept)])


def into_nested(keras: Any) -> tuple[Any, Inputs]:
    """Build a nested functional model that is given a masked tensor, and gives one on."""
    layers, signal, inside = keras.layers, PADDED.tensor(keras), keras.Input((7, 3), name="inside")
    inner = keras.Model(inside, sequences(layers)(layers.Dense(4)(inside)), name="reader")
    return keras.Model(signal, last(layers)(inner(layers.Masking()(signal)))), [PADDED.array]


def into_sequential(keras: Any) -> tuple[Any, Inputs]:
    """Build a nested Sequential model that is given a masked tensor, and gives one on."""
    layers, signal = keras.layers, PADDED.tensor(keras)
    inner = keras.Sequential([keras.Input((7, 3)), layers.Dense(4), sequences(layers)], name="reader")
    return keras.Model(signal, last(layers)(inner(layers.Masking()(signal)))), [PADDED.array]


def out_of_nested(keras: Any) -> tuple[Any, Inputs]:
    """Build a nested model in which a mask begins, before an LSTM that it may or may not reach."""
    layers, words = keras.layers, WORDS.tensor(keras)
    embedding = layers.Embedding(11, 3, mask_zero=True)
    inner = keras.Sequential([keras.Input((7,), dtype="int32"), embedding, sequences(layers)], name="reader")
    return keras.Model(words, last(layers)(inner(words))), [WORDS.array]


def distributed_reader(keras: Any) -> tuple[Any, Inputs]:
    """Build a model of texts around a model of sentences in which a mask begins: hierarchical, without attention."""
    layers, sentence, texts = keras.layers, keras.Input((7,), dtype="int32", name="sentence"), TEXTS.tensor(keras)
    embedded = layers.Embedding(11, 3, mask_zero=True)(sentence)
    inner = keras.Model(sentence, layers.Bidirectional(layers.LSTM(4))(embedded), name="reader")
    return keras.Model(texts, last(layers)(layers.TimeDistributed(inner)(texts))), [TEXTS.array]


THROUGH: dict[str, Entry] = {
    **passed_through("dense", lambda layers: layers.Dense(4)),
    **passed_through("dropout", lambda layers: layers.Dropout(0.5)),
    **passed_through("spatial_dropout", lambda layers: layers.SpatialDropout1D(0.5)),
    **passed_through("activation", lambda layers: layers.Activation("tanh")),
    **passed_through("relu", lambda layers: layers.ReLU()),
    **passed_through("leaky_relu", lambda layers: layers.LeakyReLU()),
    **passed_through("prelu", lambda layers: layers.PReLU()),
    **passed_through("batch_normalization", lambda layers: layers.BatchNormalization()),
    **passed_through("layer_normalization", lambda layers: layers.LayerNormalization()),
    **passed_through("time_distributed", lambda layers: layers.TimeDistributed(layers.Dense(4))),
    **passed_through("sequences", sequences),
    **passed_through("bidirectional", lambda layers: layers.Bidirectional(sequences(layers))),
    **passed_through("gaussian_noise", lambda layers: layers.GaussianNoise(0.1)),
    **passed_through("regularization", lambda layers: layers.ActivityRegularization(l2=0.1)),
    **passed_through("masking", lambda layers: layers.Masking(0.5)),
    **passed_through("identity", lambda layers: layers.Identity()),
    **passed_through("rescaling", lambda layers: layers.Rescaling(0.5, offset=0.1)),
    **passed_through("unit_normalization", lambda layers: layers.UnitNormalization()),
    **passed_through("group_normalization", lambda layers: layers.GroupNormalization(groups=3), only="keras"),
    **passed_through("reshape", lambda layers: layers.Reshape((7, 3))),
    **passed_through("permute", lambda layers: layers.Permute((2, 1))),
    **passed_through("conv", lambda layers: layers.Conv1D(4, 3, padding="same")),
    **passed_through("conv_short", lambda layers: layers.Conv1D(4, 3)),
    **passed_through("max_pooling", lambda layers: layers.MaxPooling1D(2)),
    **passed_through("average_pooling", lambda layers: layers.AveragePooling1D(2)),
    **passed_through("zero_padding", lambda layers: layers.ZeroPadding1D(1)),
    **passed_through("cropping", lambda layers: layers.Cropping1D(1)),
    **passed_through("up_sampling", lambda layers: layers.UpSampling1D(2)),
}

ENTRIES: dict[str, Entry] = {
    **{name: entry for cell in CELLS.items() for name, entry in obeyed(*cell).items()},
    **THROUGH,
    **merged("Add"),
    **merged("Subtract"),
    **merged("Multiply"),
    **merged("Average"),
    **merged("Maximum"),
    **merged("Concatenate", axis=-1),
    **merged("Concatenate", only_mixed="keras", axis=1),
    "mask_minus_one": masked(sequences, source=PADDED_MINUS_ONE, value=-1.0),
    "mask_value_absent": masked(sequences, value=-1.0),
    "mask_alone": masked(source=PADDED_MINUS_ONE, value=-1.0),
    "mask_whole_rows": masked(sequences, source=WHOLE_ROWS),
    "mask_whole_rows_last": masked(last, source=WHOLE_ROWS),
    "mask_any_length": masked(last, source=Source(PADDED.array, shape=(None, 3))),
    "mask_gru_reset_before": masked(lambda layers: layers.GRU(4, reset_after=False, return_sequences=True)),
    "mask_words_any_length": words(last, source=Source(WORDS.array, "words", shape=(None,))),
    "mask_words_tagger": words(sequences, lambda layers: layers.Dense(2, activation="softmax")),
    "mask_words_dropout": words(lambda layers: layers.Dropout(0.2), sequences, last),
    "mask_words_alone": words(),
    "mask_average": masked(lambda layers: layers.GlobalAveragePooling1D()),
    "mask_average_sequences": masked(sequences, lambda layers: layers.GlobalAveragePooling1D()),
    "mask_average_words": words(lambda layers: layers.GlobalAveragePooling1D()),
    "mask_maximum": masked(lambda layers: layers.GlobalMaxPooling1D()),
    "mask_maximum_sequences": masked(sequences, lambda layers: layers.GlobalMaxPooling1D()),
    "mask_two_pools": graph(PADDED, two_pools),
    "mask_flatten": masked(sequences, lambda layers: layers.Flatten(), lambda layers: layers.Dense(2)),
    "mask_repeat_vector": masked(last, lambda layers: layers.RepeatVector(4), sequences),
    "mask_explicit": graph((SIGNAL, KEEP), explicit),
    "mask_explicit_bidirectional": graph((SIGNAL, KEEP), explicit_bidirectional),
    "mask_states": graph((WORDS, SIGNAL), masked_states),
    "mask_residual": graph(PADDED, residual),
    "mask_into_nested": Entry(into_nested),
    "mask_into_sequential": Entry(into_sequential),
    "mask_out_of_nested": Entry(out_of_nested),
    "mask_texts_reader": Entry(distributed_reader),
    "mask_rnn_lstm_cell": masked(lambda layers: layers.RNN(layers.LSTMCell(4), return_sequences=True)),
    "mask_rnn_cells": masked(lambda layers: layers.RNN([layers.LSTMCell(4), layers.GRUCell(6)])),
    # In Keras 3 a TimeDistributed layer returns the mask of the words, not of the sentences. That fails in the next
    # recurrent layer, unless a sentence has as many words as that layer has units: then it masks the units.
    "mask_texts_words": words(
        lambda layers: layers.TimeDistributed(layers.LSTM(4)), last, source=TEXTS, only="tf_keras"
    ),
    "mask_texts_units": words(
        lambda layers: layers.TimeDistributed(layers.LSTM(4)),
        lambda layers: layers.LSTM(7, return_sequences=True),
        source=TEXTS,
    ),
    "mask_texts_sentences": words(lambda layers: layers.TimeDistributed(layers.LSTM(4)), source=TEXTS),
    "mask_texts_sequences": words(lambda layers: layers.TimeDistributed(sequences(layers)), source=TEXTS),
    "mask_texts_bidirectional": words(
        lambda layers: layers.TimeDistributed(layers.Bidirectional(layers.LSTM(4))),
        lambda layers: layers.Bidirectional(layers.LSTM(6)),
        source=TEXTS,
        only="tf_keras",
    ),
    "mask_texts_bidirectional_sequences": words(
        lambda layers: layers.TimeDistributed(layers.Bidirectional(sequences(layers))), source=TEXTS
    ),
    "mask_texts_gru": words(lambda layers: layers.TimeDistributed(layers.GRU(4)), last, source=TEXTS, only="tf_keras"),
    "mask_texts_average": words(
        lambda layers: layers.TimeDistributed(layers.GlobalAveragePooling1D()), last, source=TEXTS, only="tf_keras"
    ),
    "mask_texts_average_sentences": words(
        lambda layers: layers.TimeDistributed(layers.GlobalAveragePooling1D()), source=TEXTS
    ),
    "mask_four_d": masked(lambda layers: layers.TimeDistributed(layers.LSTM(4)), last, source=FOUR_D, only="tf_keras"),
    "mask_four_d_sentences": masked(lambda layers: layers.TimeDistributed(layers.LSTM(4)), source=FOUR_D),
}
