"""Faults of activations: another function, another slope, an approximated gelu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.zoo.faults.case import Case, Fault, Framework, case
from tests.zoo.faults.places import at_place, chain, dense
from tests.zoo.faults.plan import Layer, Plan, Sizes, edited, with_arguments

K2, K3, QKERAS = "hard_sigmoid(slope=0.2)", "hard_sigmoid(slope=0.166667)", "hard_sigmoid(slope=0.5)"
UNBOUNDED = ("relu", "linear", "elu", "softplus", "exponential", "selu", "swish", "mish", "gelu", "leaky_relu", "relu6")
"""Functions without an upper limit, whose cells are given smaller weights."""

Row = tuple[str, str, str, str, Framework | None]


def other_function(
    parameter: str, file_says: Any, behaves_as: Any, name: str = "", layer: str = "", as_number: bool = False
) -> Fault:
    """Return the fault of a layer that applies another function than its file says."""
    written = f"leaky_relu(negative_slope={behaves_as})" if as_number else behaves_as

    def change(plan: Plan, path: str) -> Plan:
        return edited(plan, path, with_arguments(**{parameter: written}))

    said = "negative_slope" if as_number else parameter
    return Fault(name or parameter, said, file_says, behaves_as, layer, plan=change)


def short(function: str) -> str:
    """Return a function's name as part of a case's name."""
    return function.replace("(slope=", "_").replace("(negative_slope=", "_").replace(".", "").split(")")[0]


def in_cells(parameter: str, rows: Sequence[Row]) -> list[Case]:
    """Return the cases of an activation of recurrent layers."""
    made = []
    for kind, place, file_says, behaves_as, only in rows:
        fault = other_function(parameter, file_says, behaves_as)
        unbounded = parameter == "activation" and (file_says in UNBOUNDED or behaves_as in UNBOUNDED)
        argument: dict[str, Any] = {parameter: file_says}
        plan = at_place(place, kind, **argument)
        detail = f"{short(file_says)}_as_{short(behaves_as)}"
        scale = 0.7 if unbounded or behaves_as in UNBOUNDED else 1.5
        made.append(case(f"{kind.lower()}_{place}", plan, fault, detail=detail, only=only, scale=scale))
    return made


RECURRENT_ACTIVATION: list[Row] = [
    ("LSTM", "head", "hard_sigmoid", "sigmoid", "tf_keras"),
    ("LSTM", "second", "hard_sigmoid", K3, "tf_keras"),
    ("LSTM", "backward", "hard_sigmoid", QKERAS, "tf_keras"),
    ("LSTM", "with_states", "hard_sigmoid", K3, "tf_keras"),
    ("GRU", "head", "hard_sigmoid", K3, "tf_keras"),
    ("GRU", "forward", "hard_sigmoid", "sigmoid", "tf_keras"),
    ("GRU", "words", "hard_sigmoid", K3, "tf_keras"),
    ("LSTM", "head", "hard_sigmoid", K2, "keras"),
    ("LSTM", "sequence", "hard_sigmoid", "sigmoid", "keras"),
    ("LSTM", "masked", "hard_sigmoid", K2, "keras"),
    ("GRU", "first", "hard_sigmoid", K2, "keras"),
    ("GRU", "words", "hard_sigmoid", QKERAS, "keras"),
    ("LSTM", "head", "sigmoid", K2, None),
    ("GRU", "sequence", "sigmoid", K2, None),
    ("LSTM", "forward", "sigmoid", K3, None),
    ("GRU", "branch", "sigmoid", K3, None),
    ("LSTM", "after_dense", "sigmoid", QKERAS, None),
    ("GRU", "second", "sigmoid", QKERAS, None),
    ("LSTM", "conv", "sigmoid", "tanh", None),
    ("GRU", "head", "sigmoid", "softsign", None),
    ("LSTM", "branch", "tanh", "sigmoid", None),
    ("LSTM", "distributed", "sigmoid", K2, None),
    ("LSTM", "first", "sigmoid", "relu", None),
    ("LSTM", "encoder_decoder", "hard_sigmoid", "sigmoid", None),
    ("GRU", "alone", "hard_sigmoid", "sigmoid", None),
]
ACTIVATION: list[Row] = [
    ("LSTM", "head", "tanh", "relu", None),
    ("LSTM", "second", "tanh", "sigmoid", None),
    ("LSTM", "forward", "tanh", "linear", None),
    ("LSTM", "sequence", "softsign", "tanh", None),
    ("LSTM", "words", "relu", "tanh", None),
    ("LSTM", "masked", "elu", "relu", None),
    ("GRU", "head", "tanh", "softsign", None),
    ("GRU", "backward", "tanh", "relu", None),
    ("GRU", "first", "relu", "softplus", None),
    ("GRU", "distributed", "tanh", "elu", None),
    ("SimpleRNN", "head", "tanh", "relu", None),
    ("SimpleRNN", "sequence", "relu", "tanh", None),
    ("SimpleRNN", "second", "tanh", "linear", None),
    ("LSTM", "branch", "tanh", "selu", None),
]
DENSE: list[tuple[str, str, Framework | None]] = [
    ("softmax", "linear", None),
    ("softmax", "sigmoid", None),
    ("tanh", "linear", None),
    ("hard_sigmoid", K3, "tf_keras"),
    ("hard_sigmoid", K2, "keras"),
    ("sigmoid", K2, None),
    ("relu", "linear", None),
    ("swish", "relu", None),
    ("softplus", "relu", None),
    ("gelu", "relu", None),
    ("elu", "selu", None),
    ("mish", "swish", None),
]


def dense_head(activation: str, layer: str = "LSTM") -> Any:
    """Return the plan of a recurrent layer and a Dense one with an activation."""

    def plan(sizes: Sizes) -> Plan:
        recurrent = Layer(layer, "recurrent", {"units": sizes.units})
        return chain(sizes, "dense", recurrent, dense(units=4, activation=activation))

    return plan


def per_step(activation: str) -> Any:
    """Return the plan of a Dense layer at every time step of a Bidirectional."""

    def plan(sizes: Sizes) -> Plan:
        inner = Layer("GRU", "gru", {"units": sizes.units, "return_sequences": True})
        both = Layer("Bidirectional", "bidirectional", {}, {"layer": inner})
        tag = Layer("TimeDistributed", "tag", {}, {"layer": dense(units=4, activation=activation)})
        return chain(sizes, "tag/layer", both, tag)

    return plan


def as_layer(kind: str, **arguments: Any) -> Any:
    """Return the plan with an activation layer between a Dense layer at every step and an LSTM."""

    def plan(sizes: Sizes) -> Plan:
        before = Layer("TimeDistributed", "each", {}, {"layer": dense("inner", 6)})
        last = Layer("LSTM", "lstm", {"units": sizes.units})
        return chain(sizes, "between", before, Layer(kind, "between", arguments), last)

    return plan


DENSE_CASES = [
    case(
        "dense",
        dense_head(file_says),
        other_function("activation", file_says, behaves_as),
        detail=f"{short(file_says)}_as_{short(behaves_as)}",
        only=only,
    )
    for file_says, behaves_as, only in DENSE
]
LAYER_CASES = [
    case("each_dense", per_step("relu"), other_function("activation", "relu", "elu"), detail="relu_as_elu"),
    case("each_dense", per_step("sigmoid"), other_function("activation", "sigmoid", K3), detail="sigmoid_as_hard"),
    case(
        "layer",
        as_layer("Activation", activation="tanh"),
        other_function("activation", "tanh", "softsign"),
        detail="tanh_as_softsign",
    ),
    case(
        "dense",
        dense_head("leaky_relu"),
        other_function("activation", "leaky_relu", "relu"),
        detail="leaky_relu_as_relu",
        ties=(("negative_slope", "relu is leaky_relu with a slope of 0"),),
    ),
]


def layer_slope(layer: str, file_says: float, behaves_as: float) -> Fault:
    """Return the fault of a LeakyReLU or ReLU layer with another slope."""
    return Fault(
        "negative_slope",
        "negative_slope",
        file_says,
        behaves_as,
        layer,
        plan=lambda plan, path: edited(plan, path, with_arguments(negative_slope=behaves_as)),
    )


def slope(file_says: float, behaves_as: float, layer: str = "") -> Fault:
    """Return the fault of a layer whose leaky_relu has another slope."""
    return other_function("activation", file_says, behaves_as, "negative_slope", layer, as_number=True)


SLOPES = [
    case("dense", dense_head("leaky_relu"), slope(0.2, 0.3), detail="03"),
    case("dense", dense_head("leaky_relu", "GRU"), slope(0.2, 0.01), detail="001"),
    case("each_dense", per_step("leaky_relu"), slope(0.2, 0.3), detail="03"),
    case("layer", as_layer("LeakyReLU"), layer_slope("between", 0.3, 0.2), detail="02"),
    case("layer", as_layer("LeakyReLU"), layer_slope("between", 0.3, 0.01), detail="001"),
    case("layer", as_layer("LeakyReLU", negative_slope=0.1), layer_slope("between", 0.1, 0.3), detail="01_as_03"),
    case("relu_layer", as_layer("ReLU", negative_slope=0.25), layer_slope("between", 0.25, 0.01), detail="001"),
    case("lstm_head", at_place("head", "LSTM", activation="leaky_relu"), slope(0.2, 0.01), detail="001", scale=0.7),
    case("lstm_second", at_place("second", "LSTM", activation="leaky_relu"), slope(0.2, 0.3), detail="03", scale=0.7),
    case("gru_forward", at_place("forward", "GRU", activation="leaky_relu"), slope(0.2, 0.3), detail="03", scale=0.7),
]


def approximated(layer: str = "") -> Fault:
    """Return the fault of a gelu that is the approximation by tanh."""
    return other_function("activation", "gelu", "gelu(approximate=True)", "gelu_approximation", layer)


GELU = [
    case("dense", dense_head("gelu"), approximated()),
    case("dense_gru", dense_head("gelu", "GRU"), approximated()),
    case("each_dense", per_step("gelu"), approximated()),
    case("layer", as_layer("Activation", activation="gelu"), approximated()),
    case("lstm_head", at_place("head", "LSTM", activation="gelu"), approximated(), scale=0.8),
    case("gru_sequence", at_place("sequence", "GRU", activation="gelu"), approximated(), scale=0.8),
]

CASES = [
    *in_cells("recurrent_activation", RECURRENT_ACTIVATION),
    *in_cells("activation", ACTIVATION),
    *DENSE_CASES,
    *LAYER_CASES,
    *SLOPES,
    *GELU,
]
