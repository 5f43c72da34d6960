"""Numbers that a runtime has otherwise are found, to three digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.diagnosis.changes import Family, singles
from lstm_verify.diagnosis.experiment import Experiment, experiment
from lstm_verify.diagnosis.fitting import fitted
from lstm_verify.diagnosis.single_weight import find_single_weight
from lstm_verify.layers import (
    Array,
    LayerNormalization,
    LSTMVariantCell,
)
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
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
    leaky = ActivationFunction.of("leaky_relu", negative_slope=0.2)
    model = float32(sequential(rnn(lstm_cell(), "lstm"), dense(6, name="leaky", activation=leaky), dense(2, 6)))
    other = ActivationFunction.of("leaky_relu", negative_slope=value)
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


# --------------------------------------------------------------------------------------------- accidents

ONE = float32(sequential(rnn(lstm_cell(), "lstm"), dense(1, activation=ActivationFunction.of("sigmoid"))))


def deviating(x: Array, predicted: dict[str, Array]) -> Experiment:
    return experiment(ONE, {ONE.inputs[0].name: x}, predicted, None)


def fitted_faults(tried_on: Experiment) -> list[str]:
    families = [change for change in singles(tried_on.model) if isinstance(change, Family)]
    found = [fitted(tried_on, family) for family in families]
    return [change.fault for change in found if change]


def test_one_deviation_is_explained_by_no_number_that_is_fitted_to_it() -> None:
    """Any clip, bias or state that reaches so far would do."""
    predicted = {name: y + np.float32(0.0123) for name, y in predicted_by(ONE, X[:1]).items()}
    assert fitted_faults(deviating(X[:1], predicted)) == []


def test_two_deviations_of_one_cause_are_explained_by_it() -> None:
    predicted = predicted_by(with_cell(ONE, "lstm", forget_bias=0.5), X[:2])
    assert "forget_bias" in fitted_faults(deviating(X[:2], predicted))


def test_small_noise_in_all_weights_is_not_blamed_on_one() -> None:
    """The bias of the only output makes up for most of the noise, to within 6σ of 37σ; rounding leaves 1σ."""
    generator, few = np.random.default_rng(25), X[:8]
    shaken = ONE.with_weights(lambda weight: weight * (1 + 5e-6 * generator.standard_normal(weight.shape)))
    tried_on = deviating(few, predicted_by(shaken, few))
    assert find_single_weight(tried_on) is None
    assert fitted_faults(tried_on) == []


def test_a_weight_that_is_off_by_as_little_is_suspected() -> None:
    head: Any = ONE.layers["dense"]
    predicted = predicted_by(with_layer(ONE, "dense", bias=head.bias * (1 + 1e-4)), X[:24])
    found = find_single_weight(deviating(X[:24], predicted))
    assert found is not None
    assert (found.layer, found.weight, found.index) == ("dense", "bias", (0,))
