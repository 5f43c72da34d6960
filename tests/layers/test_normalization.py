"""The normalisations against `statistics` and a loop over every element."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.layers import (
    Array,
    BatchNormalization,
    GroupNormalization,
    Layer,
    LayerNormalization,
    Normalization,
    Rescaling,
    Run,
    Signal,
    UnitNormalization,
)
from tests.builders import random_array, sequences

X = sequences()


def normalised(value: float, mean: float, variance: float, epsilon: float) -> float:
    return (value - mean) / math.sqrt(variance + epsilon)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("scaled", [True, False])
def test_batch_normalization_goes_by_the_moving_statistics(scaled: bool, axis: int) -> None:
    channels = X.shape[axis]
    mean, variance = random_array(channels, seed=1), np.abs(random_array(channels, seed=2))
    γ, β = (random_array(channels, seed=3), random_array(channels, seed=4)) if scaled else (None, None)
    layer = BatchNormalization(
        name="bn", moving_mean=mean, moving_variance=variance, gamma=γ, beta=β, epsilon=0.02, axis=axis
    )
    got = layer.forward(X)
    for place in np.ndindex(*X.shape):
        c = place[axis]
        y = normalised(float(X[place]), float(mean[c]), float(variance[c]), 0.02)
        wanted = y if γ is None or β is None else float(γ[c]) * y + float(β[c])
        assert got[place] == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def assert_layer_normalised(got: Array, axes: tuple[int, ...], γ: Array, β: Array, epsilon: float) -> None:
    for place in np.ndindex(*X.shape):
        group = X[tuple(slice(None) if axis in axes else i for axis, i in enumerate(place))].ravel().tolist()
        y = normalised(float(X[place]), statistics.fmean(group), statistics.pvariance(group), epsilon)
        own = tuple(place[axis] for axis in sorted(axes))
        assert got[place] == pytest.approx(float(γ[own]) * y + float(β[own]), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("axes", [(2,), (1, 2), (1,)])
def test_layer_normalization_of_each_sample(axes: tuple[int, ...]) -> None:
    shape = tuple(X.shape[axis] for axis in axes)
    γ, β = random_array(*shape, seed=3), random_array(*shape, seed=4)
    layer = LayerNormalization(name="ln", gamma=γ, beta=β, epsilon=0.02, axes=axes)
    assert_layer_normalised(layer.forward(X), axes, γ, β, 0.02)


def test_layer_normalization_counts_axes_from_the_end_too() -> None:
    γ = random_array(3, seed=3)
    last, third = (LayerNormalization(name="ln", gamma=γ, axes=(axis,)).forward(X) for axis in (-1, 2))
    assert_array_equal(last, third)
    assert_layer_normalised(last, (2,), γ, np.zeros(3), 1e-3)


@pytest.mark.parametrize(("groups", "size"), [(1, 6), (2, 3), (3, 2), (6, 1), (-1, 1)])
def test_group_normalization_over_a_group_and_all_steps(groups: int, size: int) -> None:
    x, γ, β = sequences(features=6), random_array(6, seed=3), random_array(6, seed=4)
    got = GroupNormalization(name="gn", groups=groups, gamma=γ, beta=β, epsilon=0.02).forward(x)
    for sample, t, c in np.ndindex(*x.shape):
        first = c // size * size
        group = x[sample, :, first : first + size].ravel().tolist()
        y = normalised(float(x[sample, t, c]), statistics.fmean(group), statistics.pvariance(group), 0.02)
        assert got[sample, t, c] == pytest.approx(float(γ[c]) * y + float(β[c]), rel=1e-11, abs=1e-12)


def test_rescaling() -> None:
    got = Rescaling(name="r", scale=np.array(0.5), offset=np.array([1.0, 2.0, 3.0])).forward(X)
    for place in np.ndindex(*X.shape):
        assert got[place] == pytest.approx(0.5 * float(X[place]) + place[2] + 1)


@pytest.mark.parametrize("invert", [True, False])
def test_normalization_with_a_mean_and_a_variance_for_each_feature(invert: bool) -> None:
    mean, variance = random_array(3, seed=1), np.array([0.25, 4.0, 0.0])
    got = Normalization(name="n", mean=mean, variance=variance, invert=invert).forward(X)
    for place in np.ndindex(*X.shape):
        μ, σ, value = float(mean[place[2]]), max(math.sqrt(float(variance[place[2]])), 1e-7), float(X[place])
        assert got[place] == pytest.approx(value * σ + μ if invert else (value - μ) / σ)


@pytest.mark.parametrize("axes", [(2,), (1,), (1, 2)])
def test_unit_normalization_gives_vectors_of_length_one(axes: tuple[int, ...]) -> None:
    got = UnitNormalization(name="u", axes=axes).forward(X)
    for place in np.ndindex(*X.shape):
        group = X[tuple(slice(None) if axis in axes else i for axis, i in enumerate(place))]
        assert got[place] == pytest.approx(float(X[place]) / math.hypot(*group.ravel().tolist()))


def test_unit_normalization_of_nothing_is_nothing() -> None:
    assert not UnitNormalization(name="u").forward(np.zeros((2, 3))).any()


@pytest.mark.parametrize(
    "layer",
    [
        BatchNormalization(name="bn", moving_mean=np.zeros(3), moving_variance=np.ones(3)),
        LayerNormalization(name="ln"),
        GroupNormalization(name="gn", groups=3),
        UnitNormalization(name="u"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_the_mask_goes_on(layer: Layer) -> None:
    signal = Signal(X, np.ones((5, 6), bool))
    assert layer.apply((signal,), Run())[0].mask is signal.mask


def test_a_vector_of_zeros_has_no_unit_length_in_float16_where_the_least_length_is_0() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    assert_array_equal(UnitNormalization(name="unit").forward(x), [[0.6, 0.8], [0, 0]])
    half = UnitNormalization(name="unit", compute_dtype="float16").forward(x)
    assert_array_equal(half, [[0.6, 0.8], [np.nan, np.nan]])


def test_a_mask_weighs_the_moments_of_group_normalization() -> None:
    x, mask = sequences(features=4), np.random.default_rng(3).random((5, 6, 4)) < 0.6
    layer = GroupNormalization(name="gn", groups=2, epsilon=0.02, heeds_mask=True)
    (got,) = layer.apply((Signal(x, mask),), Run())
    for sample in range(5):
        for channels in (slice(0, 2), slice(2, 4)):
            seen = x[sample, :, channels][mask[sample, :, channels]]
            wanted = (x[sample, :, channels] - seen.mean()) / np.sqrt(seen.var() + 0.02)
            assert_allclose(got.value[sample, :, channels], wanted, rtol=1e-12)
