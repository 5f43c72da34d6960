"""Diagnoses: explanations that tie, that are the same, that go together; and time."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lstm_verify import replay
from lstm_verify.diagnosis.experiment import experiment
from lstm_verify.diagnosis.explain import diagnosis_lines
from lstm_verify.faults import sites
from lstm_verify.inputs import random_inputs
from lstm_verify.layers import (
    Array,
    Bidirectional,
    Identity,
    StackedCells,
    TimeDistributed,
)
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import FEATURES, UNITS, dense, gru_cell, lstm_cell, rnn, sequences, sequential
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_cell, with_layer

X = sequences(40, dtype="float32")
LSTM = float32(sequential(rnn(lstm_cell(), "lstm"), dense()))


def nested() -> Model:
    both = Bidirectional(
        name="both",
        forward_layer=rnn(lstm_cell(seed=11), "ahead", return_sequences=True),
        backward_layer=rnn(lstm_cell(seed=12), "back", go_backwards=True, return_sequences=True),
        return_sequences=True,
    )
    inner = replace(sequential(both, dense(5, 2 * UNITS, name="head")), name="inner")
    each = TimeDistributed(name="each", layer=dense(3, 5, name="small", activation=ActivationFunction.of("relu")))
    stack = StackedCells(name="cells", cells=(lstm_cell(4, 3, seed=13), gru_cell(4, 4, seed=14)))
    return float32(sequential(inner, each, rnn(stack, "stacked"), dense(name="out")))


def put_at(model: Model, path: str, kind: str, **changes: Any) -> Model:
    (site,) = [s for s in sites(model) if s.path == path and type(s.item).__name__ == kind]
    return site.put(replace(site.item, **changes))


@pytest.mark.parametrize(
    ("path", "kind", "changes", "fault"),
    [
        ("inner/both/backward_layer", "LSTMCell", {"forget_bias": 1.0}, "forget_bias"),
        ("inner/both/forward_layer", "LSTMCell", {"activation": ActivationFunction.of("relu")}, "activation"),
        ("each/layer", "Dense", {"activation": ActivationFunction.of("tanh")}, "activation"),
        (
            "stacked/cells/1",
            "GRUCell",
            {"recurrent_activation": ActivationFunction.of("hard_sigmoid", slope=0.2)},
            None,
        ),
        ("stacked/cells/0", "LSTMCell", {"forget_bias": 1.0}, "forget_bias"),
        ("inner/head", "Dense", {"activation": ActivationFunction.of("sigmoid")}, "activation"),
    ],
)
def test_the_layer_is_named_wherever_it_is(path: str, kind: str, changes: dict[str, Any], fault: str | None) -> None:
    model = nested()
    predicted = predicted_by(put_at(model, path, kind, **changes), X)
    found = diagnosed(model, X, predicted)
    assert found.status != "unexplained"  # relu6 may do what relu does
    assert names(found) == {(fault or "recurrent_activation", path)}


# ------------------------------------------------------------------------------------------------- ties


def test_explanations_that_tie_are_all_named_with_an_input_that_separates_them() -> None:
    """In the first step of a GRU both biases in one place are the same as a reset gate before the product."""
    model = float32(sequential(rnn(gru_cell(), "gru"), dense(), shape=(None, None, FEATURES)))
    layer: Any = model.layers["gru"]
    one_bias = layer.cell.bias.sum(axis=0)
    x = X[:, :1]
    found = diagnosed(model, x, predicted_by(with_cell(model, "gru", reset_after=False, bias=one_bias), x))
    assert found.status == "ambiguous"
    assert {e.change.fault for e in found.explanations} == {"bias", "reset_after"}
    assert found.separating is not None
    other = random_inputs(model, found.separating["random"], found.separating["seed"])
    one, another = (np.asarray(replay(e.change.make(model), other)) for e in found.explanations)
    assert np.abs(one - another).max() > 1e-3
    text = " ".join(diagnosis_lines(found, "model.predict"))
    assert "On this input it cannot be told apart from" in text
    assert f"--seed {found.separating['seed']}` would tell them apart" in text
    assert {entry["explanation"] for entry in found.to_dict()["faults"]} == {0, 1}


def test_a_tie_of_which_one_is_right_is_settled_by_more_steps() -> None:
    model = float32(sequential(rnn(gru_cell(), "gru"), dense(), shape=(None, None, FEATURES)))
    layer: Any = model.layers["gru"]
    one_bias = layer.cell.bias.sum(axis=0)
    found = diagnosed(model, X, predicted_by(with_cell(model, "gru", reset_after=False, bias=one_bias), X))
    assert (found.status, names(found)) == ("explained", {("reset_after", "gru")})


def positive() -> tuple[Model, Model, Array]:
    """A layer with tanh whose runtime has none; on this input, relu would do the same."""
    layer = dense(2, FEATURES, name="dense", activation=ActivationFunction.of("tanh"))
    layer = replace(layer, kernel=np.abs(layer.kernel), bias=np.abs(layer.bias))
    model = float32(sequential(layer, shape=(None, FEATURES)))
    x = np.abs(sequences(40, 1, dtype="float32")[:, 0])
    return model, with_layer(model, "dense", activation=ActivationFunction.of("linear")), x


def test_both_kinds_of_one_fault_are_named() -> None:
    model, faulty, x = positive()
    found = diagnosed(model, x, predicted_by(faulty, x))
    words = {c.behaves_as.split("(")[0] for e in found.explanations for c in (e.change, *e.also)}
    assert {"linear", "relu"} <= words


def test_what_computes_the_same_is_one_explanation_in_other_words() -> None:
    """Directions exchanged are layers of equal shape exchanged."""
    halves = [rnn(lstm_cell(seed=n), f"half_{n}", go_backwards=n == 2) for n in (1, 2)]
    both = Bidirectional(name="both", forward_layer=halves[0], backward_layer=halves[1])
    model = float32(sequential(both, dense(2, 2 * UNITS)))
    forward, backward = (getattr(model.layers["both"], name) for name in ("forward_layer", "backward_layer"))
    faulty = with_layer(
        model,
        "both",
        forward_layer=replace(forward, cell=backward.cell),
        backward_layer=replace(backward, cell=forward.cell),
    )
    found = diagnosed(model, X, predicted_by(faulty, X))
    assert found.status == "explained"
    (explanation,) = found.explanations
    assert explanation.change.fault == "directions_swapped"
    assert {change.fault for change in explanation.also} == {"equal_shape_weights_swapped"}
    assert found.separating is None
    assert [entry["also"] for entry in found.to_dict()["faults"]] == [
        [{"fault": "equal_shape_weights_swapped", "layer": "both/forward_layer"}]
    ]


# ---------------------------------------------------------------------------------------------- several


def in_order(weight: Array, order: str) -> Array:
    """The blocks i, f, c, o in the places that a reader of `order` takes them from."""
    blocks = np.split(weight, 4, axis=-1)
    return np.concatenate([blocks[order.index(gate)] for gate in "ifco"], axis=-1)


def test_weights_of_tensorflow_1_copied_into_keras() -> None:
    """Gate order and forget bias at once."""
    layer: Any = LSTM.layers["lstm"]
    moved = {name: in_order(getattr(layer.cell, name), "icfo") for name in ("kernel", "recurrent_kernel", "bias")}
    predicted = predicted_by(with_cell(LSTM, "lstm", **moved, forget_bias=1.0), X)
    found = diagnosed(LSTM, X, predicted)
    assert found.status == "explained"
    (explanation,) = found.explanations
    assert {part.fault for part in explanation.change.parts} == {"gate_order", "forget_bias"}
    assert {part.behaves_as.split(" (")[0] for part in explanation.change.parts} == {"i, c, f, o", "1"}


def test_the_same_fault_in_two_layers() -> None:
    hard = ActivationFunction.of("hard_sigmoid", slope=0.2)
    cells = {
        name: lstm_cell(4, features, seed=seed, recurrent_activation=hard)
        for name, features, seed in (("first", FEATURES, 1), ("second", 4, 5))
    }
    layers = [rnn(cell, name, return_sequences=name == "first") for name, cell in cells.items()]
    model = float32(sequential(*layers, dense()))
    faulty = model
    for name in cells:
        faulty = with_cell(faulty, name, recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=1 / 6))
    found = diagnosed(model, X, predicted_by(faulty, X))
    assert found.status == "explained"
    assert names(found) == {("recurrent_activation", "first"), ("recurrent_activation", "second")}


def test_two_faults_in_two_layers() -> None:
    model = float32(sequential(rnn(lstm_cell(), "lstm"), dense(2, activation=ActivationFunction.of("tanh"))))
    faulty = with_cell(model, "lstm", recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2))
    faulty = with_layer(faulty, "dense", bias=np.zeros(2))
    found = diagnosed(model, X, predicted_by(faulty, X))
    assert found.status == "explained"
    assert {("recurrent_activation", "lstm"), ("bias", "dense")} <= names(found)


# ------------------------------------------------------------------------------------------ no explanation


def test_noise_is_not_explained() -> None:
    y = predicted_by(LSTM, X)["dense"]
    noise = np.random.default_rng(0).normal(size=y.shape).astype("float32")
    found = diagnosed(LSTM, X, {"dense": y + 0.05 * noise}, seconds=20)
    assert (found.status, found.explanations) == ("unexplained", ())
    assert found.closest is None
    assert found.tried > 100
    text = " ".join(diagnosis_lines(found, "model.predict"))
    assert text.startswith("No known fault explains what model.predict returns")


def test_without_time_nothing_is_explained_and_it_says_so() -> None:
    predicted = predicted_by(with_cell(LSTM, "lstm", forget_bias=1.0), X)
    found = diagnosed(LSTM, X, predicted, seconds=0)
    assert (found.status, found.explanations, bool(found.untried)) == ("unexplained", (), True)
    assert found.to_dict()["complete"] is False
    assert "The search was cut short. Not tried, or not completely: single faults, " in " ".join(
        diagnosis_lines(found, "model.predict")
    )


NOISE = {"dense": predicted_by(LSTM, X)["dense"] + 0.1 * X[:, 0, :2]}


def clock(monkeypatch: pytest.MonkeyPatch, tick: float) -> None:
    """A clock that is `tick` seconds later whenever it is looked at."""
    now = count()
    monkeypatch.setattr("lstm_verify.diagnosis.work.time", SimpleNamespace(monotonic=lambda: tick * next(now)))


def test_the_time_limit_of_a_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 0.125)
    found = diagnosed(LSTM, X, NOISE, seconds=10)
    assert 0 < found.tried <= 0.8 * 10 / 0.125
    assert found.untried


@pytest.mark.parametrize("work", [0.01, 0.1])
def test_without_one_a_search_ends_at_the_same_fault_on_any_machine(
    monkeypatch: pytest.MonkeyPatch, work: float
) -> None:
    monkeypatch.setattr("lstm_verify.diagnosis.WORK", work)
    found = []
    for tick in (0.0, 1e6):
        clock(monkeypatch, tick)
        found.append(diagnosed(LSTM, X, NOISE).to_dict())
    assert found[0] == found[1]
    assert found[0]["untried"]


@pytest.mark.parametrize(
    ("which", "value"),
    [
        *((which, value) for which in ("one", "a sample", "all") for value in (np.inf, -np.inf)),
        ("one", np.nan),
        ("a sample", np.nan),
        ("all", np.nan),
    ],
)
def test_predictions_that_are_not_numbers_do_not_break_it(which: str, value: float) -> None:
    predicted = predicted_by(LSTM, X)
    places: dict[str, Any] = {"one": (3, 1), "a sample": 3, "all": slice(None)}
    predicted["dense"][places[which]] = value
    found = diagnosed(LSTM, X, predicted, seconds=3)
    assert (found.status, names(found)) == ("explained", {("predictions: not_finite", "dense")})
    found.to_dict()
    list(diagnosis_lines(found, "model.predict"))


def test_a_fault_is_found_beside_a_value_that_is_not_a_number_on_both_sides() -> None:
    x = X.copy()
    x[5, 2, 0] = np.nan
    predicted = predicted_by(with_cell(LSTM, "lstm", forget_bias=1.0), x)
    assert np.isnan(predicted["dense"][5]).all()
    assert names(diagnosed(LSTM, x, predicted)) == {("forget_bias", "lstm")}


def test_other_shapes_are_not_experimented_with() -> None:
    x = X[:3]
    found = experiment(LSTM, {"x": x}, {"dense": np.zeros((3, 7))}, None)
    assert not np.isfinite(found.misfit(found.replayed).sigmas)


# ------------------------------------------------------------------------------------- what is not the model


def test_a_framework_that_differs_from_itself_has_dropout() -> None:
    layers = rnn(lstm_cell(), "lstm"), Identity(name="dropout"), dense()
    model = float32(sequential(*layers))
    predicted = predicted_by(model, X)
    predicted["dense"] = predicted["dense"] + 0.1 * X[:, 0, :2]
    found = diagnosed(model, X, predicted, again=0.08)
    assert (found.status, names(found)) == ("explained", {("dropout_active", "dropout")})
    assert "dropout is active in `dropout`" in next(diagnosis_lines(found, "model.predict"))
    slightly = diagnosed(model, X, predicted, again=1e-7, seconds=0)
    assert slightly.status == "unexplained"


def test_a_stateful_model_that_was_not_reset() -> None:
    """A second prediction that begins with what the first left."""
    model = float32(sequential(rnn(lstm_cell(), "lstm", stateful=True), dense(), shape=(4, 6, FEATURES)))
    x = X[:8]
    both = predicted_by(model, np.concatenate([x, x]))["dense"]
    found = diagnosed(model, x, {"dense": both[8:]}, batch_size=4)
    assert (found.status, names(found)) == ("explained", {("initial_state", "lstm")})


def test_a_diagnosis_as_plain_data() -> None:
    predicted = predicted_by(with_cell(LSTM, "lstm", forget_bias=1.0), X)
    data = diagnosed(LSTM, X, predicted).to_dict()
    (fault,) = data["faults"]
    assert data["status"] == "explained"
    wanted = {"fault": "forget_bias", "layer": "lstm", "parameter": "forget_bias", "file_says": "0", "behaves_as": "1"}
    assert {key: fault[key] for key in wanted} == wanted
    honest, away = np.asarray(replay(LSTM, X)), predicted["dense"]
    assert fault["max_abs_deviation_before"] == pytest.approx(np.abs(away - honest).max(), rel=1e-3)
    assert fault["max_abs_deviation_after"] < 1e-6
    assert fault["sigmas_after"] <= 8
