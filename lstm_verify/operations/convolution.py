"""Convolution and its transpose along any number of axes.

    y[s, i, …] = Σ_{k, …} x[s, i·stride + k·dilation - before, …] W[k, …]

Arrays are (samples, *lengths, channels), or (samples, channels, *lengths) if the channels come first; a kernel is
(*size, channels / groups, filters) either way. Where windows lie, and the kinds of padding, are in `windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import prod
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError
from lstm_verify.operations.products import einsum
from lstm_verify.operations.windows import Padding, Sizes, Windows, each_axis

PIECE = 2**20
"""How many numbers of windows are copied side by side at a time, for a product with the kernel: as many as the kernel
has places would otherwise be there for each number of the input."""


def channels_anywhere(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of an array with channels last, which with `channels_first` takes and returns them first."""

    @wraps(function)
    def of_either(x: Array, *arguments: Any, channels_first: bool = False, **options: Any) -> Any:
        if not channels_first:
            return function(x, *arguments, **options)
        return np.moveaxis(function(np.moveaxis(x, 1, -1), *arguments, **options), -1, 1)

    return of_either


@channels_anywhere
def convolution(
    x: Array,
    kernel: Array,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int | None = None,
) -> Array:
    """Convolve with a kernel, each group of channels with its own filters.

    Args:
        x: (samples, *lengths, channels).
        kernel: (*size, channels / groups, filters).
        strides, padding, dilation: of the windows.
        groups: None: as many as the channels of both say.

    Raises:
        InputError: the channels are not those of the kernel.
    """
    *size, channels, filters = kernel.shape
    terms, found = prod(kernel.shape[:-1]), x.shape[-1] // max(channels, 1)
    if x.shape[-1] != channels * (found if groups is None else groups):
        raise InputError(f"{x.shape[-1]} channels, expected {channels} for each group of a kernel of {kernel.shape}")
    kernels, axes = _parts(kernel.reshape(terms, filters), found), len(size)
    channels_last = (*range(axes + 1), *range(axes + 2, 2 * axes + 2), axes + 1)

    def product(windows: Any) -> Any:
        lead, parts = windows.shape[: axes + 1], _parts(windows.transpose(channels_last), found)
        sums = [np.tensordot(part.reshape(*lead, terms), k, 1) for part, k in zip(parts, kernels, strict=True)]
        return _joined(sums, -1)

    y: Array = _in_pieces(Windows(tuple(size), strides, padding, dilation).over(x), product, axes)
    return y


def _parts(x: Any, groups: int) -> list[Any]:
    """An array cut into groups of its last axis."""
    return [x] if groups == 1 else np.split(x, groups, -1)


def _in_pieces(windows: Any, product: Callable[[Any], Any], axes: int, axis: int = 0) -> Any:
    """A product with windows, of some samples at a time; or of some rows, if the windows of one sample are many."""
    if windows.size <= PIECE:
        return product(windows)
    each = windows.size // windows.shape[axis]
    before = (slice(None),) * axis
    if axis < axes and each > PIECE:
        alone = (windows[(*before, slice(n, n + 1))] for n in range(windows.shape[axis]))
        return _joined([_in_pieces(one, product, axes, axis + 1) for one in alone], axis)
    size = max(1, PIECE // each)
    starts = range(0, windows.shape[axis], size)
    return _joined([product(windows[(*before, slice(start, start + size))]) for start in starts], axis)


def _joined(parts: list[Any], axis: int) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)


