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


def one_hot(indices: Array, depth: Array, on: Array, off: Array, axis: int = -1) -> Array:
    """`on` at the index, `off` elsewhere, along a new axis; all `off` for an index that is out of range."""
    place = axis % (indices.ndim + 1)
    steps = np.arange(int(depth)).reshape(-1, *[1] * (indices.ndim - place))
    return np.where(np.expand_dims(indices, place) == steps, on, off)


def arange(start: Array, stop: Array, step: Array) -> Array:
    y: Array = np.arange(start.item(), stop.item(), step.item(), dtype=start.dtype)
    return y


def linspace(start: Array, stop: Array, count: Array) -> Array:
    return np.linspace(start, stop, int(count), dtype=start.dtype)


def _random(draw: Callable[[np.random.Generator, tuple[int, ...]], Any]) -> Callable[..., Array]:
    """Random numbers, the same ones each time: what depends on them cannot be compared with another run anyway."""
    return lambda shape, *, dtype: np.asarray(draw(np.random.default_rng(SEED), ints(shape))).astype(dtype)


def _truncated(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = generator.standard_normal(shape)
    return np.where(np.abs(x) > 2, x / 4, x)


def random_integers(shape: Array, low: Array, high: Array) -> Array:
    return np.random.default_rng(SEED).integers(int(low), int(high), ints(shape), dtype=low.dtype)


MAKING: dict[str, Callable[..., Any]] = {
    "cast": lambda x, dtype: x.astype(dtype),
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "full": lambda shape, value: np.full(ints(shape), value, value.dtype),
    "arange": arange,
    "linspace": linspace,
    "one_hot": one_hot,
    "random_uniform": _random(lambda generator, shape: generator.random(shape)),
    "random_normal": _random(lambda generator, shape: generator.standard_normal(shape)),
    "random_truncated_normal": _random(_truncated),
    "random_integers": random_integers,
    "random_key": lambda: (np.zeros(1, np.uint64), np.zeros(2, np.uint64)),
    "random_algorithm": lambda: np.asarray(1, np.int32),
}
