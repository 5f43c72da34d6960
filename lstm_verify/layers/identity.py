"""Layers that do nothing at inference: the dropout and noise family, layers that change images, ActivityRegularization,
Identity.

    y = x

Source: the `training=False` branch of each in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lstm_verify.layers.base import Array, Unary


@dataclass(frozen=True, eq=False, kw_only=True)
class Identity(Unary):
    """Passes its input and mask through.

    Example:
        >>> import numpy as np
        >>> Identity(name="dropout").forward(np.array([[1.0, 2.0]]))
        array([[1., 2.]])
    """

    supports_masking: bool = True

    def forward(self, x: Array) -> Array:
        return x
