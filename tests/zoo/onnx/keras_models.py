"""The models that Keras exports, of either generation: a row of the table each."""

from __future__ import annotations

import importlib
from typing import Any

from tests.zoo.entry import PADDED, SIGNAL, WORDS, Entry, Source, graph, normal, stack

H0 = Source(normal(5, 4, seed=8), "h0")
C0 = Source(normal(5, 4, seed=9), "c0")
TARGET = Source(normal(5, 6, 2, seed=10), "target")
ANY_LENGTH = Source(normal(5, 7, 3), shape=(None, 3))
LONG = Source(normal(5, 9, 3))


def states(layers: Any, x: Any, h0: Any, c0: Any) -> list[Any]:
    """Return an LSTM that starts from given states and has its last states as outputs."""
    y, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(x, initial_state=[h0, c0])
    return [layers.Dense(2)(y), h, c]


def gru_states(layers: Any, x: Any, h0: Any) -> list[Any]:
    """Return the same of a GRU."""
    y, h = layers.GRU(4, return_sequences=True, return_state=True)(x, initial_state=h0)
    return [layers.Dense(2)(y), h]


def seq2seq(layers: Any, x: Any, target: Any) -> Any:
    """Return a decoder that starts from the states of an encoder."""
    _, h, c = layers.LSTM(4, return_state=True)(x)
    y = layers.LSTM(4, return_sequences=True)(target, initial_state=[h, c])
    return layers.Dense(3, activation="softmax")(y)


def two_heads(layers: Any, x: Any) -> list[Any]:
    """Return two outputs of one LSTM."""
    y = layers.LSTM(4)(x)
    return [layers.Dense(2, name="left")(y), layers.Dense(3, activation="softmax", name="right")(y)]


def attention(layers: Any, x: Any) -> Any:
    """Return attention over the steps of an LSTM."""
    y = layers.LSTM(4, return_sequences=True)(x)
    return layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.Attention()([y, y])))


def pooled(layers: Any, x: Any) -> Any:
    """Return what two ways to pool over time have together, after functions of all sorts."""
    y = layers.GRU(4, return_sequences=True)(x)
    y = layers.Concatenate()([layers.GlobalMaxPooling1D()(y), layers.GlobalAveragePooling1D()(y)])
    for function in ("swish", "elu", "selu", "softplus"):
        y = layers.Dense(3, function)(y)
    return layers.LeakyReLU()(y)


def qkeras_gate(x: Any) -> Any:
    """Return the hard sigmoid of QKeras, which tf2onnx takes for another."""
    math = importlib.import_module("tensorflow").math
    return math.maximum(math.minimum(x * 0.5 + 0.5, 1.0), 0.0)  # of 0.5 * x it would take it for nothing


MODELS: dict[str, Entry] = {
    "lstm": stack(SIGNAL, lambda layers: [layers.LSTM(4), layers.Dense(2)]),
    "lstm_sequences": stack(SIGNAL, lambda layers: [layers.LSTM(4, return_sequences=True)]),
    "gru": stack(SIGNAL, lambda layers: [layers.GRU(4), layers.Dense(2)]),
    "gru_sequences": stack(SIGNAL, lambda layers: [layers.GRU(4, return_sequences=True)]),
    "gru_reset_before": stack(SIGNAL, lambda layers: [layers.GRU(4, reset_after=False), layers.Dense(2)]),
    "simple_rnn": stack(SIGNAL, lambda layers: [layers.SimpleRNN(4, return_sequences=True), layers.Dense(2)]),
    "bidirectional": stack(
        SIGNAL, lambda layers: [layers.Bidirectional(layers.LSTM(4, return_sequences=True)), layers.Dense(2)]
    ),
    "bidirectional_last": stack(SIGNAL, lambda layers: [layers.Bidirectional(layers.LSTM(4)), layers.Dense(2)]),
    "bidirectional_gru": stack(SIGNAL, lambda layers: [layers.Bidirectional(layers.GRU(4)), layers.Dense(2)]),
    "bidirectional_sum": stack(SIGNAL, lambda layers: [layers.Bidirectional(layers.LSTM(4), merge_mode="sum")]),
    "stacked": stack(SIGNAL, lambda layers: [layers.LSTM(4, return_sequences=True), layers.LSTM(6), layers.Dense(2)]),
    "masked": stack(PADDED, lambda layers: [layers.Masking(), layers.LSTM(4), layers.Dense(2)]),
    "masked_words": stack(WORDS, lambda layers: [layers.Embedding(11, 3, mask_zero=True), layers.LSTM(4)]),
    "relu": stack(SIGNAL, lambda layers: [layers.LSTM(4, activation="relu"), layers.Dense(2)], scale=0.7),
    "relu_gates": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, recurrent_activation="relu"), layers.Dense(2)], scale=0.7
    ),
    "hard_sigmoid": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, recurrent_activation="hard_sigmoid"), layers.Dense(2)]
    ),
    "hard_sigmoid_gru": stack(
        SIGNAL, lambda layers: [layers.GRU(4, recurrent_activation="hard_sigmoid"), layers.Dense(2)]
    ),
    "no_bias": stack(SIGNAL, lambda layers: [layers.LSTM(4, use_bias=False), layers.Dense(2)]),
    "gru_no_bias": stack(SIGNAL, lambda layers: [layers.GRU(4, use_bias=False), layers.Dense(2)]),
    "states": graph([SIGNAL, H0, C0], states),
    "gru_states": graph([SIGNAL, H0], gru_states),
    "seq2seq": graph([SIGNAL, TARGET], seq2seq),
    "two_heads": graph(SIGNAL, two_heads),
    "conv_lstm": stack(
        LONG,
        lambda layers: [
            layers.Conv1D(6, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling1D(2),
            layers.LSTM(4),
            layers.Dense(2),
        ],
    ),
    "normalised": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, return_sequences=True), layers.LayerNormalization(), layers.LSTM(6)]
    ),
    "time_distributed": stack(
        SIGNAL,
        lambda layers: [layers.LSTM(4, return_sequences=True), layers.TimeDistributed(layers.Dense(2, "tanh"))],
    ),
    "repeated": stack(SIGNAL, lambda layers: [layers.LSTM(4), layers.RepeatVector(6), layers.GRU(3)]),
    "backwards": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, go_backwards=True, return_sequences=True), layers.Dense(2)]
    ),
    "any_length": stack(ANY_LENGTH, lambda layers: [layers.LSTM(4, return_sequences=True), layers.LSTM(5)]),
    "attention": graph(SIGNAL, attention),
    "pooled": graph(SIGNAL, pooled),
    "gelu": stack(SIGNAL, lambda layers: [layers.LSTM(4), layers.Dense(2, "gelu")]),
    "images": stack(
        Source(normal(5, 4, 6, 6, 1)),
        lambda layers: [
            layers.TimeDistributed(layers.Conv2D(2, 3, activation="relu")),
            layers.TimeDistributed(layers.MaxPooling2D()),
            layers.TimeDistributed(layers.Flatten()),
            layers.LSTM(3),
        ],
    ),
    "qkeras_gate": stack(SIGNAL, lambda layers: [layers.LSTM(4, recurrent_activation=qkeras_gate), layers.Dense(2)]),
    "unrolled": stack(SIGNAL, lambda layers: [layers.LSTM(4, unroll=True), layers.Dense(2)]),
}
OF_TENSORFLOW = {"qkeras_gate"}
"""Models with functions of TensorFlow, which Keras on PyTorch cannot run."""
