"""Functions of one tensor, element by element, and activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.operations.activations import ActivationFunction, erf

_erfc = np.frompyfunc(math.erfc, 1, 1)


def erfc(x: Array) -> Array:
    """1 − erf, from the C library, which stays accurate where erf is nearly 1."""
    return np.asarray(_erfc(x)).astype(x.dtype)


def _of_itself(function: Callable[[Array], Array]) -> Callable[[Any], Any]:
    """A function that NumPy has not, for arrays of any type."""
    return lambda x: function(x) if isinstance(x, np.ndarray) else x.mapped(function)


def _activation(name: str) -> Callable[..., Any]:
    return lambda x, **parameters: ActivationFunction.of(name, **parameters)(x)


def _from_an_axis(name: str) -> Callable[..., Any]:
    """An activation along all axes from one on, taken as one."""
    return lambda x, axis: ActivationFunction.of(name, axis=_from(axis, x.ndim))(x)


def _from(axis: int, axes: int) -> tuple[int, ...]:
    return tuple(range(axis + axes if axis < 0 else axis, axes))


def prelu(x: Array, slope: Array) -> Any:
    """`x`, times `slope` where it is negative."""
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


def shrink(x: Array, threshold: float, bias: float) -> Any:
    """`x` nearer to 0 by `bias`, and 0 from -threshold to threshold."""
    return np.where(x > threshold, x - bias, np.where(x < -threshold, x + bias, np.zeros((), x.dtype)))


def hardmax(x: Array, axis: int | tuple[int, ...] = -1) -> Any:
    """1 at the largest element along an axis, or several taken as one, and 0 elsewhere; of equal ones the first."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    z = np.moveaxis(x, axes, range(-len(axes), 0))
    rows = z.reshape(*z.shape[: z.ndim - len(axes)], -1)
    is_largest = np.equal(np.expand_dims(np.argmax(rows, axis=-1), -1), np.arange(rows.shape[-1]))
    y = np.where(is_largest, np.ones((), x.dtype), np.zeros((), x.dtype))
    return np.moveaxis(y.reshape(z.shape), range(-len(axes), 0), axes)


def _same(x: Any) -> Any:
    return x


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "identity": _same,
    "negative": np.negative,
    "absolute": np.abs,
    "sign": np.sign,
    "reciprocal": np.reciprocal,
    "square": np.square,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "arctan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,  # half to even
    "erf": _of_itself(erf),
    "erfc": _of_itself(erfc),
    **{
        name: _activation(name)
        for name in (
            "sigmoid",
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "selu",
            "celu",
            "gelu",
            "silu",
            "hard_silu",
            "hard_sigmoid",
            "mish",
            "threshold",
            "softplus",
            "softsign",
            "softmax",
            "log_softmax",
        )
    },
    "softmax_from": _from_an_axis("softmax"),
    "log_softmax_from": _from_an_axis("log_softmax"),
    "hardmax": hardmax,
    "hardmax_from": lambda x, axis: hardmax(x, _from(axis, x.ndim)),
    "prelu": prelu,
    "shrink": shrink,
}
