"""Oracles: the layers one unit at a time, with lists and `math`, and no NumPy in the arithmetic.

They are written from the equations of the papers and the Keras documentation, not from `lstm_verify.layers`. Weights
come in as nested lists (`array.tolist()`); a *sequence* is a list of time steps, a time step a list of features.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.layers import Cell, GRUCell, LSTMCell, SimpleRNNCell, StackedCells
from lstm_verify.operations.activations import ActivationFunction
from tests.oracle_activations import Vector, function

Matrix = list[Vector]
Function = Callable[[Vector], Vector]
Step = Callable[[Vector, list[Vector]], list[Vector]]


def dot(x: Vector, kernel: Matrix, column: int) -> float:
    return math.fsum(x[row] * kernel[row][column] for row in range(len(x)))


def dense(x: Vector, kernel: Matrix, bias: Vector | None = None, g: Function = list) -> Vector:
    units = range(len(kernel[0]))
    return g([dot(x, kernel, unit) + (bias[unit] if bias else 0.0) for unit in units])


def columns(matrix: Matrix, block: int, units: int) -> Matrix:
    """The kernel of one gate: `units` columns of it, from `block * units`."""
    return [[row[block * units + unit] for unit in range(units)] for row in matrix]


def part(bias: Vector | None, block: int, units: int) -> Vector:
    return [bias[block * units + unit] if bias else 0.0 for unit in range(units)]


def total(*vectors: Vector) -> Vector:
    return [math.fsum(values) for values in zip(*vectors, strict=True)]


def product(a: Vector, b: Vector) -> Vector:
    return [x * y for x, y in zip(a, b, strict=True)]


def lstm_gates(
    x: Vector, h: Vector, c: Vector, W: Matrix, U: Matrix, b: Vector | None, g: Function, σ: Function
) -> dict[str, Vector]:
    """Every gate of an LSTM step; the kernels hold the gates in the order i, f, c, o."""
    n = len(h)

    def gate(block: int, activation: Function) -> Vector:
        z = total(dense(x, columns(W, block, n)), dense(h, columns(U, block, n)), part(b, block, n))
        return activation(z)

    i, f, candidate, o = gate(0, σ), gate(1, σ), gate(2, g), gate(3, σ)
    c = total(product(f, c), product(i, candidate))
    return {"i": i, "f": f, "candidate": candidate, "o": o, "c": c, "h": product(o, g(c))}


def gru_gates(
    x: Vector, h: Vector, W: Matrix, U: Matrix, biases: tuple[Vector | None, Vector | None], g: Function, σ: Function
) -> dict[str, Vector]:
    """Every gate of a GRU step with two biases, `reset_after=True`; the order of gates is z, r, h."""
    n, (b, b_h) = len(h), biases
    of_x = [total(dense(x, columns(W, block, n)), part(b, block, n)) for block in range(3)]
    of_h = [total(dense(h, columns(U, block, n)), part(b_h, block, n)) for block in range(3)]
    z, r = σ(total(of_x[0], of_h[0])), σ(total(of_x[1], of_h[1]))
    return _mixed(z, r, g(total(of_x[2], product(r, of_h[2]))), h)


def gru_gates_reset_before(
    x: Vector, h: Vector, W: Matrix, U: Matrix, b: Vector | None, g: Function, σ: Function
) -> dict[str, Vector]:
    """Every gate of a GRU step in which the reset gate comes before the product, `reset_after=False`."""
    n = len(h)
    of_x = [total(dense(x, columns(W, block, n)), part(b, block, n)) for block in range(3)]
    z = σ(total(of_x[0], dense(h, columns(U, 0, n))))
    r = σ(total(of_x[1], dense(h, columns(U, 1, n))))
    return _mixed(z, r, g(total(of_x[2], dense(product(r, h), columns(U, 2, n)))), h)


def _mixed(z: Vector, r: Vector, candidate: Vector, h: Vector) -> dict[str, Vector]:
    new_h = [z_u * h_u + (1 - z_u) * c_u for z_u, h_u, c_u in zip(z, h, candidate, strict=True)]
    return {"z": z, "r": r, "candidate": candidate, "h": new_h}


def listed(array: Any) -> Any:
    """An array as nested lists of numbers; None stays None."""
    return None if array is None else np.asarray(array, np.float64).tolist()


def of(activation: ActivationFunction) -> Function:
    return function(activation.name, **dict(activation.parameters))


def gates_of(cell: Cell, x: Vector, states: list[Vector]) -> dict[str, Vector]:
    """Every quantity of one step of a cell, by its name in `cell.gates`."""
    if isinstance(cell, SimpleRNNCell):
        z = total(dense(x, listed(cell.kernel)), dense(states[0], listed(cell.recurrent_kernel)))
        z = total(z, part(listed(cell.bias), 0, len(z)))
        return {"z": z, "h": of(cell.activation)(z)}
    assert isinstance(cell, LSTMCell | GRUCell)
    W, U, b = listed(cell.kernel), listed(cell.recurrent_kernel), listed(cell.bias)
    g, σ = of(cell.activation), of(cell.recurrent_activation)
    if isinstance(cell, LSTMCell):
        return lstm_gates(x, *states, W, U, b, g, σ)
    if cell.reset_after:
        return gru_gates(x, states[0], W, U, tuple(b) if b else (None, None), g, σ)
    return gru_gates_reset_before(x, states[0], W, U, b, g, σ)


def step_of(cell: Cell, x: Vector, states: list[Vector]) -> list[Vector]:
    """The states after one step of a cell; of stacked cells, of one cell after the other."""
    if not isinstance(cell, StackedCells):
        gates = gates_of(cell, x, states)
        return [gates["h"], gates["c"]] if isinstance(cell, LSTMCell) else [gates["h"]]
    new: list[Vector] = []
    for inner in cell.cells:
        own = states[len(new) : len(new) + (2 if isinstance(inner, LSTMCell) else 1)]
        of_inner = step_of(inner, x, own)
        new, x = new + of_inner, of_inner[0]
    return new


def run(
    cell: Cell, sequence: Matrix, states: list[Vector], mask: list[bool] | None = None
) -> tuple[Matrix, list[Vector]]:
    """A cell over one sequence: the output of every step, and the last states; a masked step repeats the one before."""
    outputs: Matrix = []
    last = len(cell.cells) - 1 if isinstance(cell, StackedCells) else 0
    place = sum(2 if isinstance(inner, LSTMCell) else 1 for inner in cell.cells[:last]) if last else 0
    for t, x in enumerate(sequence):
        if mask is None or mask[t]:
            states = step_of(cell, x, states)
            outputs.append(states[place])
        else:
            outputs.append(outputs[-1] if outputs else [0.0] * len(states[place]))
    return outputs, states
