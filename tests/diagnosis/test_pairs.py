"""Several faults at once, and what is no explanation: what changes nothing, and what would explain anything."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify.diagnosis.changes import Change, singles
from lstm_verify.diagnosis.experiment import experiment
from lstm_verify.diagnosis.misfit import NEVER, Misfit
from lstm_verify.diagnosis.plausible import hint, rarity
from lstm_verify.faults.time import FirstOutputRNN
from lstm_verify.layers import Array, Bidirectional, Masking
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import FEATURES, UNITS, dense, lstm_cell, rnn, sequences, sequential
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_cell, with_layer

X = sequences(40, dtype="float32")
LSTM = float32(sequential(rnn(lstm_cell(), "lstm"), dense(2, activation=ActivationFunction.of("tanh"))))
K2 = ActivationFunction.of("hard_sigmoid", slope=0.2)


def both_ways() -> Model:
    halves = [rnn(lstm_cell(seed=n), f"half_{n}", go_backwards=n == 2) for n in (1, 2)]
    both = Bidirectional(name="both", forward_layer=halves[0], backward_layer=halves[1])
    return float32(sequential(both, dense(2, 2 * UNITS)))


def test_directions_swapped_and_the_backward_half_of_the_last_index() -> None:
    model = both_ways()
    both: Any = model.layers["both"]
    swapped = with_layer(
        model,
        "both",
        forward_layer=replace(both.forward_layer, cell=both.backward_layer.cell),
        backward_layer=FirstOutputRNN.of(replace(both.backward_layer, cell=both.forward_layer.cell)),
    )
    found = diagnosed(model, X, predicted_by(swapped, X))
    assert found.status == "explained"
    faults = {part.fault for part in found.explanations[0].change.parts}
    assert faults == {"directions_swapped", "backward_order"}


def test_two_faults_in_two_recurrent_layers() -> None:
    cells = {name: lstm_cell(4, features, seed=seed) for name, features, seed in (("a", FEATURES, 1), ("b", 4, 5))}
    layers = [rnn(cell, name, return_sequences=name == "a") for name, cell in cells.items()]
    model = float32(sequential(*layers, dense(2, 4)))
    faulty = with_cell(with_cell(model, "a", recurrent_activation=K2), "b", activation=ActivationFunction.of("relu"))
    found = diagnosed(model, X, predicted_by(faulty, X))
    (explanation,) = found.explanations  # of which relu6 is another word for relu
    parts = {(part.fault, *part.layers) for part in explanation.change.parts}
    assert parts == {("recurrent_activation", "a"), ("activation", "b")}


def test_a_number_that_is_fitted_beside_another_fault() -> None:
    faulty = with_cell(LSTM, "lstm", recurrent_activation=K2, forget_bias=0.37)
    found = diagnosed(LSTM, X, predicted_by(faulty, X))
    assert found.status == "explained"
    behaves = {part.fault: part.behaves_as for part in found.explanations[0].change.parts}
    assert behaves == {"recurrent_activation": "hard_sigmoid(slope=0.2)", "forget_bias": "0.37"}


def test_a_third_fault_once_two_leave_a_hundredth() -> None:
    """The third is small, so that two of them nearly explain the predictions."""
    faulty = with_cell(LSTM, "lstm", recurrent_activation=K2)
    faulty = with_layer(faulty, "dense", bias=np.zeros(2))
    head: Any = faulty.layers["dense"]
    half = head.kernel.astype(np.float16).astype(np.float64)
    faulty = with_layer(faulty, "dense", kernel=half)
    found = diagnosed(LSTM, X, predicted_by(faulty, X))
    assert found.status == "explained"
    assert {part.fault for part in found.explanations[0].change.parts} == {
        *("recurrent_activation", "bias", "weight_precision"),
    }


# ----------------------------------------------------------------------------- what is no explanation, nor a hint


def test_what_changes_nothing_is_not_counted() -> None:
    """A mask of an input without padding: every change of it computes the same."""
    masked = float32(sequential(Masking(name="mask"), rnn(lstm_cell(), "lstm"), dense()))
    plain = float32(sequential(rnn(lstm_cell(), "lstm"), dense()))
    rng = np.random.default_rng(1)
    noise = {"dense": predicted_by(plain, X)["dense"] + rng.normal(size=(40, 2)).astype(np.float32)}
    with_mask, without = (diagnosed(model, X, noise, seconds=5) for model in (masked, plain))
    assert without.status == with_mask.status == "unexplained"
    assert "mask" not in {change.fault for change, _ in with_mask.evidence}
    tried = experiment(masked, {"x": X}, noise, None)
    none = tuple(tried.tried(change) for change in _masks(masked))
    assert none
    assert all(misfit is NEVER for misfit in none)


def _masks(model: Model) -> list[Any]:
    return [change for change in singles(model) if isinstance(change, Change) and change.fault == "mask"]


def test_a_budget_that_would_have_allowed_the_deviation_explains_nothing() -> None:
    """All in bfloat16: what its rounding allows is more than what is to be explained."""
    assert not Misfit(0.0, 0.61, 0.0, allowed=0.9, left=0.1).explains
    assert not Misfit(0.0, 0.61, 0.0, allowed=0.1, left=0.9).explains
    assert Misfit(7.9, 1e-7, 1.0, allowed=0.1, left=0.1).explains
    assert not Misfit(8.1, 1e-7, 1.0, allowed=0.1, left=0.1).explains


def test_what_is_no_less_likely_by_accident_explains_nothing() -> None:
    """8 bits is one of 256 changes."""
    assert not Misfit(1.0, 1e-7, 1.0, bits=7.9).explains
    found = Misfit(1.0, 1e-7, 1.0, left=0.1, bits=20.0, bits_but_one=8.1)
    assert found.explains_by_a_number
    assert not replace(found, left=0.11).explains_by_a_number
    assert not replace(found, bits_but_one=7.9).explains_by_a_number


def change_named(fault: str, behaves_as: str) -> Any:
    return Change(fault, ("lstm",), "padding", "where it is", behaves_as, lambda model: model, frozenset())


@pytest.mark.parametrize(
    ("left", "hinted"),
    [(Misfit(90.0, 0.009, 0.9), True), (Misfit(90.0, 0.011, 0.9), False), (Misfit(90.0, 0.009, 11.0), False)],
)
def test_a_hint_removes_nine_tenths_of_the_deviation(left: Misfit, hinted: bool) -> None:
    before, change = Misfit(1e3, 0.1, 100.0), change_named("mask", "ignored")
    assert (hint([(change, left)], before) is not None) == hinted


def test_what_no_framework_does_is_no_hint() -> None:
    before, left = Misfit(1e3, 0.1, 100.0), Misfit(9.0, 1e-4, 1.0)
    assert hint([(change_named("recurrent_activation", "soft_shrink"), left)], before) is None
    assert hint([(change_named("recurrent_activation", "sigmoid"), left)], before) is not None
    assert hint([(change_named("mask", "ignored"), replace(left, allowed=1.0))], before) is None


def test_padding_on_the_other_side_is_named_after_zeros_at_hidden_steps() -> None:
    """With no step before the padding that reads it, they compute the same for right padding."""
    assert rarity(change_named("mask", "is zero")) < rarity(change_named("mask", "padding on the other side"))


# ----------------------------------------------------------------------------------- what no fault makes


def shifted_weights(model: Model, name: str, scale: float) -> Model:
    """A layer with normal noise on every weight."""
    rng = np.random.default_rng(11)  # of no weight, so that it is no factor
    layer = model.layers[name].with_weights(lambda w: w + scale * rng.normal(size=w.shape))
    return replace(model, layers={**model.layers, name: layer})


def noise_in_weights(model: Model, x: Array) -> Array:
    recurrent = "both" if "both" in model.layers else "lstm"
    return predicted_by(float32(shifted_weights(model, recurrent, 1e-2)), x)["dense"]


def noise_in_head(model: Model, x: Array) -> Array:
    return predicted_by(float32(shifted_weights(model, "dense", 1e-3)), x)["dense"]


def noise_in_outputs(model: Model, x: Array) -> Array:
    y = predicted_by(model, x)["dense"]
    return np.asarray(y + 1e-3 * np.random.default_rng(5).normal(size=y.shape), np.float32)


def one_sample_of_another(model: Model, x: Array) -> Array:
    y = predicted_by(model, x)["dense"].copy()
    y[7] = y[7] + np.float32(0.3) * np.random.default_rng(6).normal(size=y.shape[1:]).astype(np.float32)
    return y


def last_steps_read_twice(model: Model, x: Array) -> Array:
    again = x.copy()
    again[::3, -1] = 1.5 * again[::3, -2] - 0.2
    return predicted_by(model, again)["dense"]


PERTURBED = (noise_in_weights, noise_in_head, noise_in_outputs, one_sample_of_another, last_steps_read_twice)
MODELS = {
    "lstm": lambda: LSTM,
    "bidirectional": both_ways,
    "masked": lambda: float32(sequential(Masking(name="mask"), rnn(lstm_cell(), "lstm"), dense())),
}


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("perturbed", PERTURBED, ids=[f.__name__ for f in PERTURBED])
def test_what_no_fault_makes_is_not_explained(make: str, perturbed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By less work than a user's search does, and the same on every machine."""
    monkeypatch.setattr(importlib.import_module("lstm_verify.diagnosis"), "WORK", 0.5)
    model = MODELS[make]()
    x = X.copy()
    if make == "masked":
        x[::2, 4:] = 0
    found = diagnosed(model, x, {"dense": perturbed(model, x)})
    if perturbed is noise_in_head:  # which is what it is: other weights than those of the file
        assert names(found) <= {("other_weights", "dense")}
    else:
        assert (found.status, names(found)) == ("unexplained", set())
    assert found.tried > 2000
