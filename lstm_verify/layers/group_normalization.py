"""GroupNormalization.

    y = γ (x - μ) / √(σ² + ε) + β            μ, σ²: of each sample over a group of channels and all other axes

In Keras 2 a mask leaves what it hides out of μ and σ².

Source: Wu and He, arXiv:1803.08494; `keras.layers.GroupNormalization` (3.15, and tf_keras 2.21).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Mask, Run, Signal, Signals, Unary, given
from lstm_verify.layers.softmax import fitting


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupNormalization(Unary):
    """Normalisation over groups of channels; `gamma` and `beta` are (channels,).

    Example:
        >>> layer = GroupNormalization(name="norm", groups=2, epsilon=0.0)
        >>> layer.apply((Signal(np.array([[1.0, 3.0, 10.0, 20.0]])),), Run())[0].value
        array([[-1.,  1., -1.,  1.]])
    """

    supports_masking: bool = True

    groups: int
    gamma: Array | None = None
    beta: Array | None = None
    epsilon: float = 1e-3
    axis: int = -1
    heeds_mask: bool = False
    """True (Keras 2): what the mask hides counts for nothing in the moments."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        ((x, mask),) = inputs
        if mask is None or not self.heeds_mask:
            return super().apply(inputs, run)
        return (Signal(self._normalised(x, fitting(mask, x, self.name)), mask),)

    def forward(self, x: Array) -> Array:
        return self._normalised(x, None)

    def _normalised(self, x: Array, kept: Mask) -> Array:
        channels_last = np.moveaxis(x, self.axis, -1)
        for what, array in self.weights():
            self.expect(what, array, channels_last.shape[-1:], "(channels,)")
        grouped = self._grouped(channels_last)
        weights = None if kept is None else self._grouped(np.moveaxis(kept, self.axis, -1))
        axes = (*range(1, grouped.ndim - 2), grouped.ndim - 1)
        μ = _mean(grouped, weights, axes)
        σ2 = _mean(np.square(grouped - μ), weights, axes)
        normalised = ((grouped - μ) / np.sqrt(σ2 + self.epsilon)).reshape(channels_last.shape)
        return np.moveaxis(given(self.gamma, 1) * normalised + given(self.beta, 0), -1, self.axis)

    def _grouped(self, channels_last: Array) -> Array:
        groups = self.groups if self.groups > 0 else channels_last.shape[-1]
        return channels_last.reshape(*channels_last.shape[:-1], groups, -1)


def _mean(x: Array, weights: Mask, axes: tuple[int, ...]) -> Array:
    if weights is None:
        mean: Array = x.mean(axis=axes, keepdims=True)
        return mean
    with np.errstate(invalid="ignore"):  # of none that counts, as the framework says
        weighted: Array = np.sum(x * weights, axis=axes, keepdims=True) / np.sum(
            weights, axis=axes, keepdims=True, dtype=x.dtype
        )
    return weighted
