"""Windows over one, two, three or any number of axes: where they lie, and how many there are.

    window i of an axis has the places  i·stride + k·dilation - before,   k = 0 … size - 1

Padding `same` gives ⌈length / stride⌉ windows, with the odd step of padding at the end, and `same_lower` with the odd
step at the beginning; `causal` pads before the first
step only, so that no window sees the future; `valid` pads nothing. Otherwise padding is what lies before and after each
axis. Source: the documentation of `tf.nn.convolution`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lstm_verify.arrays import Array

Sizes = int | tuple[int, ...]
"""A number for each axis of a window, or one for all of them."""
Pair = tuple[int, int]
Padding = str | tuple[Pair, ...]
"""A rule, or what lies before and after each axis."""


def each_axis(sizes: Sizes, axes: int) -> tuple[int, ...]:
    """The number for each axis."""
    return (sizes,) * axes if isinstance(sizes, int) else tuple(sizes)


def _same(length: int, reach: int, stride: int) -> Pair:
    total = max((-(-length // stride) - 1) * stride + reach - length, 0)
    return total // 2, total - total // 2


def _same_lower(length: int, reach: int, stride: int) -> Pair:
    before, after = _same(length, reach, stride)
    return after, before


PADDINGS: dict[str, Callable[[int, int, int], Pair]] = {
    "valid": lambda length, reach, stride: (0, 0),
    "same": _same,
    "same_lower": _same_lower,
    "causal": lambda length, reach, stride: (reach - 1, 0),
}
"""From the length of an axis, the reach of a window and its stride to what is padded before and after."""


class Windows(NamedTuple):
    """Windows of some size.

    Example:
        >>> Windows((3,), strides=2, padding="same").counts((7,))
        (4,)
    """

    size: tuple[int, ...]
    strides: Sizes = 1
    padding: Padding = "valid"
    dilation: Sizes = 1
    partial: bool = False
    """Whether there is one more window where the last leaves places over, padding before the end included."""

    @property
    def axes(self) -> int:
        return len(self.size)

    @property
    def reach(self) -> tuple[int, ...]:
        """From the first place of a window to its last, both counted."""
        apart = each_axis(self.dilation, self.axes)
        return tuple((size - 1) * step + 1 for size, step in zip(self.size, apart, strict=True))

    def pads(self, lengths: Sequence[int]) -> tuple[Pair, ...]:
        """What is padded before and after each axis, of axes of some lengths."""
        return _plan(self, tuple(lengths)).pads

    def counts(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """How many windows there are along each axis, of axes of some lengths."""
        return _plan(self, tuple(lengths)).counts

    def over(self, x: Array, fill: float = 0.0) -> Any:
        """The windows of an array.

        Args:
            x: (samples, *lengths, channels).
            fill: what stands in the padding.

        Returns:
            (samples, *counts, channels, *size), a view where there is no padding.
        """
        plan = _plan(self, x.shape[1:-1])
        if 0 in plan.counts:
            return np.zeros((len(x), *plan.counts, x.shape[-1], *self.size), x.dtype)
        if plan.is_padded:
            x = np.pad(x, [(0, 0), *plan.pads, (0, 0)], constant_values=fill)
        view = np.lib.stride_tricks.sliding_window_view(x, plan.reach, axis=tuple(range(1, self.axes + 1)))
        return view[plan.key]


class _Plan(NamedTuple):
    """Where windows lie over axes of some lengths."""

    reach: tuple[int, ...]
    pads: tuple[Pair, ...]
    counts: tuple[int, ...]
    key: tuple[slice, ...]
    """What of all windows in (samples, *starts, channels, *reach) there is."""

    @property
    def is_padded(self) -> bool:
        return any(map(any, self.pads))


def _extended(length: int, reach: int, stride: int, pads: Pair) -> Pair:
    """Padding with as much more at the end as one more window needs, if it begins before the padding there."""
    before, after = pads
    windows = max(-(-(before + length + after - reach) // stride), 0) + 1
    if (windows - 1) * stride >= before + length:
        windows -= 1
    return before, max((windows - 1) * stride + reach - before - length, after)


@lru_cache(maxsize=1024)
def _plan(windows: Windows, lengths: tuple[int, ...]) -> _Plan:
    """Kept, since the loops of recurrent layers ask for the same in every step."""
    strides, apart = (each_axis(sizes, windows.axes) for sizes in (windows.strides, windows.dilation))
    pads = windows.padding
    if isinstance(pads, str):
        rule = PADDINGS[pads]
        pads = tuple(rule(*axis) for axis in zip(lengths, windows.reach, strides, strict=True))
    if windows.partial:
        pads = tuple(_extended(*axis) for axis in zip(lengths, windows.reach, strides, pads, strict=True))
    padded = [length + sum(around) for length, around in zip(lengths, pads, strict=True)]
    counts = tuple(max(0, 1 + (n - r) // s) for n, r, s in zip(padded, windows.reach, strides, strict=True))
    stepped, spread = ([slice(None, None, step) for step in steps] for steps in (strides, apart))
    return _Plan(windows.reach, pads, counts, (slice(None), *stepped, slice(None), *spread))
