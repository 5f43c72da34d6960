"""Convolution and pooling in two dimensions, channels last.

    y[s, i, j] = Σ_{k,l} x[s, i·strides + k·dilation, j·strides + l·dilation] W[k, l]

Padding `SAME` gives ⌈length / stride⌉ windows, with the odd step of padding at the end; `VALID` pads nothing. Source:
the documentation of `tf.nn.convolution`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.layers.base import Array

Pair = tuple[int, int]


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
    windows = _windows(x, (rows, columns), strides, padding, dilations, explicit)
    parts = zip(np.split(windows, groups, 3), np.split(kernel, groups, 3), strict=True)
    return np.concatenate([np.tensordot(w, k.transpose(2, 0, 1, 3), 3) for w, k in parts], -1)


def depthwise_conv2d(
    x: Array, kernel: Array, strides: Pair, padding: str, dilations: Pair = (1, 1), explicit: Any = ()
) -> Any:
    """Convolve each channel by itself, with a kernel of (rows, columns, channels, filters of each)."""
    windows = _windows(x, kernel.shape[:2], strides, padding, dilations, explicit)
    y = np.einsum("sijckl,klcm->sijcm", windows, kernel, optimize=True)
    return y.reshape(*y.shape[:3], -1)


def max_pool(x: Array, size: Pair, strides: Pair, padding: str, explicit: Any = ()) -> Any:
    return _windows(x, size, strides, padding, explicit=explicit, fill=-np.inf).max(axis=(4, 5))


def average_pool(x: Array, size: Pair, strides: Pair, padding: str) -> Any:
    """The mean of what lies inside the picture; padding does not count."""
    inside = np.ones((1, *x.shape[1:3], 1), x.dtype)
    total, count = (_windows(a, size, strides, padding).sum(axis=(4, 5)) for a in (x, inside))
    return total / count


CONVOLUTION: dict[str, Callable[..., Any]] = {
    "conv2d": conv2d,
    "depthwise_conv2d": depthwise_conv2d,
    "max_pool": max_pool,
    "average_pool": average_pool,
}
