"""Layers that scale their input: Rescaling, Normalization, UnitNormalization.

    Rescaling           y = scale · x + offset
    Normalization       y = (x - μ) / max(√σ², 1e-7)          or, inverted, y = x max(√σ², 1e-7) + μ
    UnitNormalization   y = x / ‖x‖ along `axes`

Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary
from lstm_verify.rounded.precision import rounded_to

EPSILON = 1e-7
"""`keras.backend.epsilon()`"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Rescaling(Unary):
    """A scale and an offset, for all features together or for each.

    Example:
        >>> Rescaling(name="scale", scale=np.array(0.5), offset=np.array(1.0)).forward(np.array([[2.0, 4.0]]))
        array([[2., 3.]])
    """

    scale: Array
    offset: Array
    supports_masking: bool = True

    def forward(self, x: Array) -> Array:
        return self.scale * x + self.offset


@dataclass(frozen=True, eq=False, kw_only=True)
class Normalization(Unary):
    """Normalisation by a mean and a variance that were measured before; both broadcast against the input.

    Example:
        >>> layer = Normalization(name="norm", mean=np.array([1.0, 2.0]), variance=np.array([4.0, 1.0]))
        >>> layer.forward(np.array([[5.0, 2.0]]))
        array([[2., 0.]])
    """

    supports_masking: bool = True

    mean: Array
    variance: Array
    axes: tuple[int, ...] = (-1,)
    invert: bool = False

    def forward(self, x: Array) -> Array:
        axes = {axis % x.ndim for axis in self.axes}
        shape = [n if axis in axes else 1 for axis, n in enumerate(x.shape)]
        μ = self.mean.reshape(shape) if self.mean.ndim else self.mean
        σ = np.maximum(np.sqrt(self.variance.reshape(shape) if self.variance.ndim else self.variance), EPSILON)
        return x * σ + μ if self.invert else (x - μ) / σ


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitNormalization(Unary):
    """Scales each sample, or each of its vectors along `axes`, to length 1.

    Example:
        >>> UnitNormalization(name="unit").forward(np.array([[3.0, 4.0]]))
        array([[0.6, 0.8]])
    """

    supports_masking: bool = True

    axes: tuple[int, ...] = (-1,)

    def forward(self, x: Array) -> Array:
        square = np.sum(np.square(x), axis=self.axes, keepdims=True)
        least = float(
            rounded_to(np.asarray(1e-12), self.compute_dtype)
        )  # in float16 0, which divides the zeros of padding
        with np.errstate(invalid="ignore"):
            y: Array = x / np.sqrt(np.maximum(square, least))
        return y
