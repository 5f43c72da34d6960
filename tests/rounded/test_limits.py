"""Where numbers end: overflow, NaN, narrow formats, and which numbers count as exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_verify.layers import Array
from lstm_verify.operations.activations import FUNCTIONS, WITH_NUMBERS, ActivationFunction
from lstm_verify.rounded import PRECISIONS, Rounded, Rounding
from tests.rounded.sampling import SIGMA, UNIT, constant

NAN, INF = float("nan"), float("inf")


def of(*values: float, variance: float | list[float] = 0.0, precision: str = "float32") -> Any:
    given = 0.0 if variance == 0 else np.broadcast_to(np.asarray(variance, float), (len(values),)).copy()
    return Rounded(np.array(values), given, Rounding(PRECISIONS[precision]))


def frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array


# -------------------------------------------------------------------------------------------------- overflow


def test_an_error_is_not_lost_where_its_square_is_too_small_for_float64() -> None:
    """(2⁻⁵³ · 1e-170)² would be 0."""
    assert (of(1e-170, precision="float64") * 1).variances()[0] > 0


@pytest.mark.parametrize(
    ("precision", "function"),
    [
        ("float32", lambda x: np.exp(x * 100)),
        ("float32", lambda x: x * 1e20 * 1e20),
        ("float32", lambda x: np.square(x * 1e20)),
        ("float32", lambda x: (x * 1e20) @ (constant(1, 2, low=1) * 1e20)),
        ("float32", lambda x: ActivationFunction.of("exponential")(x * 100)),
        ("float16", lambda x: x * 70_000),
        ("float16", lambda x: x * 300 * 300),
        ("float16", lambda x: np.sum(x + np.zeros((5, 1)) + 20_000)),
        ("bfloat16", lambda x: x * 1e20 * 1e20),
        ("float64", lambda x: x * 1e200 * 1e200),
    ],
)
def test_what_a_format_cannot_hold_has_an_infinite_error(precision: str, function: Callable[[Any], Any]) -> None:
    found = function(of(1.0, precision=precision))
    assert not np.isfinite(found.variances()).any()


def test_what_a_format_just_holds_has_a_finite_error() -> None:
    for name, largest in (("float16", 65504.0), ("float32", 3.4e38), ("bfloat16", 3.38e38)):
        assert np.isfinite((of(largest, precision=name) * 1).variances()).all()


def test_only_the_elements_that_overflow_are_lost() -> None:
    found = of(1.0, 80.0, 100.0, -100.0) * 1
    assert np.isinf(np.exp(found).variances()).tolist() == [False, False, True, False]


def test_an_infinite_error_stays_one() -> None:
    lost = np.exp(of(100.0))
    for function in (lambda x: x + 1, lambda x: x - x, lambda x: x * 0.5, lambda x: x @ constant(1, 3)):
        assert not np.isfinite(function(lost).variances()).any()


def test_what_is_too_small_for_a_format_has_at_least_half_its_smallest_number() -> None:
    for name, smallest in (("float16", 2.0**-24), ("float32", 2.0**-126), ("bfloat16", 2.0**-126)):
        found = of(smallest / 100, precision=name) * 0.5
        assert np.sqrt(found.variances())[0] >= smallest / 2


# ------------------------------------------------------------------------------------------------------- NaN


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 1,
        lambda x: x * 2,
        lambda x: np.exp(x),
        lambda x: np.sqrt(x),
        lambda x: x @ constant(1, 2),
        lambda x: np.sum(x, axis=0),
        lambda x: np.mean(x, axis=0, keepdims=True),
        lambda x: ActivationFunction.of("tanh")(x),
        lambda x: ActivationFunction.of("softmax")(x),
    ],
)
def test_of_what_is_not_a_number_nothing_is_claimed(function: Callable[[Any], Any]) -> None:
    found = function(of(NAN))
    assert not np.isfinite(found.variances()).any()


def test_nan_leaves_the_errors_of_its_neighbours_alone() -> None:
    found = of(NAN, 3.0) * 1
    assert np.isinf(found.variances()).tolist() == [True, False]
    np.testing.assert_allclose(found.variances()[1], (3 * UNIT) ** 2)


SMOOTH = ("tanh", "sigmoid", "softplus", "silu", "gelu", "elu", "exponential", "softsign", "hard_sigmoid", "relu")


@pytest.mark.parametrize("name", SMOOTH)
def test_an_error_that_is_not_known_is_not_known_after_an_activation(name: str) -> None:
    """∞ · 0 = NaN: an overflow times a gate that is shut."""
    parameters = {"slope": 0.2} if name == "hard_sigmoid" else {}
    unknown = of(1.0, variance=INF) * of(0.0)
    assert np.isnan(unknown.variances()).all()
    σ = np.sqrt(ActivationFunction.of(name, **parameters)(unknown).variances())
    assert not σ[0] < 0.01


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "hard_sigmoid", "relu6"])
def test_an_infinite_error_stays_one_through_a_bounded_activation(name: str) -> None:
    """∞ - ∞ in the framework is NaN, and so is any function of it."""
    parameters = {"slope": 0.2} if name == "hard_sigmoid" else {}
    found = ActivationFunction.of(name, **parameters)(of(1.0, variance=INF))
    assert not np.isfinite(found.variances()).any()


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "hard_sigmoid", "relu6"])
def test_what_may_be_too_large_for_a_format_stays_unknown_through_a_bounded_activation(name: str) -> None:
    """65504 is the largest number of float16, and 8σ are 80,000 here."""
    parameters = {"slope": 0.2} if name == "hard_sigmoid" else {}
    for precision, known in (("float16", False), ("bfloat16", True), ("float32", True), ("float64", True)):
        found = ActivationFunction.of(name, **parameters)(of(1.0, 2.0, variance=[1e8, 1e-4], precision=precision))
        assert np.isfinite(found.variances()).tolist() == [known, True]


@pytest.mark.parametrize("ufunc", [np.sin, np.floor, np.arctan], ids=lambda ufunc: ufunc.__name__)
def test_an_error_that_is_not_known_is_not_known_after_a_function(ufunc: np.ufunc) -> None:
    assert not np.sqrt(ufunc(of(1.0, variance=NAN)).variances())[0] < 0.01


@pytest.mark.parametrize("pick", [np.max, np.min])
def test_an_error_that_is_not_known_is_not_left_out_of_an_extreme(pick: Callable[..., Any]) -> None:
    x = of(1.0, 1.0, variance=[NAN, SIGMA**2])
    assert not np.isfinite(pick(x, axis=0).variances())


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
def test_nor_of_an_extreme_of_two(ufunc: np.ufunc) -> None:
    for a, b in ((NAN, 1e-10), (1e-10, NAN)):
        assert not np.isfinite(ufunc(of(1.0, variance=a), of(1.0, variance=b)).variances()).any()


@given(st.lists(st.sampled_from([0.0, 1.0, -2.0, 1e30, NAN, INF, -INF]), min_size=2, max_size=4), st.integers(0, 9))
def test_variances_are_never_negative(values: list[float], seed: int) -> None:
    x = of(*values, variance=[SIGMA**2 * ((seed + n) % 3) for n in range(len(values))])
    functions = [ActivationFunction.of(name) for name in FUNCTIONS if name not in WITH_NUMBERS | {"glu"}]
    for function in functions[seed::10]:
        assert not (function(x).variances() < 0).any()


# --------------------------------------------------------------------------------------------- lone numbers


def test_a_lone_number_keeps_its_error() -> None:
    x = of(1.0, 2.0, variance=SIGMA**2)
    assert not np.sum(x).exact
    for function in (lambda x: np.sum(x) * 1, lambda x: np.mean(x), lambda x: x[0] + 1, lambda x: np.max(x) * x):
        found = function(x)
        assert np.sqrt(found.variances()).max() > 0.1 * SIGMA


# -------------------------------------------------------------------------------------------- narrow formats


def bfloat16(x: Array) -> Array:
    """Eight bits of significand, half to even; its exponents are those of float32."""
    significand, exponent = np.frexp(x)
    return np.ldexp(np.round(significand * 256) / 256, exponent)


def float16(x: Array) -> Array:
    return x.astype(np.float16).astype(np.float64)


FORMATS = {"float16": float16, "bfloat16": bfloat16, "float32": lambda x: x.astype(np.float32).astype(np.float64)}
CHAINS: dict[str, Callable[[Any, Callable[[Any], Any]], Any]] = {
    "a product": lambda x, r: r(x[0] * x[1]),
    "a sum": lambda x, r: r(x[0] + x[1]),
    "a quotient": lambda x, r: r(x[0] / (r(x[1] * x[1]) + 4)),
    "a polynomial": lambda x, r: r(r(r(x[0] * x[1]) + x[1]) * x[0]),
    "a cell": lambda x, r: r(r(x[0] * x[1]) + r(r(1 - x[0]) * x[2])),
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("precision", FORMATS)
def test_operations_in_a_narrow_format(precision: str, chain: str) -> None:
    """Every operation rounded to the format, against what is claimed of it."""
    to_format = FORMATS[precision]
    operands = to_format(np.random.default_rng(0).uniform(-2, 2, (3, 20_000)))
    exact = CHAINS[chain](operands, lambda y: y)
    computed = CHAINS[chain](operands, to_format)
    found = CHAINS[chain]([of(*row, precision=precision) for row in operands], lambda y: y)
    ratio = (computed - exact) / np.sqrt(found.variances())
    assert 0.1 <= np.sqrt(np.mean(np.square(ratio))) <= 1
    assert np.abs(ratio).max() <= 8


def test_going_to_a_narrower_format_rounds_and_back_does_not() -> None:
    x = of(1.1, 2.2)
    narrow = x.rounded_to(Rounding(PRECISIONS["bfloat16"]))
    np.testing.assert_allclose(np.sqrt(narrow.variances()), [1.1015625 - 1.1, 2.203125 - 2.2])
    known = (x * 1).rounded_to(Rounding(PRECISIONS["bfloat16"]))  # not exact any more: anywhere between two numbers
    np.testing.assert_allclose(np.sqrt(known.variances()), np.array([1.1, 2.2]) * 2.0**-8, rtol=1e-4)
    back = narrow.rounded_to(Rounding(PRECISIONS["float32"]))
    assert back.variances().tolist() == narrow.variances().tolist()
    assert back.rounding.precision.name == "float32"
    assert x.rounded_to(Rounding()) is x
    further = narrow.rounded_to(Rounding(PRECISIONS["float16"]))
    assert further.variances().tolist() == narrow.variances().tolist()  # float16 holds what has 8 bits


# -------------------------------------------------------------------------------------------------- weights


def test_weights_that_float32_holds_are_exact() -> None:
    rounding, W = Rounding(), constant(3, 4)
    assert np.all(rounding.error(W) == 0)
    found = of(0.0, 0.0, 0.0) + W[:, 0]
    np.testing.assert_allclose(np.sqrt(found.variances()), UNIT * np.abs(W[:, 0]))


def test_weights_that_float32_does_not_hold_are_rounded() -> None:
    W = frozen(np.array([0.1, 1 / 3, 0.5]))
    np.testing.assert_allclose(np.sqrt(Rounding().error(W)), UNIT * W)
    assert np.all(Rounding(PRECISIONS["float64"]).error(W) == 0)


def test_what_was_computed_from_weights_is_not_exact() -> None:
    """Two roundings' worth; what may be written to was made on the way."""
    W = np.array([0.25, 0.5])
    np.testing.assert_allclose(np.sqrt(Rounding().error(W)), 2 * UNIT * W)
    found = of(1.0, 1.0) + W
    np.testing.assert_allclose(found.variances(), np.square(2 * UNIT * W) + np.square(UNIT * (1 + W)))


