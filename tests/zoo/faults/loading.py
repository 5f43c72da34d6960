"""Faults of loading: weights as a layer is built with, a Dense layer that was never loaded, normalisation twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.faults.case import Case, Fault, MakePlan, case, with_weights
from tests.zoo.faults.layout import normalised
from tests.zoo.faults.places import at_place, chain, dense, recurrent
from tests.zoo.faults.plan import Edit, Layer, Plan, Sizes, edited, inserted
from tests.zoo.faults.weights import Tensors, Transform, Weights

# --- as built ------------------------------------------------------------------------------------------------

STATISTICS, FACTORS = ("moving_mean", "moving_variance"), ("gamma", "beta")
BEGUN = {"moving_mean": 0, "moving_variance": 1, "gamma": 1, "beta": 0}


def begun(*names: str) -> Transform:
    """Return the transform of weights of a normalisation to what they are when it is built."""
    return lambda tensors: {
        name: np.full_like(array, BEGUN[name]) if name in names else array for name, array in tensors.items()
    }


def lstm_bias(tensors: Tensors) -> Tensors:
    """The bias of an LSTM as Keras builds it."""
    bias = np.zeros_like(tensors["bias"])
    bias[len(bias) // 4 : len(bias) // 2] = 1
    return {**tensors, "bias": bias}


def initial(transform: Transform, *names: str, layer: str = "") -> Fault:
    """Return the fault of weights that are as the layer was built."""
    words = "as built: 1 for the forget gate, else 0" if names == ("bias",) else "as built: 0 and 1"
    parameter = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return Fault("initial_weights", parameter, "those of the file", words, layer, weights=with_weights(transform))


def at_layer(*names: str, layer: str = "") -> Fault:
    """Return the same for a normalisation."""
    return initial(begun(*names), *names, layer=layer)


BATCH, LAYER = normalised("BatchNormalization"), normalised("LayerNormalization")
BIAS = initial(lstm_bias, "bias")
INITIAL_CASES = [
    case("batch", BATCH, at_layer(*STATISTICS), detail="statistics"),
    case("batch", BATCH, at_layer(*FACTORS), detail="factors"),
    case("batch", BATCH, at_layer(*STATISTICS, *FACTORS), detail="all"),
    case("conv", at_place("conv", "GRU"), at_layer(*STATISTICS, layer="batch_normalization"), detail="statistics"),
    case("layer", LAYER, at_layer(*FACTORS), detail="factors"),
    case("lstm_head", at_place("head", "LSTM"), BIAS, detail="bias"),
    case("lstm_forward", at_place("forward", "LSTM"), BIAS, detail="bias"),
]

# --- a Dense layer that was never loaded -----------------------------------------------------------------------


def never_loaded(weights: Weights, path: str) -> Weights:
    """Give a Dense layer the weights that Keras builds one with."""
    kernel = weights[path]["kernel"]
    limit = np.sqrt(6 / sum(kernel.shape))
    rng = np.random.default_rng(17)
    tensors = {"kernel": rng.uniform(-limit, limit, kernel.shape).astype(np.float32)}
    if "bias" in weights[path]:
        tensors["bias"] = np.zeros_like(weights[path]["bias"])
    return {**weights, path: tensors}


def other(layer: str) -> Fault:
    """Return the fault of a Dense layer with other weights than the file has."""
    return Fault("other_weights", "kernel and bias", "its own", "others", layer, weights=never_loaded)


OTHER_CASES = [
    case("lstm_head", at_place("head", "LSTM", units=4), other("dense")),
    case("gru_words", at_place("words", "GRU", units=3), other("dense")),
    case("lstm_sequence", at_place("sequence", "LSTM"), other("dense")),
    case("gru_branch_sequence", at_place("sequence", "GRU", units=9), other("dense")),
]

# --- normalisation ---------------------------------------------------------------------------------------------


def scaling(kind: str, **arguments: Any) -> MakePlan:
    """Return the plan of a layer that scales the input of a recurrent one."""

    def plan(sizes: Sizes) -> Plan:
        given = {key: value(sizes) if callable(value) else value for key, value in arguments.items()}
        first = Layer(kind, "scaling", given)
        return chain(sizes, "scaling", first, recurrent("LSTM", "lstm", sizes.units, {}), dense())

    return plan


def means(sizes: Sizes) -> list[float]:
    """Return what features come to on average."""
    return [round(0.3 * index - 0.4, 1) for index in range(sizes.features)]


def variances(sizes: Sizes) -> list[float]:
    """Return how far they spread."""
    return [0.5 + index for index in range(sizes.features)]


def twice(plan: Plan, path: str) -> Plan:
    """Put the same layer behind a layer."""
    layer = next(each for each in plan.layers if each.name == path)
    return inserted(plan, path, replace(layer, name="again", weights_of=path))


LEFT_OUT: Edit = lambda layer: Layer("Activation", layer.name, {"activation": "linear"})  # noqa: E731


def without(plan: Plan, path: str) -> Plan:
    """Leave a layer out."""
    return edited(plan, path, LEFT_OUT)


TWICE = Fault("normalization", "the layer", "applied", "applied twice", plan=twice)
NOT_AT_ALL = Fault("normalization", "the layer", "applied", "left out", plan=without)
FEATURES, RESCALED = scaling("Normalization", mean=means, variance=variances), scaling("Rescaling", scale=0.4, offset=1)
NORMALIZATION_CASES = [
    case("features", FEATURES, TWICE, detail="twice"),
    case("features", FEATURES, NOT_AT_ALL, detail="left_out"),
    case("rescaling", RESCALED, TWICE, detail="twice"),
    case("rescaling", RESCALED, NOT_AT_ALL, detail="left_out"),
    case("batch", BATCH, NOT_AT_ALL, detail="left_out"),
    case("layer", LAYER, NOT_AT_ALL, detail="left_out"),
]

CASES: list[Case] = [*INITIAL_CASES, *OTHER_CASES, *NORMALIZATION_CASES]
