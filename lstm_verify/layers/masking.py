"""Masking: time steps in which every feature equals `mask_value` are skipped by what follows.

    mask[s, t] = any(x[s, t] != mask_value)            y = x · mask

Source: `keras.layers.Masking`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Layer, Run, Signal, Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class Masking(Layer):
    """Marks the time steps to skip."""

    mask_value: float = 0.0

    def apply(self, inputs: Signals, run: Run) -> Signals:
        x = inputs[0].value
        # the framework compares in float32, where a float32 input equals the rounded value
        mask = np.any(x != np.float32(self.mask_value), axis=-1)
        return (Signal(x * mask[..., None], mask),)
