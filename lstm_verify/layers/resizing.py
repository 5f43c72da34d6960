"""Layers that change the lengths of their input: ZeroPadding, Cropping, UpSampling.

None of them passes a mask on. Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_verify.layers.base import Array
from lstm_verify.layers.spatial import Spatial
from lstm_verify.operations.windows import Sizes, each_axis

Edges = tuple[int, ...]
"""Before and after each axis: of images above, below, on the left and on the right."""


def _pairs(edges: Edges) -> tuple[tuple[int, int], ...]:
    return tuple(zip(edges[::2], edges[1::2], strict=True))


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroPadding(Spatial):
    """Adds zeros around (samples, *lengths, channels)."""

    padding: Edges

    def over(self, x: Array) -> Array:
        return np.pad(x, ((0, 0), *_pairs(self.padding), (0, 0)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Cropping(Spatial):
    """Drops the edges of (samples, *lengths, channels)."""

    cropping: Edges

    def over(self, x: Array) -> Array:
        edges = zip(x.shape[1:-1], _pairs(self.cropping), strict=True)
        return x[:, *(slice(before, max(length - after, before)) for length, (before, after) in edges)]


@dataclass(frozen=True, eq=False, kw_only=True)
class UpSampling(Spatial):
    """Repeats each position along the lengths."""

    size: Sizes

    def over(self, x: Array) -> Array:
        for axis, times in enumerate(each_axis(self.size, self.axes), start=1):
            x = np.repeat(x, times, axis=axis)
        return x


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroPadding1D(ZeroPadding):
    """Adds zeros before and after the time steps.

    Example:
        >>> padded = ZeroPadding1D(name="padded", padding=(1, 2))
        >>> padded.forward(np.array([[[5.0]]])).ravel()
        array([0., 5., 0., 0.])
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroPadding2D(ZeroPadding):
    """Adds rows and columns of zeros around images."""

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroPadding3D(ZeroPadding):
    """Adds zeros around volumes."""

    axes: ClassVar[int] = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Cropping1D(Cropping):
    """Drops time steps at the beginning and the end.

    Example:
        >>> cropped = Cropping1D(name="cropped", cropping=(1, 2))
        >>> cropped.forward(np.arange(5.0).reshape(1, 5, 1)).ravel()
        array([1., 2.])
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Cropping2D(Cropping):
    """Drops rows and columns at the edges of images.

    Example:
        >>> cropped = Cropping2D(name="cropped", cropping=(1, 0, 0, 2))
        >>> cropped.forward(np.arange(12.0).reshape(1, 3, 4, 1))[0, :, :, 0]
        array([[4., 5.],
               [8., 9.]])
    """

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Cropping3D(Cropping):
    """Drops the edges of volumes."""

    axes: ClassVar[int] = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class UpSampling1D(UpSampling):
    """Repeats each time step `size` times.

    Example:
        >>> UpSampling1D(name="longer", size=2).forward(np.array([[[1.0], [2.0]]])).ravel()
        array([1., 1., 2., 2.])
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class UpSampling2D(UpSampling):
    """Repeats each row and each column."""

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class UpSampling3D(UpSampling):
    """Repeats each position of a volume along each axis."""

    axes: ClassVar[int] = 3
