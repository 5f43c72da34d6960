"""Activations: their slopes against differences, and the error that float32 makes of them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_verify.layers import Array
from lstm_verify.operations.activations import FUNCTIONS, ActivationFunction
from lstm_verify.rounded import PRECISIONS, Rounded, Rounding
from lstm_verify.rounded.activations import NEAREST
from tests.oracle_activations import function
from tests.rounded.sampling import SIGMA, UNIT, Uncertain, agree, propagated, sampled, uncertain

PARAMETERS: dict[str, dict[str, Any]] = {
    "hard_sigmoid": {"slope": 0.2},
    "leaky_relu": {"negative_slope": 0.3},
    "threshold": {"threshold": 0.5, "default_value": -1.0},
    "affine": {"alpha": -0.7, "beta": 0.3},
    "scaled_tanh": {"alpha": 1.7, "beta": 0.6},
}
ALONG_AN_AXIS = ("softmax", "log_softmax", "sparsemax")
ELEMENTWISE = [name for name in FUNCTIONS if name not in (*ALONG_AN_AXIS, "glu")]
KINKS = np.array([-3.0, -2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.5, 3.0, 6.0])
VARIANTS = [
    *((name, PARAMETERS.get(name, {})) for name in ELEMENTWISE),
    ("hard_sigmoid", {"slope": 1 / 6}),
    ("relu", {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5}),
    ("elu", {"alpha": 0.7}),
    ("gelu", {"approximate": True}),
]
GRID = np.linspace(-4, 7, 221) + 0.0137


def named(case: Any) -> str:
    return case if isinstance(case, str) else ",".join(case)


@pytest.mark.parametrize(("name", "parameters"), VARIANTS, ids=named)
def test_slopes_are_those_of_differences(name: str, parameters: dict[str, Any]) -> None:
    """By the scalar functions of the oracle, away from kinks."""
    x = GRID[np.abs(GRID[:, None] - KINKS).min(axis=1) > 20 * SIGMA]
    width = 1e-6
    g = function(name, **parameters)
    slope = (np.array(g(list(x + width))) - np.array(g(list(x - width)))) / (2 * width)
    found = propagated(ActivationFunction.of(name, **parameters), Uncertain(x, np.full(x.shape, SIGMA)))
    np.testing.assert_allclose(found, np.abs(slope) * SIGMA, rtol=2e-3, atol=2e-3 * SIGMA)


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name not in (*PARAMETERS, "hard_shrink")])
def test_large_errors_are_covered_too(name: str) -> None:
    """Where a function bends within an error's reach, σ may be larger than what is drawn, but not much smaller."""
    x = Uncertain(np.linspace(-4, 4, 33), np.full(33, 0.01))
    wanted = sampled(ActivationFunction.of(name).function, x)
    assert (propagated(ActivationFunction.of(name), x) >= 0.9 * wanted).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [-1, 1])
