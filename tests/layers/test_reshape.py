"""Layers that only move elements: where each element comes from, place by place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.layers import (
    Cropping1D,
    Flatten,
    Identity,
    Permute,
    RepeatVector,
    Reshape,
    Run,
    Signal,
    UpSampling1D,
)
from tests.builders import random_array, sequences

X = sequences()


def test_flatten_in_row_major_order() -> None:
    got = Flatten(name="flatten").forward(X)
    assert got.shape == (5, 18)
    for sample, t, feature in np.ndindex(5, 6, 3):
        assert got[sample, t * 3 + feature] == X[sample, t, feature]


def test_flatten_of_a_vector_of_samples() -> None:
    assert Flatten(name="flatten").forward(np.zeros(5)).shape == (5, 1)


@pytest.mark.parametrize("shape", [(9, 2), (-1, 2), (2, -1), (3, 3, 2)])
def test_reshape_in_row_major_order(shape: tuple[int, ...]) -> None:
    got = Reshape(name="reshape", target_shape=shape).forward(X)
    assert got.shape[1:] == {(-1, 2): (9, 2), (2, -1): (2, 9)}.get(shape, shape)
    assert got.reshape(5, -1).tolist() == X.reshape(5, -1).tolist()


@pytest.mark.parametrize("dims", [(2, 1, 3), (3, 1, 2), (2, 3, 1)])
def test_permute_counts_from_one(dims: tuple[int, ...]) -> None:
    x = random_array(5, 6, 3, 2)
    got = Permute(name="permute", dims=dims).forward(x)
    for place in np.ndindex(*got.shape):
        source = [place[0], 0, 0, 0]
        for target, dim in enumerate(dims, start=1):
            source[dim] = place[target]
        assert got[place] == x[tuple(source)]


def test_repeat_vector() -> None:
    got = RepeatVector(name="repeat", n=4).forward(X[:, 0])
    assert got.shape == (5, 4, 3)
    for t in range(4):
        assert_array_equal(got[:, t], X[:, 0])


def test_only_identity_passes_the_mask_on() -> None:
    signal = Signal(X, np.ones((5, 6), bool))
    (same,) = Identity(name="dropout").apply((signal,), Run())
    assert same.value is X
    assert same.mask is signal.mask
    for layer in (Flatten(name="f"), UpSampling1D(name="u", size=2), Cropping1D(name="c", cropping=(1, 1))):
        assert layer.apply((signal,), Run())[0].mask is None
