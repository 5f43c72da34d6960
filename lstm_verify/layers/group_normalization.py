"""GroupNormalization.

    y = γ (x - μ) / √(σ² + ε) + β            μ, σ²: of each sample over a group of channels and all other axes

Source: Wu and He, arXiv:1803.08494; `keras.layers.GroupNormalization`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary, given


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupNormalization(Unary):
    """Normalisation over groups of channels; `gamma` and `beta` are (channels,)."""

    supports_masking: bool = True

    groups: int
    gamma: Array | None = None
    beta: Array | None = None
    epsilon: float = 1e-3
    axis: int = -1

    def forward(self, x: Array) -> Array:
        channels_last = np.moveaxis(x, self.axis, -1)
        for what, array in self.weights():
            self.expect(what, array, channels_last.shape[-1:], "(channels,)")
        groups = self.groups if self.groups > 0 else channels_last.shape[-1]
        grouped = channels_last.reshape(*channels_last.shape[:-1], groups, -1)
        axes = (*range(1, grouped.ndim - 2), grouped.ndim - 1)
        μ = grouped.mean(axis=axes, keepdims=True)
        σ2 = np.mean(np.square(grouped - μ), axis=axes, keepdims=True)
        normalised = ((grouped - μ) / np.sqrt(σ2 + self.epsilon)).reshape(channels_last.shape)
        return np.moveaxis(given(self.gamma, 1) * normalised + given(self.beta, 0), -1, self.axis)
