"""What is seen in the arrays: each thing that is done to predictions is named, and nothing else by accident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify import replay, verify
from lstm_verify.budget import standard_deviations
from lstm_verify.diagnosis import Diagnosis
from lstm_verify.diagnosis.explain import diagnosis_lines
from lstm_verify.layers import Array, Bidirectional
from lstm_verify.model import Model, Output, Tensor
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import UNITS, dense, lstm_cell, random_array, rnn, sequences, sequential
from tests.conftest import FIXTURES
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_layer

X = sequences(24, dtype="float32")
SOFTMAX = ActivationFunction.of("softmax")
PLAIN = float32(sequential(rnn(lstm_cell(), "lstm"), dense(3)))
SINGLE = float32(sequential(rnn(lstm_cell(), "lstm"), dense(1)))
STEPS = float32(sequential(rnn(lstm_cell(), "lstm", return_sequences=True), dense(3)))
CLASSES = float32(sequential(rnn(lstm_cell(), "lstm"), dense(3, activation=SOFTMAX)))
BINARY = float32(sequential(rnn(lstm_cell(), "lstm"), dense(1, activation=ActivationFunction.of("sigmoid"))))
BINARY = with_layer(BINARY, "dense", bias=None)
Change = Callable[[Array], Array]


def as_text(y: Array) -> Array:
    return np.array([[float(f"{value:.4f}") for value in row] for row in y])


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def one_hot(y: Array) -> Array:
    return np.eye(y.shape[-1])[y.argmax(axis=-1)]


def noisy(y: Array) -> Array:
    return y + 1e-3 * random_array(*y.shape, seed=8, dtype="float32")


CASES: list[tuple[str, Model, Change, str, str]] = [
    ("permuted", PLAIN, lambda y: y[np.random.default_rng(1).permutation(len(y))], "permuted", "row 0 is that of"),
    ("two rows exchanged", PLAIN, lambda y: y[[1, 0, *range(2, len(y))]], "permuted", "row 0 is that of sample 1"),
    ("backwards", PLAIN, lambda y: y[::-1], "permuted", "in reverse order"),
    ("rolled", PLAIN, lambda y: np.roll(y, 2, axis=0), "shifted", "2 rows later"),
    ("shifted", PLAIN, lambda y: np.concatenate([y[1:], noisy(y[:1])]), "shifted", "1 row earlier"),
    ("shifted in time", STEPS, lambda y: np.concatenate([y[:, :1], y[:, :-1]], axis=1), "shifted", "1 time step later"),
    ("first ones again", PLAIN, lambda y: np.tile(y[:6], (4, 1)), "other_samples", "row 6 is that of sample 0"),
    ("too few", PLAIN, lambda y: y[5:12], "other_samples", "row 0 is that of sample 5"),
    ("flat", SINGLE, np.ravel, "reshaped", "in the shape (24,) and not (24, 1)"),
    ("transposed", PLAIN, np.transpose, "reshaped", "(1, 0)"),
    ("time first", STEPS, lambda y: y.swapaxes(0, 1), "reshaped", "axes in the order (1, 0, 2)"),
    ("last step", STEPS, lambda y: y[:, -1], "one_step", "the last time step"),
    ("percent", PLAIN, lambda y: y * np.float32(100), "scaled", "times 100"),
    ("units", PLAIN, lambda y: y * np.float32(7.31) + np.float32(-2.5), "scaled", "times 7.31 plus -2.5"),
    ("columns", PLAIN, lambda y: y * np.array([2, 3, 0.5], "f4") + np.array([1, 0, 4], "f4"), "scaled", "(2, 3, 0.5)"),
    ("sign", PLAIN, np.negative, "negated", "the sign is the other one"),
    ("constant added", PLAIN, lambda y: y + np.float32(0.5), "offset", "plus 0.5: a constant was added"),
    ("rounded", PLAIN, lambda y: np.round(y, 3), "rounded", "`--decimals 3`"),
    ("text", PLAIN, as_text, "rounded", "rounded to 4 decimals"),
    ("zero", PLAIN, np.zeros_like, "constant", "all 0, whatever the input"),
    ("one row", PLAIN, lambda y: np.tile(y[:1], (len(y), 1)), "constant", "the same for every sample"),
    ("classes", CLASSES, lambda y: y.argmax(axis=-1), "argmax", "class numbers"),
    ("classes in a column", CLASSES, lambda y: y.argmax(axis=-1)[:, None], "argmax", "class numbers"),
    ("one-hot", CLASSES, one_hot, "one_hot", "1 for the largest"),
    ("yes or no", BINARY, lambda y: (y > 0.5).astype("f4"), "argmax", "0 or 1 for the probabilities"),
    ("probabilities", PLAIN, softmax, "probabilities", "after a softmax"),
    ("NaN", PLAIN, lambda y: np.where(np.arange(72).reshape(24, 3) == 13, np.nan, y), "not_finite", "NaN at (4, 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "change", "kind", "words"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_what_was_done_to_predictions_is_named(model: Model, change: Change, kind: str, words: str) -> None:
    predicted = {"dense": change(predicted_by(model, X)["dense"])}
    found = diagnosed(model, X, predicted)
    assert (found.status, names(found)) == ("explained", {(f"predictions: {kind}", "dense")})
    assert words in " ".join(diagnosis_lines(found, "model.predict"))
    (fault,) = found.to_dict()["faults"]
    assert (fault["fault"], fault["parameter"], found.tried) == (f"predictions: {kind}", "predictions", 0)
    assert fault["sigmas_after"] <= 8


def test_both_a_shape_and_a_factor() -> None:
    predicted = {"dense": 250 * predicted_by(SINGLE, X)["dense"].ravel()}
    found = diagnosed(SINGLE, X, predicted)
    assert [fault["fault"] for fault in found.to_dict()["faults"]] == ["predictions: reshaped", "predictions: scaled"]
    assert "times 250" in next(diagnosis_lines(found, ""))


# ------------------------------------------------------------------------------------ not by accident


def few(count: int) -> tuple[Array, Array]:
    x = X[:count]
    return x, predicted_by(SINGLE, x)["dense"]


@pytest.mark.parametrize("change", [lambda y: 37.5 * y + 12, lambda y: y[::-1]])
def test_two_numbers_explain_nothing(change: Change) -> None:
    x, y = few(2)
    found = diagnosed(SINGLE, x, {"dense": change(y)}, seconds=0)
    assert (found.status, found.explanations) == ("unexplained", ())


def test_a_factor_and_a_constant_need_four() -> None:
    for count, status in ((3, "unexplained"), (4, "explained")):
        x, y = few(count)
        assert diagnosed(SINGLE, x, {"dense": np.float32(37.5) * y + 12}, seconds=0).status == status


@pytest.mark.parametrize(
    "change",
    [
        noisy,
        lambda y: noisy(y * 100),
        lambda y: noisy(y)[::-1],
        lambda y: np.round(noisy(y), 3),
        lambda y: np.where(y > 0, y, 1.01 * y),
        lambda y: y + 1e-4 * y**2,
        lambda y: np.concatenate([noisy(y[:1]), y[1:]]),
        lambda y: np.tanh(y),
    ],
)
def test_what_is_not_exact_is_not_named(change: Change) -> None:
    found = diagnosed(PLAIN, X, {"dense": change(predicted_by(PLAIN, X)["dense"])}, seconds=0)
    assert (found.status, found.explanations) == ("unexplained", ())


def test_exchanged_classes_of_certain_samples_are_no_other_order() -> None:
    """Outputs that are 0 or 1 have nothing to tell rows apart by."""
    sharp = replace(BINARY.layers["dense"], kernel=400 * random_array(UNITS, 1, seed=3), bias=None)  # type: ignore[call-arg]
    model = float32(replace(BINARY, layers={**BINARY.layers, "dense": sharp}))
    y = predicted_by(model, X)["dense"]
    certain = np.flatnonzero(np.abs(y[:, 0] - 0.5) > 0.4999999)
    ones, zeros = (certain[y[certain, 0] > 0.5][:2], certain[y[certain, 0] < 0.5][:2])
    assert len(ones) == len(zeros) == 2
    y[ones], y[zeros] = y[zeros].copy(), y[ones].copy()
    found = diagnosed(model, X, {"dense": y}, seconds=0)
    assert "predictions: permuted" not in {fault for fault, _ in names(found)}


# ------------------------------------------------------------------ faults of the model that look the same


def test_logits_are_a_softmax_that_was_dropped() -> None:
    dropped = with_layer(CLASSES, "dense", activation=ActivationFunction.of("linear"))
    found = diagnosed(CLASSES, X, predicted_by(dropped, X))
    assert found.status == "explained"
    assert names(found) == {("predictions: logits", "dense"), ("activation", "dense")}
    assert "before the softmax: logits" in next(diagnosis_lines(found, ""))


def test_a_bias_that_was_dropped_comes_before_a_constant_that_was_taken_away() -> None:
    found = diagnosed(PLAIN, X, predicted_by(with_layer(PLAIN, "dense", bias=np.zeros(3)), X))
    assert (found.status, found.explanations[0].change.fault) == ("explained", "bias")
    assert names(found) == {("bias", "dense"), ("predictions: offset", "dense")}


def test_directions_that_are_summed_are_no_factor() -> None:
    both = Bidirectional(
        name="both",
        forward_layer=rnn(lstm_cell(seed=11), "ahead"),
        backward_layer=rnn(lstm_cell(seed=12), "back", go_backwards=True),
        merge_mode="ave",
    )
    model = float32(sequential(both, dense(3)))
    found = diagnosed(model, X, predicted_by(with_layer(model, "both", merge_mode="sum"), X))
    assert found.explanations[0].change.fault == "merge_mode"


# --------------------------------------------------------------------------------------- elsewhere


def with_states() -> Model:
    layer = rnn(lstm_cell(), "lstm", return_state=True)
    model = sequential(layer, dense(UNITS))
    outputs = (*model.outputs, Output("h", Tensor("lstm", 0, 1)), Output("c", Tensor("lstm", 0, 2)))
    return float32(replace(model, outputs=outputs))


def test_the_predictions_of_another_output() -> None:
    model = with_states()
    predicted = predicted_by(model, X)
    found = diagnosed(model, X, {**predicted, "dense": predicted["c"]})
    assert names(found) == {("predictions: other_output", "dense")}
    assert "for the output `c`" in next(diagnosis_lines(found, ""))


def test_what_a_layer_inside_returns() -> None:
    model = float32(sequential(rnn(lstm_cell(), "lstm"), dense(5, name="middle"), dense(3, 5)))
    inner = np.asarray(replay(model, X, "float32", activations=True).activations["middle"])
    found = diagnosed(model, X, {"dense": inner})
    assert names(found) == {("predictions: inner_layer", "dense")}
    assert "what the layer `middle` returns" in next(diagnosis_lines(found, ""))


def test_causes_of_two_outputs() -> None:
    model = with_states()
    predicted = predicted_by(model, X)
    found = diagnosed(model, X, {**predicted, "h": -predicted["h"], "c": predicted["c"][::-1]})
    assert names(found) == {("predictions: negated", "h"), ("predictions: permuted", "c")}
    assert len({fault["explanation"] for fault in found.to_dict()["faults"]}) == 1


def test_one_output_of_two_that_is_not_seen_leaves_all_to_the_search() -> None:
    model = with_states()
    predicted = predicted_by(model, X)
    found = diagnosed(model, X, {**predicted, "h": -predicted["h"], "c": noisy(predicted["c"])}, seconds=0)
    assert found.status == "unexplained"


# ------------------------------------------------------------------------------------------ inputs


def test_nan_in_the_input_is_named_with_its_place() -> None:
    x = X.copy()
    x[5, 2, 0] = np.nan
    clean = np.nan_to_num(x)
    found = diagnosed(PLAIN, x, predicted_by(PLAIN, clean))
    assert (found.status, names(found)) == ("explained", {("input: not_finite", PLAIN.inputs[0].name)})
    assert "NaN at (5, 2, 0)" in next(diagnosis_lines(found, ""))


def test_nan_in_the_input_does_not_explain_other_samples() -> None:
    x = X.copy()
    x[5, 2, 0] = np.nan
    y = predicted_by(PLAIN, np.nan_to_num(x))["dense"]
    y[7] += 0.25
    assert "input: not_finite" not in {fault for fault, _ in names(diagnosed(PLAIN, x, {"dense": y}, seconds=0))}


# --------------------------------------------------------------------------- the whole way from files


def of_file(**options: Any) -> tuple[Diagnosis | None, str]:
    stem = FIXTURES / "origin_tanh_sigmoid"
    report = verify(f"{stem}.keras3.keras", FIXTURES / "origin.x.npy", **options)
    return report.diagnosis, str(report.verdict)


def test_another_shape_stays_a_mismatch_and_is_explained() -> None:
    with np.load(FIXTURES / "origin_tanh_sigmoid.keras3.y.npz") as file:
        (y,) = file.values()
    found, verdict = of_file(expected=y.T)
    assert verdict == "mismatch"
    assert found is not None
    assert names(found) == {("predictions: reshaped", "dense")}
    assert found.to_dict()["faults"][0]["max_abs_deviation_before"] is None


def test_another_shape_of_other_numbers_has_no_diagnosis() -> None:
    found, verdict = of_file(expected=np.zeros((3, 7)))
    assert (found, verdict) == (None, "mismatch")


def test_noise_with_a_mean_is_no_constant_that_was_added() -> None:
    """Whatever is off on the average is taken away by a constant; what is left is an eighth of what was there."""
    x = sequences(40)
    y = dict(replay(PLAIN, x))["dense"]
    (σ,) = standard_deviations(PLAIN, {PLAIN.inputs[0].name: x}).values()
    signs = np.where(np.indices(y.shape).sum(axis=0) % 2, 1.0, -1.0)
    found = diagnosed(PLAIN, x, {"dense": (y + σ.min() * (40 + 5 * signs)).astype(np.float32)})
    assert not {name for name, _ in names(found) if name.startswith("predictions")}
