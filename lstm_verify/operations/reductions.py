"""Reductions over axes. Integers keep their type; of nothing at all, the largest number is the lowest there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError

Axes = int | tuple[int, ...] | None


def axes_of(axis: Any) -> Axes:
    """An axis, several, or all (None), as any array or sequence."""
    if axis is None or isinstance(axis, int):
        return axis
    values = np.asarray(axis)
    return int(values) if not values.ndim else tuple(int(value) for value in values.ravel())


def _kept(x: Array) -> np.dtype[Any] | None:
    """The dtype of a sum, which NumPy would widen; a sum of truth values counts."""
    return x.dtype if x.dtype != bool else None


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False: function(x, axis=axes_of(axis), keepdims=bool(keepdims))


def _summing(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False: function(x, axis=axes_of(axis), keepdims=bool(keepdims), dtype=_kept(x))


def mean(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    if not np.issubdtype(x.dtype, np.integer):
        return np.mean(x, axis=axes_of(axis), keepdims=bool(keepdims))
    total = np.sum(x, axis=axes_of(axis), keepdims=bool(keepdims), dtype=np.int64)
    count = x.size // max(np.size(total), 1)
    return np.trunc(total / count).astype(x.dtype)


def _limit(x: Array, sign: int) -> Any:
    if np.issubdtype(x.dtype, np.integer):
        limits = np.iinfo(x.dtype)
        return limits.max if sign > 0 else limits.min
    return sign * np.inf


def largest(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(x, axis=axes_of(axis), keepdims=bool(keepdims), **({} if x.size else {"initial": _limit(x, -1)}))


def smallest(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    return np.min(x, axis=axes_of(axis), keepdims=bool(keepdims), **({} if x.size else {"initial": _limit(x, 1)}))


def argmax(x: Array, axis: Any, dtype: str = "int64") -> Array:
    """The place of the largest element along an axis; of several, the first."""
    return np.asarray(np.argmax(x, axis=int(axis))).astype(dtype)


def argmin(x: Array, axis: Any, dtype: str = "int64") -> Array:
    return np.asarray(np.argmin(x, axis=int(axis))).astype(dtype)


def top_k(x: Array, k: Any, dtype: str = "int32") -> tuple[Array, Array]:
    """The `k` largest elements along the last axis, from the largest down, and their places.

    Raises:
        InputError: there are fewer than `k`.
    """
    if x.shape[-1] < int(k):
        raise InputError(f"the {int(k)} largest elements of {x.shape[-1]} are asked for")
    # stable on the reversed axis and then reversed: of equal elements the first comes first
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1][..., : int(k)]
    return np.take_along_axis(x, order, axis=-1), order.astype(dtype)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _summing(np.sum),
    "prod": _summing(np.prod),
    "mean": mean,
    "max": largest,
    "min": smallest,
    "any": _plain(np.any),
    "all": _plain(np.all),
    "argmax": argmax,
    "argmin": argmin,
    "top_k": top_k,
}