def test_activations_along_an_axis(name: str, axis: int) -> None:
    x = Uncertain(np.random.default_rng(3).uniform(-1, 1, (3, 5, 4)), uncertain(3, 5, 4, seed=4).sigma)
    activation = ActivationFunction.of(name, axis=axis)
    wanted, found = sampled(activation.function, x), propagated(activation, x)
    assert (wanted > 0).any()
    np.testing.assert_allclose(found, wanted, rtol=0.1, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_sparsemax_over_elements_that_all_count(count: int) -> None:
    """Keras' own takes every cumulative sum, so that the first element counts as often as there are others."""
    x = Uncertain(-1 + np.arange(count)[None] * 1e-2, np.full((1, count), SIGMA))
    wanted, found = (
        sampled(ActivationFunction.of("sparsemax").function, x),
        propagated(ActivationFunction.of("sparsemax"), x),
    )
    np.testing.assert_allclose(found, wanted, rtol=0.1, atol=1e-3 * SIGMA)


@pytest.mark.parametrize("axis", [-1, 1])
def test_sparsemax_over_elements_of_which_some_count(axis: int) -> None:
    x = Uncertain(np.random.default_rng(5).uniform(-1, 0.2, (3, 6, 4)), uncertain(3, 6, 4, seed=4).sigma)
    activation = ActivationFunction.of("sparsemax", axis=axis)
    wanted, found = sampled(activation.function, x), propagated(activation, x)
    assert 0 < np.count_nonzero(wanted) < wanted.size
    np.testing.assert_allclose(found, wanted, rtol=0.1, atol=1e-9)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_one_class_that_is_certain_leaves_no_error(name: str) -> None:
    x = Uncertain(np.array([[10.0, 0.0, -1.0]]), np.full((1, 3), SIGMA))
    np.testing.assert_allclose(
        propagated(ActivationFunction.of(name), x),
        sampled(ActivationFunction.of(name).function, x),
        rtol=0.1,
        atol=1e-13,
    )


def test_a_gated_linear_unit() -> None:
    agree(ActivationFunction.of("glu"), uncertain(3, 8))


def test_the_linear_one_is_exact() -> None:
    x = uncertain(4).rounded("float32")
    assert ActivationFunction.of("linear")(x) is x


def exact(x: Array, precision: str = "float32") -> Any:
    """Operands without an error."""
    return Rounded(x.astype(np.float64), rounding=Rounding(PRECISIONS[precision]))


AS_IN_KERAS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "hard_sigmoid(slope=0.166667)": lambda x: np.clip(x + 3, 0, 6) / np.float32(6),
    "hard_silu": lambda x: x * (np.clip(x + 3, 0, 6) / np.float32(6)),
}
"""Formulas that frameworks have in float32, where NumPy's are other ones."""


@pytest.mark.parametrize(
    ("name", "parameters"),
    [case for case in VARIANTS if case[0] != "linear"],
    ids=named,
)
def test_float32_stays_within_what_is_claimed(name: str, parameters: dict[str, Any]) -> None:
    x = np.random.default_rng(0).uniform(-8, 8, 20_000).astype(np.float32)
    activation = ActivationFunction.of(name, **parameters)
    found: Any = activation(exact(x))
    computed = AS_IN_KERAS.get(str(activation), activation.function)(x)
    assert computed.dtype == np.float32
    error, σ = computed.astype(np.float64) - found.value, np.sqrt(found.variances())
    assert (np.abs(error) <= 8 * σ).all()
    assert np.sqrt(np.mean(np.square(error / σ))) <= 1


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_float32_softmax_stays_within_what_is_claimed(name: str) -> None:
    x = np.random.default_rng(0).uniform(-8, 8, (500, 20)).astype(np.float32)
    activation = ActivationFunction.of(name)
    found: Any = activation(exact(x))
    ratio = (activation.function(x).astype(np.float64) - found.value) / np.sqrt(found.variances())
    assert 0.02 <= np.sqrt(np.mean(np.square(ratio))) <= 1


def test_a_dead_unit_has_no_error() -> None:
    x = Uncertain(np.array([-1.0, -5.0]), np.full(2, SIGMA))
    assert np.sqrt(ActivationFunction.of("relu")(x.rounded("float32")).variances()).max() < 1e-37


def test_a_gate_that_is_nearly_open_has_the_error_of_its_approximation_only() -> None:
    x = Uncertain(np.array([-10.0, 10.0]), np.full(2, SIGMA))
    σ = np.sqrt(ActivationFunction.of("tanh")(x.rounded("float32")).variances())
    np.testing.assert_allclose(σ, 4 * UNIT, rtol=1e-6)


def test_an_open_gate_is_1_and_has_the_error_of_that() -> None:
    σ = np.sqrt(ActivationFunction.of("sigmoid")(exact(np.array([21.0, 30.0, 120.0]))).variances())
    np.testing.assert_allclose(σ, [math.exp(-21), math.exp(-30), 0], rtol=2e-3, atol=1e-37)


@pytest.mark.framework
def test_frameworks_have_gates_of_exactly_1_where_that_is_claimed() -> None:
    """1 - sigmoid(z) = exp(-z) and 1 - tanh(z) = 2 exp(-2z), nearly, and below 1/32 u both are said to be 1."""
    done = subprocess.run([sys.executable, "-m", "tests.rounded.saturated"], capture_output=True, text=True, check=True)
    for name, dtype, last in json.loads(done.stdout.splitlines()[-1]):
        left = math.exp(-last) if name == "sigmoid" else 2 * math.exp(-2 * last)
        assert left > NEAREST * PRECISIONS[dtype].unit, (name, dtype, last)


