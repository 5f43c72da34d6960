"""Every activation against its published formula in plain `math`, on a grid that holds every kink."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers import Activation as ActivationLayer
from lstm_verify.layers import PReLU
from lstm_verify.operations.activations import ALONG_AN_AXIS, FUNCTIONS, ActivationFunction
from tests.builders import apply, random_array, sequences
from tests.oracle_activations import SCALAR, VECTOR

GRID = np.array(
    sorted({*np.linspace(-8, 8, 65), 0.0, -0.5, 0.5, -1.0, 1.0, -2.5, 2.5, -3.0, 3.0, 6.0, -1e-9, 20.0, -20.0})
)
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "hard_sigmoid": [{"slope": 1 / 5}, {"slope": 1 / 6}, {"slope": 0.3, "offset": 0.4}],
    "leaky_relu": [{"negative_slope": 0.2}, {"negative_slope": 0.3}],
    "relu": [
        {},
        {"negative_slope": 0.1},
        {"max_value": 2.5},
        {"threshold": 1.0},
        {"negative_slope": 0.1, "max_value": 3.0, "threshold": 1.0},
        {"negative_slope": 0.0, "max_value": 6.0, "threshold": 0.0},
    ],
    "elu": [{}, {"alpha": 0.3}],
    "celu": [{}, {"alpha": 0.5}],
    "gelu": [{}, {"approximate": True}],
    "hard_shrink": [{}, {"threshold": 1.0}],
    "soft_shrink": [{}, {"threshold": 1.0}],
    "affine": [{"alpha": 1.0, "beta": 0.0}, {"alpha": -0.7, "beta": 0.3}],
    "scaled_tanh": [{"alpha": 1.0, "beta": 1.0}, {"alpha": 1.7, "beta": 0.6}],
    "threshold": [{"threshold": 1.0, "default_value": 0.0}, {"threshold": -0.5, "default_value": 7.0}],
    "squareplus": [{}, {"b": 1.0}],
}
CASES = [(name, parameters) for name in FUNCTIONS for parameters in PARAMETERS.get(name, [{}])]


def test_every_function_has_an_oracle() -> None:
    assert set(SCALAR) | set(VECTOR) == set(FUNCTIONS)
    assert set(VECTOR) == set(ALONG_AN_AXIS)


@pytest.mark.parametrize(("name", "parameters"), [case for case in CASES if case[0] in SCALAR])
def test_elementwise_functions_follow_their_formula(name: str, parameters: dict[str, Any]) -> None:
    got = ActivationFunction.of(name, **parameters)(GRID)
    wanted = [SCALAR[name](x, **parameters) for x in GRID.tolist()]
    assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
    assert ActivationFunction.of(name, **parameters).elementwise


@pytest.mark.parametrize("name", VECTOR)
def test_functions_along_an_axis_follow_their_formula(name: str) -> None:
    x = np.concatenate([random_array(7, 4, seed=5, scale=2.0), np.zeros((1, 4)), [[3.0, -1.0, 3.0, 0.0]]])
    got = ActivationFunction.of(name)(x)
    assert_allclose(got, [VECTOR[name](row) for row in x.tolist()], rtol=1e-12, atol=1e-14)
    assert not ActivationFunction.of(name).elementwise


@pytest.mark.parametrize("name", VECTOR)
def test_an_axis_other_than_the_last(name: str) -> None:
    x = random_array(2, 4, 3, seed=6)
    got = ActivationFunction.of(name, axis=1)(x)
    for sample, column in np.ndindex(2, 3):
        assert_allclose(got[sample, :, column], VECTOR[name](x[sample, :, column].tolist()), atol=1e-14)


def test_softmax_over_several_axes_sums_to_one_over_them() -> None:
    got = ActivationFunction.of("softmax", axis=(1, 2))(random_array(2, 4, 3))
    assert_allclose(got.sum(axis=(1, 2)), np.ones(2))


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_dtype_and_shape_stay(name: str, parameters: dict[str, Any]) -> None:
    for dtype in ("float32", "float64"):
        x = sequences(features=4, dtype=dtype)
        got = ActivationFunction.of(name, **parameters)(x)
        assert got.dtype == np.dtype(dtype)
        assert got.shape == ((*x.shape[:-1], 2) if name == "glu" else x.shape)


@pytest.mark.parametrize(
    "name", ["sigmoid", "softmax", "log_softmax", "softplus", "silu", "mish", "elu", "log_sigmoid"]
)
def test_large_arguments_do_not_overflow(name: str) -> None:
    """Warnings are errors in these tests, so an overflow inside would raise."""
    got = ActivationFunction.of(name)(np.array([[-800.0, 0.0, 800.0]]))
    assert np.isfinite(got).all()


def test_softmax_of_a_hot_vector_is_one_hot() -> None:
    assert_allclose(ActivationFunction.of("softmax")(np.array([[0.0, 1000.0]])), [[0.0, 1.0]])


def test_the_two_hard_sigmoids() -> None:
    """Slopes 1/5 and 1/6: they differ most, by 1/12, where the steeper one has just saturated."""
    x = np.linspace(-4, 4, 801)
    keras2, keras3 = (ActivationFunction.of("hard_sigmoid", slope=slope)(x) for slope in (1 / 5, 1 / 6))
    difference = np.abs(keras2 - keras3)
    assert difference.max() == pytest.approx(1 / 12)
    assert_allclose(sorted(x[np.argsort(-difference)[:2]]), [-2.5, 2.5], atol=1e-9)
    assert_allclose(np.diff(keras2)[400], 0.2 * 0.01)
    assert_allclose(np.diff(keras3)[400], 0.01 / 6)


def test_nan_goes_through_the_common_functions() -> None:
    for name in ("tanh", "sigmoid", "relu", "elu", "selu", "softplus", "hard_tanh", "gelu", "softmax", "linear"):
        with np.errstate(invalid="ignore"):  # as the replay has it
            assert math.isnan(ActivationFunction.of(name)(np.array([1.0, np.nan]))[1]), name
    assert math.isnan(ActivationFunction.of("hard_sigmoid", slope=0.2)(np.array([np.nan]))[0])


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UnsupportedError, match=r"unknown activation 'tahn'; the known ones are .*softmax.*tanh"):
        ActivationFunction.of("tahn")


def test_as_text() -> None:
    assert str(ActivationFunction.of("tanh")) == "tanh"
    assert str(ActivationFunction.of("hard_sigmoid", slope=1 / 6)) == "hard_sigmoid(slope=0.166667)"
    assert str(ActivationFunction.of("softmax", axis=(1, 2))) == "softmax(axis=(1, 2))"


def test_equal_if_name_and_numbers_are() -> None:
    assert ActivationFunction.of("hard_sigmoid", slope=0.2) == ActivationFunction.of("hard_sigmoid", slope=0.2)
    assert ActivationFunction.of("hard_sigmoid", slope=0.2) != ActivationFunction.of("hard_sigmoid", slope=1 / 6)


def test_the_activation_layer_applies_its_function() -> None:
    x = sequences()
    layer = ActivationLayer(name="relu", activation=ActivationFunction.of("relu"))
    assert_allclose(apply(layer, x)[0], np.where(x > 0, x, 0))


def test_prelu_has_a_slope_for_every_place() -> None:
    x, alpha = sequences(), random_array(1, 3)
    got = PReLU(name="prelu", alpha=alpha).forward(x)
    for place in np.ndindex(*x.shape):
        value = float(x[place])
        assert got[place] == pytest.approx(value if value > 0 else float(alpha[0, place[-1]]) * value)
