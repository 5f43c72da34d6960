"""Attention layers between and behind recurrent ones, and what stands around them: masks above all."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.zoo.entry import PADDED, SECOND, SIGNAL, WORDS, Entry, Inputs, Source, graph, normal, padded_words, stack
from tests.zoo.states import KEEP

OTHER_WORDS = Source(padded_words(9)[[4, 0, 1, 2, 3], :6], "others")
SEEN = Source(np.random.default_rng(5).integers(0, 2, (5, 7, 7)).astype(bool), "seen")
"""Which steps each step may look at; with some that may look at none."""
SEEN.array[1, 2] = False
PER_HEAD = Source(np.random.default_rng(6).integers(0, 2, (5, 2, 7, 7)).astype(bool), "per_head")
COUNTED = Source(SEEN.array.astype("int32"), "counted")
LONG = Source(normal(5, 12, 4))
FOUR_D = Source(normal(5, 3, 7, 2))


def embedded(layers: Any, words: Any, size: int = 4) -> Any:
    """Return masked word vectors."""
    return layers.Embedding(11, size, mask_zero=True)(words)


def sequences(layers: Any, signal: Any, units: int = 4) -> Any:
    """Return what an LSTM makes of every step."""
    return layers.LSTM(units, return_sequences=True)(signal)


def steps(layers: Any, signal: Any) -> Any:
    """Return what shows a mask, if there is one: hidden steps repeat the output before them."""
    return layers.LSTM(3, return_sequences=True)(signal)


Call = tuple[str, dict[str, Any], dict[str, Any]]
"""A class of attention, the options that it is called with, and its own."""
SINGLE: list[Call] = [
    ("Attention", {}, {}),
    ("Attention", {}, {"use_scale": True}),
    ("Attention", {}, {"score_mode": "concat"}),
    ("Attention", {"return_attention_scores": True}, {"use_scale": True, "score_mode": "concat", "dropout": 0.2}),
    ("Attention", {"use_causal_mask": True}, {}),
    ("AdditiveAttention", {}, {}),
    ("AdditiveAttention", {"use_causal_mask": True, "return_attention_scores": True}, {"use_scale": False}),
]


def single(make: Any) -> Any:
    """Return what connects attention layers of all kinds to what ``make`` makes of two inputs, and an LSTM to each."""

    def connect(layers: Any, one: Any, other: Any) -> Any:
        tensors, outputs = make(layers, one, other), []
        for class_name, call, arguments in SINGLE:
            found = getattr(layers, class_name)(**arguments)(list(tensors), **call)
            outputs += list(found) if isinstance(found, list | tuple) else [found]
            outputs.append(steps(layers, found[0] if isinstance(found, list | tuple) else found))
        return outputs

    return connect


def plain(layers: Any, one: Any, other: Any) -> Any:
    """Return two sequences without masks."""
    return sequences(layers, one), sequences(layers, other)


def keyed(layers: Any, one: Any, other: Any) -> Any:
    """Return two sequences and a key of its own."""
    return sequences(layers, one), sequences(layers, other), layers.Dense(4)(other)


def masked(layers: Any, words: Any, others: Any) -> Any:
    """Return two sequences with masks."""
    return sequences(layers, embedded(layers, words)), sequences(layers, embedded(layers, others))


def masked_query(layers: Any, words: Any, signal: Any) -> Any:
    """Return two sequences, the first with a mask."""
    return embedded(layers, words, 3), signal


def masked_value(layers: Any, words: Any, signal: Any) -> Any:
    """Return two sequences, the second with a mask."""
    return signal, embedded(layers, words, 3)


def with_masks(layers: Any, one: Any, other: Any, keep: Any) -> Any:
    """Connect attention whose masks are given by hand: both, and that of the values alone."""
    x = embedded(layers, other, 3)
    both = layers.Attention()([one, x], mask=[keep, keep])
    return [both, layers.Attention()([x, one], mask=[None, keep])]


def shared_attention(layers: Any, one: Any, other: Any) -> Any:
    """Connect one attention layer twice."""
    attention = layers.AdditiveAttention()
    return layers.Concatenate()([attention([one, other]), attention([other, one])])


# --- heads ---------------------------------------------------------------------------------------------------


def heads(layers: Any, **arguments: Any) -> Any:
    """Return MultiHeadAttention with two heads."""
    return layers.MultiHeadAttention(2, 3, **arguments)


def self_attention(*options: dict[str, Any], source: Source = WORDS, **more: Any) -> Entry:
    """Return self-attention with each of some options, of (masked) vectors, and what it shows of its masks."""

    def connect(layers: Any, signal: Any) -> Any:
        outputs = []
        for arguments in options:
            x = embedded(layers, signal) if source is WORDS else signal
            outputs.append(heads(layers, **arguments)(x, x))
            outputs.append(steps(layers, outputs[-1]))
        return outputs

    return graph(source, connect, **more)


def cross(*calls: tuple[dict[str, Any], dict[str, Any]], mask: Source | None = None) -> Entry:
    """Return attention between words and a signal, called with options, with others of its own, and maybe a mask."""

    def connect(layers: Any, words: Any, signal: Any, *masks: Any) -> Any:
        outputs: list[Any] = []
        for call, arguments in calls:
            given = {"attention_mask": masks[0]} if masks else {}
            query = sequences(layers, embedded(layers, words))
            found = heads(layers, **arguments)(query, signal, **given, **call)
            outputs += list(found) if isinstance(found, list | tuple) else [found]
        return outputs

    return graph((WORDS, SECOND, *([mask] if mask else [])), connect)


def three(layers: Any, words: Any, signal: Any, others: Any) -> Any:
    """Connect query, value and key of three kinds, each with a mask of its own."""
    key = layers.Masking()(signal)
    return heads(layers, value_dim=5)(embedded(layers, others), embedded(layers, words, 6), key)


def by_name(layers: Any, words: Any, signal: Any) -> Any:
    """Connect query, value and key by name."""
    return heads(layers)(query=signal, value=embedded(layers, words), key=signal)


def block(layers: Any, x: Any, **arguments: Any) -> Any:
    """Return a block of a transformer: attention, a residual connection, normalisation."""
    attended = layers.Dropout(0.1)(heads(layers, **arguments)(x, x))
    return layers.LayerNormalization()(layers.Add()([x, attended]))


def pooled(layers: Any, x: Any) -> Any:
    """Return class probabilities of a sequence."""
    return layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x))


def classifier(layers: Any, words: Any) -> Any:
    """Connect Bidirectional(LSTM), attention, a residual connection, and a head."""
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(embedded(layers, words))
    return pooled(layers, block(layers, x))


def two_blocks(layers: Any, words: Any) -> Any:
    """Connect two blocks: in Keras 3 the mask of the first does not reach the second."""
    y = block(layers, block(layers, embedded(layers, words)))
    return [y, steps(layers, y)]


def multiplied(layers: Any, words: Any) -> Any:
    """Connect a product of a tensor with what attention makes of it; it leaves out steps that a mask hides."""
    x = embedded(layers, words)
    return layers.Multiply()([x, heads(layers)(x, x)])


def co_attention(layers: Any, words: Any, others: Any) -> Any:
    """Connect two attention layers of the same depth on the same tensors."""
    one, other = embedded(layers, words), embedded(layers, others)
    first, second = heads(layers)(one, other), heads(layers)(other, one)
    return layers.Concatenate(axis=1)([first, second])


def co_attention_turned(layers: Any, words: Any, others: Any) -> Any:
    """Connect the same, with the outputs in the other order."""
    one, other = embedded(layers, words), embedded(layers, others)
    first, second = heads(layers)(one, other), heads(layers)(other, one)
    return [second, first]


def through_dropout(layers: Any, words: Any) -> Any:
    """Connect attention to a tensor behind a dropout, which is the same tensor in Keras 3."""
    x = embedded(layers, words)
    attended = heads(layers)(layers.Dropout(0.2)(x), layers.Dense(4)(x))
    return layers.Concatenate()([attended, layers.Attention()([x, attended])])


def around_attention(layers: Any, words: Any) -> Any:
    """Connect attention of one head to a tensor before and behind that of several."""
    x = embedded(layers, words)
    before = layers.Attention()([x, x])
    attended = heads(layers)(before, x)
    return layers.Attention()([x, attended])


def nested_block(keras: Any) -> tuple[Any, Inputs]:
    """Build a block as a nested model, on a tensor that is used again."""
    layers, words, inside = keras.layers, WORDS.tensor(keras), keras.Input((7, 4), name="inside")
    inner = keras.Model(inside, block(layers, inside), name="block")
    x = embedded(layers, words)
    return keras.Model(words, layers.Attention()([x, inner(x)])), [WORDS.array]


def shared_heads(layers: Any, words: Any, signal: Any) -> Any:
    """Connect one layer twice."""
    layer, x = heads(layers), layers.Dense(4)(signal)
    return layers.Concatenate()([layer(embedded(layers, words), x), layer(x, x)])


def decoder(layers: Any, words: Any, others: Any) -> Any:
    """Connect an encoder and a decoder that attends to it, as in translation."""
    encoded, *state = layers.LSTM(4, return_sequences=True, return_state=True)(embedded(layers, words))
    decoded = layers.LSTM(4, return_sequences=True)(embedded(layers, others), initial_state=state)
    context = layers.AdditiveAttention()([decoded, encoded])
    return layers.Dense(5, activation="softmax")(layers.Concatenate()([decoded, context]))


def luong(layers: Any, words: Any, others: Any) -> Any:
    """Connect the same with products, and a tanh behind them."""
    encoded, *state = layers.GRU(4, return_sequences=True, return_state=True)(embedded(layers, words))
    decoded = layers.GRU(4, return_sequences=True)(embedded(layers, others), initial_state=state)
    context = layers.Attention(use_scale=True)([decoded, encoded])
    joined = layers.Concatenate()([context, decoded])
    return layers.TimeDistributed(layers.Dense(3, activation="tanh"))(joined)


def under(policy: str) -> dict[str, Entry]:
    """Return attention of both kinds in one dtype policy, all layers alike, and behind layers in float32."""
    lower = {"dtype": policy}

    def all_alike(layers: Any, words: Any, signal: Any) -> Any:
        x = layers.Embedding(11, 3, mask_zero=True, **lower)(words)
        attended = layers.MultiHeadAttention(2, 3, **lower)(x, signal)
        scores = layers.AdditiveAttention(**lower)([attended, x])
        return layers.Attention(**lower)([scores, attended])

    def behind_others(layers: Any, words: Any) -> Any:
        x = embedded(layers, words)
        attended = layers.MultiHeadAttention(2, 3, **lower)(x, x)
        return [attended, layers.Attention(**lower)([x, attended])]

    return {
        f"policy_{policy}_attention": graph((WORDS, SECOND), all_alike),
        f"policy_{policy}_attention_behind": graph(WORDS, behind_others),
    }


def einsum(equation: str, source: Source, output_shape: Any, **arguments: Any) -> Entry:
    """Return a Sequential model of one EinsumDense."""
    return stack(source, lambda layers: [layers.EinsumDense(equation, output_shape, **arguments)])


SCORES, CAUSAL = {"return_attention_scores": True}, {"use_causal_mask": True}
ENTRIES: dict[str, Entry] = {
    "attention_plain": graph((SIGNAL, SECOND), single(plain)),
    "attention_keyed": graph((SIGNAL, SECOND), single(keyed)),
    "attention_masked": graph((WORDS, OTHER_WORDS), single(masked)),
    "attention_masked_query": graph((WORDS, SECOND), single(masked_query)),
    "attention_masked_value": graph((WORDS, SECOND), single(masked_value)),
    "attention_given_masks": graph((SIGNAL, WORDS, KEEP), with_masks),
    "attention_shared": graph((SIGNAL, SECOND), shared_attention),
    "attention_decoder": graph((WORDS, OTHER_WORDS), decoder),
    "attention_luong": graph((WORDS, OTHER_WORDS), luong),
    "heads_self": self_attention({}, {"use_bias": False}, {"value_dim": 5}, {"output_shape": 6}, {"dropout": 0.3}),
    "heads_self_unmasked": self_attention({}, {"dropout": 0.3}, source=SIGNAL),
    "heads_self_new": self_attention(
        {"use_gate": True, "value_dim": 5}, {"use_gate": True, "use_bias": False}, {"sliding_window": 2}, only="keras"
    ),
    "heads_self_robust": self_attention({"softmax_robust_masking": True}, only="tf_keras"),
    "heads_large_scores": self_attention({}, scale=20.0),
    "heads_float64": graph(SIGNAL, lambda layers, x: heads(layers, dtype="float64")(x, x)),
    "heads_float64_dropout": graph(SIGNAL, lambda layers, x: heads(layers, dtype="float64", dropout=0.3)(x, x)),
    "heads_cross": cross(({}, {}), (CAUSAL, {}), (SCORES, {"dropout": 0.1}), (CAUSAL, {"dropout": 0.1})),
    "heads_cross_mask": cross(({}, {}), ({}, {"dropout": 0.1}), (CAUSAL | SCORES, {}), mask=SEEN),
    "heads_cross_mask_counted": cross(({}, {}), mask=COUNTED),
    "heads_output_matrix": graph(SIGNAL, lambda layers, x: heads(layers, output_shape=(2, 5))(x, x)),
    "heads_unmasked_mask": graph((SIGNAL, COUNTED), lambda layers, x, mask: heads(layers)(x, x, attention_mask=mask)),
    "heads_three": graph((WORDS, PADDED, Source(padded_words(9)[[4, 0, 1, 2, 3]], "others")), three),
    "heads_by_name": graph((WORDS, PADDED), by_name),
    "heads_classifier": graph(WORDS, classifier),
    "heads_two_blocks": graph(WORDS, two_blocks),
    "heads_multiplied": graph(WORDS, multiplied),
    "heads_co_attention": graph((WORDS, OTHER_WORDS), co_attention),
    "heads_co_attention_turned": graph((WORDS, OTHER_WORDS), co_attention_turned),
    "heads_through_dropout": graph(WORDS, through_dropout),
    "heads_around": graph(WORDS, around_attention),
    "heads_nested_block": Entry(nested_block),
    "heads_shared": graph((WORDS, SECOND), shared_heads),
    **{name: entry for policy in ("float64", "float16", "mixed_bfloat16") for name, entry in under(policy).items()},
    "einsum_dense": einsum("abc,cd->abd", LONG, (None, 6), bias_axes="d", activation="relu"),
    "einsum_dense_no_bias": einsum("ab...,b->a...", LONG, (4,)),
    "einsum_dense_time": einsum("abc,bd->adc", LONG, (5, 4), bias_axes="d"),
    "einsum_dense_dots": einsum("...x,xy->...y", FOUR_D, 6, bias_axes="y"),
    "einsum_dense_dots_behind": einsum("ab...,bc->ac...", FOUR_D, 5, bias_axes="c"),
    "einsum_dense_masked": stack(
        PADDED,
        lambda layers: [layers.Masking(), layers.EinsumDense("abc,cd->abd", (None, 3)), layers.LSTM(4)],
    ),
    "rms_normalization_masked": stack(
        PADDED, lambda layers: [layers.Masking(), layers.RMSNormalization(), layers.LSTM(4)], only="keras"
    ),
    "rms_normalization_both": stack(LONG, lambda layers: [layers.RMSNormalization(axis=[1, 2])], only="keras"),
    "layer_normalization_rms_masked": stack(
        PADDED,
        lambda layers: [layers.Masking(), layers.LayerNormalization(rms_scaling=True, scale=False), layers.LSTM(4)],
        only="keras",
    ),
}
