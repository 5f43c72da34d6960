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


LOGIC: dict[str, Callable[..., Any]] = {
    "equal": _equality(np.equal, False),
    "not_equal": _equality(np.not_equal, True),
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "is_nan": np.isnan,
    "is_inf": np.isinf,
    "is_finite": np.isfinite,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "invert": np.invert,
    "where": where,
    "where_rows": where_rows,
    "choose": choose,
}
