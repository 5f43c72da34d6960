"""How activations propagate rounding errors.

An activation is one operation of a framework, so its errors go through it as a whole: computed part by part, those of
`x σ(x)` would be taken for independent, and those of a softmax never cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.rounded.array import SIGMAS, Array, Rounded, own_error
from lstm_verify.rounded.discrete import CHOICE
from lstm_verify.rounded.ufuncs import ELEMENTARY, spread

SLOPES: dict[str, Callable[[Array], Any]] = {
    "linear": lambda y: 1.0,
    "tanh": lambda y: 1 - np.square(y),
    "sigmoid": lambda y: y * (1 - y),
}
"""The slope at a result, for the functions that run at every time step."""
OWN_ERRORS: dict[str, Callable[[Array, Array], Any]] = {
    "softmax": lambda z, y: (4 - 0.125 * np.log(np.maximum(y, 1e-300))) * y,
    "log_softmax": lambda z, y: 1 + np.abs(y),
    "hard_sigmoid": lambda z, y: 4 * np.abs(y) + 0.5 * ((y > 0) & (y < 1)),
    "hard_silu": lambda z, y: 4 * np.abs(y) + 0.5 * np.abs(z) * (np.abs(z) < 3),
    "elu": lambda z, y: 4 * np.abs(y) + 0.5 * (z < 0),
    "celu": lambda z, y: 4 * np.abs(y) + 0.5 * (z < 0),
    "selu": lambda z, y: 4 * np.abs(y) + 1.0 * (z < 0),
    "gelu": lambda z, y: 4 * np.abs(y) + 3.0 * (z < 0),
    "mish": lambda z, y: 4 * np.abs(y) + 3.0 * (z < 0),
    "tanh_shrink": lambda z, y: 4 * np.abs(y) + 4 * np.abs(np.tanh(z)),
    "sparsemax": lambda z, y: 4 * np.abs(y) + 2.0 * (y > 0),
    "squareplus": lambda z, y: 4 * np.abs(y) + np.abs(z) * (z < 0),
}
"""The error of a framework's own approximation at an input and its result, in units of u, where it is not 4 |y|: what
is the difference of larger numbers has an error of their size. Measured with TensorFlow 2.21, with and without oneDNN
and XLA, on a grid of all inputs (docs/rounding.md)."""
NEAREST = 2.0**-5
"""In units of u, how near 1 a sigmoid or a tanh is that is exactly 1 in every framework: a gate that is open has no
other error than that. Measured up to 130 in every format, with and without XLA: they are 1 from 0.07 u on."""
SATURATING = {"sigmoid", "tanh"}
CONSTANTS_IN_FLOAT32 = {"gelu", "leaky_relu"}
"""Activations whose constants TensorFlow has in float32, though it computes in float64."""
JUMPS: dict[str, Callable[[dict[str, Any]], tuple[float, ...]]] = {
    "relu": lambda given: (given["threshold"],) if given.get("threshold") else (),
    "threshold": lambda given: (given["threshold"],),
    "hard_shrink": lambda given: (-given.get("threshold", 0.5), given.get("threshold", 0.5)),
}
"""Where activations jump, by their parameters; everywhere else, and all others, are continuous."""
IN_FLOAT64 = 2.0**-53
"""The error of the replay's own tanh in cells, which is 2 / (1 + exp(-2z)) - 1."""
FLUSHED = 0.02
"""In units of u, what a sigmoid in float16 may be and still become 0 (XLA)."""
SMALL = 1e-4
"""Errors for which a smooth function is as good as straight."""


def _softmax(z: Array, y: Array, variance: Array, axis: Any) -> Array:
    """∂y_i/∂x_j = y_i (δ_ij - y_j)"""
    weighted = np.square(y) * variance
    others = np.sum(weighted, axis=axis, keepdims=True) - weighted
    result: Array = np.square(y) * (np.square(1 - y) * variance + np.maximum(others, 0))
    return result


def _log_softmax(z: Array, y: Array, variance: Array, axis: Any) -> Array:
    """∂y_i/∂x_j = δ_ij - exp(y_j)"""
    p = np.exp(y)
    weighted = np.square(p) * variance
    others = np.sum(weighted, axis=axis, keepdims=True) - weighted
    result: Array = np.square(1 - p) * variance + np.maximum(others, 0)
    return result


