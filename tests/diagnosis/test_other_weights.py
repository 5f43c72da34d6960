"""Other weights: found by least squares at a last Dense layer, if there is enough to go by and no other cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify.diagnosis.other_weights import INVERSES, inverse, other_weights
from lstm_verify.inputs import bind
from lstm_verify.layers import Activation as ActivationLayer
from lstm_verify.layers import Array, TimeDistributed
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import dense, lstm_cell, rnn, sequences, sequential
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_layer

X = sequences(40, dtype="float32")
RNG = np.random.default_rng(3)


def model(activation: str = "linear", *more: Any) -> Model:
    return float32(sequential(rnn(lstm_cell(), "lstm"), dense(3, activation=ActivationFunction.of(activation)), *more))


def never_loaded(made: Model, bias: float = 0.0) -> dict[str, Array]:
    """What it predicts with a Dense layer as Keras begins one."""
    kernel = made.layers["dense"].kernel  # type: ignore[attr-defined]
    limit = np.sqrt(6 / sum(kernel.shape))
    new = np.random.default_rng(5).uniform(-limit, limit, kernel.shape).astype(np.float32)
    return predicted_by(with_layer(made, "dense", kernel=new, bias=np.full(3, bias, np.float32)), X)


@pytest.mark.parametrize("activation", INVERSES)
def test_a_dense_layer_that_was_never_loaded_is_named(activation: str) -> None:
    bias = 1.0 if activation == "relu" else 0.0  # whose zeros say nothing
    found = diagnosed(model(activation), X, never_loaded(model(activation), bias))
    assert (found.status, names(found)) == ("explained", {("other_weights", "dense")})
    assert found.explanations[0].samples == 20  # half of them, which were not fitted


def test_it_is_found_behind_layers_that_apply_functions() -> None:
    made = model("linear", ActivationLayer(name="end", activation=ActivationFunction.of("sigmoid")))
    found = other_weights(made, *bound(made, never_loaded(made)))
    assert found is not None
    assert found.change.layers == ("dense",)


def test_it_is_found_at_every_time_step() -> None:
    layer = TimeDistributed(name="each", layer=dense(2, activation=ActivationFunction.of("tanh"), seed=1))
    made = float32(sequential(rnn(lstm_cell(), "lstm", return_sequences=True), layer))
    other = replace(layer, layer=dense(2, activation=ActivationFunction.of("tanh"), seed=2))
    faulty = float32(replace(made, layers={**made.layers, "each": other}))
    found = other_weights(made, *bound(made, predicted_by(faulty, X)))
    assert found is not None
    assert found.change.layers == ("each/layer",)


def bound(made: Model, predicted: dict[str, Array], samples: int = 40) -> tuple[Any, Any]:
    inputs, _ = bind(made, X[:samples])
    return inputs, {name: rows[:samples] for name, rows in predicted.items()}


def test_as_many_weights_as_equations_explain_nothing() -> None:
    """The four units and the bias are 5 weights: 7 equations are too few, 8 in each half are enough."""
    made = model()
    assert other_weights(made, *bound(made, never_loaded(made), 14)) is None
    assert other_weights(made, *bound(made, never_loaded(made), 16)) is not None


CHANGES: dict[str, Callable[[Array], Array]] = {
    "noise": lambda y: y + (0.001 * RNG.standard_normal(y.shape)).astype(np.float32),
    "random": lambda y: RNG.standard_normal(y.shape).astype(np.float32) ** 2,
    "rows": lambda y: np.roll(y, 1, axis=0),
    "scaled": lambda y: np.float32(1.05) * y,
    "scaled by column": lambda y: y * np.float32([2, 0.5, -3]),
    "shifted": lambda y: y + np.float32(0.5),
    "zeros": np.zeros_like,
    "constant": np.ones_like,
    "columns": lambda y: y[:, ::-1],
    "not a number": lambda y: np.full_like(y, np.nan),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_what_was_done_to_the_predictions_is_not_blamed_on_weights(activation: str, change: str) -> None:
    made = model(activation)
    changed = {name: CHANGES[change](rows) for name, rows in predicted_by(made, X).items()}
    assert other_weights(made, *bound(made, changed)) is None


def test_a_single_weight_is_not_all_of_them() -> None:
    made = model()
    kernel = made.layers["dense"].kernel.copy()  # type: ignore[attr-defined]
    kernel[1, 2] += 0.3
    assert other_weights(made, *bound(made, predicted_by(with_layer(made, "dense", kernel=kernel), X))) is None


def test_faults_before_the_layer_are_not_blamed_on_it() -> None:
    made = model()
    for other in (lstm_cell(seed=7), replace(lstm_cell(), forget_bias=1.0)):
        faulty = float32(replace(made, layers={**made.layers, "lstm": rnn(other, "lstm")}))
        assert other_weights(made, *bound(made, predicted_by(faulty, X))) is None


@pytest.mark.parametrize("name", INVERSES)
def test_inverses_undo_their_functions(name: str) -> None:
    z = np.array([[0.3, 1.2, -0.7], [2.0, 0.1, 0.4]])
    found = inverse(ActivationFunction.of(name)(z), (ActivationFunction.of(name),))
    assert found is not None
    values, slope = found
    if name == "softmax":
        z = z - z.mean(axis=1, keepdims=True)
    assert np.allclose(values[slope > 0], z[slope > 0], atol=1e-12)
    assert np.array_equal(slope > 0, z > 0 if name == "relu" else np.ones_like(z, bool))


def test_a_function_without_an_inverse_is_left_alone() -> None:
    assert inverse(np.ones((2, 3)), (ActivationFunction.of("gelu"),)) is None
    assert inverse(np.ones((2, 3)), (ActivationFunction.of("softmax", axis=1),)) is None
