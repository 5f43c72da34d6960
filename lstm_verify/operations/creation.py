"""Tensors made from nothing but a shape or a number, and casts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.operations.shapes import ints

SEED = 20210607


def _like(fill: int) -> Callable[..., Array]:
    return lambda x, dtype=None: np.full(x.shape, fill, dtype or x.dtype)


def one_hot(indices: Array, depth: Array, on: Array, off: Array, axis: int = -1, from_end: bool = False) -> Array:
    """`on` at the index, `off` elsewhere, along a new axis; all `off` for an index that is out of range.

    With `from_end`, negative indices count from the end, and those that are no whole numbers are cut to such.
    """
    length, place = np.asarray(depth).item(), axis % (indices.ndim + 1)
    steps = np.arange(length).reshape(-1, *[1] * (indices.ndim - place))
    if from_end:
        indices = indices.astype(np.int64)
        indices = np.where(indices < 0, indices + length, indices)
    return np.where(np.expand_dims(indices, place) == steps, on, off)


def eye_like(x: Array, *, k: int = 0, dtype: str | None = None) -> Array:
    """A matrix of the shape of another, with ones on a diagonal."""
    rows, columns = x.shape
    return np.eye(rows, columns, k, dtype or x.dtype)


def arange(start: Array, stop: Array, step: Array) -> Array:
    y: Array = np.arange(start.item(), stop.item(), step.item(), dtype=start.dtype)
    return y


def linspace(start: Array, stop: Array, count: Array) -> Array:
    return np.linspace(start, stop, int(count), dtype=start.dtype)


DRAWS = ("usual", "other", "lowest", "highest")
"""Random numbers: the same ones each time, others, or the least and the largest that may come."""


def _random(
    values: Callable[[np.random.Generator, tuple[int, ...]], Any], lowest: float, highest: float
) -> Callable[..., Array]:
    def drawn(shape: Array, *, dtype: str, draw: str = "usual", scale: float = 1.0, offset: float = 0.0) -> Array:
        """Random numbers, times a scale, plus an offset."""
        if draw in ("lowest", "highest"):
            return np.full(ints(shape), scale * (lowest if draw == "lowest" else highest) + offset, dtype)
        return np.asarray(scale * values(_generator(draw), ints(shape)) + offset).astype(dtype)

    return drawn


def _generator(draw: str) -> np.random.Generator:
    return np.random.default_rng(SEED + DRAWS.index(draw))


def _truncated(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = generator.standard_normal(shape)
    return np.where(np.abs(x) > 2, x / 4, x)


def random_integers(shape: Array, low: Array, high: Array, *, draw: str = "usual") -> Array:
    if draw in ("lowest", "highest"):
        return np.full(ints(shape), low if draw == "lowest" else high - 1, low.dtype)
    return _generator(draw).integers(int(low), int(high), ints(shape), dtype=low.dtype)


RANDOM = frozenset({"random_uniform", "random_normal", "random_truncated_normal", "random_integers"})
"""The operations that draw random numbers, with `draw`, one of `DRAWS`, to say which."""

MAKING: dict[str, Callable[..., Any]] = {
    "cast": lambda x, dtype: x.astype(dtype),
    "cast_like": lambda x, y: x.astype(y.dtype),
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "full": lambda shape, value: np.full(ints(shape), value, value.dtype),
    "arange": arange,
    "linspace": linspace,
    "one_hot": one_hot,
    "eye_like": eye_like,
    "random_uniform": _random(lambda generator, shape: generator.random(shape), 0.0, 1 - 2.0**-24),
    "random_normal": _random(lambda generator, shape: generator.standard_normal(shape), -2.0, 2.0),
    "random_truncated_normal": _random(_truncated, -2.0, 2.0),
    "random_integers": random_integers,
    "random_key": lambda: (np.zeros(1, np.uint64), np.zeros(2, np.uint64)),
    "random_algorithm": lambda: np.asarray(1, np.int32),
}