@channels_anywhere
def transposed_convolution(
    y: Array,
    kernel: Array,
    shape: Sequence[int] | Array | None = None,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    output_padding: Sizes = 0,
) -> Array:
    """Transpose a convolution: spread each y over the window that it would be computed from.

        x[s, i·stride + k·dilation - before, …] += Σ_f y[s, i, …, f] W[k, …, f]

    With zeros between the y of neighbouring windows, this is a convolution by the kernel read backwards.

    Args:
        y: (samples, *counts, filters).
        kernel: (*size, channels / groups, filters), of a result with that many channels.
        shape: of the result, as it is with its channels last, or its lengths alone; None: as long as windows reach.
        strides, padding, dilation: of the windows. With a shape, `same` divides among both sides what is too much.
        groups: of the result's channels; a whole shape says how many there are.
        output_padding: how much longer than windows reach the result is, before its padding is cut off.
    """
    size = kernel.shape[:-2]
    windows, apart = Windows(size, strides, padding, dilation), each_axis(strides, len(size))
    if shape is None:
        lengths = _reached(windows, y.shape[1:-1], each_axis(output_padding, len(size)))
    elif len(shape) == len(size):
        lengths = [int(length) for length in shape]
    else:
        _, *lengths, channels = (int(length) for length in shape)
        groups = channels // kernel.shape[-2]
    befores = _before(windows, y.shape[1:-1], lengths, each_axis(output_padding, len(size)))
    axes = zip(lengths, apart, windows.reach, befores, strict=True)
    for axis, (length, stride, reach, before) in enumerate(axes, start=1):
        y = _between(_spread(y, axis, stride), axis, reach - 1 - before, length + reach - 1)
    parts = np.split(np.flip(kernel, tuple(range(len(size)))), groups, -1)
    turned = np.concatenate([np.swapaxes(part, -1, -2) for part in parts], -1)
    x: Array = convolution(y, turned, dilation=dilation)
    return x


def _reached(windows: Windows, counts: Sequence[int], extra: Sequence[int]) -> list[int]:
    """How long axes are of which so many windows, with their padding, reach some places before the end."""
    apart = each_axis(windows.strides, windows.axes)
    padded = [(n - 1) * s + r + e for n, s, r, e in zip(counts, apart, windows.reach, extra, strict=True)]
    return [length - sum(pads) for length, pads in zip(padded, windows.pads(padded), strict=True)]


def _before(windows: Windows, counts: Sequence[int], lengths: Sequence[int], extra: Sequence[int]) -> list[int]:
    """What is padded before axes of some lengths, of which there are so many windows."""
    if windows.padding not in ("same", "same_lower"):
        return [before for before, _ in windows.pads(lengths)]
    axes = zip(counts, each_axis(windows.strides, windows.axes), windows.reach, extra, lengths, strict=True)
    totals = [max((count - 1) * stride + reach + more - n, 0) for count, stride, reach, more, n in axes]
    return [total // 2 if windows.padding == "same" else total - total // 2 for total in totals]


def _spread(x: Any, axis: int, stride: int) -> Any:
    """Put `stride - 1` zeros between the elements of an axis."""
    spread = np.pad(np.expand_dims(x, axis + 1), [(0, stride - 1 if a == axis + 1 else 0) for a in range(x.ndim + 1)])
    shape = list(x.shape)
    shape[axis] *= stride
    return _between(spread.reshape(shape), axis, 0, max(shape[axis] - stride + 1, 0))


def _between(x: Any, axis: int, start: int, length: int) -> Any:
    """An axis moved to begin at `start`, as long as asked: with zeros around, or without what lies beyond."""
    x = x[(*[slice(None)] * axis, slice(max(-start, 0), max(length - start, 0)))]
    ends = max(start, 0), length - max(start, 0) - x.shape[axis]
    return np.pad(x, [ends if a == axis else (0, 0) for a in range(x.ndim)])


@channels_anywhere
def depthwise_convolution(
    x: Array, kernel: Array, *, strides: Sizes = 1, padding: Padding = "valid", dilation: Sizes = 1
) -> Any:
    """Convolve each channel by itself, with a kernel of (*size, channels, filters of each)."""
    size = kernel.shape[:-2]
    places, taps = "ijk"[: len(size)], "pqr"[: len(size)]
    windows = Windows(size, strides, padding, dilation).over(x)
    y = einsum(f"s{places}c{taps},{taps}cm->s{places}cm", windows, kernel)
    return y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1])


CONVOLUTION: dict[str, Callable[..., Any]] = {
    "convolution": convolution,
    "transposed_convolution": transposed_convolution,
    "depthwise_convolution": depthwise_convolution,
}
