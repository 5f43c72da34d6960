"""The activations of LSTM, GRU and RNN: names whose parameters are consumed in turn, and a clip before each.

Source: the operators' text, onnx.ai/onnx/operators/onnx__LSTM.html.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.graph.ir import Node
from lstm_verify.operations.activations import ActivationFunction


class FunctionOf(NamedTuple):
    """An activation of ONNX."""

    name: str
    """Its name here."""
    alpha: str = ""
    """The name of the parameter that `alpha` is; empty if there is none."""
    beta: str = ""
    defaults: tuple[float, ...] = ()
    """Those of the operators of the same names."""
    more: tuple[tuple[str, float], ...] = ()
    """Parameters that are fixed."""


FUNCTIONS: dict[str, FunctionOf] = {
    "relu": FunctionOf("relu"),
    "tanh": FunctionOf("tanh"),
    "sigmoid": FunctionOf("sigmoid"),
    "softsign": FunctionOf("softsign"),
    "softplus": FunctionOf("softplus"),
    "leakyrelu": FunctionOf("leaky_relu", "negative_slope", defaults=(0.01,)),
    "thresholdedrelu": FunctionOf("threshold", "threshold", defaults=(1.0,), more=(("default_value", 0.0),)),
    "elu": FunctionOf("elu", "alpha", defaults=(1.0,)),
    "hardsigmoid": FunctionOf("hard_sigmoid", "slope", "offset", (0.2, 0.5)),
    # of these two the text names no numbers: 1 and 0 change nothing
    "scaledtanh": FunctionOf("scaled_tanh", "alpha", "beta", (1.0, 1.0)),
    "affine": FunctionOf("affine", "alpha", "beta", (1.0, 0.0)),
}
"""By their names in small letters, since case does not count."""


def activations(node: Node, default: tuple[str, ...], directions: int) -> list[tuple[ActivationFunction, ...]]:
    """Return the functions of every direction, with their parameters and the clip before them.

    Numbers of `activation_alpha` and `activation_beta` are for those functions in turn that have such a number.

    Raises:
        UnsupportedError: a function is not known.
        ModelFileError: there are too few functions, or numbers that belong to none.
    """
    attributes = node.attributes
    names = list(attributes.get("activations") or default * directions)
    if len(names) != len(default) * directions:
        raise ModelFileError(
            f"node '{node.name}': {len(names)} activations, expected {len(default)} for each of {directions} directions"
        )
    numbers = {key: list(attributes.get(f"activation_{key}") or ()) for key in ("alpha", "beta")}
    clip = attributes.get("clip") or None
    found = [_function(node, name, numbers, clip) for name in names]
    for key, left in numbers.items():
        if left:
            raise ModelFileError(
                f"node '{node.name}': activation_{key} has {len(left)} numbers more than functions take. Leave them out"
            )
    count = len(default)
    return [tuple(found[start : start + count]) for start in range(0, len(found), count)]


def _function(node: Node, name: str, numbers: dict[str, list[float]], clip: float | None) -> ActivationFunction:
    known = FUNCTIONS.get(name.lower())
    if known is None:
        raise UnsupportedError(f"node '{node.name}': activation '{name}' is not one that ONNX has")
    parameters = dict(known.more)
    for place, (key, parameter) in enumerate({"alpha": known.alpha, "beta": known.beta}.items()):
        if not parameter:
            continue
        given = numbers[key]
        parameters[parameter] = _decimal(given.pop(0)) if given else known.defaults[place]
    if parameters.get("offset") == 0.5:
        del parameters["offset"]
    return ActivationFunction.of(known.name, **parameters).clipped(clip)


def _decimal(number: float) -> float:
    """The number that a float32 was written for, 0.2 and not 0.20000000298."""
    return float(str(np.float32(number)))
