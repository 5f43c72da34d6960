"""Every activation by name, in every place, and the activations that are layers with parameters."""

from __future__ import annotations

from typing import Any, Literal

from tests.zoo.entry import SIGNAL, Entry, stack

COMMON = (
    "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh",
)  # fmt: skip
KERAS_3 = (  # And threshold, which has a name but no default arguments, so that no layer can use it by name.
    "celu", "hard_shrink", "hard_silu", "hard_swish", "hard_tanh", "log_sigmoid", "soft_shrink", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "tanh_shrink",
)  # fmt: skip
SELECTION = ("elu", "gelu", "hard_sigmoid", "linear", "relu", "sigmoid", "softmax", "softsign", "swish", "tanh")
UNBOUNDED = 0.7
"""A kernel scale that keeps activations without an upper limit small over 7 steps."""
SCALES = {"exponential": 0.2, "relu6": 1.5, "hard_shrink": 4.0, "soft_shrink": 4.0, "tanh_shrink": 4.0}
"""Kernel scales for activations that grow faster than others, or that are zero for small values."""


def by_name(name: str, only: Literal["keras", "tf_keras"] | None = None) -> dict[str, Entry]:
    """Return one activation as cell activation, as gate activation, in a Dense and in an Activation layer."""
    options: dict[str, Any] = {"only": only}
    cell, gate = SCALES.get(name, 1.5), min(SCALES.get(name, UNBOUNDED), 2.0)
    return {
        f"lstm_activation_{name}": stack(
            SIGNAL, lambda layers: [layers.LSTM(4, activation=name)], scale=cell, **options
        ),
        f"lstm_recurrent_activation_{name}": stack(
            SIGNAL, lambda layers: [layers.LSTM(4, recurrent_activation=name)], scale=gate, **options
        ),
        f"dense_{name}": stack(SIGNAL, lambda layers: [layers.Dense(4, activation=name)], **options),
        f"activation_{name}": stack(SIGNAL, lambda layers: [layers.Activation(name)], **options),
    }


def in_other_cells(name: str) -> dict[str, Entry]:
    """Return one activation in GRU (both places) and in SimpleRNN."""
    return {
        f"gru_activation_{name}": stack(SIGNAL, lambda layers: [layers.GRU(4, activation=name)]),
        f"gru_recurrent_activation_{name}": stack(
            SIGNAL, lambda layers: [layers.GRU(4, recurrent_activation=name)], scale=UNBOUNDED
        ),
        f"simple_rnn_activation_{name}": stack(
            SIGNAL, lambda layers: [layers.SimpleRNN(4, activation=name)], scale=UNBOUNDED
        ),
    }


def nested(name: str, only: Literal["keras", "tf_keras"] | None, make: Any) -> dict[str, Entry]:
    """Return a parametrised activation layer alone, and given to an LSTM and a Dense as their activation."""
    return {
        f"layer_{name}": stack(SIGNAL, lambda layers: [make(layers)], only=only),
        f"lstm_activation_layer_{name}": stack(
            SIGNAL, lambda layers: [layers.LSTM(4, activation=make(layers))], only=only
        ),
        f"dense_layer_{name}": stack(SIGNAL, lambda layers: [layers.Dense(4, activation=make(layers))], only=only),
    }


PARAMETRISED: dict[str, Entry] = {
    **nested("relu_plain", None, lambda layers: layers.ReLU()),
    **nested("relu_capped", None, lambda layers: layers.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2)),
    **nested("relu_threshold", None, lambda layers: layers.ReLU(threshold=0.3)),
    **nested("leaky_relu_default", None, lambda layers: layers.LeakyReLU()),
    **nested("leaky_relu_alpha", "tf_keras", lambda layers: layers.LeakyReLU(alpha=0.15)),
    **nested("leaky_relu_slope", "keras", lambda layers: layers.LeakyReLU(negative_slope=0.15)),
    **nested("elu_default", None, lambda layers: layers.ELU()),
    **nested("elu_alpha", None, lambda layers: layers.ELU(alpha=0.6)),
    **nested("softmax", None, lambda layers: layers.Softmax()),
    **nested("thresholded_relu", "tf_keras", lambda layers: layers.ThresholdedReLU(theta=0.4)),
    "layer_softmax_time": stack(SIGNAL, lambda layers: [layers.Softmax(axis=1)]),
    "layer_softmax_both": stack(SIGNAL, lambda layers: [layers.Softmax(axis=[1, 2])]),
    "layer_prelu": stack(SIGNAL, lambda layers: [layers.PReLU()]),
    "layer_prelu_shared": stack(SIGNAL, lambda layers: [layers.PReLU(shared_axes=[1])]),
}

PLACES: dict[str, Entry] = {
    "lstm_activation_none": stack(SIGNAL, lambda layers: [layers.LSTM(4, activation=None)], scale=UNBOUNDED),
    "lstm_recurrent_activation_none": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, recurrent_activation=None)], scale=UNBOUNDED
    ),
    "dense_none": stack(SIGNAL, lambda layers: [layers.Dense(4, activation=None)]),
    "lstm_relu_hard_sigmoid": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid")]
    ),
    "gru_reset_before_hard_sigmoid": stack(
        SIGNAL, lambda layers: [layers.GRU(4, recurrent_activation="hard_sigmoid", reset_after=False)]
    ),
    "lstm_gates_layer_relu": stack(
        SIGNAL, lambda layers: [layers.LSTM(4, recurrent_activation=layers.ReLU(max_value=1.0))], scale=UNBOUNDED
    ),
    "dense_glu": stack(SIGNAL, lambda layers: [layers.Dense(4, activation="glu")], only="keras"),
}

ENTRIES: dict[str, Entry] = {
    **{key: entry for name in COMMON for key, entry in by_name(name).items()},
    **{key: entry for name in KERAS_3 for key, entry in by_name(name, "keras").items()},
    **{key: entry for name in SELECTION for key, entry in in_other_cells(name).items()},
    **PARAMETRISED,
    **PLACES,
}
