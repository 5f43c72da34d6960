"""Normalisation in one operation.

    y = scale · (x − mean) / √(variance + ε) + offset

Batch normalisation is per channel, by the mean and variance given, and so is its folded form, which rounds otherwise:

    s = scale / √(variance + ε)         y = s · x + (offset − s · mean)

The others take them from what they normalise: layers over the last axes of every sample, instances, in the folded form
too, over the places of every channel of a sample, groups over those of several channels.

Sources: `tf.raw_ops.FusedBatchNormV3`; onnx.ai/onnx/operators for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.operations.arithmetic import divide_no_nan


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


def folded_batch_normalization(
    x: Array, scale: Array, offset: Array, mean: Array, variance: Array, *, epsilon: float, axis: int = 1
) -> Any:
    """Normalise each channel, with what can be computed without `x` computed first."""
    shape = [1] * x.ndim
    shape[axis] = -1
    factor = scale / np.sqrt(variance + epsilon)
    return x * factor.reshape(shape) + (offset - mean * factor).reshape(shape)


def batch_statistics_normalization(
    x: Array, scale: Array, offset: Array, mean: Array, variance: Array, *, epsilon: float, momentum: float
) -> tuple[Any, ...]:
    """Normalise each channel by the mean and variance of the batch itself.

    Args:
        x: (samples, channels, *lengths).
        scale, offset: (channels,).
        mean, variance: the running ones so far, (channels,).
        epsilon: added to the variance.
        momentum: how much of the running ones stays.

    Returns:
        y, and the running mean and variance.
    """
    axes, shape = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    own_mean = np.mean(x, axis=axes)
    own_variance = np.mean(np.square(x - own_mean.reshape(shape)), axis=axes)
    y = folded_batch_normalization(x, scale, offset, own_mean, own_variance, epsilon=epsilon)
    old_and_new = ((mean, own_mean), (variance, own_variance))
    return y, *(momentum * old + (1 - momentum) * new for old, new in old_and_new)


def _standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Any, Any, Any]:
    """An array with mean 0 and variance 1 over some axes, and the mean and 1 / √(variance + ε) of before."""
    mean = np.mean(x, axis=axes, keepdims=True)
    size = np.sqrt(np.mean(np.square(x - mean), axis=axes, keepdims=True) + epsilon)
    return (x - mean) / size, mean, 1 / size


def layer_normalization(
    x: Array, scale: Array, offset: Array | None = None, *, axis: int = -1, epsilon: float = 1e-5
) -> tuple[Any, ...]:
    """Normalise over all axes from one on.

    Args:
        x: the array.
        scale, offset: broadcast to it; no offset is 0.
        axis: the first of the axes.
        epsilon: added to the variance.

    Returns:
        y, the mean, and 1 / √(variance + ε).
    """
    y, mean, factor = _standardized(x, tuple(range(axis % x.ndim, x.ndim)), epsilon)
    y = y * scale
    return (y if offset is None else y + offset), mean, factor


def group_normalization(x: Array, scale: Array, offset: Array, *, groups: int, epsilon: float = 1e-5) -> Any:
    """Normalise each group of channels of each sample.

    Args:
        x: (samples, channels, *lengths).
        scale, offset: (channels,) or (groups,).
        groups: how many.
        epsilon: added to the variance.
    """
    samples, channels, *lengths = x.shape
    z = x.reshape(samples, groups, -1)
    mean = np.mean(z, axis=2, keepdims=True)
    # rounding costs as many digits as mean² has more than the variance, as it does in ONNX Runtime
    variance = np.mean(np.square(z), axis=2, keepdims=True) - np.square(mean)
    y = ((z - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)
    each = channels // len(scale)
    shape = (channels, *[1] * len(lengths))
    return y * np.repeat(scale, each).reshape(shape) + np.repeat(offset, each).reshape(shape)


def instance_normalization(x: Array, scale: Array, offset: Array, *, epsilon: float = 1e-5) -> Any:
    """Normalise each channel of each sample by itself: (samples, channels, *lengths)."""
    axes, shape = tuple(range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    mean = np.mean(x, axis=axes, keepdims=True)
    variance = np.mean(np.square(x - mean), axis=axes, keepdims=True)
    factor = scale.reshape(shape) / np.sqrt(variance + epsilon)
    return x * factor + (offset.reshape(shape) - mean * factor)


def rms_normalization(x: Array, scale: Array, *, axis: int = -1, epsilon: float = 1e-5) -> Any:
    """Divide by the root of the mean square over all axes from one on."""
    axes = tuple(range(axis % x.ndim, x.ndim))
    return x / np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True) + epsilon) * scale


def norm_normalization(x: Array, *, axis: int = -1, order: int = 2) -> Any:
    """Divide by the 1-norm or 2-norm along an axis; where that is 0, so is the result."""
    if order == 1:
        size = np.sum(np.abs(x), axis=axis, keepdims=True)
    else:
        size = np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True))
    return divide_no_nan(x, size)


def mean_variance_normalization(x: Array, *, axes: tuple[int, ...], epsilon: float = 1e-9) -> Any:
    """Mean 0 and standard deviation 1 over some axes; ε is added to the deviation."""
    mean = np.mean(x, axis=axes, keepdims=True)
    return (x - mean) / (np.sqrt(np.mean(np.square(x - mean), axis=axes, keepdims=True)) + epsilon)


NORMALIZATION: dict[str, Callable[..., Any]] = {
    "batch_normalization": batch_normalization,
    "folded_batch_normalization": folded_batch_normalization,
    "batch_statistics_normalization": batch_statistics_normalization,
    "layer_normalization": layer_normalization,
    "group_normalization": group_normalization,
    "instance_normalization": instance_normalization,
    "rms_normalization": rms_normalization,
    "norm_normalization": norm_normalization,
    "mean_variance_normalization": mean_variance_normalization,
}