def _sparsemax(z: Array, y: Array, variance: Array, axis: Any) -> Array:
    """∂y_j/∂x_i = δ_ij - w_i where y_j > 0, with w_i = (k - rank_i + 1)/k for the k largest elements, and 0 for others.

    The threshold of Keras 3 is (Σ of the cumulative sums of the k largest - 1)/k.
    """
    z, y, variance = (np.moveaxis(array, axis, -1) for array in (z, y, variance))
    order = np.argsort(-z, axis=-1)
    descending, ranked = np.take_along_axis(z, order, -1), np.take_along_axis(variance, order, -1)
    rank = np.arange(1, z.shape[-1] + 1)
    support = descending - (np.cumsum(descending, axis=-1) - 1) / rank > 0
    k = np.sum(support, axis=-1, keepdims=True)
    w = np.where(support, (k - rank + 1) / np.maximum(k, 1), 0.0)
    others = np.sum(np.square(w) * ranked, axis=-1, keepdims=True) - np.square(w) * ranked
    result = np.empty_like(variance)
    np.put_along_axis(result, order, np.maximum(others, 0) + np.square(1 - w) * ranked, -1)
    return np.moveaxis(np.where(y > 0, result, 0.0), -1, axis)


COMPOSED = {"glu", "affine"}
"""Activations that frameworks compute part by part."""
ALONG_AN_AXIS = {"softmax": _softmax, "log_softmax": _log_softmax, "sparsemax": _sparsemax}


def activated(x: Rounded, activation: Any) -> Any:
    """Apply an activation to an array with rounding errors."""
    if activation.name in COMPOSED:
        return activation.function(x)
    y = activation.function(x.value)
    if activation.name == "linear":
        return x
    return x.like(y, _passed_on(x, y, activation) + _added(x, y, activation))


def _added(x: Rounded, y: Array, activation: Any) -> Any:
    precision = x.rounding.precision
    if precision.name == "float64" and activation.name in CONSTANTS_IN_FLOAT32:
        return np.square(2.0**-26 * (np.abs(y) + np.abs(x.value)))
    if activation.name in OWN_ERRORS:
        return own_error(OWN_ERRORS[activation.name](x.value, y), precision)
    added = own_error(y, precision, ELEMENTARY)
    if activation.name in ("sigmoid", "silu") and precision.sigmoid_error:
        factor = x.value if activation.name == "silu" else 1.0
        return added + np.square(precision.sigmoid_error * precision.unit * factor)
    if activation.name in ("sigmoid", "silu") and precision.is_narrow:
        added = added + (FLUSHED * precision.unit) ** 2
    if activation.name in SATURATING and not precision.sigmoid_error:
        left = 1 - np.abs(y)
        added = np.where(left < NEAREST * precision.unit, np.square(left), added)
    if activation.name == "tanh":
        added = added + IN_FLOAT64**2
    return added


def _beside(x: Rounded, jumps: tuple[float, ...]) -> Array:
    """Where rounding may carry a value over a jump."""
    x.rounding.noticed.add(CHOICE)
    reach = SIGMAS * np.sqrt(x.variances())
    beside = np.zeros(x.shape, bool)
    for jump in jumps:
        beside |= ~(np.abs(x.value - jump) > reach) & (reach != 0)
    return beside


def _held(x: Rounded) -> Array:
    """The variances; infinite of what may be too large for the precision, and so NaN soon, whatever bounds it here."""
    variance, reach = x.variances(), x.rounding.precision.largest / SIGMAS
    if not variance.size or variance.max() < reach * reach:
        return variance
    return np.where(variance < reach * reach, variance, np.inf)


def _passed_on(x: Rounded, y: Array, activation: Any) -> Any:
    if x.exact:
        return 0.0
    variance = _held(x)
    if activation.name in ALONG_AN_AXIS:
        return ALONG_AN_AXIS[activation.name](x.value, y, variance, dict(activation.parameters).get("axis", -1))
    jumps = JUMPS[activation.name](dict(activation.parameters)) if activation.name in JUMPS else ()
    if jumps:
        return np.where(_beside(x, jumps), np.inf, spread(activation.function, y, x.value, variance))
    slope = SLOPES.get(activation.name)
    if slope is not None and (not variance.size or variance.max() < SMALL**2):
        return np.square(slope(y)) * variance
    return spread(activation.function, y, x.value, variance)
