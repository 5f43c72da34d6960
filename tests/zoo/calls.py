"""What layers are called with: masks by name and by place, states, inputs by name, `training`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.zoo.entry import PADDED, SIGNAL, Entry, Source, graph, normal, padding, stack

KEPT = Source(~padding(), "kept")
"""(samples 5, timesteps 7), of which one sample is all padding"""
SEEN = Source((np.random.default_rng(3).random((5, 7, 3)) < 0.6) & ~padding()[..., None], "seen")
"""(samples 5, timesteps 7, features 3): all is hidden in some steps, and in one sample"""
STATE, OTHER_STATE = Source(normal(5, 4, seed=5), "state"), Source(normal(5, 4, seed=6), "other_state")
SMALL_STATE = Source(normal(5, 2, seed=8), "small_state")


def softmax(**config: Any) -> Entry:
    """Return a softmax behind a Dense, called with a mask."""
    return graph([SIGNAL, SEEN], lambda layers, x, mask: layers.Softmax(**config)(layers.Dense(3)(x), mask=mask))


def nested_cells(layers: Any) -> Any:
    """Return stacked cells of which the first are stacked cells: three states of 4, 4 and 2 units, and one of 4."""
    inner = layers.StackedRNNCells([layers.GRUCell(4), layers.LSTMCell(2)])
    return layers.StackedRNNCells([inner, layers.SimpleRNNCell(4)])


def model_of_two(layers: Any, keras: Any) -> Any:
    """Return a model whose inputs are not in the order of their names."""
    z, a = keras.Input((7, 3), name="z"), keras.Input((7, 3), name="a")
    return keras.Model([z, a], layers.Subtract()([layers.Dense(4)(z), layers.Dense(4)(a)]))


def by_name() -> Entry:
    """Return a model with a model in it that is called with its inputs by name."""
    sources = [SIGNAL, Source(normal(5, 7, 3, seed=7), "second")]

    def build(keras: Any) -> tuple[Any, Any]:
        x, y = (source.tensor(keras) for source in sources)
        inner = model_of_two(keras.layers, keras)
        return keras.Model([x, y], inner({"a": y, "z": x})), [source.array for source in sources]

    return Entry(build)


def frozen_normalization(layers: Any, x: Any) -> Any:
    """Return a BatchNormalization that computes in training as it does else."""
    layer = layers.BatchNormalization()
    layer.trainable = False
    return layer(x, training=True)


BY_NAME = {
    "call_softmax_mask": softmax(),
    "call_softmax_mask_over_time": softmax(axis=1),
    "call_softmax_mask_two_axes": softmax(axis=[1, 2]),
    "call_softmax_mask_goes_on": graph(
        [SIGNAL, SEEN],
        lambda layers, x, mask: layers.Softmax()(layers.Dropout(0.5)(layers.Softmax(axis=1)(x, mask=mask))),
    ),
    "call_softmax_no_mask": graph(SIGNAL, lambda layers, x: layers.Softmax(axis=1)(layers.Dense(3)(x))),
    "call_mean_mask": graph(
        [SIGNAL, Source(KEPT.array | (np.arange(7) == 0), "kept")],
        lambda layers, x, mask: layers.GlobalAveragePooling1D()(x, mask=mask),
    ),
    "call_mask_goes_on": graph(
        [SIGNAL, KEPT], lambda layers, x, mask: layers.GRU(2)(layers.LSTM(4, return_sequences=True)(x, mask=mask))
    ),
    "call_mask_over_another": graph(
        [PADDED, Source(np.roll(KEPT.array, 1, axis=1), "kept")],
        lambda layers, x, mask: layers.GRU(4)(layers.Masking()(x), mask=mask),
    ),
    "call_norm_mask": graph(
        [SIGNAL, KEPT], lambda layers, x, mask: layers.LSTM(4)(layers.BatchNormalization()(x, mask=mask))
    ),
    "call_model_by_name": by_name(),
    "call_training_lstm": graph(SIGNAL, lambda layers, x: layers.LSTM(4)(x, training=True)),
    "call_training_bidirectional": graph(
        SIGNAL, lambda layers, x: layers.Bidirectional(layers.GRU(4))(x, training=True)
    ),
    "call_training_dropout_zero": graph(SIGNAL, lambda layers, x: layers.Dropout(0)(x, training=True)),
    "call_training_frozen_norm": graph(SIGNAL, frozen_normalization),
    "call_states_nested": graph(
        [SIGNAL, STATE, SMALL_STATE, Source(SMALL_STATE.array[::-1], "cell_state"), OTHER_STATE],
        lambda layers, x, a, b, c, d: layers.RNN(nested_cells(layers))(x, initial_state=[[a, [b, c]], d]),
        only="keras",
    ),
    "call_stacked_in_stacked": graph(
        PADDED,
        lambda layers, x: layers.RNN(nested_cells(layers), return_sequences=True)(layers.Masking()(x)),
    ),
    "call_stacked_in_stacked_state": graph(
        PADDED,
        lambda layers, x: flat(layers.RNN(nested_cells(layers), return_state=True)(layers.Masking()(x))),
        only="tf_keras",  # Keras 3 cannot build it
    ),
    "call_stacked_in_bidirectional": stack(
        PADDED,
        lambda layers: [layers.Masking(), layers.Bidirectional(layers.RNN(nested_cells(layers)))],
        only="tf_keras",
    ),
}


def flat(outputs: Any) -> list[Any]:
    """Return outputs in lists of lists as one list."""
    return [one for item in outputs for one in (flat(item) if isinstance(item, list | tuple) else [item])]


KERAS3 = {
    "call_softmax_mask_by_place": graph([SIGNAL, SEEN], lambda layers, x, mask: layers.Softmax()(x, mask)),
    "call_lstm_mask_by_place": graph([SIGNAL, KEPT], lambda layers, x, mask: layers.LSTM(4)(x, None, mask)),
    "call_gru_mask_as_long_as_units": graph([SIGNAL, KEPT], lambda layers, x, mask: layers.GRU(7)(x, None, mask)),
    "call_lstm_states_by_place": graph([SIGNAL, STATE, OTHER_STATE], lambda layers, x, h, c: layers.LSTM(4)(x, [h, c])),
    "call_mean_mask_by_place": graph(
        [SIGNAL, Source(KEPT.array | (np.arange(7) == 0), "kept")],
        lambda layers, x, mask: layers.GlobalAveragePooling1D()(x, mask),
    ),
    "call_softmax_in_activation": graph(
        [SIGNAL, SEEN],
        lambda layers, x, mask: layers.Activation(layers.Softmax())(layers.Softmax(axis=1)(x, mask=mask)),
    ),
}
KERAS2 = {
    "call_softmax_robust": softmax(robust_masking=True),
    "call_softmax_robust_two_axes": softmax(robust_masking=True, axis=[1, 2]),
    "call_no_mask_by_name": graph(PADDED, lambda layers, x: layers.LSTM(4)(layers.Masking()(x), mask=None)),
    "call_mean_no_mask_by_place": graph(
        PADDED, lambda layers, x: layers.GlobalAveragePooling1D()(layers.Masking()(x), None)
    ),
    "call_attention_no_masks": graph(
        PADDED,
        lambda layers, x: layers.Attention()([layers.Masking()(x), layers.Masking()(x)], mask=None),
    ),
    "call_group_norm_mask": graph(
        [SIGNAL, Source(SEEN.array | (np.arange(7) == 0)[:, None], "seen")],
        lambda layers, x, mask: layers.GroupNormalization(3)(x, mask=mask),
    ),
}
ENTRIES = {
    **BY_NAME,
    **{name: Entry(entry.build, only="keras") for name, entry in KERAS3.items()},
    **{name: Entry(entry.build, only="tf_keras") for name, entry in KERAS2.items()},
}
