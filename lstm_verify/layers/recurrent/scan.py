"""A recognised loop of a graph, which runs a recurrent cell over a list of time steps.

It takes the loop variables of that loop and returns what the loop would, so that it can stand in its place: lists of
tensors, each (samples, features), in and out, and the states. What a loop counts is not computed again.

Source: the loops of `dynamic_rnn` (TensorFlow 1.15, `python/ops/rnn.py`) and of `keras.backend.rnn`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals, Weighted
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.stacked_cells import StackedCells

Columns = tuple[int, int, int | None]
"""A loop variable, and the columns of it, from and to, that are one state."""


@dataclass(frozen=True)
class Recovered:
    """What a graph says about a cell that was recognised in it."""

    gate_order: str
    """The gates in the order of their blocks in the graph's kernels."""
    variables: tuple[str, ...]
    """The variables that the cell is made of."""

    def settings(self, of: str = "") -> dict[str, Any]:
        """The same for a report, in which it may be said of which cell it is."""
        return {f"gates in the graph{of}": self.gate_order, f"variables{of}": ", ".join(self.variables)}


@dataclass(frozen=True)
class Unrolled:
    """A cell that a graph applies step by step, found in it."""

    name: str
    cell: Cell
    recovered: Recovered
    steps: int
    """How many times it is applied."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan(Layer):
    """A recurrent layer in the place of a loop.

    Example:
        >>> from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
        >>> from lstm_verify.operations import TensorList
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> rnn = RNN(name="rnn", cell=cell, return_state=True)
        >>> scan = Scan(name="while", rnn=rnn, sequence=1, states=((2, 0, None),), counter=0, counters=(0,))
        >>> steps = TensorList((np.array([[0.0]]), np.array([[0.5]])))
        >>> variables = (Signal(np.array(0)), Signal(steps), Signal(np.zeros((1, 1))))
        >>> [signal.value.round(4) for number, signal in enumerate(scan.apply(variables, Run())) if number != 1]
        [np.int64(2), array([[0.4621]])]
    """

    rnn: RNN
    """With `return_state`; it returns sequences if anything takes them."""
    sequence: int
    """The loop variable that is the list of inputs."""
    was_cut: bool = False
    """Whether that list is none of the loop's, but one variable more, the last."""
    states: tuple[Columns, ...]
    """Where the cell's states are among the loop variables, in the order of the cell."""
    outputs: tuple[int, ...] = ()
    """The loop variables that are lists of outputs."""
    final_outputs: tuple[int, ...] = ()
    """The loop variables that are lists of one item, the output of the last step."""
    last_output: int | None = None
    """The loop variable that holds the output of the step before."""
    counter: int
    """The loop variable that is the number of the step."""
    counters: tuple[int, ...] = ()
    """The loop variables that grow by one every step."""
    mask: Layer | None = None
    """From the loop variables, the mask of the step that their counter says: (samples,) or (samples, 1) booleans."""
    masked_by: tuple[int, ...] = ()
    """The loop variables that the mask depends on."""
    negated: bool = False
    """Whether the mask is true where a step does not count."""
    recovered: tuple[Recovered, ...] = ()
    """Where each cell comes from, of several cells from the first on."""
    untold: tuple[int, ...] = ()
    """The loop variables that are not computed, since nothing depends on what becomes of them."""

    is_resumable: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        return self.rnn.kind

    def children(self) -> dict[str, Weighted]:
        return {"": self.rnn}

    def with_child(self, path: str, child: Any) -> Self:
        if not isinstance(child, RNN):
            raise UnsupportedError(f"loop '{self.name}': it runs a recurrent layer, and nothing that is put around one")
        return replace(self, rnn=child)

    def settings(self) -> dict[str, Any]:
        settings = self.rnn.cell.settings() | {"compute_dtype": self.compute_dtype}
        if self.mask is not None:
            settings |= {"masked": True, "zero_output_for_mask": self.rnn.zero_output_for_mask}
        if self.holds:
            settings["holds"] = self.holds
        for number, found in enumerate(self.recovered):
            settings |= found.settings(f" of cell {number}" if len(self.recovered) > 1 else "")
        return settings

    def recurrences(self) -> list[tuple[Weighted | None, dict[str, Any]]]:
        holds = {"holds": self.holds} if self.holds else {}
        return [(cell, found.settings() | holds) for cell, found in zip(self.cells, self.recovered, strict=True)]

    def state_places(self) -> dict[int, str]:
        columns = zip(self.states, self.rnn.state_names, strict=True)
        names: dict[int, list[str]] = {}
        for (place, _, _), name in sorted(columns, key=lambda column: column[0][:2]):
            names.setdefault(place, []).append(name)
        return {place: ", ".join(side_by_side) for place, side_by_side in names.items()}

    def named_inputs(self, count: int) -> list[int]:
        return list(dict.fromkeys((self.sequence, *(place for place, _, _ in self.states))))

    def weights(self) -> Iterator[tuple[str, Array]]:
        return self.rnn.weights()

    @property
    def holds(self) -> str:
        """Under which condition it stands for the loop, in words; empty: always."""
        return ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Its cells, from the first on."""
        return self.rnn.cell.cells if isinstance(self.rnn.cell, StackedCells) else (self.rnn.cell,)

    @property
    def needed(self) -> set[int]:
        """The loop variables that it computes with."""
        places = {self.sequence, self.counter, *self.counters, *self.outputs, *self.final_outputs, *self.masked_by}
        return places | {place for place, _, _ in self.states}

    def apply(self, inputs: Signals, run: Run) -> Signals:
        steps: Any = inputs[self.sequence].value  # a `TensorList`
        state = tuple(_columns(inputs[place].value, start, stop) for place, start, stop in self.states)
        x = Signal(np.moveaxis(steps.stacked(), 0, 1), self._mask(inputs, run, len(steps.items)))
        rnn = replace(self.rnn, return_sequences=bool(self.outputs))
        outputs, *states = rnn.apply((x, *map(Signal, state)), run)
        last = outputs.value[:, -1] if self.outputs else outputs.value
        results = list(inputs)
        for place in self.outputs:
            empty: Any = inputs[place].value
            results[place] = Signal(empty.cut(np.moveaxis(outputs.value, 1, 0)))
        for place in self.final_outputs:
            empty = inputs[place].value
            results[place] = Signal(empty.with_item(0, last))
        for place, value in _assembled(self.states, [signal.value for signal in states]):
            results[place] = Signal(value)
        for place in self.counters:
            results[place] = Signal(inputs[place].value + len(steps.items))
        if self.last_output is not None:
            results[self.last_output] = Signal(last)
        return tuple(results)

    def _mask(self, inputs: Signals, run: Run, timesteps: int) -> Mask:
        if self.mask is None:
            return None
        steps = []
        for t in range(timesteps):
            variables = list(inputs[:-1] if self.was_cut else inputs)
            for place in self.counters:
                start = inputs[place].value
                variables[place] = Signal(np.asarray(start + t, start.dtype))
            step = self.mask.apply(tuple(variables), run)[0].value
            steps.append(step.reshape(len(step), -1).astype(bool) ^ self.negated)
        return np.stack(steps, axis=1)


def _columns(value: Array, start: int, stop: int | None) -> Array:
    return value if (start, stop) == (0, None) else value[:, start:stop]


def _assembled(places: tuple[Columns, ...], values: list[Array]) -> Iterator[tuple[int, Array]]:
    """The loop variables of the states: one each, or some side by side in one."""
    for place in {place for place, _, _ in places}:
        parts = sorted((start, values[n]) for n, (at, start, _) in enumerate(places) if at == place)
        yield place, parts[0][1] if len(parts) == 1 else np.concatenate([part for _, part in parts], axis=-1)
