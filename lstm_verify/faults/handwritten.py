"""Mistakes in handwritten cells and loops: `earlier_cell_state`, `time_steps`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy.typing as npt

from lstm_verify.faults.activation import variant_of
from lstm_verify.faults.edit import Edit, Edits, remade
from lstm_verify.faults.interface import Fault
from lstm_verify.layers import RNN, LSTMCell, LSTMVariantCell, Run, Signal, Signals
from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.cell import States, Step
from lstm_verify.layers.recurrent.lstm import LSTMGates
from lstm_verify.layers.recurrent.lstm_variants import clipped


def earlier_cell_state(item: Any) -> Edits:
    """The output of an LSTM uses the cell state before the step, not the new one."""
    if isinstance(item, LSTMCell | LSTMVariantCell):
        yield Edit("cell state of the output", "the new one", "the one before", lambda: EarlierCell.of(item))


@dataclass(frozen=True, eq=False, kw_only=True)
class EarlierCell(LSTMVariantCell):
    """An LSTM with h_t = o g(c_{t-1})."""

    @classmethod
    def of(cls, cell: LSTMCell | LSTMVariantCell) -> LSTMVariantCell:
        """Return the cell as one of this class."""
        return cls(**vars(variant_of(cell)))

    def gates(self, x: Array, state: States) -> LSTMGates:
        found = super().gates(x, state)
        h = found.o * (self.output_activation or self.activation)(state[1])
        h = clipped(h if self.projection is None else h @ self.projection, self.projection_clip)
        return found._replace(h=h)

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        return self.step


Part = Callable[[Array], Array]
PARTS: dict[str, Part] = {
    "only the first": lambda x: x[:, :1],
    "all but the last": lambda x: x[:, :-1],
    "all but the first": lambda x: x[:, 1:],
}
"""By what is said of them, the steps that are run, of those in the order of running."""


def time_steps(item: Any) -> Edits:
    """Some time steps are not run: all but the first, the last one, or the first one."""
    if isinstance(item, RNN) and (item.return_state or not item.return_sequences):
        for words, part in PARTS.items():
            yield Edit("time steps", "all", words, partial(PartRNN.of, item, part))


@dataclass(frozen=True, eq=False, kw_only=True)
class PartRNN(RNN):
    """A recurrent layer that runs only some of the steps."""

    part: Part

    @classmethod
    def of(cls, rnn: RNN, part: Part) -> RNN:
        """Return the layer as one of this class."""
        return remade(cls, rnn, part=part)

    def apply(self, inputs: Signals, run: Run) -> Signals:
        (x, mask), *states = inputs
        return super().apply((Signal(self._some(x), None if mask is None else self._some(mask)), *states), run)

    def _some(self, values: Array) -> Array:
        return self.part(values[:, ::-1])[:, ::-1] if self.go_backwards else self.part(values)


EARLIER_CELL_STATE = Fault(
    "earlier_cell_state",
    earlier_cell_state,
    "Compute c before h: h = o g(c) takes the new c.",
)

TIME_STEPS = Fault(
    "time_steps",
    time_steps,
    "Check where the loop over time steps begins and ends, and what it returns when.",
)
