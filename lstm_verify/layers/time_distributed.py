"""TimeDistributed: the same layer at every time step.

    y[:, t] = layer(x[:, t])

What becomes of the mask differs between Keras 2 and 3, and so does the way a stateful layer goes through time.

Source: `keras.layers.TimeDistributed` (3.15); in tf_keras 2.21 that class and `tf_keras.backend.rnn`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from lstm_verify.errors import InputError, UnsupportedError
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals
from lstm_verify.layers.softmax import Softmax


@dataclass(frozen=True, eq=False, kw_only=True)
class TimeDistributed(Layer):
    """A layer applied to (samples, timesteps, ...) one time step at a time.

    Example:
        >>> from lstm_verify.layers.dense import Dense
        >>> layer = TimeDistributed(name="each", layer=Dense(name="dense", kernel=np.array([[2.0]])))
        >>> layer.apply((Signal(np.array([[[1.0], [2.0]]])),), Run())[0].value
        array([[[2.],
                [4.]]])
    """

    is_resumable: ClassVar[bool] = False

    layer: Layer
    mask_from_layer: bool = False
    """True (Keras 2): the mask that `layer` computes goes on. False (Keras 3): the incoming one, as it is."""
    stateful_in_loop: bool = False
    """True (Keras 2): a stateful layer runs in the loop of recurrent layers. That loop calls it once more on the first
    time step, before all, and where the mask hides a step it repeats the output before. The layer sees no mask, and its
    states go on through hidden steps. False (Keras 3): it is called once for each time step, with that step's mask."""

    def unwrapped(self) -> tuple[str, Layer]:
        return "/layer", self.layer

    def has_time(self, output: int) -> bool:
        return True

    def apply(self, inputs: Signals, run: Run) -> Signals:
        ((x, mask),) = inputs
        if self.stateful and self.stateful_in_loop:
            return tuple(Signal(y, mask) for y in self._loop(x, mask, run.inside("layer")))
        # only a mask with a time axis of its own, (samples, timesteps, inner timesteps), means something inside
        inner_mask = mask if mask is not None and (mask.ndim > 2 or isinstance(self.layer, Softmax)) else None
        outputs = self._each(x, inner_mask, run.inside("layer"))
        return tuple(Signal(y, self._output_mask(computed, mask)) for y, computed in outputs)

    def _each(self, x: Array, mask: Mask, run: Run) -> Signals:
        if self.stateful:  # its states go from one time step to the next
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

    def _loop(self, x: Array, mask: Mask, run: Run) -> list[Array]:
        """The outputs, (samples, timesteps, ...), of a stateful layer in the loop of recurrent layers.

        Raises:
            InputError: there is no time step.
            UnsupportedError: the mask does not fit the outputs, so that Keras 2 cannot run the model either.
        """
        if x.shape[1] == 0:
            raise InputError(f"layer '{self.name}': its input has shape {x.shape}, expected at least one time step")
        # the loop asks for the shapes of outputs in this way; the outputs are dropped, but the states stay
        first = self.layer.apply((Signal(x[:, 0]),), replace(run, trace=None))
        before = [np.zeros_like(y) for y, _ in first]
        steps = []
        for t in range(x.shape[1]):
            new = [y for y, _ in self.layer.apply((Signal(x[:, t]),), run)]
            before = [self._kept(mask, t, y, last) for y, last in zip(new, before, strict=True)]
            steps.append(before)
        return [np.stack(outputs, axis=1) for outputs in zip(*steps, strict=True)]

    def _kept(self, mask: Mask, t: int, y: Array, before: Array) -> Array:
        if mask is None:
            return y
        keep = mask[:, t]
        keep = keep.reshape(*keep.shape, *(1,) * (y.ndim - keep.ndim))
        try:
            return np.where(np.broadcast_to(keep, y.shape), y, before)
        except ValueError:
            raise UnsupportedError(
                f"layer '{self.name}': a mask of shape {mask.shape} does not fit outputs of shape {y.shape} at each "
                "time step, in Keras 2 either. Was the model saved by another version?"
            ) from None

    def _output_mask(self, computed: Mask, given: Mask) -> Mask:
        if not self.mask_from_layer:
            return given
        if computed is not None or given is None:
            return computed
        return np.asarray(given.any(axis=tuple(range(2, given.ndim))))


def _flat(x: Array) -> Array:
    """(samples, timesteps, ...) to (samples * timesteps, ...)."""
    return x.reshape(-1, *x.shape[2:])
