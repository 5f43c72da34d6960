"""One step of a cell for one sample, by the cell and in plain `math`."""

from __future__ import annotations

from typing import Any

from numpy.testing import assert_allclose

from lstm_verify.layers import Array, Cell, GRUCell, LSTMCell, LSTMVariantCell
from tests.builders import FEATURES, UNITS, random_array
from tests.faults.steps import gru_step, lstm_step
from tests.oracle_activations import Vector

X = random_array(FEATURES, seed=50)
H, C = random_array(UNITS, seed=51, scale=0.5), random_array(UNITS, seed=52)
PEEPHOLES = {gate: random_array(UNITS, seed=60 + n) for n, gate in enumerate("ifo")}
WEIGHTS = ("kernel", "recurrent_kernel", "bias")


def stepped(cell: Cell, *, fast: bool = False) -> list[Array]:
    """The states after a step of a cell, for one sample."""
    states = (H[None], C[None]) if len(cell.state_sizes) == 2 else (H[None],)
    step = cell.fast(1, "float64") if fast else cell.step
    return [state[0] for state in step(X[None], states)]


def plain_lstm(cell: LSTMCell | LSTMVariantCell, **fault: Any) -> tuple[Vector, Vector]:
    bias = None if cell.bias is None else cell.bias.tolist()
    return lstm_step(
        X.tolist(), H.tolist(), C.tolist(), cell.kernel.tolist(), cell.recurrent_kernel.tolist(), bias, **fault
    )


def plain_gru(cell: GRUCell, **fault: Any) -> Vector:
    assert cell.bias is not None
    b = cell.bias.tolist()
    biases = (b[0], b[1]) if cell.reset_after else (b, [0.0] * len(b))
    options: dict[str, Any] = {"biases": biases, "reset_after": cell.reset_after, **fault}
    return gru_step(X.tolist(), H.tolist(), cell.kernel.tolist(), cell.recurrent_kernel.tolist(), **options)


def same(made: Cell, wanted: Any) -> None:
    """Check the states of a step, and of the same step as large batches have it."""
    rows = [wanted] if isinstance(wanted[0], float) else wanted
    for fast in (False, True):
        got = stepped(made, fast=fast)
        assert len(got) == len(rows)
        for state, row in zip(got, rows, strict=True):
            assert_allclose(state, row, rtol=1e-12, atol=1e-14)
