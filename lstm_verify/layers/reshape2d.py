"""Layers that only move the pixels of images: ZeroPadding2D, Cropping2D, UpSampling2D.

None of them passes a mask on. Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array
from lstm_verify.layers.images import OfPictures, Pair

Edges = tuple[int, int, int, int]
"""Above, below, on the left and on the right."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroPadding2D(OfPictures):
    """Rows and columns of zeros around images."""

    padding: Edges

    def of_pictures(self, x: Array) -> Array:
        above, below, left, right = self.padding
        return np.pad(x, ((0, 0), (above, below), (left, right), (0, 0)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Cropping2D(OfPictures):
    """Rows and columns dropped at the edges of images.

    Example:
        >>> cropped = Cropping2D(name="cropped", cropping=(1, 0, 0, 2))
        >>> cropped.forward(np.arange(12.0).reshape(1, 3, 4, 1))[0, :, :, 0]
        array([[4., 5.],
               [8., 9.]])
    """

    cropping: Edges

    def of_pictures(self, x: Array) -> Array:
        above, below, left, right = self.cropping
        return x[:, above : max(x.shape[1] - below, above), left : max(x.shape[2] - right, left)]


@dataclass(frozen=True, eq=False, kw_only=True)
class UpSampling2D(OfPictures):
    """Each row and each column several times."""

    size: Pair

    def of_pictures(self, x: Array) -> Array:
        rows, columns = self.size
        return np.repeat(np.repeat(x, rows, axis=1), columns, axis=2)
