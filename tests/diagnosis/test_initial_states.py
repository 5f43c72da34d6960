"""States that begin otherwise: found where samples that they were not fitted to agree, and only there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify.diagnosis.experiment import Experiment, experiment
from lstm_verify.diagnosis.initial_states import fitted_starts, resets
from lstm_verify.faults.states import started
from lstm_verify.layers import Array
from lstm_verify.model import Model
from tests.builders import FEATURES, dense, lstm_cell, rnn, sequences, sequential
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_cell

X = sequences(60, dtype="float32")
LSTM = float32(sequential(rnn(lstm_cell(), "lstm"), dense()))
CELL: Any = LSTM.layers["lstm"]
START = tuple(np.random.default_rng(n).normal(size=CELL.cell.units).astype(np.float32) for n in (1, 2))


def begun(model: Model = LSTM) -> Model:
    layer: Any = model.layers["lstm"]
    return replace(model, layers={**model.layers, "lstm": started(layer, START)})


def tried(predicted: Array, x: Array = X) -> Experiment:
    return experiment(LSTM, {LSTM.inputs[0].name: x}, {"dense": predicted}, None)


def test_a_start_of_its_own_in_every_unit_is_found() -> None:
    (change,) = fitted_starts(tried(predicted_by(begun(), X)["dense"]))
    assert (change.fault, change.layers) == ("initial_state", ("lstm",))
    assert change.behaves_as.startswith(f"the same numbers for every sample: h = [{START[0][0]:.3g}, ")
    found = diagnosed(LSTM, X, predicted_by(begun(), X))
    assert (found.status, names(found)) == ("explained", {("initial_state", "lstm")})


def test_it_is_not_found_where_samples_are_too_few_to_tell() -> None:
    """As many numbers as equations fit anything."""
    few = X[:6]
    assert list(fitted_starts(tried(predicted_by(begun(), few)["dense"], few))) == []


def test_what_no_start_explains_is_not_fitted() -> None:
    for predicted in (
        predicted_by(LSTM, X)["dense"] + 0.01 * np.random.default_rng(3).normal(size=(60, 2)),
        predicted_by(with_cell(LSTM, "lstm", forget_bias=0.3), X)["dense"],
    ):
        assert list(fitted_starts(tried(predicted))) == []


def test_a_start_that_some_samples_do_not_have_is_no_explanation() -> None:
    predicted = predicted_by(begun(), X)["dense"]
    predicted[31] = predicted_by(LSTM, X)["dense"][31]
    assert list(fitted_starts(tried(predicted))) == []


def test_resets_are_made_in_several_layers_at_once() -> None:
    """Each in the model that another has changed."""
    cells = {name: lstm_cell(4, features, seed=seed) for name, features, seed in (("a", FEATURES, 1), ("b", 4, 5))}
    model = float32(sequential(*(rnn(c, n, return_sequences=True) for n, c in cells.items()), dense()))
    changed = model
    for change in resets(model, [2]):
        changed = change.make(changed)
    found = diagnosed(model, X, predicted_by(changed, X))
    assert (found.status, names(found)) == ("explained", {("initial_state", "a"), ("initial_state", "b")})
