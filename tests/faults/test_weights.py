"""Faults of a cell's weights: lost, doubled, laid out otherwise; against one step in plain `math`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.faults.weights import weight_precision
from lstm_verify.layers import LSTMCell
from lstm_verify.layers.constant import Constant
from tests.builders import FEATURES, UNITS, gru_cell, lstm_cell, random_array
from tests.faults.one_step import WEIGHTS, C, H, X, plain_gru, same
from tests.faults.steps import Matrix, found, lstm_step, only
from tests.oracle_activations import Vector


def blocks(matrix: Matrix, gates: int) -> list[Matrix]:
    n = len(matrix[0]) // gates
    return [[row[g * n : (g + 1) * n] for row in matrix] for g in range(gates)]


def joined(parts: list[Matrix]) -> Matrix:
    return [[value for part in parts for value in part[row]] for row in range(len(parts[0]))]


def with_weights(cell: LSTMCell, **weights: Any) -> tuple[Vector, Vector]:
    given: dict[str, Any] = {name: getattr(cell, name).tolist() for name in WEIGHTS} | weights
    return lstm_step(X.tolist(), H.tolist(), C.tolist(), **given)


def test_a_recurrent_kernel_that_is_transposed_or_left_out() -> None:
    cell = lstm_cell()
    U = cell.recurrent_kernel.tolist()
    transposed = [[[b[c][r] for c in range(UNITS)] for r in range(UNITS)] for b in blocks(U, 4)]
    same(only(cell, "recurrent_kernel_transposed"), with_weights(cell, recurrent_kernel=joined(transposed)))
    same(only(cell, "recurrent_kernel_dropped"), with_weights(cell, recurrent_kernel=[[0.0] * 16] * UNITS))


def by_columns(block: Matrix) -> Matrix:
    """The numbers of a block column by column, written back row by row."""
    numbers = [block[row][column] for column in range(len(block[0])) for row in range(len(block))]
    width = len(block[0])
    return [numbers[start : start + width] for start in range(0, len(numbers), width)]


def as_transposed(block: Matrix) -> Matrix:
    """The numbers of a block row by row, taken for those of its transpose."""
    numbers = [value for row in block for value in row]
    height = len(block)
    return [[numbers[column * height + row] for column in range(len(block[0]))] for row in range(height)]


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("each gate's block read column by column", by_columns),
        ("each gate's block read as its transpose", as_transposed),
    ],
)
def test_kernels_in_another_order_of_memory(words: str, change: Any) -> None:
    cell = lstm_cell()
    for names in (("kernel", "recurrent_kernel"), ("kernel",), ("recurrent_kernel",)):
        (edit,) = [
            e for e in found(cell, "kernel_layout", words) if e.file_says == f"{' and '.join(names)}, row by row"
        ]
        weights = {name: joined([change(b) for b in blocks(getattr(cell, name).tolist(), 4)]) for name in names}
        same(edit.make(), with_weights(cell, **weights))


def test_columns_of_gates_side_by_side() -> None:
    cell = lstm_cell()
    columns: dict[str, Callable[[int], int]] = {
        "columns of a unit's gates side by side": lambda n: (n % UNITS) * 4 + n // UNITS,
        "side by side, read gate by gate": lambda n: (n % 4) * UNITS + n // 4,
    }
    for words, column in columns.items():
        moved = {name: [[row[column(n)] for n in range(16)] for row in getattr(cell, name)] for name in WEIGHTS[:2]}
        bias = [cell.bias[column(n)] for n in range(16)] if cell.bias is not None else []
        with_bias, without = found(cell, "kernel_layout", words)
        same(with_bias.make(), with_weights(cell, **moved, bias=bias))
        same(without.make(), with_weights(cell, **moved))


@pytest.mark.parametrize("features", [FEATURES, UNITS])
def test_rows_of_the_state_before_those_of_the_input(features: int) -> None:
    cell = lstm_cell(features=features)
    rows = [*cell.kernel.tolist(), *cell.recurrent_kernel.tolist()]
    made = only(cell, "kernel_layout", "rows of [h; x]")
    x = random_array(features, seed=3)
    got = made.step(x[None], (H[None], C[None]))
    wanted = lstm_step(
        x.tolist(),
        H.tolist(),
        C.tolist(),
        rows[UNITS:],
        rows[:UNITS],
        cell.bias.tolist(),  # type: ignore[union-attr]
    )
    for state, row in zip(got, wanted, strict=True):
        assert_allclose(state[0], row, rtol=1e-12)


def test_biases_of_an_lstm() -> None:
    cell = lstm_cell()
    assert cell.bias is not None
    same(only(cell, "bias", "left out"), with_weights(cell, bias=[0.0] * 16))
    same(only(cell, "bias", "added twice"), with_weights(cell, bias=[2 * b for b in cell.bias.tolist()]))
    assert found(lstm_cell(bias=False), "bias") == []


def test_biases_of_a_gru() -> None:
    cell = gru_cell()
    assert cell.bias is not None
    b, b_h = cell.bias.tolist()
    none, total = [0.0] * 12, [p + q for p, q in zip(b, b_h, strict=True)]
    cases = {
        "without that of the recurrent product": (b, none),
        "without that of the input": (none, b_h),
        "both added to the input": (total, none),
        "left out": (none, none),
        "added twice": ([2 * v for v in b], [2 * v for v in b_h]),
    }
    assert {edit.behaves_as for edit in found(cell, "bias")} == set(cases)
    for words, biases in cases.items():
        same(only(cell, "bias", words), plain_gru(cell, biases=biases))


def test_a_reset_gate_before_and_after_the_product() -> None:
    after, before = gru_cell(), gru_cell(reset_after=False)
    assert after.bias is not None
    b, b_h = after.bias.tolist()
    none, total = [0.0] * 12, [p + q for p, q in zip(b, b_h, strict=True)]
    same(only(after, "reset_after", "False"), plain_gru(after, reset_after=False, biases=(total, none)))
    same(
        only(after, "reset_after", "False, without the recurrent bias"),
        plain_gru(after, reset_after=False, biases=(b, none)),
    )
    same(only(before, "reset_after", "True"), plain_gru(before, reset_after=True))
    assert len(found(gru_cell(bias=False), "reset_after")) == 1


def test_weights_that_any_format_holds_are_not_rounded() -> None:
    """Zeros and ones, such as biases and gammas at first, are the same in bfloat16 and int8."""
    nothing = Constant(name="bias", value=np.array([0.0, 1.0, -1.0]))
    assert list(weight_precision(nothing)) == []
    words = [edit.behaves_as for edit in weight_precision(Constant(name="bias", value=np.array([0.0, 0.3])))]
    assert "bfloat16" in words
    assert not [word for word in words if word.endswith("not the bias")]
