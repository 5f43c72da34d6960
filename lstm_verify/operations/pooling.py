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
    """The axes of a window in what `Windows.over` gives."""
    return tuple(range(-windows.axes, 0))


@channels_anywhere
def max_pool(
    x: Array, *, size: tuple[int, ...], strides: Sizes = 1, padding: Padding = "valid", dilation: Sizes = 1
) -> Any:
    """The largest value of every window; padding does not count."""
    windows = Windows(size, strides, padding, dilation)
    return windows.over(x, fill=-np.inf).max(axis=_inside(windows))


@channels_anywhere
def average_pool(x: Array, *, size: tuple[int, ...], strides: Sizes = 1, padding: Padding = "valid") -> Any:
    """The mean of every window; padding does not count."""
    windows = Windows(size, strides, padding)
    inside = np.ones((1, *x.shape[1:-1], 1), x.dtype)
    total, count = (windows.over(a).sum(axis=_inside(windows)) for a in (x, inside))
    return total / count


POOLING: dict[str, Callable[..., Any]] = {"max_pool": max_pool, "average_pool": average_pool}
