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
            "softplus",
            "softsign",
            "softmax",
            "log_softmax",
        )
    },
}
