"""Convolution and pooling in two dimensions, channels last.

    y[s, i, j] = Σ_{k,l} x[s, i·strides + k·dilation, j·strides + l·dilation] W[k, l]

Padding `SAME` gives ⌈length / stride⌉ windows, with the odd step of padding at the end; `VALID` pads nothing. Source:
the documentation of `tf.nn.convolution`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.operations.products import einsum

Pair = tuple[int, int]
PIECE = 2**20
"""How many numbers of windows are copied side by side at a time, for a product with the kernel: as many as the kernel
has rows and columns would otherwise be there for each number of the input."""


def _padding(length: int, reach: int, stride: int, padding: str) -> Pair:
    if padding == "VALID":
        return 0, 0
    total = max((-(-length // stride) - 1) * stride + reach - length, 0)
    return total // 2, total - total // 2


def _windows(
    x: Array, size: Pair, strides: Pair, padding: str, dilations: Pair = (1, 1), explicit: Any = (), fill: float = 0.0
) -> Any:
    """The windows of (samples, rows, columns, channels): (samples, rows, columns, channels, *size)."""
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilations, strict=True)]
    if padding == "EXPLICIT":
        around = [tuple(explicit[2:4]), tuple(explicit[4:6])]
    else:
        around = [_padding(x.shape[axis + 1], reach[axis], strides[axis], padding) for axis in (0, 1)]
    if any(map(any, around)):
        x = np.pad(x, [(0, 0), *around, (0, 0)], constant_values=fill)
    if any(length < needed for length, needed in zip(x.shape[1:3], reach, strict=True)):
        return np.zeros(
            (
                len(x),
                *(max(0, 1 + (n - r) // s) for n, r, s in zip(x.shape[1:3], reach, strides, strict=True)),
                x.shape[3],
                *size,
            ),
            x.dtype,
        )
    view = np.lib.stride_tricks.sliding_window_view(x, tuple(reach), axis=(1, 2))
    return view[:, :: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]


def conv2d(
    x: Array,
    kernel: Array,
    strides: Pair,
    padding: str,
    dilations: Pair = (1, 1),
    explicit: Any = (),
) -> Array:
    """Convolve with a kernel of (rows, columns, channels / groups, filters)."""
    rows, columns, channels = kernel.shape[:3]
    groups = x.shape[3] // channels
    kernels = np.split(kernel, groups, 3)

    def product(windows: Any) -> Any:
        parts = zip(np.split(windows, groups, 3), kernels, strict=True)
        return _joined([np.tensordot(w.transpose(0, 1, 2, 4, 5, 3), k, 3) for w, k in parts], -1)

    y: Array = _in_pieces(_windows(x, (rows, columns), strides, padding, dilations, explicit), product)
    return y


def _in_pieces(windows: Any, product: Callable[[Any], Any], axis: int = 0) -> Any:
    """A product with windows, of some samples at a time; or of some rows, if the windows of one sample are many."""
    each = windows.size // max(windows.shape[axis], 1)
    size = max(1, PIECE // max(each, 1))
    if axis == 0 and each > PIECE:
        return _joined([_in_pieces(windows[n : n + 1], product, 1) for n in range(len(windows))], 0)
    before = (slice(None),) * axis
    starts = range(0, max(windows.shape[axis], 1), size)
    return _joined([product(windows[(*before, slice(start, start + size))]) for start in starts], axis)


def _joined(parts: list[Any], axis: int) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)


def conv2d_transposed(
    sizes: Array, kernel: Array, y: Array, strides: Pair, padding: str, dilations: Pair = (1, 1), explicit: Any = ()
) -> Array:
    """What `conv2d` does to its input, turned round: each y is spread over the window that it would be computed from.

        x[s, i·strides + k·dilation, …] += Σ_f y[s, i, …, f] W[k, …, f]

    With zeros between the y of neighbouring windows, this is a convolution by the kernel read backwards.

    Args:
        sizes: the shape of the result, or its rows and columns.
        kernel: (rows, columns, channels / groups, filters), of a result with that many channels.
        y: (samples, rows, columns, filters).
    """
    lengths = [int(size) for size in (sizes if len(sizes) == 2 else sizes[1:3])]
    channels = kernel.shape[2]
    groups = 1 if len(sizes) == 2 else int(sizes[3]) // channels
    edges = [tuple(explicit[2:4]), tuple(explicit[4:6])] if padding == "EXPLICIT" else [None, None]
    for axis, (length, size, stride, dilation, edge) in enumerate(
        zip(lengths, kernel.shape, strides, dilations, edges, strict=False), start=1
    ):
        reach = (size - 1) * dilation
        before = (edge or _padding(length, reach + 1, stride, padding))[0]
        y = _between(_spread(y, axis, stride), axis, reach - before, length + reach)
    parts = np.split(kernel[::-1, ::-1], groups, 3)
    return conv2d(y, np.concatenate([part.transpose(0, 1, 3, 2) for part in parts], 3), (1, 1), "VALID", dilations)


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


def depthwise_conv2d(
    x: Array, kernel: Array, strides: Pair, padding: str, dilations: Pair = (1, 1), explicit: Any = ()
) -> Any:
    """Convolve each channel by itself, with a kernel of (rows, columns, channels, filters of each)."""
    windows = _windows(x, kernel.shape[:2], strides, padding, dilations, explicit)
    y = einsum("sijckl,klcm->sijcm", windows, kernel)
    return y.reshape(*y.shape[:3], -1)


def max_pool(x: Array, size: Pair, strides: Pair, padding: str, explicit: Any = ()) -> Any:
    return _windows(x, size, strides, padding, explicit=explicit, fill=-np.inf).max(axis=(4, 5))


def average_pool(x: Array, size: Pair, strides: Pair, padding: str) -> Any:
    """The mean of what lies inside the image; padding does not count."""
    inside = np.ones((1, *x.shape[1:3], 1), x.dtype)
    total, count = (_windows(a, size, strides, padding).sum(axis=(4, 5)) for a in (x, inside))
    return total / count


CONVOLUTION: dict[str, Callable[..., Any]] = {
    "conv2d": conv2d,
    "conv2d_transposed": conv2d_transposed,
    "depthwise_conv2d": depthwise_conv2d,
    "max_pool": max_pool,
    "average_pool": average_pool,
}