def test_weights_in_a_narrow_format_are_rounded_to_it() -> None:
    """Whatever is drawn from between two numbers lies u/√3 off, at most."""
    W = constant(1000, low=0.5, high=1)
    for name, to_format in (("float16", float16), ("bfloat16", bfloat16)):
        claimed = np.sqrt(Rounding(PRECISIONS[name]).error(W))
        rms = np.sqrt(np.mean(np.square((to_format(W) - W) / claimed)))
        assert 0.3 <= rms <= 1.1


def test_numbers_in_decimals_are_rounded_and_whole_ones_are_not() -> None:
    rounding = Rounding()
    assert rounding.error(0.5) == rounding.error(3) == rounding.error(np.arange(3)) == rounding.error(True) == 0
    np.testing.assert_allclose(np.sqrt(rounding.error(0.2)), 0.2 * UNIT)


def test_what_is_known_of_one_weight_is_not_taken_for_another() -> None:
    """Weights that come and go at the same place in memory."""
    rounding, x = Rounding(), of(1.0, 1.0)
    for seed in range(50):
        W = constant(2, 3, seed=seed)
        found = Rounded(x.value, rounding=rounding) @ W
        squares = np.square(W).sum(axis=0)
        wanted = UNIT**2 * ((2 / 6 + 1) * squares + (2 / 9 + 1) * np.square(W.sum(axis=0)))
        np.testing.assert_allclose(found.variances(), wanted)
        del W, found
