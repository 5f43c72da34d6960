"""Pooling over time: in windows, and global.

    MaxPooling1D      y[t] = max of the window           AveragePooling1D   y[t] = mean of the steps inside the sequence
    GlobalMax…        y = max over time                  GlobalAverage…     y = Σ mask·x / Σ mask

Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Layer, Run, Signal, Signals, Unary
from lstm_verify.layers.windows import windows


@dataclass(frozen=True, eq=False, kw_only=True)
class Pooling1D(Unary):
    """The largest value, or the mean, of every window of (samples, timesteps, channels)."""

    pool_size: int
    strides: int
    padding: str = "valid"
    average: bool = False

    @property
    def kind(self) -> str:
        return "AveragePooling1D" if self.average else "MaxPooling1D"

    def forward(self, x: Array) -> Array:
        if not self.average:
            largest: Array = windows(x, self.pool_size, self.strides, padding=self.padding, fill=-np.inf).max(axis=2)
            return largest
        inside = np.ones((1, x.shape[1], 1), x.dtype)
        total, count = (windows(a, self.pool_size, self.strides, padding=self.padding).sum(axis=2) for a in (x, inside))
        y: Array = total / count
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalMaxPooling1D(Unary):
    """The largest value over time; a mask changes nothing."""

    keepdims: bool = False

    def forward(self, x: Array) -> Array:
        y: Array = x.max(axis=1, keepdims=self.keepdims)
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalAveragePooling1D(Layer):
    """The mean over the time steps that the mask keeps; NaN where it keeps none."""

    keepdims: bool = False

    def apply(self, inputs: Signals, run: Run) -> Signals:
        ((x, mask),) = inputs
        if mask is None:
            return (Signal(x.mean(axis=1, keepdims=self.keepdims)),)
        kept = mask[..., None]
        with np.errstate(invalid="ignore"):
            mean = np.sum(x * kept, axis=1, keepdims=True) / np.sum(kept, axis=1, keepdims=True, dtype=x.dtype)
        return (Signal(mean if self.keepdims else mean[:, 0]),)
