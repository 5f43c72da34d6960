"""Sums of products: what they make of errors, and what float32 adds when it sums one product after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers import Array
from lstm_verify.rounded import PRECISIONS, Rounded, Rounding
from tests.rounded.sampling import UNIT, agree, constant, own_error_ratio, uncertain

PRODUCTS: dict[str, tuple[Callable[[Any, Any], Any], tuple[int, ...], tuple[int, ...]]] = {
    "matmul": (np.matmul, (4, 6), (6, 5)),
    "matmul of three axes": (np.matmul, (3, 4, 6), (6, 5)),
    "batches": (np.matmul, (3, 4, 6), (3, 6, 5)),
    "matrix and vector": (np.matmul, (4, 6), (6,)),
    "dot": (np.dot, (4, 6), (6, 5)),
    "tensordot": (lambda a, b: np.tensordot(a, b, 1), (3, 4, 6), (6, 5)),
    "tensordot over two axes": (lambda a, b: np.tensordot(a, b, 2), (3, 4, 6), (4, 6, 5)),
    "einsum": (lambda a, b: np.einsum("stkc,kcm->stcm", a, b), (2, 3, 4, 5), (4, 5, 2)),
    "einsum with dots": (lambda a, b: np.einsum("...ab,bc->...ac", a, b), (2, 3, 4), (4, 5)),
    "einsum without a sum": (lambda a, b: np.einsum("ab,ac->abc", a, b), (3, 4), (3, 2)),
}


@pytest.mark.parametrize("which", ["both", "first", "second"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_pass_errors_on(name: str, which: str) -> None:
    function, left, right = PRODUCTS[name]
    a = constant(*left) if which == "second" else uncertain(*left, seed=1)
    b = constant(*right) if which == "first" else uncertain(*right, seed=2)
    agree(function, a, b)


def test_the_methods_of_operators() -> None:
    agree(lambda a: a @ constant(6, 5), uncertain(4, 6))
    agree(lambda a: constant(5, 4) @ a, uncertain(4, 6))


def one_after_the_other(x: Array, W: Array) -> Array:
    """x @ W in float32, each sum from its first term to its last."""
    total = np.zeros((len(x), W.shape[1]), np.float32)
    for k in range(len(W)):
        total = total + x[:, k, None] * W[None, k]
    return total


def in_blocks(x: Array, W: Array) -> Array:
    """The same from both ends, as processors with wide registers do it."""
    half = len(W) // 2
    total: Array = one_after_the_other(x[:, :half], W[:half]) + one_after_the_other(x[:, :half:-1], W[:half:-1])
    return total + x[:, half, None] * W[None, half]


@pytest.mark.parametrize("signs", ["random", "same"])
@pytest.mark.parametrize("terms", [4, 16, 64, 200, 512])
def test_float32_sums_of_products(terms: int, signs: str) -> None:
    generator = np.random.default_rng(terms)
    low = -1.0 if signs == "random" else 0.0
    x, W = (generator.uniform(low, 1, shape).astype(np.float32) for shape in ((60, terms), (terms, 50)))
    weights = W.astype(np.float64)
    weights.flags.writeable = False
    exact = x.astype(np.float64) @ weights
    σ = np.sqrt((Rounded(x.astype(np.float64)) @ weights).variances())
    ratio = np.abs(one_after_the_other(x, W) - exact) / σ
    assert 0.1 <= np.sqrt(np.mean(np.square(ratio))) <= 1
    assert ratio.max() <= 8
    assert (np.abs(in_blocks(x, W) - exact) / σ).max() <= 8


@pytest.mark.parametrize("terms", [4, 32, 256])
def test_one_large_term_among_small_ones(terms: int) -> None:
    """The worst order: the large one comes first, and every partial sum is as large."""
    generator = np.random.default_rng(terms)
    x, W = (generator.standard_normal(shape).astype(np.float32) for shape in ((60, terms), (terms, 50)))
    x[:, 0] *= 100
    σ = np.sqrt((Rounded(x.astype(np.float64)) @ W.astype(np.float64)).variances())
    assert (np.abs(one_after_the_other(x, W) - x.astype(np.float64) @ W.astype(np.float64)) / σ).max() <= 8


def test_sums_and_means_in_float32() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 40)).astype(np.float32)
    for low in (-1, 0):
        terms = x if low else np.abs(x)

        def summed(a: Array) -> Array:
            total = np.zeros(len(a), np.float32)
            for column in a.T:
                total = total + column
            return total

        assert 0.1 <= own_error_ratio(lambda a: np.sum(a, axis=1), terms, run=summed) <= 1
        mean = own_error_ratio(lambda a: np.mean(a, axis=1), terms, run=lambda a: summed(a) / np.float32(40))
        assert 0.1 <= mean <= 1


def test_running_sums_in_float32() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 40)).astype(np.float32)
    assert 0.1 <= own_error_ratio(lambda a: np.cumsum(a, axis=1), x) <= 1


def test_running_products_and_angles_in_float32() -> None:
    generator = np.random.default_rng(0)
    x = generator.uniform(0.8, 1.25, (2000, 40)).astype(np.float32)
    assert 0.1 <= own_error_ratio(lambda a: np.cumprod(a, axis=1)[:, 1:], x) <= 1
    assert 0.1 <= own_error_ratio(lambda a: np.prod(a, axis=1), x) <= 1
    y = generator.uniform(-1, 1, x.shape).astype(np.float32)
    assert 0.1 <= own_error_ratio(np.arctan2, y, x) <= 1


def test_narrow_formats_sum_in_float32() -> None:
    """Each operand is rounded to the format, the sum is not until it is done."""
    generator = np.random.default_rng(0)
    x16, W = generator.standard_normal((60, 128)).astype(np.float16), generator.standard_normal((128, 50))
    weights = W.astype(np.float32).astype(np.float64)
    weights.flags.writeable = False
    product = (x16.astype(np.float32) @ weights.astype(np.float16).astype(np.float32)).astype(np.float16)
    inputs = Rounded(x16.astype(np.float64), rounding=Rounding(PRECISIONS["float16"]))
    σ = np.sqrt((inputs @ weights).variances())
    ratio = (product.astype(np.float64) - x16.astype(np.float64) @ weights) / σ
    assert 0.1 <= np.sqrt(np.mean(np.square(ratio))) <= 1


def test_zeros_make_no_sum_longer() -> None:
    """What is added to the product of a state of zeros is rounded once, however many terms that has."""
    x, b = np.zeros((2, 3, 4)), Rounded(np.array([[3.0], [5.0]]))
    x[1, 2, 1] = 1
    W = constant(3, 4, 1)
    found, y = np.tensordot(Rounded(x), W, 2) + b, float(W[2, 1, 0])
    assert found.variances()[0, 0] == pytest.approx((3 * UNIT) ** 2)
    of_twelve = (12 / 6 + 1) * y**2 + (12 / 9 + 1) * y**2 + (5 + y) ** 2 + 12 / 9 * (25 + 5 * (5 + y))
    assert found.variances()[1, 0] == pytest.approx(UNIT**2 * of_twelve)


@pytest.mark.parametrize("equation", ["abc->ca", "abc->b", "abc->cab"])
def test_an_einsum_of_one(equation: str) -> None:
    agree(lambda x: np.einsum(equation, x), uncertain(2, 3, 4))


def test_an_einsum_of_three_is_one_of_two_and_another() -> None:
    x, W, V = uncertain(2, 3).rounded(), constant(3, 4), constant(4, 5)
    at_once, in_turn = np.einsum("ab,bc,cd->ad", x, W, V), x @ W @ V
    np.testing.assert_allclose(at_once.value, in_turn.value)
    np.testing.assert_allclose(at_once.variances(), in_turn.variances())
    agree(lambda a: np.einsum("ab,ac,ad->bcd", a, constant(3, 3), constant(3, 3)), uncertain(3, 3))


def test_the_number_of_terms_of_an_einsum() -> None:
    """Four terms: u² (4/6 + 1) Σ x² W² + u² (4/9 + 1) y²"""
    x, W = np.full((1, 2, 2), 3.0), constant(2, 2, 1)
    found = np.einsum("abc,bcd->ad", Rounded(x), W)
    squares, y = 9 * np.square(W).sum(), 3 * W.sum()
    np.testing.assert_allclose(found.variances(), UNIT**2 * ((4 / 6 + 1) * squares + (4 / 9 + 1) * y**2))


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x: np.einsum("...b,bc,cd->...d", x, x, x),
        lambda x: np.einsum("ii->i", x),
        lambda x: np.einsum("...b->...", x),
        lambda x: np.tensordot(x, x, axes=([0], [1])),
        lambda x: np.linalg.inv(x),
        lambda x: np.outer(x, x),
    ],
)
def test_products_without_a_rule(attempt: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedError, match="rounding errors have no rule"):
        attempt(uncertain(3, 3).rounded())
