"""LSTM against the scalar oracle, and its fast step against its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import RNN, LSTMCell, Run, Signal
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import lstm_cell, random_array, states_for
from tests.layers import cells


@pytest.mark.parametrize("recurrent", cells.ACTIVATIONS)
@pytest.mark.parametrize("activation", ["tanh", "relu", "softmax"])
def test_step_equals_the_scalar_lstm(activation: str, recurrent: str) -> None:
    cell = lstm_cell(activation=cells.ACTIVATIONS[activation], recurrent_activation=cells.ACTIVATIONS[recurrent])
    cells.assert_step_is_scalar(cell)


@pytest.mark.parametrize("bias", [True, False])
def test_several_steps_equal_the_scalar_lstm(bias: bool) -> None:
    cell = lstm_cell(bias=bias)
    cells.assert_steps_are_scalar(cell.step, cell)
    cells.assert_steps_are_scalar(cell.fast(5, "float64"), cell)


@given(cells.shapes, cells.activations, cells.activations, st.booleans(), cells.samples, cells.dtypes, cells.seeds)
def test_fast_equals_step(
    shape: dict[str, int], g: ActivationFunction, σ: ActivationFunction, bias: bool, count: int, dtype: str, seed: int
) -> None:
    cell = lstm_cell(**shape, seed=seed, bias=bias, dtype=dtype, activation=g, recurrent_activation=σ)
    cells.assert_fast_is_step(cell, count, dtype, seed)


def test_fast_equals_step_with_the_default_activations() -> None:
    for dtype in ("float64", "float32"):
        cells.assert_fast_is_step(lstm_cell(dtype=dtype), 5, dtype, 3)


def test_gates_by_hand() -> None:
    """One unit, one feature, every number chosen so that the step can be checked with a pocket calculator."""
    linear = ActivationFunction.of("linear")
    cell = LSTMCell(
        name="cell",
        kernel=np.array([[1.0, 2.0, 3.0, 4.0]]),
        recurrent_kernel=np.array([[0.5, 0.25, -1.0, 2.0]]),
        bias=np.array([0.1, 0.2, 0.3, 0.4]),
        activation=linear,
        recurrent_activation=linear,
    )
    gates = cell.gates(np.array([[2.0]]), (np.array([[4.0]]), np.array([[10.0]])))
    assert_allclose([gates.i, gates.f, gates.candidate, gates.o], np.array([4.1, 5.2, 2.3, 16.4])[:, None, None])
    assert_allclose(gates.c, [[5.2 * 10 + 4.1 * 2.3]])
    assert_allclose(gates.h, [[16.4 * (5.2 * 10 + 4.1 * 2.3)]])


def test_saturated_gates_do_not_overflow() -> None:
    cell = lstm_cell()
    x = np.full((2, 3), 1e4)
    h, c = cell.step(x, states_for(cell, 2))
    (output,) = RNN(name="lstm", cell=cell).apply((Signal(x[:, None]),), Run())
    assert np.isfinite([*h, *c, *output.value]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": random_array(3, 12)}, r"kernel has shape \(3, 12\), expected \(3, 16\)"),
        ({"recurrent_kernel": random_array(4, 12)}, r"recurrent_kernel has shape \(4, 12\), expected \(4, 16\)"),
        ({"bias": random_array(12)}, r"bias has shape \(12,\), expected \(16,\)"),
    ],
)
def test_weights_of_other_shapes_are_refused(change: dict[str, Any], message: str) -> None:
    weights = {"kernel": random_array(3, 16), "recurrent_kernel": random_array(4, 16), "bias": random_array(16)}
    with pytest.raises(ModelFileError, match=message):
        LSTMCell(name="lstm_1", **{**weights, **change})
