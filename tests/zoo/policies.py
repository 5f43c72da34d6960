"""Other dtypes (``policy_``), operations on tensors (``op_``), and the cuDNN layers of Keras 2 (``cudnn_``)."""

from __future__ import annotations

import importlib
from typing import Any

from tests.zoo.entry import PADDED, SECOND, SIGNAL, WORDS, Build, Entry, Inputs, Source, graph, stack

POLICIES = ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
DOUBLE = Source(SIGNAL.array.astype("float64"))
TWO = (SIGNAL, SECOND)


def under(policy: str) -> dict[str, Entry]:
    """Return models all of whose layers have one dtype policy."""
    lower = {"dtype": policy}
    # bfloat16 has no QR decomposition for the default initializer; the weights are drawn afterwards anyway.
    recurrent = {"recurrent_initializer": "zeros", **lower}
    return {
        f"policy_{policy}_lstm": stack(SIGNAL, lambda layers: [layers.LSTM(4, **recurrent), layers.Dense(2, **lower)]),
        f"policy_{policy}_gru": stack(SIGNAL, lambda layers: [layers.GRU(4, return_sequences=True, **recurrent)]),
        f"policy_{policy}_dense": stack(
            SIGNAL, lambda layers: [layers.Dense(4, activation="tanh", **lower), layers.Activation("softmax", **lower)]
        ),
        f"policy_{policy}_masked": stack(
            PADDED, lambda layers: [layers.Masking(**lower), layers.LSTM(4, return_sequences=True, **recurrent)]
        ),
        f"policy_{policy}_normalised": stack(
            SIGNAL,
            lambda layers: [
                layers.BatchNormalization(**lower),
                layers.LayerNormalization(**lower),
                layers.GRU(4, **recurrent),
            ],
        ),
        f"policy_{policy}_words": stack(
            WORDS, lambda layers: [layers.Embedding(11, 3, mask_zero=True, **lower), layers.LSTM(4, **recurrent)]
        ),
        f"policy_{policy}_bidirectional": stack(
            SIGNAL, lambda layers: [layers.Bidirectional(layers.LSTM(4, **recurrent), **lower)]
        ),
        f"policy_{policy}_in_the_middle": stack(
            SIGNAL, lambda layers: [layers.LSTM(4, return_sequences=True), layers.GRU(6, **recurrent), layers.Dense(2)]
        ),
    }


def with_scalars(layers: Any, signal: Any) -> Any:
    """Connect arithmetic with Python numbers, on either side."""
    return layers.LSTM(4)(1.0 - (signal * 2.0 + 0.5) / 3.0)


def between_tensors(layers: Any, one: Any, other: Any) -> Any:
    """Connect arithmetic between two tensors."""
    return layers.LSTM(4)(one * other + one - other)


def last_step(layers: Any, signal: Any) -> Any:
    """Connect the last step of a sequence."""
    return layers.Dense(2)(layers.LSTM(4, return_sequences=True)(signal)[:, -1])


def some_steps(layers: Any, signal: Any) -> Any:
    """Connect slices with a step, of time and of features."""
    sequence = layers.LSTM(4, return_sequences=True)(signal)
    return layers.GRU(6)(sequence[:, 1:6:2, :3])


def unary(layers: Any, signal: Any) -> Any:
    """Connect a negation and a power."""
    return layers.LSTM(4)(-signal + signal**2)


# --- cuDNN ---------------------------------------------------------------------------------------------------


def cudnn(class_name: str, **arguments: Any) -> Any:
    """Return a GPU layer of Keras 2; tf_keras has it, but exports it under its version 1 names only."""
    module = {"CuDNNLSTM": "cudnn_lstm", "CuDNNGRU": "cudnn_gru"}[class_name]
    return getattr(importlib.import_module(f"tf_keras.src.layers.rnn.{module}"), class_name)(4, name="rnn", **arguments)


def equivalent(layers: Any, class_name: str, **arguments: Any) -> Any:
    """Return the CPU layer into which tf_keras converts the weights of a GPU layer."""
    return getattr(layers, class_name.removeprefix("CuDNN"))(4, name="rnn", **arguments)


def cudnn_pair(class_name: str, wrap: Any = None, **arguments: Any) -> Entry:
    """Return a model with a GPU layer, and as its twin the same model with the equivalent CPU layer."""

    def build_with(make: Any) -> Build:
        def build(keras: Any) -> tuple[Any, Inputs]:
            layer = make(keras.layers)
            layers = [wrap(keras.layers, layer) if wrap else layer, keras.layers.Dense(2, name="dense")]
            return keras.Sequential([SIGNAL.tensor(keras), *layers]), [SIGNAL.array]

        return build

    return Entry(
        build_with(lambda _: cudnn(class_name, **arguments)),
        only="tf_keras",
        twin=build_with(lambda layers: equivalent(layers, class_name, **arguments)),
    )


ENTRIES: dict[str, Entry] = {
    **{name: entry for policy in POLICIES for name, entry in under(policy).items()},
    "policy_float64_input": stack(DOUBLE, lambda layers: [layers.LSTM(4, dtype="float64")]),
    "policy_float32_of_float64_input": stack(DOUBLE, lambda layers: [layers.LSTM(4)]),
    "policy_float64_rescaling": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, dtype="float64"), layers.Rescaling(0.3, offset=0.7, dtype="float64")]
    ),
    "policy_float64_normalization": stack(
        SIGNAL, lambda layers: [layers.Normalization(axis=None, mean=0.3, variance=0.7, dtype="float64")]
    ),
    "policy_float64_relu_slope": stack(SIGNAL, lambda layers: [layers.ReLU(negative_slope=0.3, dtype="float64")]),
    "policy_float64_relu_limit": stack(
        SIGNAL, lambda layers: [layers.ReLU(negative_slope=0.3, max_value=0.7, dtype="float64")]
    ),
    "policy_mixed_float16_then_float32": stack(
        SIGNAL,
        lambda layers: [layers.LSTM(4, dtype="mixed_float16"), layers.Dense(2, activation="softmax", dtype="float32")],
    ),
    "op_scalars": graph(SIGNAL, with_scalars),
    "op_tensors": graph(TWO, between_tensors),
    "op_last_step": graph(SIGNAL, last_step),
    "op_slices": graph(SIGNAL, some_steps),
    "op_unary": graph(SIGNAL, unary),
    "cudnn_lstm": cudnn_pair("CuDNNLSTM"),
    "cudnn_lstm_sequences": cudnn_pair("CuDNNLSTM", return_sequences=True),
    "cudnn_lstm_backwards": cudnn_pair("CuDNNLSTM", go_backwards=True),
    "cudnn_gru": cudnn_pair("CuDNNGRU"),
    "cudnn_gru_sequences": cudnn_pair("CuDNNGRU", return_sequences=True),
    "cudnn_bidirectional_lstm": cudnn_pair("CuDNNLSTM", lambda layers, layer: layers.Bidirectional(layer, name="both")),
    "cudnn_bidirectional_gru": cudnn_pair("CuDNNGRU", lambda layers, layer: layers.Bidirectional(layer, name="both")),
}
