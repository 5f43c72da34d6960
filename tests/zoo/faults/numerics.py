"""Faults of numbers: rounded weights, another epsilon, dropout that is not off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.zoo.faults.case import Case, Fault, MakePlan, at, case, with_weights
from tests.zoo.faults.layout import normalised
from tests.zoo.faults.places import at_place, chain, dense, recurrent
from tests.zoo.faults.plan import Layer, Plan, Sizes, as_kind, edited, with_arguments
from tests.zoo.faults.weights import KERNELS, Weights, rounded

# --- precision -----------------------------------------------------------------------------------------------


def precision(kind: str, names: Sequence[str] = (), layer: str = "") -> Fault:
    """Return the fault of a layer whose weights were rounded."""
    change = with_weights(rounded(kind, names))
    return Fault("weight_precision", "kernels" if names else "weights", "float32", kind, layer, weights=change)


def precision_of_all(kind: str, *layers: str) -> Fault:
    """Return the fault of a model whose weights were all rounded."""

    def change(weights: Weights, path: str) -> Weights:
        return {**weights, path: rounded(kind)(weights[path])}

    return at(replace(precision(kind), weights=change), *layers)


BOTH = ("lstm_1", "lstm_2", "dense")
SIDES = ("bidirectional/forward_layer", "bidirectional/backward_layer", "dense")
WORD_LAYERS = ("embedding", "gru", "dense")
F16, BF16, TENSOR, CHANNEL = "float16", "bfloat16", "int8 per tensor", "int8 per channel"
PRECISION_CASES = [
    case("lstm_head", at_place("head", "LSTM"), precision(F16), detail="float16"),
    case("gru_second", at_place("second", "GRU"), precision(F16), detail="float16"),
    case("lstm_both", at_place("both", "LSTM"), precision_of_all(F16, *BOTH), detail="float16_all"),
    case("gru_words", at_place("words", "GRU"), precision_of_all(F16, *WORD_LAYERS), detail="float16_all"),
    case("gru_words", at_place("words", "GRU"), precision(F16, layer="embedding"), detail="float16_embedding"),
    case("gru_head", at_place("head", "GRU"), precision(BF16), detail="bfloat16"),
    case("lstm_forward", at_place("forward", "LSTM"), precision(BF16), detail="bfloat16"),
    case("lstm_both", at_place("both", "LSTM"), precision_of_all(BF16, *BOTH), detail="bfloat16_all"),
    case("gru_bidirectional", at_place("bidirectional", "GRU"), precision_of_all(BF16, *SIDES), detail="bfloat16_all"),
    case("lstm_head", at_place("head", "LSTM"), precision(TENSOR), detail="int8_tensor"),
    case("gru_sequence", at_place("sequence", "GRU"), precision(TENSOR), detail="int8_tensor"),
    case("gru_words", at_place("words", "GRU"), precision_of_all(TENSOR, *WORD_LAYERS), detail="int8_tensor_all"),
    case("lstm_sequence", at_place("sequence", "LSTM"), precision(CHANNEL), detail="int8_channel"),
    case("gru_backward", at_place("backward", "GRU"), precision(CHANNEL), detail="int8_channel"),
    case("lstm_both", at_place("both", "LSTM"), precision_of_all(CHANNEL, *BOTH), detail="int8_channel_all"),
    case(
        "lstm_head",
        at_place("head", "LSTM"),
        precision(TENSOR, KERNELS),
        detail="int8_kernels",
        note="the bias stays in float32, as in TensorFlow Lite",
    ),
    case("dense", at_place("head", "LSTM"), precision(TENSOR, layer="dense"), detail="int8_tensor"),
    case("dense", at_place("head", "GRU"), precision(F16, layer="dense"), detail="float16"),
]

# --- products ------------------------------------------------------------------------------------------------


def products(kind: str, recurrent: str, *layers: str) -> Fault:
    """Return the fault of a runtime that rounds the factors of all products."""

    def change(plan: Plan, path: str) -> Plan:
        odd = as_kind("ShortDense", products=kind) if path == "dense" else as_kind(f"Odd{recurrent}", option=(kind, 0))
        return edited(plan, path, odd)

    fault = Fault("product_precision", "products of matrices", "float32", kind, plan=change)
    return at(fault, *layers)


TF32 = "tf32"
PRODUCT_CASES = [
    case("lstm_head", at_place("head", "LSTM"), products(TF32, "LSTM", "lstm", "dense"), detail=TF32),
    case("gru_sequence", at_place("sequence", "GRU"), products(TF32, "GRU", "gru", "dense"), detail=TF32),
    case("lstm_both", at_place("both", "LSTM"), products(TF32, "LSTM", *BOTH), detail=TF32),
    case("lstm_sequence", at_place("sequence", "LSTM"), products(BF16, "LSTM", "lstm", "dense"), detail=BF16),
    case("gru_head", at_place("head", "GRU"), products(BF16, "GRU", "gru", "dense"), detail=BF16),
    case("lstm_bidirectional", at_place("bidirectional", "LSTM"), products(BF16, "LSTM", *SIDES), detail=BF16),
]

# --- epsilon -------------------------------------------------------------------------------------------------


def epsilon(file_says: float, behaves_as: float, layer: str = "") -> Fault:
    """Return the fault of a normalisation with another epsilon."""

    def plan(plan: Plan, path: str) -> Plan:
        return edited(plan, path, with_arguments(epsilon=behaves_as))

    return Fault("epsilon", "epsilon", file_says, behaves_as, layer, plan=plan)


def written(make: MakePlan, value: float) -> MakePlan:
    """Return the plan of a normalisation with an epsilon of its own."""

    def plan(sizes: Sizes) -> Plan:
        made = make(sizes)
        return edited(made, made.target, with_arguments(epsilon=value))

    return plan


BATCH, LAYER = normalised("BatchNormalization"), normalised("LayerNormalization")
EPSILON_CASES = [
    case("batch", BATCH, epsilon(1e-3, 1e-5), detail="1e-5"),
    case("batch", written(BATCH, 1e-5), epsilon(1e-5, 1e-3), detail="1e-3"),
    case("batch_conv", at_place("conv", "GRU"), epsilon(1e-3, 1e-7, "batch_normalization"), detail="1e-7"),
    case("layer", LAYER, epsilon(1e-3, 1e-5), detail="1e-5"),
    case("layer", written(LAYER, 1e-6), epsilon(1e-6, 1e-3), detail="1e-3"),
    case("layer", written(LAYER, 1e-5), epsilon(1e-5, 1e-3), detail="1e-5_as_1e-3"),
]

# --- dropout -------------------------------------------------------------------------------------------------


def active(rate: float, layer: str = "", parameter: str = "rate") -> Fault:
    """Return the fault of a runtime in training mode."""
    return Fault("dropout_active", parameter, "off when predicting", f"on, {rate}", layer)


def dropped_between(kind: str, rate: float, dropout: str = "Dropout") -> MakePlan:
    """Return the plan of a dropout layer between two recurrent layers."""

    def plan(sizes: Sizes) -> Plan:
        first = recurrent(kind, "first", sizes.units, {"return_sequences": True})
        return chain(
            sizes, "dropout", first, Layer(dropout, "dropout", {"rate": rate}), recurrent(kind, "last", 5, {}), dense()
        )

    return plan


def dropping(kind: str, place: str, rate: float, **arguments: Any) -> Case:
    """Return the case of a recurrent layer with dropout of its own."""
    name = next(iter(arguments))
    plan = at_place(place, kind, **arguments)
    return case(f"{kind.lower()}_{place}", plan, active(rate, parameter=name), detail=name, training=True, note=TWICE)


TWICE = "y and y2 are two runs of one faulty model, which differ"
DROPOUT_CASES = [
    case("lstm_layer", dropped_between("LSTM", 0.5), active(0.5), training=True, note=TWICE),
    case("gru_layer", dropped_between("GRU", 0.2), active(0.2), training=True, note=TWICE),
    case("gru_spatial", dropped_between("GRU", 0.4, "SpatialDropout1D"), active(0.4), training=True, note=TWICE),
    dropping("LSTM", "head", 0.3, dropout=0.3),
    dropping("GRU", "sequence", 0.3, dropout=0.3),
    dropping("LSTM", "second", 0.4, recurrent_dropout=0.4),
    dropping("GRU", "head", 0.4, recurrent_dropout=0.4),
]

CASES: list[Case] = [*PRECISION_CASES, *PRODUCT_CASES, *EPSILON_CASES, *DROPOUT_CASES]
