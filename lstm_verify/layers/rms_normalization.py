"""RMSNormalization, and LayerNormalization with `rms_scaling`.

    y = scale x / √(mean(x²) + ε)            over `axes`
    y = scale x / √(σ² + ε)                  with `rms_scaling`, which divides by the variance around the mean

Source: Zhang and Sennrich, arXiv:1910.07467; `keras.layers.RMSNormalization` and `keras.layers.LayerNormalization`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary


@dataclass(frozen=True, eq=False, kw_only=True)
class RMSNormalization(Unary):
    """Normalisation of each sample by its size; `scale` has the lengths of `axes`.

    Example:
        >>> RMSNormalization(name="norm", scale=np.ones(2), epsilon=0.0).forward(np.array([[1.0, 7.0]]))
        array([[0.2, 1.4]])
    """

    scale: Array
    epsilon: float = 1e-6
    axes: tuple[int, ...] = (-1,)
    around_mean: bool = False
    """Whether the size is the variance around the mean, as with `rms_scaling`."""

    def forward(self, x: Array) -> Array:
        axes = tuple(sorted(axis % x.ndim for axis in self.axes))
        self.expect("scale", self.scale, tuple(x.shape[axis] for axis in axes), "the lengths of the normalised axes")
        centred = x - np.mean(x, axis=axes, keepdims=True) if self.around_mean else x
        size = np.mean(np.square(centred), axis=axes, keepdims=True)
        scale = self.scale.reshape([n if axis in axes else 1 for axis, n in enumerate(x.shape)])
        y: Array = x / np.sqrt(size + self.epsilon) * scale
        return y
