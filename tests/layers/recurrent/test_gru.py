"""GRU against the scalar oracle, and its fast step against its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import GRUCell
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import gru_cell, random_array, sequences, states_for
from tests.layers import cells


@pytest.mark.parametrize("recurrent", cells.ACTIVATIONS)
@pytest.mark.parametrize("activation", ["tanh", "relu", "softmax"])
@pytest.mark.parametrize("reset_after", [True, False])
def test_step_equals_the_scalar_gru(reset_after: bool, activation: str, recurrent: str) -> None:
    cell = gru_cell(
        reset_after=reset_after,
        activation=cells.ACTIVATIONS[activation],
        recurrent_activation=cells.ACTIVATIONS[recurrent],
    )
    cells.assert_step_is_scalar(cell)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("reset_after", [True, False])
def test_several_steps_equal_the_scalar_gru(reset_after: bool, bias: bool) -> None:
    cell = gru_cell(reset_after=reset_after, bias=bias)
    cells.assert_steps_are_scalar(cell.step, cell)
    cells.assert_steps_are_scalar(cell.fast(5, "float64"), cell)


@given(
    cells.shapes,
    cells.activations,
    cells.activations,
    st.booleans(),
    st.booleans(),
    cells.samples,
    cells.dtypes,
    cells.seeds,
)
def test_fast_equals_step(
    shape: dict[str, int],
    g: ActivationFunction,
    σ: ActivationFunction,
    bias: bool,
    reset_after: bool,
    count: int,
    dtype: str,
    seed: int,
) -> None:
    cell = gru_cell(
        **shape, seed=seed, bias=bias, dtype=dtype, reset_after=reset_after, activation=g, recurrent_activation=σ
    )
    cells.assert_fast_is_step(cell, count, dtype, seed)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fast_equals_step_with_the_default_activations(dtype: str, reset_after: bool) -> None:
    cells.assert_fast_is_step(gru_cell(dtype=dtype, reset_after=reset_after), 5, dtype, 3)


def test_gates_by_hand() -> None:
    """One unit, one feature; the recurrent bias of the candidate lies inside the reset only with `reset_after`."""
    linear = ActivationFunction.of("linear")
    cell = GRUCell(
        name="cell",
        kernel=np.array([[1.0, 2.0, 3.0]]),
        recurrent_kernel=np.array([[0.5, 0.25, -1.0]]),
        bias=np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
        activation=linear,
        recurrent_activation=linear,
    )
    gates = cell.gates(np.array([[2.0]]), (np.array([[4.0]]),))
    z, r = 2.0 + 0.1 + 2.0 + 0.4, 4.0 + 0.2 + 1.0 + 0.5
    candidate = 6.0 + 0.3 + r * (-4.0 + 0.6)
    assert_allclose([gates.z, gates.r, gates.candidate], np.array([z, r, candidate])[:, None, None])
    assert_allclose(gates.h, [[z * 4.0 + (1 - z) * candidate]])


def test_the_two_kinds_of_reset_differ() -> None:
    x, before, after = sequences()[:, 0], gru_cell(reset_after=False, bias=False), gru_cell(bias=False)
    (h_before,), (h_after,) = before.step(x, states_for(before)), after.step(x, states_for(after))
    assert np.abs(h_before - h_after).max() > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": random_array(3, 16)}, r"kernel has shape \(3, 16\), expected \(3, 12\)"),
        ({"recurrent_kernel": random_array(4, 16)}, r"recurrent_kernel has shape \(4, 16\), expected \(4, 12\)"),
        ({"bias": random_array(12)}, r"expected \(2, 12\) = \(2, 3\*units\) with reset_after=True"),
        ({"bias": random_array(2, 12), "reset_after": False}, r"expected \(12,\).* with reset_after=False"),
    ],
)
def test_weights_of_other_shapes_are_refused(change: dict[str, Any], message: str) -> None:
    weights = {"kernel": random_array(3, 12), "recurrent_kernel": random_array(4, 12), "bias": random_array(2, 12)}
    with pytest.raises(ModelFileError, match=message):
        GRUCell(name="gru_1", **{**weights, **change})
