"""Several cells as one: at every time step the output of one is the input of the next.

Source: `keras.layers.StackedRNNCells`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.cell import Cell, States, Step


class StackedGates(NamedTuple):
    """What a step of each cell computes, and the states after it, of all cells in order."""

    states: States
    cells: tuple[Any, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class StackedCells(Cell):
    """Cells on top of each other; the states are those of the first cell, then of the second, and so on.

    Example:
        >>> from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> states = (np.zeros((1, 1)), np.zeros((1, 1)))
        >>> below, above = StackedCells(name="both", cells=(cell, cell)).step(np.array([[0.5]]), states)
        >>> below.round(4), above.round(4)
        (array([[0.4621]]), array([[0.4318]]))
    """

    kind = "StackedRNNCells"

    cells: tuple[Cell, ...]

    @property
    def dtype(self) -> np.dtype[np.floating]:
        return self.cells[0].dtype

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return tuple(size for cell in self.cells for size in cell.state_sizes)

    @property
    def output_size(self) -> int:
        return self.cells[-1].output_size

    @property
    def state_names(self) -> list[str]:
        return [f"{name} of cell {number}" for number, cell in enumerate(self.cells) for name in cell.state_names]

    def expect_features(self, features: int) -> None:
        for cell in self.cells:
            cell.expect_features(features)
            features = cell.output_size

    def output(self, states: States) -> Array:
        last = self.cells[-1]
        return last.output(states[-len(last.state_sizes) :])

    def gates(self, x: Array, state: States) -> StackedGates:
        found = list[Any]()

        def step(cell: Cell, x: Array, state: States) -> States:
            found.append(cell.gates(x, state))
            return cell.new_state(found[-1])

        states = self._run([partial(step, cell) for cell in self.cells], x, state)
        return StackedGates(states, tuple(found))

    @property
    def quantities(self) -> tuple[str, ...]:
        return tuple(f"cells/{number}/{name}" for number, cell in enumerate(self.cells) for name in cell.quantities)

    def recorded(self, gates: StackedGates) -> dict[str, Array]:
        pairs = enumerate(zip(self.cells, gates.cells, strict=True))
        return {f"cells/{n}/{name}": value for n, (cell, own) in pairs for name, value in cell.recorded(own).items()}

    def new_state(self, gates: StackedGates) -> States:
        return gates.states

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        steps = [cell.fast(samples, dtype) for cell in self.cells]
        return lambda x, state: self._run(steps, x, state)

    def _run(
        self,
        steps: Sequence[Callable[[Array, States], States]],
        x: Array,
        state: States,
    ) -> States:
        left, new = iter(state), list[Array]()
        for cell, step in zip(self.cells, steps, strict=True):
            states = step(x, _take(left, len(cell.state_sizes)))
            x = cell.output(states)
            new.extend(states)
        return tuple(new)


def _take(states: Iterator[Array], count: int) -> States:
    return tuple(next(states) for _ in range(count))
