"""Pooling of sequences, images and volumes: in windows, and global.

    MaxPooling   y[i, …] = max of the window      AveragePooling   y[i, …] = mean of what lies inside the input
    GlobalMax…   y = max over all lengths         GlobalAverage…   y = mean over all lengths

Only GlobalAveragePooling1D looks at a mask: y = Σ mask·x / Σ mask. Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_verify.layers.base import Array, Run, Signal, Signals
from lstm_verify.layers.spatial import Spatial
from lstm_verify.operations.pooling import average_pool, max_pool
from lstm_verify.operations.windows import Padding, Sizes, each_axis


@dataclass(frozen=True, eq=False, kw_only=True)
class Pooling(Spatial):
    """One number for every window of (samples, *lengths, channels)."""

    pool_size: Sizes
    strides: Sizes
    padding: Padding = "valid"


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPooling(Pooling):
    """The largest value of every window."""

    def over(self, x: Array) -> Array:
        size = each_axis(self.pool_size, self.axes)
        y: Array = max_pool(x, size=size, strides=self.strides, padding=self.padding)
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePooling(Pooling):
    """The mean of every window."""

    def over(self, x: Array) -> Array:
        size = each_axis(self.pool_size, self.axes)
        y: Array = average_pool(x, size=size, strides=self.strides, padding=self.padding)
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalPooling(Spatial):
    """One number for each channel."""

    keepdims: bool = False

    @property
    def lengths(self) -> tuple[int, ...]:
        """The axes between those of samples and channels."""
        return tuple(range(1, self.axes + 1))


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalMaxPooling(GlobalPooling):
    """The largest value of each channel."""

    def over(self, x: Array) -> Array:
        y: Array = x.max(axis=self.lengths, keepdims=self.keepdims)
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalAveragePooling(GlobalPooling):
    """The mean of each channel."""

    def over(self, x: Array) -> Array:
        y: Array = x.mean(axis=self.lengths, keepdims=self.keepdims)
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPooling1D(MaxPooling):
    """The largest value of every window of (samples, timesteps, channels).

    Example:
        >>> halved = MaxPooling1D(name="halved", pool_size=2, strides=2)
        >>> halved.forward(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel()
        array([3., 2.])
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPooling2D(MaxPooling):
    """The largest value of every window of (samples, rows, columns, channels)."""

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPooling3D(MaxPooling):
    """The largest value of every window of (samples, planes, rows, columns, channels)."""

    axes: ClassVar[int] = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePooling1D(AveragePooling):
    """The mean of every window of (samples, timesteps, channels)."""

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePooling2D(AveragePooling):
    """The mean of every window of (samples, rows, columns, channels).

    Example:
        >>> halved = AveragePooling2D(name="halved", pool_size=(2, 2), strides=(2, 2), padding="same")
        >>> halved.forward(np.arange(9.0).reshape(1, 3, 3, 1))[0, :, :, 0]
        array([[2. , 3.5],
               [6.5, 8. ]])
    """

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePooling3D(AveragePooling):
    """The mean of every window of (samples, planes, rows, columns, channels)."""

    axes: ClassVar[int] = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest value over time; a mask changes nothing.

    Example:
        >>> GlobalMaxPooling1D(name="largest").forward(np.array([[[1.0, -1.0], [3.0, -2.0]]]))
        array([[ 3., -1.]])
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest value over all pixels."""

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest value over a volume."""

    axes: ClassVar[int] = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean over the time steps that the mask keeps; NaN where it keeps none.

    Example:
        >>> x, mask = np.array([[[1.0], [3.0], [100.0]]]), np.array([[True, True, False]])
        >>> (mean,) = GlobalAveragePooling1D(name="mean").apply((Signal(x, mask),), Run())
        >>> mean.value
        array([[2.]])
    """

    axes: ClassVar[int] = 1

    def apply(self, inputs: Signals, run: Run) -> Signals:
        ((x, mask),) = inputs
        if mask is None:
            return super().apply(inputs, run)
        kept = mask[..., None]
        with np.errstate(invalid="ignore"):
            mean = np.sum(x * kept, axis=1, keepdims=True) / np.sum(kept, axis=1, keepdims=True, dtype=x.dtype)
        return (Signal(mean if self.keepdims else mean[:, 0]),)


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean over all pixels."""

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean over a volume."""

    axes: ClassVar[int] = 3
