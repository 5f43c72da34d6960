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


def _over(axis: Any, empty_is_all: bool | None) -> Axes:
    """The axes to reduce.

    Args:
        axis: an axis, several, or None.
        empty_is_all: whether no axes at all are all of them, or none; None: None is all, and an empty sequence none.
    """
    axes = axes_of(axis)
    if empty_is_all is None or (axes is not None and axes != ()):
        return axes
    return None if empty_is_all else ()


def _kept(x: Array) -> np.dtype[Any] | None:
    """The dtype of a sum, which NumPy would widen; a sum of truth values counts."""
    return x.dtype if x.dtype != bool else None


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False: function(x, axis=axes_of(axis), keepdims=bool(keepdims))


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of an array, of which it may be said what no axes at all mean."""

    def reduced(x: Array, axis: Any = None, keepdims: Any = False, empty_is_all: bool | None = None) -> Any:
        return function(x, _over(axis, empty_is_all), bool(keepdims))

    return reduced


def _sum(x: Array, axis: Axes, keepdims: bool) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims, dtype=_kept(x))


def _prod(x: Array, axis: Axes, keepdims: bool) -> Any:
    return np.prod(x, axis=axis, keepdims=keepdims, dtype=_kept(x))


def _log_sum_exp(x: Array, axis: Axes, keepdims: bool) -> Any:
    most = largest(x, axis, True)
    most = np.where(np.isfinite(most), most, np.zeros((), x.dtype))
    y = most + np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis)


def mean(x: Array, axis: Axes, keepdims: bool) -> Any:
    if not np.issubdtype(x.dtype, np.integer):
        return np.mean(x, axis=axis, keepdims=keepdims)
    total = np.sum(x, axis=axis, keepdims=keepdims, dtype=np.int64)
    count = x.size // max(np.size(total), 1)
    return np.trunc(total / count).astype(x.dtype)


def _limit(x: Array, sign: int) -> Any:
    if x.dtype == bool:
        return sign > 0
    if np.issubdtype(x.dtype, np.integer):
        limits = np.iinfo(x.dtype)
        return limits.max if sign > 0 else limits.min
    return sign * np.inf


def largest(x: Array, axis: Axes, keepdims: bool) -> Any:
    return np.max(x, axis=axis, keepdims=keepdims, **({} if x.size else {"initial": _limit(x, -1)}))


def smallest(x: Array, axis: Axes, keepdims: bool) -> Any:
    return np.min(x, axis=axis, keepdims=keepdims, **({} if x.size else {"initial": _limit(x, 1)}))


def _place(pick: Callable[..., Any]) -> Callable[..., Array]:
    def place(x: Array, axis: Any, dtype: str = "int64", keepdims: Any = False, last: bool = False) -> Array:
        """The place of an extreme element along an axis; of several, the first or the `last`."""
        along = int(axis)
        if not last:
            return np.asarray(pick(x, axis=along, keepdims=bool(keepdims))).astype(dtype)
        from_the_end = pick(np.flip(x, along), axis=along, keepdims=bool(keepdims))
        return np.asarray(x.shape[along] - 1 - from_the_end).astype(dtype)

    return place


def top_k(x: Array, k: Any, dtype: str = "int32", axis: int = -1, is_largest: bool = True) -> tuple[Array, Array]:
    """The `k` largest elements along an axis, from the largest down, or the smallest, and their places.

    Raises:
        InputError: there are fewer than `k`.
    """
    count, length = np.asarray(k).item(), x.shape[axis]
    if length < count:
        raise InputError(f"the {count} {'largest' if is_largest else 'smallest'} elements of {length} are asked for")
    z = np.moveaxis(x, axis, -1)
    if is_largest:  # stable on the reversed axis and then reversed: of equal elements the first comes first
        order = length - 1 - np.argsort(z[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    else:
        order = np.argsort(z, axis=-1, kind="stable")
    order = order[..., :count]
    values = np.take_along_axis(z, order, axis=-1)
    return np.moveaxis(values, -1, axis), np.moveaxis(order.astype(dtype), -1, axis)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _reduction(_sum),
    "prod": _reduction(_prod),
    "mean": _reduction(mean),
    "max": _reduction(largest),
    "min": _reduction(smallest),
    "l1_norm": _reduction(lambda x, axis, keepdims: _sum(np.abs(x), axis, keepdims)),
    "l2_norm": _reduction(lambda x, axis, keepdims: np.sqrt(_sum(np.square(x), axis, keepdims)).astype(x.dtype)),
    "sum_of_squares": _reduction(lambda x, axis, keepdims: _sum(np.square(x), axis, keepdims)),
    "log_sum": _reduction(lambda x, axis, keepdims: np.log(_sum(x, axis, keepdims))),
    "log_sum_exp": _reduction(_log_sum_exp),
    "any": _plain(np.any),
    "all": _plain(np.all),
    "argmax": _place(np.argmax),
    "argmin": _place(np.argmin),
    "top_k": top_k,
}
