"""Padding, cropping and repeating along the lengths of sequences and images."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.layers import Cropping1D, Cropping2D, UpSampling1D, UpSampling2D, ZeroPadding1D, ZeroPadding2D
from tests.builders import sequences
from tests.layers.test_convolution_2d import CHANNELS, COLUMNS, ROWS, images

X = sequences()


def test_zero_padding_before_and_after() -> None:
    got = ZeroPadding1D(name="pad", padding=(1, 2)).forward(X)
    assert got.shape == (5, 9, 3)
    assert_array_equal(got[:, 1:7], X)
    assert not got[:, [0, 7, 8]].any()


@pytest.mark.parametrize(("cropping", "left"), [((1, 2), [1, 2, 3]), ((0, 1), [0, 1, 2, 3, 4]), ((2, 0), [2, 3, 4, 5])])
def test_cropping_before_and_after(cropping: tuple[int, int], left: list[int]) -> None:
    assert_array_equal(Cropping1D(name="crop", cropping=cropping).forward(X), X[:, left])


def test_upsampling_repeats_each_step() -> None:
    got = UpSampling1D(name="up", size=3).forward(X)
    for t in range(18):
        assert_array_equal(got[:, t], X[:, t // 3])


def test_zeros_around_a_picture() -> None:
    x = images()
    got = ZeroPadding2D(name="pad", padding=(1, 0, 2, 3)).forward(x)
    assert got.shape == (2, ROWS + 1, COLUMNS + 5, CHANNELS)
    assert_array_equal(got[:, 1:, 2 : 2 + COLUMNS], x)
    assert np.count_nonzero(got) == np.count_nonzero(x)


def test_cropping_undoes_padding() -> None:
    x = images()
    padded = ZeroPadding2D(name="pad", padding=(1, 0, 2, 3)).forward(x)
    assert_array_equal(Cropping2D(name="crop", cropping=(1, 0, 2, 3)).forward(padded), x)


def test_each_pixel_becomes_a_block() -> None:
    x = images()
    got = UpSampling2D(name="up", size=(2, 3)).forward(x)
    assert got.shape == (2, 2 * ROWS, 3 * COLUMNS, CHANNELS)
    for i, j in np.ndindex(*got.shape[1:3]):
        assert_array_equal(got[:, i, j], x[:, i // 2, j // 3])
