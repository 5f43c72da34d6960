"""Stacked cells: the same as layers on top of each other, and as the scalar oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.layers import StackedCells
from tests import oracle
from tests.builders import UNITS, apply, gru_cell, lstm_cell, rnn, sequences, simple_rnn_cell, states_for
from tests.layers import cells


def stack(seed: int = 1, dtype: str = "float64", features: int = 3) -> StackedCells:
    """LSTM(4), then GRU(2), then SimpleRNN(5): states of five sizes in all."""
    parts = (
        lstm_cell(4, features, seed=seed, dtype=dtype),
        gru_cell(2, 4, seed=seed + 1, dtype=dtype),
        simple_rnn_cell(5, 2, seed=seed + 2, dtype=dtype),
    )
    return StackedCells(name="stack", cells=parts)


def test_state_sizes_in_order() -> None:
    assert stack().state_sizes == (4, 4, 2, 5)


def test_steps_equal_the_scalar_oracle() -> None:
    cell = stack()
    cells.assert_steps_are_scalar(cell.step, cell)
    cells.assert_steps_are_scalar(cell.fast(5, "float64"), cell)


@given(cells.samples, cells.dtypes, cells.seeds)
def test_fast_equals_step(count: int, dtype: str, seed: int) -> None:
    cells.assert_fast_is_step(stack(seed, dtype), count, dtype, seed)


def test_cells_in_one_layer_equal_layers_on_top_of_each_other() -> None:
    x, cell = sequences(), stack()
    (got,) = apply(rnn(cell, return_sequences=True), x)
    for inner in cell.cells:
        (x,) = apply(rnn(inner, return_sequences=True), x)
    assert got.shape == (5, 6, 5)
    assert_allclose(got, x, rtol=0, atol=1e-13)


def test_the_output_is_of_the_last_cell_even_if_it_is_an_lstm() -> None:
    """The last states are (h, c) then; the output is h."""
    x = sequences()
    cell = StackedCells(name="stack", cells=(gru_cell(), lstm_cell(2, UNITS)))
    output, *states = apply(rnn(cell, return_state=True), x)
    assert [state.shape for state in states] == [(5, 4), (5, 2), (5, 2)]
    assert_array_equal(output, states[1])
    assert np.abs(output - states[2]).max() > 1e-3


@pytest.mark.parametrize("last_is_lstm", [True, False])
def test_masked_sequences_equal_the_scalar_loop(last_is_lstm: bool) -> None:
    x, mask = sequences(), np.random.default_rng(4).random((5, 6)) < 0.6
    cell = StackedCells(name="stack", cells=(gru_cell(), lstm_cell(2, UNITS))) if last_is_lstm else stack()
    (got,) = apply(rnn(cell, return_sequences=True), x, mask=mask)
    for sample in range(5):
        start = [[0.0] * size for size in cell.state_sizes]
        wanted, _ = oracle.run(cell, x[sample].tolist(), start, mask[sample].tolist())
        assert_allclose(got[sample], wanted, rtol=0, atol=1e-12)


def test_initial_states_go_to_their_cell() -> None:
    x, cell = sequences(), stack()
    states = states_for(cell)
    (got,) = apply(rnn(cell, return_sequences=True), x, *states)
    for sample in range(5):
        wanted, _ = oracle.run(cell, x[sample].tolist(), [state[sample].tolist() for state in states])
        assert_allclose(got[sample], wanted, rtol=0, atol=1e-12)


def test_weights_and_dtype_are_those_of_the_cells() -> None:
    assert [path for path, _ in stack().weights()][3] == "cells/1/kernel"
    assert stack().dtype == np.float64
    assert stack().astype("float32").dtype == np.float32
