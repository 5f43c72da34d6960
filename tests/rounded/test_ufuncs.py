"""Universal functions: what they make of errors, and what they add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstm_verify.errors import UnsupportedError
from lstm_verify.rounded import PRECISIONS, Rounded, Rounding
from lstm_verify.rounded.discrete import CHOICE
from lstm_verify.rounded.ufuncs import CORRECTLY_ROUNDED, EXACT, RULES
from tests.rounded.sampling import SIGMA, UNIT, Uncertain, agree, constant, own_error_ratio, uncertain

UNARY: dict[np.ufunc, tuple[float, float]] = {
    np.negative: (-2, 2),
    np.absolute: (-2, 2),
    np.square: (-2, 2),
    np.sqrt: (0.1, 4),
    np.reciprocal: (0.3, 3),
    np.exp: (-2, 2),
    np.log: (0.1, 4),
    np.log1p: (-0.5, 4),
    np.expm1: (-2, 2),
    np.tanh: (-2, 2),
    # without a rule of their own
    np.sin: (0.1, 1.4),
    np.arctan: (-2, 2),
    np.cbrt: (0.3, 4),
    np.log2: (0.1, 4),
    np.arcsinh: (-2, 2),
    np.positive: (-2, 2),
}
BINARY = (np.add, np.subtract, np.multiply, np.true_divide, np.power, np.arctan2)


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda ufunc: ufunc.__name__)
def test_functions_of_one_operand(ufunc: np.ufunc) -> None:
    low, high = UNARY[ufunc]
    agree(ufunc, uncertain(5, 6, low=low, high=high))


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize("which", ["both", "first", "second", "broadcast"])
def test_functions_of_two_operands(ufunc: np.ufunc, which: str) -> None:
    a, b = uncertain(5, 6, seed=1, low=0.4, high=3), uncertain(5, 6, seed=2, low=0.4, high=3)
    if which == "first":
        agree(ufunc, a, constant(5, 6, low=0.4, high=3))
    elif which == "second":
        agree(ufunc, constant(5, 6, low=0.4, high=3), b)
    else:
        agree(ufunc, a, uncertain(6, seed=3, low=0.4, high=3) if which == "broadcast" else b)


def test_an_angle_in_any_quadrant() -> None:
    agree(np.arctan2, uncertain(5, 6, seed=1), uncertain(5, 6, seed=2))


def test_of_an_angle_that_may_be_half_a_turn_either_way_nothing_can_be_said() -> None:
    y = Uncertain(np.array([3, -3, 9, 3, 0.0]) * SIGMA, np.full(5, SIGMA))
    x = Uncertain(np.array([-1, -1, -1, 1, 0.0]), np.full(5, SIGMA))
    angle = np.arctan2(y.rounded(), x.rounded())
    assert np.isinf(angle.variances()).tolist() == [True, True, False, False, True]
    assert angle.rounding.noticed == {CHOICE}


@pytest.mark.parametrize("power", [2, 3, 0.5, -1.5])
def test_powers_by_a_number(power: float) -> None:
    agree(lambda x: x**power, uncertain(5, 6, low=0.4, high=3))


def test_operators_with_numbers_on_either_side() -> None:
    for function in (lambda x: 1.5 - x, lambda x: x / 3, lambda x: 2 / x, lambda x: -x * 0.25 + 7):
        agree(function, uncertain(7, low=0.5, high=2))


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum], ids=lambda ufunc: ufunc.__name__)
def test_the_extreme_of_two_has_the_error_of_the_one_that_is_chosen(ufunc: np.ufunc) -> None:
    a, b = uncertain(40, seed=1), uncertain(40, seed=2)
    assert np.abs(a.value - b.value).min() > 100 * SIGMA
    agree(ufunc, a, b)


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum], ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize("gap", [0.0, 1.0, 7.9])
def test_the_extreme_of_two_that_are_nearly_equal_has_the_larger_error(ufunc: np.ufunc, gap: float) -> None:
    a = Uncertain(np.array([1.0, 1.0]), np.array([2.0, 1.0]) * SIGMA)
    b = Uncertain(a.value + gap * 2 * SIGMA * np.array([1, -1]), np.array([1.0, 2.0]) * SIGMA)
    found = ufunc(a.rounded(), b.rounded())
    np.testing.assert_allclose(np.sqrt(found.variances()), 2 * SIGMA)


def test_the_kink_of_a_rectifier() -> None:
    """Far below it no error is left, far above it all of it, and near it all of it, since rounding may decide."""
    x = Uncertain(np.array([-1.0, -9 * SIGMA, -7 * SIGMA, 0.0, 7 * SIGMA, 1.0]), np.full(6, SIGMA))
    found = np.sqrt(np.maximum(x.rounded(), 0).variances())
    np.testing.assert_allclose(found, np.array([0, 0, 1, 1, 1, 1]) * SIGMA, atol=1e-12 * SIGMA)


def test_every_rule_is_tried_here() -> None:
    assert set(RULES) <= {*UNARY, *BINARY, np.maximum, np.minimum}


# ------------------------------------------------------------------------------------------- what they add


def float32(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


ROUNDED_ONCE: dict[str, tuple[Callable[..., Any], tuple[float, float], int]] = {
    "add": (np.add, (-2, 2), 2),
    "subtract": (np.subtract, (-2, 2), 2),
    "multiply": (np.multiply, (-2, 2), 2),
    "true_divide": (np.true_divide, (0.1, 2), 2),
    "square": (np.square, (-2, 2), 1),
    "sqrt": (np.sqrt, (0.01, 4), 1),
    "reciprocal": (np.reciprocal, (0.1, 3), 1),
}


@pytest.mark.parametrize("name", ROUNDED_ONCE)
def test_the_error_of_rounding_once_is_that_of_float32(name: str) -> None:
    function, (low, high), count = ROUNDED_ONCE[name]
    operands = [float32(20_000, seed=seed, low=low, high=high) for seed in range(count)]
    assert 0.1 <= own_error_ratio(function, *operands) <= 1


@pytest.mark.parametrize("name", ROUNDED_ONCE)
def test_rounding_once_is_never_off_by_more_than_what_is_claimed(name: str) -> None:
    function, (low, high), count = ROUNDED_ONCE[name]
    operands = [float32(20_000, seed=seed, low=low, high=high) for seed in range(count)]
    exact = function(*(o.astype(np.float64) for o in operands))
    σ = np.sqrt(function(*(Rounded(o.astype(np.float64)) for o in operands)).variances())
    assert (np.abs(function(*operands) - exact) <= σ * (1 + 1e-6)).all()


@pytest.mark.parametrize("ufunc", [np.exp, np.tanh, np.expm1, np.log1p, np.sin], ids=lambda ufunc: ufunc.__name__)
def test_approximated_functions_get_four_units(ufunc: np.ufunc) -> None:
    x = float32(20_000, low=0.01, high=1.5)
    found = ufunc(Rounded(x.astype(np.float64)))
    np.testing.assert_allclose(np.sqrt(found.variances()), 4 * UNIT * np.abs(ufunc(x.astype(np.float64))))
    assert 0.03 <= own_error_ratio(ufunc, x) <= 1  # NumPy's own are good to one unit


def test_the_sets_of_exact_and_of_correctly_rounded_functions_are_apart() -> None:
    assert not EXACT & CORRECTLY_ROUNDED
    assert {function for function, _, _ in ROUNDED_ONCE.values()} == CORRECTLY_ROUNDED


@pytest.mark.parametrize("ufunc", sorted(EXACT, key=lambda ufunc: ufunc.__name__), ids=lambda ufunc: ufunc.__name__)
def test_exact_functions_add_nothing(ufunc: np.ufunc) -> None:
    x = Rounded(np.array([-1.25, 0.5, 2.75]))
    found = ufunc(x, constant(3)) if ufunc.nin == 2 else ufunc(x)
    assert (found.variances() == 0).all()


def test_a_mask_of_booleans_adds_nothing() -> None:
    found = Rounded(np.array([1.1, 2.2])) * np.array([True, False])
    assert found.value.tolist() == [1.1, 0.0]
    assert (found.variances() == 0).all()


def test_of_a_step_within_reach_nothing_can_be_said() -> None:
    x = Uncertain(np.array([0.5, 1 - 3 * SIGMA]), np.full(2, SIGMA))
    assert np.floor(x.rounded()).variances().tolist() == [0, np.inf]


def test_no_error_in_no_error_out_where_the_slope_is_infinite() -> None:
    """√0 and 0^0.5 have no slope; without an error before them there is none of theirs to speak of."""
    for function in (np.sqrt, lambda x: x**0.5):
        assert np.sqrt(function(Rounded(np.zeros(2))).variances()).max() < 1e-35


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x: np.logaddexp(x, x),
        lambda x: np.hypot(x, x),
        lambda x: np.add(x, 1, out=np.zeros(3)),
        lambda x: np.true_divide.reduce(x),
        lambda x: np.subtract.accumulate(x),
        lambda x: np.add.outer(x, x),
        lambda x: np.add.at(np.zeros(3), [0], x),
    ],
)
def test_without_a_rule_nothing_is_guessed(attempt: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError, match="rounding errors have no rule"):
        attempt(uncertain(3).rounded())


def test_writing_in_place_is_refused() -> None:
    x = uncertain(3).rounded()
    with pytest.raises(UnsupportedError, match="in place"):
        x += 1


def test_comparisons_out_of_reach_are_plain() -> None:
    x = Rounded(np.array([0.1, 0.5, 2.0]), np.full(3, 1e-6))
    for found in (x > 0, x != 0.2, np.isfinite(x), np.less_equal(0, x)):
        assert isinstance(found, np.ndarray)
        assert found.all()


def test_sums_over_an_axis_by_the_methods_of_ufuncs() -> None:
    x = uncertain(4, 5)
    for ufunc, function in ((np.add, np.sum), (np.maximum, np.max), (np.minimum, np.min)):
        found, wanted = ufunc.reduce(x.rounded(), axis=1), function(x.rounded(), axis=1)
        assert found.value.tolist() == wanted.value.tolist()
        assert found.variances().tolist() == wanted.variances().tolist()
    agree(lambda x: np.add.accumulate(x, axis=1), x)


@pytest.mark.parametrize("name", PRECISIONS)
def test_the_unit_is_that_of_the_format(name: str) -> None:
    """u: half the distance from 1 to the next number."""
    unit = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}[name]
    found = Rounded(np.array([1.0, -3.0]), rounding=Rounding(PRECISIONS[name])) * np.array([1, 2])
    np.testing.assert_allclose(np.sqrt(found.variances()), unit * np.array([1.0, 6.0]), rtol=1e-4)
