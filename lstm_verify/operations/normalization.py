"""Batch normalisation in one operation.

    y = scale · (x − mean) / √(variance + ε) + offset       per channel

Source: `tf.raw_ops.FusedBatchNormV3`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array


def batch_normalization(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 1e-4,
    axis: int = -1,
    training: bool = True,
    momentum: float = 1.0,
) -> tuple[Array, ...]:
    """Normalise each channel by the mean and variance given, or in training by those of `x` itself.

    Layer normalisation is built on the training form, with the samples as channels.

    Args:
        x: four axes.
        scale, offset, mean, variance: one number a channel.
        epsilon: added to the variance.
        axis: of the channels.
        training: whether `x` says what its mean and variance are.
        momentum: how much of them goes into the running ones that are returned.

    Returns:
        y, the running mean and variance (the latter without bias), and the mean and variance that were used.
    """
    shape = [1] * x.ndim
    shape[axis] = -1
    if training:
        others = tuple(other for other in range(x.ndim) if other != axis % x.ndim)
        used, spread = x.mean(axis=others), x.var(axis=others)
        count = x.size // max(x.shape[axis], 1)
        running = (used, spread * (count / max(count - 1, 1)))
        if momentum != 1:
            given = zip(running, (mean, variance), strict=True)
            running = tuple(momentum * new + (1 - momentum) * old for new, old in given)
    else:
        used, spread = running = mean, variance
    factor = scale / np.sqrt(spread + epsilon)
    y = (x - used.reshape(shape)) * factor.reshape(shape) + offset.reshape(shape)
    return y, *running, used, spread


NORMALIZATION: dict[str, Callable[..., Any]] = {"batch_normalization": batch_normalization}
