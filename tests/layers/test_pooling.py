"""Pooling over time against a loop over every window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.layers import (
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Mask,
    MaxPooling1D,
    Run,
    Signal,
)
from tests.builders import apply, random_array, sequences
from tests.layers.test_convolution import taps, window_count

MASK = np.arange(6) < np.array([6, 4, 3, 1, 5])[:, None]


@pytest.mark.parametrize("make", [MaxPooling1D, AveragePooling1D])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [(1, 1), (2, 2), (3, 2), (3, 1), (2, 3), (4, 3)])
def test_windows_equal_the_loop(size: int, strides: int, padding: str, make: Any) -> None:
    x = random_array(2, 10, 3) - 3.0  # all negative, so that zeros as padding would show
    got = make(name="pool", pool_size=size, strides=strides, padding=padding).forward(x)
    assert got.shape == (2, window_count(10, size, strides, padding, 1), 3)
    for sample, t, channel in np.ndindex(*got.shape):
        steps = [step for _, step in taps(t, 10, size, strides, padding, 1)]
        seen = [float(x[sample, step, channel]) for step in steps]
        wanted = max(seen) if make is MaxPooling1D else math.fsum(seen) / len(seen)
        assert got[sample, t, channel] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("keepdims", [True, False])
def test_the_largest_value_over_time(keepdims: bool) -> None:
    x = sequences() - 3.0
    (got,) = apply(GlobalMaxPooling1D(name="max", keepdims=keepdims), x)
    assert got.shape == ((5, 1, 3) if keepdims else (5, 3))
    for sample, channel in np.ndindex(5, 3):
        assert got.reshape(5, 3)[sample, channel] == max(x[sample, :, channel].tolist())


def test_the_largest_value_does_not_go_by_the_mask() -> None:
    x, layer = sequences(), GlobalMaxPooling1D(name="max")
    assert_array_equal(apply(layer, x, mask=MASK)[0], apply(layer, x)[0])


@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("mask", [None, MASK])
def test_the_mean_over_the_steps_that_count(mask: Mask, keepdims: bool) -> None:
    x = sequences()
    (got,) = apply(GlobalAveragePooling1D(name="mean", keepdims=keepdims), x, mask=mask)
    assert got.shape == ((5, 1, 3) if keepdims else (5, 3))
    for sample, channel in np.ndindex(5, 3):
        seen = [float(x[sample, t, channel]) for t in range(6) if mask is None or mask[sample, t]]
        assert got.reshape(5, 3)[sample, channel] == pytest.approx(math.fsum(seen) / len(seen), rel=1e-12)


def test_the_mean_over_no_step_is_not_a_number() -> None:
    (got,) = apply(GlobalAveragePooling1D(name="mean"), sequences(), mask=np.zeros((5, 6), bool))
    assert np.isnan(got).all()


def test_no_mask_goes_on() -> None:
    signal = Signal(sequences(), MASK)
    for layer in (
        MaxPooling1D(name="pool", pool_size=2, strides=2),
        GlobalMaxPooling1D(name="max"),
        GlobalAveragePooling1D(name="mean"),
    ):
        assert layer.apply((signal,), Run())[0].mask is None


@pytest.mark.parametrize("make", [MaxPooling1D, AveragePooling1D])
def test_float32_stays_float32(make: Any) -> None:
    layer = make(name="pool", pool_size=3, strides=2, padding="same")
    got = layer.forward(sequences(dtype="float32"))
    assert got.dtype == np.float32
    assert_allclose(got, layer.forward(sequences(dtype="float32").astype("float64")), rtol=0, atol=1e-6)


@pytest.mark.parametrize("mask", [None, MASK])
def test_the_global_mean_stays_float32(mask: Mask) -> None:
    (got,) = apply(GlobalAveragePooling1D(name="mean"), sequences(dtype="float32"), mask=mask)
    assert got.dtype == np.float32
