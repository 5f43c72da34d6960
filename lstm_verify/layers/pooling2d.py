"""Pooling of images: in windows, and global.

    MaxPooling2D   y[i, j] = max of the window     AveragePooling2D   y[i, j] = mean of what lies inside the image
    GlobalMax…     y = max over all pixels         GlobalAverage…     y = mean over all pixels

None of them looks at a mask. Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lstm_verify.layers.base import Array
from lstm_verify.layers.images import OfPictures, Pair
from lstm_verify.operations.convolution import average_pool, max_pool


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPooling2D(OfPictures):
    """The largest value of every window of (samples, rows, columns, channels)."""

    pool_size: Pair
    strides: Pair
    padding: str = "valid"

    def of_pictures(self, x: Array) -> Array:
        y: Array = max_pool(x, self.pool_size, self.strides, self.padding.upper())
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePooling2D(OfPictures):
    """The mean of every window of (samples, rows, columns, channels).

    Example:
        >>> import numpy as np
        >>> halved = AveragePooling2D(name="halved", pool_size=(2, 2), strides=(2, 2), padding="same")
        >>> halved.forward(np.arange(9.0).reshape(1, 3, 3, 1))[0, :, :, 0]
        array([[2. , 3.5],
               [6.5, 8. ]])
    """

    pool_size: Pair
    strides: Pair
    padding: str = "valid"

    def of_pictures(self, x: Array) -> Array:
        y: Array = average_pool(x, self.pool_size, self.strides, self.padding.upper())
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalMaxPooling2D(OfPictures):
    """The largest value of each channel."""

    keepdims: bool = False

    def of_pictures(self, x: Array) -> Array:
        y: Array = x.max(axis=(1, 2), keepdims=self.keepdims)
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalAveragePooling2D(OfPictures):
    """The mean of each channel."""

    keepdims: bool = False

    def of_pictures(self, x: Array) -> Array:
        y: Array = x.mean(axis=(1, 2), keepdims=self.keepdims)
        return y