@pytest.mark.parametrize("z", [-30.0, -17.5, 0.0, 17.5, 30.0])
def test_a_sigmoid_may_be_off_however_small_it_is(z: float) -> None:
    precision = replace(PRECISIONS["float32"], sigmoid_error=3.0)
    x = Rounded(np.array([z]), rounding=Rounding(precision))
    y = 1 / (1 + math.exp(-z))
    for name, size in (("sigmoid", 1.0), ("silu", z)):
        (variance,) = ActivationFunction.of(name)(x).variances()
        result = y if name == "sigmoid" else z * y
        np.testing.assert_allclose(variance, UNIT**2 * ((4 * result) ** 2 + (3 * size) ** 2), rtol=1e-9, atol=1e-70)


def test_a_tanh_is_not_1_where_a_sigmoid_is_not() -> None:
    precision = replace(PRECISIONS["float32"], sigmoid_error=3.0)
    (variance,) = ActivationFunction.of("tanh")(Rounded(np.array([20.0]), rounding=Rounding(precision))).variances()
    assert math.sqrt(variance) == pytest.approx(4 * UNIT)


def test_a_closed_hard_gate_has_no_error() -> None:
    x = Uncertain(np.array([-40.0, 40.0]), np.full(2, SIGMA))
    σ = np.sqrt(ActivationFunction.of("hard_sigmoid", slope=0.2)(x.rounded("float32")).variances())
    assert σ[0] < 1e-37


@pytest.mark.parametrize("name", ["relu", "relu6", "hard_shrink"])
def test_a_unit_at_its_kink_has_the_error_of_the_steeper_side(name: str) -> None:
    at = {"relu": 0.0, "relu6": 6.0, "hard_shrink": 0.5}[name]
    x = Uncertain(np.array([at - 3 * SIGMA, at, at + 3 * SIGMA]), np.full(3, SIGMA))
    found = propagated(ActivationFunction.of(name), x)
    assert (found >= 0.3 * SIGMA).all()
    if name == "hard_shrink":  # a step, of which nothing can be said within reach of it
        assert np.isinf(found).all()


@given(st.floats(-30, 30), st.floats(1e-9, 1e-5), st.sampled_from(["tanh", "sigmoid"]))
def test_the_slopes_of_gates_anywhere(z: float, sigma: float, name: str) -> None:
    tanh = np.tanh(z) if name == "tanh" else np.tanh(z / 2)
    slope = 1 - tanh**2 if name == "tanh" else (1 - tanh**2) / 4
    found = propagated(ActivationFunction.of(name), Uncertain(np.array([z]), np.array([sigma])))
    np.testing.assert_allclose(found, slope * sigma, rtol=1e-6, atol=1e-13 * sigma + 1e-15)


def test_gates_with_large_errors_reach_no_further_than_they_can() -> None:
    x = Uncertain(np.zeros(1), np.full(1, 100.0))
    np.testing.assert_allclose(propagated(ActivationFunction.of("tanh"), x), 1 / 8)
    np.testing.assert_allclose(propagated(ActivationFunction.of("sigmoid"), x), 0.5 / 8)


def test_mapped_functions_are_as_activations_are() -> None:
    x = uncertain(30, low=0.2, high=2)
    found = np.sqrt(x.rounded().mapped(np.sin).variances())
    np.testing.assert_allclose(found, sampled(np.sin, x), rtol=0.1, atol=2e-7)
    exact = Rounded(x.value).mapped(np.sin)
    np.testing.assert_allclose(np.sqrt(exact.variances()), 4 * UNIT * np.abs(np.sin(x.value)))


def test_a_sigmoid_in_float16_may_be_flushed_to_zero() -> None:
    x = exact(np.array([-20.0]), "float16")
    (σ,) = np.sqrt(ActivationFunction.of("sigmoid")(x).variances())
    value: Array = 1 / (1 + np.exp(20.0))
    assert 8 * σ > value
