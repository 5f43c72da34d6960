"""Masking: time steps in which every feature equals `mask_value` are skipped by what follows.

    mask[s, t] = any(x[s, t] != mask_value)            y = x · mask

Source: `keras.layers.Masking`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_verify.layers.base import Layer, Run, Signal, Signals
from lstm_verify.rounded.precision import in_format


@dataclass(frozen=True, eq=False, kw_only=True)
class Masking(Layer):
    """Marks the time steps to skip.

    Example:
        >>> signal = Signal(np.array([[[1.0, 2.0], [0.0, 0.0]]]))
        >>> Masking(name="masking").apply((signal,), Run())[0].mask
        array([[ True, False]])
    """

    casts_inputs: ClassVar[bool] = False  # it casts what it compares, and hands on what comes in

    mask_value: float = 0.0
    """As the dtype holds it that the layer computes in."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        x = inputs[0].value
        # the framework compares in its own precision, which may hold neither number exactly
        mask = np.any(in_format(x, self.compute_dtype) != self.mask_value, axis=-1)
        return (Signal(x * mask[..., None], mask),)
