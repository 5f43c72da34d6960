"""Inputs that were altered: what is done to them is named, with its numbers, from predictions alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lstm_verify.diagnosis.explain import diagnosis_lines
from lstm_verify.layers import Array, Embedding
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import dense, gru_cell, lstm_cell, random_array, rnn, sequences, sequential
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_cell
from tests.grammar import faults_of

TOKENS, WORDS, FEATURES = 12, 9, 3
PLAIN = float32(sequential(rnn(lstm_cell(), "lstm"), dense(3)))
STACKED = float32(sequential(rnn(gru_cell(), "first", return_sequences=True), rnn(lstm_cell(4, 4), "second"), dense(2)))
X = np.concatenate([sequences(24, dtype="float32"), sequences(8, seed=5, dtype="float32")])
PADDED = X.copy()
for sample, length in enumerate(np.random.default_rng(3).integers(2, 6, len(X))):
    PADDED[sample, length:] = 0
SENTENCES = np.random.default_rng(4).integers(3, TOKENS - 3, (32, WORDS)).astype("int32")
SHORT = SENTENCES * (np.arange(WORDS) < np.random.default_rng(5).integers(3, WORDS, 32)[:, None]).astype("int32")


def of_words() -> Model:
    table = Embedding(name="embedding", embeddings=random_array(TOKENS, FEATURES, seed=21))
    return float32(sequential(table, rnn(lstm_cell(), "lstm"), dense(3), shape=(None, WORDS), dtype="int32"))


def scaled_by_column(x: Array) -> Array:
    flat = x.reshape(-1, x.shape[-1])
    return ((x - flat.mean(axis=0)) / flat.std(axis=0)).astype("float32")


def to_unit_range(x: Array) -> Array:
    return ((x - x.min()) / (x.max() - x.min())).astype("float32")


def late(x: Array) -> Array:
    return np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], axis=1)


def right_to_left(x: Array) -> Array:
    """Padding in front of every sample in the place of that behind it."""
    moved = np.zeros_like(x)
    for sample, row in enumerate(x):
        steps = [step for step in row if np.any(step != 0)]
        moved[sample, len(row) - len(steps) :] = steps
    return moved


CASES: list[tuple[str, Model, Array, Callable[[Array], Array], str, str]] = [
    ("tokens from 1", of_words(), SENTENCES, lambda x: x + 1, "tokens_shifted", "+1 added to every token"),
    ("tokens from 2 less", of_words(), SENTENCES, lambda x: x - 2, "tokens_shifted", "-2 added to every token"),
    ("tokens but padding", of_words(), SHORT, lambda x: np.where(x > 0, x + 3, 0), "tokens_shifted", "token but 0"),
    ("words padded in front", of_words(), SHORT, right_to_left, "padding_side", "padded on the other side"),
    ("padded in front", PLAIN, PADDED, right_to_left, "padding_side", "padded on the other side"),
    ("a step late", STACKED, X, late, "shifted", "1 time step later, filled up with zeros"),
    ("two steps early", STACKED, X, lambda x: np.roll(x, -2, axis=1), "shifted", "2 time steps earlier"),
    ("features", PLAIN, X, lambda x: x[..., [2, 0, 1]], "features_permuted", "in the order (2, 0, 1)"),
    ("pixels", PLAIN, X, lambda x: x / np.float32(255), "scaled", "divided by 255"),
    ("once more", PLAIN, 5 * X + 2, scaled_by_column, "normalised", "by mean and standard deviation of each feature"),
    ("to 0 and 1", PLAIN, X, to_unit_range, "normalised", "to the range 0…1 of all of it"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "x", "change", "kind", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_was_done_to_an_input_is_named(
    model: Model, x: Array, change: Callable[[Array], Array], kind: str, words: str
) -> None:
    found = diagnosed(model, x, predicted_by(model, change(x)))
    assert (found.status, found.explanations[0].change.fault) == ("explained", f"input: {kind}")
    assert {fault for fault, _ in names(found)} == {f"input: {kind}"}
    line = next(diagnosis_lines(found, ""))
    assert words in line
    assert not list(faults_of(line))
    (fault,) = found.to_dict()["faults"]
    assert (fault["layer"], fault["parameter"], fault["file_says"]) == (model.inputs[0].name, "input", "as given")
    assert fault["sigmas_after"] <= 8


def test_a_layer_that_runs_backwards_comes_before_an_input_that_is_reversed() -> None:
    found = diagnosed(PLAIN, X, predicted_by(PLAIN, X[:, ::-1]))
    assert [found.explanations[0].change.fault, *(c.fault for c in found.explanations[0].also)] == [
        "direction",
        "input: reversed",
    ]


def test_only_what_is_exact_is_named() -> None:
    found = diagnosed(PLAIN, X, predicted_by(PLAIN, X / np.float32(254.9)), seconds=5)
    assert not [fault for fault, _ in names(found) if fault.startswith("input")]


def test_a_fault_of_the_model_is_not_one_of_the_input() -> None:
    faulty = with_cell(PLAIN, "lstm", recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2))
    assert names(diagnosed(PLAIN, X, predicted_by(faulty, X))) == {("recurrent_activation", "lstm")}


def test_what_changes_no_input_is_not_tried() -> None:
    """Features that are all alike are in the same order whatever the order is."""
    from lstm_verify.diagnosis.altered import altered_inputs

    alike = np.repeat(X[..., :1], FEATURES, axis=-1)
    kinds = {change.fault for change in altered_inputs(PLAIN, {PLAIN.inputs[0].name: alike})}
    assert "input: features_permuted" not in kinds
    assert "input: padding_side" not in kinds
    whole = replace(PLAIN, divisible=False)
    assert not list(altered_inputs(whole, {PLAIN.inputs[0].name: X}))
