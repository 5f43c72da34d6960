"""Padding, and the moves between space and batch by which convolutions are dilated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array


def _pairs(values: Array) -> list[tuple[int, int]]:
    return [(int(before), int(after)) for before, after in values]


def pad(x: Array, widths: Array, value: Any = 0) -> Array:
    """Pad with a value; `widths` is (axes, 2), before and after."""
    return np.pad(x, _pairs(widths), constant_values=np.asarray(value, x.dtype))


def pad_mirrored(x: Array, widths: Array, mode: str) -> Array:
    """Pad with what lies behind the border, which is repeated (`symmetric`) or not (`reflect`)."""
    return np.pad(x, _pairs(widths), mode=mode)  # type: ignore[call-overload,no-any-return]


def space_to_batch(x: Array, block: Array, widths: Array) -> Array:
    """Pad the axes after the first and deal them out to `block` times as many samples."""
    sizes = [int(size) for size in np.ravel(block)]
    count, rest = len(sizes), x.ndim - 1 - len(sizes)
    x = np.pad(x, [(0, 0), *_pairs(widths), *[(0, 0)] * rest])
    split = [part for length, size in zip(x.shape[1:], sizes, strict=False) for part in (length // size, size)]
    z = x.reshape(len(x), *split, *x.shape[1 + count :])
    inner, outer = range(2, 2 * count + 1, 2), range(1, 2 * count, 2)
    z = z.transpose(*inner, 0, *outer, *range(1 + 2 * count, z.ndim))
    return z.reshape(len(x) * int(np.prod(sizes)), *split[::2], *x.shape[1 + count :])


def batch_to_space(x: Array, block: Array, crops: Array) -> Array:
    """Undo `space_to_batch`, and crop where that padded."""
    sizes = [int(size) for size in np.ravel(block)]
    count = len(sizes)
    samples = len(x) // int(np.prod(sizes))
    z = x.reshape(*sizes, samples, *x.shape[1:])
    order = [axis for pair in zip(range(count + 1, 2 * count + 1), range(count), strict=True) for axis in pair]
    z = z.transpose(count, *order, *range(2 * count + 1, z.ndim))
    lengths = [length * size for length, size in zip(x.shape[1:], sizes, strict=False)]
    z = z.reshape(samples, *lengths, *x.shape[1 + count :])
    kept = tuple(slice(before, length - after) for (before, after), length in zip(_pairs(crops), lengths, strict=True))
    cropped: Array = z[(slice(None), *kept)]
    return cropped


PADDING: dict[str, Callable[..., Any]] = {
    "pad": pad,
    "pad_mirrored": pad_mirrored,
    "space_to_batch": space_to_batch,
    "batch_to_space": batch_to_space,
}
