"""Bidirectional: two recurrent layers over one sequence, one of them backwards, and their outputs merged.

    y = merge(forward(x), flip(backward(x)))        flip: back into the order of time, for sequences

Source: Schuster and Paliwal, IEEE Transactions on Signal Processing 45(11), 1997; `keras.layers.Bidirectional`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Layer, Run, Signal, Signals
from lstm_verify.layers.recurrent.rnn import RNN, Recurrent

MERGES: dict[str, Callable[[Array, Array], Array]] = {
    "concat": lambda y, y_rev: np.concatenate([y, y_rev], axis=-1),
    "sum": np.add,
    "ave": lambda y, y_rev: (y + y_rev) / 2,
    "mul": np.multiply,
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Bidirectional(Recurrent):
    """A forward and a backward layer; initial and final states are the forward ones, then the backward ones.

    Example:
        >>> from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> forward, backward = RNN(name="forward", cell=cell), RNN(name="backward", cell=cell, go_backwards=True)
        >>> both = Bidirectional(name="both", forward_layer=forward, backward_layer=backward)
        >>> both.apply((Signal(np.array([[[0.0], [0.5]]])),), Run())[0].value.round(4)
        array([[0.4621, 0.4318]])
    """

    forward_layer: RNN
    backward_layer: RNN
    merge_mode: str | None = "concat"
    """One of `concat`, `sum`, `ave`, `mul`; None returns both outputs."""

    @property
    def stateful(self) -> bool:
        return self.forward_layer.stateful

    @property
    def state_names(self) -> list[str]:
        names = self.forward_layer.state_names
        return [f"{direction} {name}" for direction in ("forward", "backward") for name in names]

    @property
    def is_of_images(self) -> bool:
        return self.forward_layer.is_of_images

    @property
    def sequences(self) -> int:
        return 2 if self.merge_mode is None else 1

    def begins_like(self, other: Layer) -> bool:
        if not isinstance(other, Bidirectional) or self.flags() != other.flags():
            return False
        pairs = ((self.forward_layer, other.forward_layer), (self.backward_layer, other.backward_layer))
        return all(ours.begins_like(theirs) for ours, theirs in pairs)

    def apply(self, inputs: Signals, run: Run) -> Signals:
        x, states = Signal(inputs[0].value, self.mask_for(inputs)), inputs[1:]
        half = len(states) // 2
        y, *forward_states = self.forward_layer.apply((x, *states[:half]), run.inside("forward_layer"))
        y_rev, *backward_states = self.backward_layer.apply((x, *states[half:]), run.inside("backward_layer"))

        outputs = [
            y.value,
            np.flip(y_rev.value, axis=1) if self.return_sequences else y_rev.value,
        ]
        if self.merge_mode is not None:
            outputs = [MERGES[self.merge_mode](*outputs)]
        mask = inputs[0].mask if self.return_sequences else None
        return (
            *(Signal(output, mask) for output in outputs),
            *forward_states,
            *backward_states,
        )
