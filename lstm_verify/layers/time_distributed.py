"""TimeDistributed: the same layer at every time step.

    y[:, t] = layer(x[:, t])

Source: `keras.layers.TimeDistributed`; what becomes of the mask differs between Keras 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class TimeDistributed(Layer):
    """A layer applied to (samples, timesteps, ...) one time step at a time."""

    layer: Layer
    mask_from_layer: bool = False
    """True (Keras 2): the mask that `layer` computes goes on. False (Keras 3): the incoming one, as it is."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        ((x, mask),) = inputs
        # only a mask with a time axis of its own, (samples, timesteps, inner timesteps), means something inside
        inner_mask = mask if mask is not None and mask.ndim > 2 else None
        outputs = self._each(x, inner_mask, run.inside("layer"))
        return tuple(Signal(y, self._output_mask(computed, mask)) for y, computed in outputs)

    def _each(self, x: Array, mask: Mask, run: Run) -> Signals:
        if getattr(self.layer, "stateful", False):  # its states go from one time step to the next
            steps = [
                self.layer.apply((Signal(x[:, t], None if mask is None else mask[:, t]),), run)
                for t in range(x.shape[1])
            ]
            return tuple(Signal(np.stack([y.value for y in ys], axis=1)) for ys in zip(*steps, strict=True))
        lead = x.shape[:2]
        flat = Signal(_flat(x), None if mask is None else _flat(mask))
        return tuple(
            Signal(
                y.reshape(*lead, *y.shape[1:]),
                None if m is None else m.reshape(*lead, *m.shape[1:]),
            )
            for y, m in self.layer.apply((flat,), run)
        )

    def _output_mask(self, computed: Mask, given: Mask) -> Mask:
        if not self.mask_from_layer:
            return given
        if computed is not None or given is None:
            return computed
        return np.asarray(given.any(axis=tuple(range(2, given.ndim))))


def _flat(x: Array) -> Array:
    """(samples, timesteps, ...) to (samples * timesteps, ...)."""
    return x.reshape(-1, *x.shape[2:])
