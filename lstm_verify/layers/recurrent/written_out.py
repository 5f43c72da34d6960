"""A recurrent layer in the place of a cell that a graph has written out once for every time step.

x_1, x_2, …, x_T, h_0 (, c_0) (, m_1, …, m_T) ─► h_1, h_2, …, h_T, h_T (, c_T)

x_t: (samples, features); h_t, c_t: (samples, units); m_t: (samples,), whether a step counts

Source: what `torch.onnx` 2.13 writes of cells, and Keras of layers with `unroll=True`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from lstm_verify.layers.base import Array, Layer, Run, Signal, Signals, Weighted
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.scan import Recovered


@dataclass(frozen=True, eq=False, kw_only=True)
class WrittenOut(Layer):
    """A recurrent layer that takes each time step for itself, and returns each for itself.

    Example:
        >>> from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> rnn = RNN(name="rnn", cell=cell, return_sequences=True, return_state=True)
        >>> layer = WrittenOut(name="rnn", rnn=rnn, steps=2, recovered=Recovered("h", ("W", "U")))
        >>> steps = (Signal(np.array([[0.0]])), Signal(np.array([[0.5]])))
        >>> [signal.value.round(4).tolist() for signal in layer.apply(steps, Run())]
        [[[0.0]], [[0.4621]], [[0.4621]]]
    """

    rnn: Layer
    """A `RNN` that returns sequences and states, or one with something put around it."""
    steps: int
    """How many there are."""
    recovered: Recovered
    """Where its cell comes from."""
    masked: bool = False
    """Whether it is given, last, which samples each step counts for."""

    is_resumable: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        return self.rnn.kind

    def children(self) -> dict[str, Weighted]:
        return {"": self.rnn}

    def with_child(self, path: str, child: Any) -> Self:
        return replace(self, rnn=child)

    def settings(self) -> dict[str, Any]:
        return self.rnn.settings() | self._of_graph()

    def _of_graph(self) -> dict[str, Any]:
        return self.recovered.settings() | {"unrolled": self.steps}

    def recurrences(self) -> list[tuple[Weighted | None, dict[str, Any]]]:
        return [(self.rnn.cell, self._of_graph())] if isinstance(self.rnn, RNN) else []

    def state_places(self) -> dict[int, str]:
        names = self.rnn.state_names if isinstance(self.rnn, RNN) else ()
        return dict(enumerate(names, self.steps))

    def has_time(self, output: int) -> bool:
        return False

    def weights(self) -> Iterator[tuple[str, Array]]:
        return self.rnn.weights()

    def apply(self, inputs: Signals, run: Run) -> Signals:
        x, rest, mask = _stacked(inputs[: self.steps]), inputs[self.steps :], None
        if self.masked:
            rest, mask = rest[: -self.steps], _stacked(rest[-self.steps :])
        (y, _), *states = self.rnn.apply((Signal(x, mask), *rest), run)
        return (*(Signal(y[:, step]) for step in range(self.steps)), *states)


def _stacked(steps: Signals) -> Array:
    return np.stack([signal.value for signal in steps], axis=1)
