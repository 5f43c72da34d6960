"""Windows over time, for convolution and pooling.

Padding `same` gives ⌈timesteps / strides⌉ windows, with the odd step of padding at the end; `causal` pads before
the first step only, so that no window sees the future. Source: the documentation of `tf.nn.convolution`.
"""

from __future__ import annotations

import numpy as np

from lstm_verify.layers.base import Array


def windows(
    x: Array,
    size: int,
    strides: int = 1,
    dilation: int = 1,
    padding: str = "valid",
    fill: float = 0.0,
) -> Array:
    """Return the windows of `x`.

    Args:
        x: (samples, timesteps, channels).
        size: steps in a window; they lie `dilation` apart.
        strides: steps from one window to the next.
        padding: `valid`, `same` or `causal`.
        fill: what stands in the padding.

    Returns:
        (samples, windows, size, channels), a view where there is no padding.
    """
    reach = dilation * (size - 1) + 1
    before, after = _padding(x.shape[1], reach, strides, padding)
    if before or after:
        x = np.pad(x, ((0, 0), (before, after), (0, 0)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=1)
    return np.moveaxis(view[:, ::strides, :, ::dilation], -1, 2)


def _padding(timesteps: int, reach: int, strides: int, padding: str) -> tuple[int, int]:
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return reach - 1, 0
    total = max((-(-timesteps // strides) - 1) * strides + reach - timesteps, 0)
    return total // 2, total - total // 2
