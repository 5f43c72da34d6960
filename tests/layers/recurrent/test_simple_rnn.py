"""SimpleRNN against the scalar oracle, and its fast step against its equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import SimpleRNNCell
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import random_array, simple_rnn_cell
from tests.layers import cells


@pytest.mark.parametrize("activation", cells.ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_step_equals_the_scalar_rnn(bias: bool, activation: str) -> None:
    cell = simple_rnn_cell(bias=bias, activation=cells.ACTIVATIONS[activation])
    cells.assert_step_is_scalar(cell)
    cells.assert_steps_are_scalar(cell.step, cell)
    cells.assert_steps_are_scalar(cell.fast(5, "float64"), cell)


@given(cells.shapes, cells.activations, st.booleans(), cells.samples, cells.dtypes, cells.seeds)
def test_fast_equals_step(
    shape: dict[str, int], g: ActivationFunction, bias: bool, count: int, dtype: str, seed: int
) -> None:
    cell = simple_rnn_cell(**shape, seed=seed, bias=bias, dtype=dtype, activation=g)
    cells.assert_fast_is_step(cell, count, dtype, seed)


def test_step_by_hand() -> None:
    cell = SimpleRNNCell(
        name="cell", kernel=np.array([[2.0]]), recurrent_kernel=np.array([[0.5]]), bias=np.array([0.25])
    )
    (h,) = cell.step(np.array([[0.1]]), (np.array([[0.4]]),))
    assert_allclose(h, [[np.tanh(0.2 + 0.2 + 0.25)]])


def test_weights_of_other_shapes_are_refused() -> None:
    with pytest.raises(ModelFileError, match=r"recurrent_kernel has shape \(4, 5\), expected \(4, 4\)"):
        SimpleRNNCell(name="rnn", kernel=random_array(3, 4), recurrent_kernel=random_array(4, 5))
    with pytest.raises(ModelFileError, match=r"bias has shape \(3,\), expected \(4,\)"):
        SimpleRNNCell(name="rnn", kernel=random_array(3, 4), recurrent_kernel=random_array(4, 4), bias=np.zeros(3))
