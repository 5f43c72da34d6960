"""A softmax under a mask: what is hidden has no share, and what is left where all is hidden."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers import Array, Run, Signal, Softmax
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import random_array

X = random_array(2, 3, 4, seed=5, scale=30)
SEEN = np.array([[[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], [[0, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 1]]], bool)


def softmax(all_hidden: str = "zero", axis: int | tuple[int, ...] = -1, dtype: str = "float32") -> Softmax:
    activation = ActivationFunction.of("softmax", axis=axis)
    return Softmax(name="softmax", activation=activation, all_hidden=all_hidden, compute_dtype=dtype)


def output(layer: Softmax, x: Array, mask: Array | None) -> Array:
    return layer.apply((Signal(x, mask),), Run())[0].value


def test_shares_of_what_is_seen() -> None:
    y = output(softmax(), X, SEEN)
    for place in np.ndindex(2, 3):
        seen = [math.exp(x) if kept else 0.0 for x, kept in zip(X[place], SEEN[place], strict=True)]
        assert_allclose(y[place], [e / (math.fsum(seen) or 1) for e in seen], rtol=1e-12)


def test_the_mask_goes_on_and_may_be_broadcast() -> None:
    (y,) = softmax().apply((Signal(X, SEEN[:, :1]),), Run())
    assert y.mask is not None
    assert_array_equal(y.value[:, 1], output(softmax(), X, np.repeat(SEEN[:, :1], 3, axis=1))[:, 1])


@pytest.mark.parametrize(("all_hidden", "wanted"), [("zero", [0, 0]), ("equal", [0.5, 0.5]), ("rounded", [0, 1])])
def test_where_all_is_hidden(all_hidden: str, wanted: list[float]) -> None:
    """In float32 1e9 and the numbers next to it are multiples of 64: 20 counts as 0, 50 as 64."""
    x, none = np.array([[20.0, 50.0]]), np.zeros((1, 2), bool)
    assert_allclose(output(softmax(all_hidden), x, none), [wanted], atol=1e-20)


def test_over_several_axes_the_largest_get_one_where_all_is_hidden() -> None:
    x, none = np.array([[[20.0, 10.0], [50.0, 40.0]]]), np.zeros((1, 2, 2), bool)
    assert_array_equal(output(softmax("equal", (1, 2)), x, none), np.ones((1, 2, 2)))
    assert_array_equal(output(softmax("equal", (1, 2), "float64"), x, none), np.full((1, 2, 2), 0.25))
    assert_allclose(output(softmax("rounded", (1, 2)), x, none), [[[0, 0], [1, 1]]], atol=1e-20)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 1), (2, 3, 5), (2, 2, 4)])
def test_a_mask_of_other_axes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedError, match="does not fit its input of shape"):
        output(softmax(), X, np.ones(shape, bool))


def test_without_a_mask() -> None:
    e = np.exp(X - X.max(axis=1, keepdims=True))
    assert_allclose(output(softmax(axis=1), X, None), e / e.sum(axis=1, keepdims=True), rtol=1e-12)
