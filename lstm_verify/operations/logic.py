"""Comparisons, logic and choices. Comparisons give booleans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array


def _equality(ufunc: np.ufunc, unlike: bool) -> Callable[..., Any]:
    def compare(x: Array, y: Array, incompatible_shape_error: bool = True) -> Any:
        """Compare element by element; shapes that do not fit are an error, or simply not equal."""
        if not incompatible_shape_error:
            try:
                np.broadcast_shapes(np.shape(x), np.shape(y))
            except ValueError:
                return np.asarray(unlike)
        return ufunc(x, y)

    return compare


def where(condition: Array, x: Array, y: Array) -> Array:
    return np.where(condition, x, y)


def where_rows(condition: Array, x: Array, y: Array) -> Array:
    """Choose by element, or by row if the condition is a vector."""
    if condition.ndim == 1:
        condition = condition.reshape(-1, *[1] * (x.ndim - 1))
    return np.where(condition, x, y)


def choose(condition: Array, if_true: Any, if_false: Any) -> Any:
    """Choose one of two whole values, of whatever shape or kind they are."""
    return if_true if np.all(condition) else if_false


def is_inf(x: Array, positive: bool = True, negative: bool = True) -> Any:
    """Whether each element is infinite; `positive` and `negative` say which infinity counts."""
    y = np.isinf(x)
    if positive and negative:
        return y
    sign = np.greater(x, 0) if positive else np.less(x, 0)
    return np.logical_and(y, sign) if positive or negative else np.zeros_like(y)


LOGIC: dict[str, Callable[..., Any]] = {
    "equal": _equality(np.equal, False),
    "not_equal": _equality(np.not_equal, True),
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "is_nan": np.isnan,
    "is_inf": is_inf,
    "is_finite": np.isfinite,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "invert": np.invert,
    "where": where,
    "where_rows": where_rows,
    "choose": choose,
}
