"""BatchNormalization at inference.

    s = γ / √(σ² + ε)
    y = s x + (β - s μ)            μ, σ²: the moving mean and variance, along `axis`

This is γ (x - μ) / √(σ² + ε) + β in the order in which frameworks compute it.

Source: Ioffe and Szegedy, arXiv:1502.03167; `keras.layers.BatchNormalization`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary, given


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchNormalization(Unary):
    """Normalisation by moving statistics; every array is (channels,).

    Example:
        >>> statistics = {"moving_mean": np.array([1.0]), "moving_variance": np.array([0.25])}
        >>> layer = BatchNormalization(name="norm", **statistics, epsilon=0.0)
        >>> layer.forward(np.array([[2.0], [1.0]]))
        array([[2.],
               [0.]])
    """

    supports_masking: bool = True

    moving_mean: Array
    moving_variance: Array
    gamma: Array | None = None
    beta: Array | None = None
    epsilon: float = 1e-3
    axis: int = -1

    def forward(self, x: Array) -> Array:
        along = np.moveaxis(x, self.axis, -1)
        for what, array in self.weights():
            self.expect(what, array, along.shape[-1:], "(channels,)")
        γ, β = given(self.gamma, 1), given(self.beta, 0)
        μ, σ2 = self.moving_mean, self.moving_variance
        s = γ / np.sqrt(σ2 + self.epsilon)
        y = s * along + (β - s * μ)
        return np.moveaxis(y, -1, self.axis)
