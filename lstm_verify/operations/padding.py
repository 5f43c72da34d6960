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


def pad_axes(x: Array, widths: Array, value: Any = None, axes: Array | None = None, *, mode: str = "constant") -> Array:
    """Pad some axes; where a width is negative, crop.

    Args:
        x: the array.
        widths: (axes, 2), before and after.
        value: for the mode `constant`; None is 0.
        axes: which those are; None: the first ones.
        mode: one of `np.pad`'s.
    """
    places = range(len(widths)) if axes is None else np.asarray(axes).ravel()
    pairs = [(0, 0)] * x.ndim
    for axis, pair in zip(places, _pairs(widths), strict=True):
        pairs[axis] = pair
    x = x[tuple(slice(max(-before, 0), n - max(-after, 0)) for n, (before, after) in zip(x.shape, pairs, strict=True))]
    added = [(max(before, 0), max(after, 0)) for before, after in pairs]
    if mode == "constant":
        return np.pad(x, added, constant_values=0 if value is None else np.asarray(value, x.dtype).item())
    return np.pad(x, added, mode=mode)  # type: ignore[call-overload,no-any-return]


def depth_to_space(x: Array, *, block: int, depth_first: bool = False) -> Array:
    """Deal channels out to blocks of places, numbered by the place in the block first, or by the depth.

    Args:
        x: (samples, channels, rows, columns).
        block: the rows, and columns, of a block.
        depth_first: which.
    """
    samples, channels, rows, columns = x.shape
    depth = channels // block**2
    if depth_first:
        z = x.reshape(samples, depth, block, block, rows, columns).transpose(0, 1, 4, 2, 5, 3)
    else:
        z = x.reshape(samples, block, block, depth, rows, columns).transpose(0, 3, 4, 1, 5, 2)
    return z.reshape(samples, depth, rows * block, columns * block)


def space_to_depth(x: Array, *, block: int, depth_first: bool = False) -> Array:
    """Undo `depth_to_space`."""
    samples, channels, rows, columns = x.shape
    z = x.reshape(samples, channels, rows // block, block, columns // block, block)
    z = z.transpose(0, 1, 3, 5, 2, 4) if depth_first else z.transpose(0, 3, 5, 1, 2, 4)
    return z.reshape(samples, channels * block**2, rows // block, columns // block)


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
    "pad_axes": pad_axes,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "space_to_batch": space_to_batch,
    "batch_to_space": batch_to_space,
}
