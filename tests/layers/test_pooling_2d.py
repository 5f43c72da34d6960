"""Pooling of images against a loop over every window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
    Run,
    Signal,
)
from tests.builders import random_array
from tests.layers.test_convolution import taps, window_count

ROWS, COLUMNS = 9, 7


@pytest.mark.parametrize("make", [MaxPooling2D, AveragePooling2D])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [((2, 2), (2, 2)), ((3, 2), (1, 3)), ((1, 4), (2, 1)), ((2, 3), (3, 4))])
def test_windows_equal_the_loop(make: Any, size: tuple[int, int], strides: tuple[int, int], padding: str) -> None:
    x = random_array(2, ROWS, COLUMNS, 3) - 3.0  # all negative, so that zeros as padding would show
    got = make(name="pool", pool_size=size, strides=strides, padding=padding).forward(x)
    counts = (window_count(n, size[a], strides[a], padding, 1) for a, n in enumerate((ROWS, COLUMNS)))
    assert got.shape == (2, *counts, 3)
    for sample, i, j, channel in np.ndindex(*got.shape):
        rows = [row for _, row in taps(i, ROWS, size[0], strides[0], padding, 1)]
        columns = [column for _, column in taps(j, COLUMNS, size[1], strides[1], padding, 1)]
        seen = [float(x[sample, row, column, channel]) for row in rows for column in columns]
        wanted = max(seen) if make is MaxPooling2D else math.fsum(seen) / len(seen)
        assert got[sample, i, j, channel] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("make", [GlobalMaxPooling2D, GlobalAveragePooling2D])
def test_of_all_pixels(make: Any, keepdims: bool) -> None:
    x = random_array(2, ROWS, COLUMNS, 3) - 3.0
    got = make(name="pool", keepdims=keepdims).forward(x)
    assert got.shape == ((2, 1, 1, 3) if keepdims else (2, 3))
    for sample, channel in np.ndindex(2, 3):
        seen = [float(x[sample, i, j, channel]) for i in range(ROWS) for j in range(COLUMNS)]
        wanted = max(seen) if make is GlobalMaxPooling2D else math.fsum(seen) / len(seen)
        assert got.reshape(2, 3)[sample, channel] == pytest.approx(wanted, rel=1e-12)


LAYERS: list[Any] = [
    MaxPooling2D(name="pool", pool_size=(2, 2), strides=(2, 2)),
    AveragePooling2D(name="pool", pool_size=(2, 2), strides=(2, 2)),
    GlobalMaxPooling2D(name="pool"),
    GlobalAveragePooling2D(name="pool"),
]


@pytest.mark.parametrize("layer", LAYERS)
def test_masks_change_nothing_and_end_here(layer: Any) -> None:
    x, mask = random_array(2, ROWS, COLUMNS, 3), np.zeros((2, ROWS, COLUMNS), bool)
    ((masked, none),) = layer.apply((Signal(x, mask),), Run())
    assert none is None
    np.testing.assert_array_equal(masked, layer.forward(x))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("shape", [(2, 9, 3), (2, 5, 9, 7, 3)])
def test_what_is_no_picture_is_refused(layer: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelFileError, match="layer 'pool': its input has shape"):
        layer.forward(random_array(*shape))


@pytest.mark.parametrize("layer", LAYERS)
def test_float32_stays_float32(layer: Any) -> None:
    assert layer.forward(random_array(2, ROWS, COLUMNS, 3, dtype="float32")).dtype == np.float32
