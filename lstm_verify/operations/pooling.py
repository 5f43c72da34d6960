"""Pooling along any number of axes: the largest or the mean of every window.

Arrays are (samples, *lengths, channels), or (samples, channels, *lengths) if the channels come first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.operations.convolution import channels_anywhere
from lstm_verify.operations.windows import Padding, Sizes, Windows


def _inside(windows: Windows) -> tuple[int, ...]:
    """The axes of a window in the result of `Windows.over`."""
    return tuple(range(-windows.axes, 0))


@channels_anywhere
def max_pool(
    x: Array,
    *,
    size: tuple[int, ...],
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    partial: bool = False,
) -> Any:
    """The largest value of every window; padding does not count."""
    windows = Windows(size, strides, padding, dilation, partial)
    return windows.over(x, fill=-np.inf).max(axis=_inside(windows))


@channels_anywhere
def average_pool(
    x: Array,
    *,
    size: tuple[int, ...],
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    partial: bool = False,
    counts_padding: bool = False,
) -> Any:
    """The mean of every window; padding counts if `counts_padding`, but not what a partial window lacks besides."""
    windows = Windows(size, strides, padding, dilation, partial)
    inside = np.ones((1, *x.shape[1:-1], 1), x.dtype)
    counted = _with_padding(windows, inside) if counts_padding else windows.over(inside)
    return windows.over(x).sum(axis=_inside(windows)) / counted.sum(axis=_inside(windows))


def _with_padding(windows: Windows, inside: Array) -> Any:
    """The windows of ones, which are in the padding too, but not in what a partial window lacks besides."""
    lengths = inside.shape[1:-1]
    around, whole = windows._replace(partial=False).pads(lengths), windows.pads(lengths)
    lacking = tuple((0, more - after) for (_, after), (_, more) in zip(around, whole, strict=True))
    padded = np.pad(inside, [(0, 0), *around, (0, 0)], constant_values=1)
    return windows._replace(padding=lacking, partial=False).over(padded)


@channels_anywhere
def norm_pool(
    x: Array,
    *,
    order: int,
    size: tuple[int, ...],
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    partial: bool = False,
) -> Any:
    """The p-norm of every window, of order 1 or 2."""
    windows = Windows(size, strides, padding, dilation, partial)
    powers = windows.over(np.abs(x) if order == 1 else np.square(x)).sum(axis=_inside(windows))
    return powers if order == 1 else np.sqrt(powers)


def _everywhere(reduced: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over all places of an image, whose channels come first."""
    return lambda x, **options: reduced(x, axis=tuple(range(2, x.ndim)), keepdims=True, **options)


def _norm(x: Array, axis: tuple[int, ...], keepdims: bool, order: int) -> Any:
    if order == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


POOLING: dict[str, Callable[..., Any]] = {
    "max_pool": max_pool,
    "average_pool": average_pool,
    "norm_pool": norm_pool,
    "global_max_pool": _everywhere(np.max),
    "global_average_pool": _everywhere(np.mean),
    "global_norm_pool": _everywhere(_norm),
}
