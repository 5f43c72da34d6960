"""Numbers that a runtime has otherwise are found, to three digits."""

from __future__ import annotations

from typing import Any

import pytest

from lstm_verify.layers import (
    Array,
    LayerNormalization,
    LSTMVariantCell,
)
from lstm_verify.model import Model
from lstm_verify.operations.activations import Activation
from tests.builders import dense, lstm_cell, rnn, sequences, sequential
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_cell, with_layer

X = sequences(40, dtype="float32")
LSTM = float32(sequential(rnn(lstm_cell(), "lstm"), dense()))


def the_number(model: Model, predicted: dict[str, Array], fault: str, layer: str, x: Array = X) -> float:
    """The number that a diagnosis finds for the only explanation there is."""
    found = diagnosed(model, x, predicted)
    assert (found.status, names(found)) == ("explained", {(fault, layer)})
    assert found.explanations[0].after.explains
    return float(found.explanations[0].change.behaves_as)


@pytest.mark.parametrize("value", [0.737, -0.402, 1.83])
def test_a_forget_bias_is_found(value: float) -> None:
    predicted = predicted_by(with_cell(LSTM, "lstm", forget_bias=value), X)
    assert the_number(LSTM, predicted, "forget_bias", "lstm") == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("value", [2.34e-4, 0.0317])
def test_an_epsilon_is_found(value: float) -> None:
    layers = rnn(lstm_cell(), "lstm", return_sequences=True), LayerNormalization(name="norm"), dense()
    model = float32(sequential(*layers))
    predicted = predicted_by(with_layer(model, "norm", epsilon=value), X)
    assert the_number(model, predicted, "epsilon", "norm") == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("value", [0.123, 0.0456])
def test_a_slope_is_found(value: float) -> None:
    leaky = Activation.of("leaky_relu", negative_slope=0.2)
    model = float32(sequential(rnn(lstm_cell(), "lstm"), dense(6, name="leaky", activation=leaky), dense(2, 6)))
    other = Activation.of("leaky_relu", negative_slope=value)
    predicted = predicted_by(with_layer(model, "leaky", activation=other), X)
    assert the_number(model, predicted, "negative_slope", "leaky") == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("value", [0.345, 0.127])
def test_a_clip_of_the_cell_state_is_found(value: float) -> None:
    layer: Any = LSTM.layers["lstm"]
    weights = {name: getattr(layer.cell, name) for name in ("kernel", "recurrent_kernel", "bias")}
    clipped = LSTMVariantCell(name="cell", **weights, cell_clip=value)
    predicted = predicted_by(with_layer(LSTM, "lstm", cell=clipped), X)
    assert the_number(LSTM, predicted, "clip", "lstm") == pytest.approx(value, rel=1e-3)


def test_a_number_has_as_few_digits_as_explain_it() -> None:
    found = diagnosed(LSTM, X, predicted_by(with_cell(LSTM, "lstm", forget_bias=0.5), X))
    assert found.explanations[0].change.behaves_as == "0.5"
