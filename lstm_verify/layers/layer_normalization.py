"""LayerNormalization.

    y = γ (x - μ) / √(σ² + ε) + β            μ, σ²: mean and variance of each sample over `axes`

Source: Ba, Kiros and Hinton, arXiv:1607.06450; `keras.layers.LayerNormalization`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerNormalization(Unary):
    """Normalisation of each sample; `gamma` and `beta` have the lengths of `axes`.

    Example:
        >>> LayerNormalization(name="norm", epsilon=0.0).forward(np.array([[1.0, 3.0]]))
        array([[-1.,  1.]])
    """

    supports_masking: bool = True

    gamma: Array | None = None
    beta: Array | None = None
    epsilon: float = 1e-3
    axes: tuple[int, ...] = (-1,)

    def forward(self, x: Array) -> Array:
        axes = tuple(sorted(axis % x.ndim for axis in self.axes))
        for what, array in self.weights():
            self.expect(what, array, tuple(x.shape[axis] for axis in axes), "the lengths of the normalised axes")
        shape = [n if axis in axes else 1 for axis, n in enumerate(x.shape)]
        γ = 1 if self.gamma is None else self.gamma.reshape(shape)
        β = 0 if self.beta is None else self.beta.reshape(shape)
        μ = np.mean(x, axis=axes, keepdims=True)
        σ2 = np.mean(np.square(x - μ), axis=axes, keepdims=True)
        y: Array = γ * (x - μ) / np.sqrt(σ2 + self.epsilon) + β
        return y
