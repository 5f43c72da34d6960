"""States that begin otherwise: zero again every few steps, whatever the layer is, and at numbers for every sample."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_verify.faults.states import reset_every, started
from lstm_verify.layers import Array, Run
from tests.builders import apply, gru_cell, rnn
from tests.faults.sequences import CELL, SAMPLES, STEPS, X, near, outputs, ran
from tests.faults.steps import fit

H, C = np.linspace(-0.5, 0.5, CELL.units), np.linspace(0.2, 1.0, CELL.units)


def in_parts(every: int, x: Array = X) -> Array:
    starts = range(0, STEPS, every)
    return np.concatenate([outputs(CELL, x[:, start : start + every]) for start in starts], axis=1)


@pytest.mark.parametrize("every", [1, 2])
def test_a_stateful_layer_begins_at_zero_in_every_part_of_every_batch(every: int) -> None:
    edit = reset_every(rnn(CELL, stateful=True, return_sequences=True), every)
    assert edit is not None
    layer, run = edit.make(), Run()
    near(apply(layer, X, run=run)[0], in_parts(every))
    near(apply(layer, X, run=run)[0], in_parts(every))


@pytest.mark.parametrize("every", [1, 2])
def test_the_parts_of_a_backward_layer_are_those_of_its_own_steps(every: int) -> None:
    edit = reset_every(rnn(CELL, go_backwards=True, return_sequences=True), every)
    assert edit is not None
    near(apply(edit.make(), X)[0], in_parts(every, X[:, ::-1]))


def begun(h: Array, c: Array) -> Array:
    return np.array([ran(CELL, X[n], None, [h.tolist(), c.tolist()])[0][-1] for n in range(SAMPLES)])


def test_every_sample_begins_at_the_same_states() -> None:
    near(apply(started(rnn(CELL), (H, C)), X)[0], begun(H, C))


@pytest.mark.parametrize(
    ("parameter", "h", "c"), [("initial state", 0.5, 0.5), ("initial h", 0.5, 0.0), ("initial c", 0.0, 0.5)]
)
def test_one_number_in_every_unit(parameter: str, h: float, c: float) -> None:
    made = fit(rnn(CELL), "initial_state", parameter).make(0.5)
    near(apply(made, X)[0], begun(np.full(CELL.units, h), np.full(CELL.units, c)))
    assert fit(rnn(gru_cell()), "initial_state", "initial state").start == 0.5


def test_states_that_are_given_or_carried_over_are_begun_with_all_the_same() -> None:
    given = [np.full((SAMPLES, CELL.units), value) for value in (0.1, 0.2)]
    near(apply(started(rnn(CELL), (H, C)), X, *given)[0], apply(rnn(CELL), X, *given)[0])
    run, layer = Run(), started(rnn(CELL, stateful=True), (H, C))
    apply(layer, X[:, :2], run=run)
    near(apply(layer, X[:, 2:], run=run)[0], begun(H, C))
