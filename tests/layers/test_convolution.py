"""Convolution over time against a loop over every sample, window, tap and channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import (
    Array,
    Conv1D,
    DepthwiseConv1D,
    DepthwiseConv2D,
    MaxPooling3D,
    Run,
    SeparableConv1D,
    Signal,
    Spatial,
)
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import apply, random_array

OPTIONS = [
    (strides, padding, dilation)
    for padding in ("valid", "same", "causal")
    for strides, dilation in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3))
]
Taps = Iterator[tuple[int, int]]


def taps(t: int, timesteps: int, size: int, strides: int, padding: str, dilation: int) -> Taps:
    """The taps of window `t` that lie inside the sequence: (place in the kernel, time step)."""
    reach = (size - 1) * dilation + 1
    left = 0
    if padding == "causal":
        left = reach - 1
    if padding == "same":
        left = max((ceiling(timesteps, strides) - 1) * strides + reach - timesteps, 0) // 2
    for k in range(size):
        step = t * strides + k * dilation - left
        if 0 <= step < timesteps:
            yield k, step


def ceiling(a: int, b: int) -> int:
    return a // b + (a % b > 0)


def window_count(timesteps: int, size: int, strides: int, padding: str, dilation: int) -> int:
    reach = (size - 1) * dilation + 1
    return ceiling(timesteps - reach + 1 if padding == "valid" else timesteps, strides)


def convolved(layer: Conv1D, sample: list[list[float]], t: int, filter_: int) -> float:
    """One number of the output, before the activation."""
    size, per_group, filters = layer.kernel.shape
    first = filter_ // (filters // layer.groups) * per_group
    total = 0.0 if layer.bias is None else float(layer.bias[filter_])
    for k, step in taps(t, len(sample), size, layer.strides, layer.padding, layer.dilation):
        total += sum(sample[step][first + c] * float(layer.kernel[k, c, filter_]) for c in range(per_group))
    return total


def assert_everywhere(got: Array, x: Array, one: Callable[[list[list[float]], int, int], float]) -> None:
    for sample, t, channel in np.ndindex(*got.shape):
        assert got[sample, t, channel] == pytest.approx(one(x[sample].tolist(), t, channel), rel=0, abs=1e-12)


@pytest.mark.parametrize(("strides", "padding", "dilation"), OPTIONS)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_convolution_equals_the_loop(size: int, strides: int, padding: str, dilation: int) -> None:
    x = random_array(2, 11, 3)
    layer = Conv1D(
        name="conv",
        kernel=random_array(size, 3, 5, seed=1),
        bias=random_array(5, seed=2),
        strides=strides,
        padding=padding,
        dilation=dilation,
    )
    got = layer.forward(x)
    assert got.shape == (2, window_count(11, size, strides, padding, dilation), 5)
    assert_everywhere(got, x, lambda sample, t, filter_: convolved(layer, sample, t, filter_))


@pytest.mark.parametrize("groups", [2, 3])
def test_groups_see_their_own_channels(groups: int) -> None:
    x = random_array(2, 7, 6)
    layer = Conv1D(name="conv", kernel=random_array(3, 6 // groups, 12, seed=1), groups=groups)
    assert_everywhere(layer.forward(x), x, lambda sample, t, filter_: convolved(layer, sample, t, filter_))


def test_the_activation_comes_last() -> None:
    x, kernel, bias = random_array(2, 7, 3), random_array(3, 3, 5, seed=1), random_array(5, seed=2)
    plain = Conv1D(name="conv", kernel=kernel, bias=bias).forward(x)
    relu = Conv1D(name="conv", kernel=kernel, bias=bias, activation=ActivationFunction.of("relu")).forward(x)
    assert (plain < 0).any()
    assert_array_equal(relu, np.where(plain > 0, plain, 0))


def test_causal_windows_do_not_see_the_future() -> None:
    x = random_array(1, 8, 2)
    layer = Conv1D(name="conv", kernel=random_array(3, 2, 4, seed=1), padding="causal")
    later = x.copy()
    later[:, 5:] += 1
    assert_array_equal(layer.forward(x)[:, :5], layer.forward(later)[:, :5])
    assert (layer.forward(x)[:, 5:] != layer.forward(later)[:, 5:]).all()


def test_no_mask_goes_on() -> None:
    signal = Signal(random_array(2, 7, 3), np.ones((2, 7), bool))
    assert Conv1D(name="conv", kernel=random_array(3, 3, 5)).apply((signal,), Run())[0].mask is None


def test_a_bias_of_another_length_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"layer 'conv': bias has shape \(4,\), expected \(5,\)"):
        Conv1D(name="conv", kernel=random_array(3, 3, 5), bias=np.zeros(4))


def depthwise(layer: DepthwiseConv1D | SeparableConv1D, sample: list[list[float]], t: int, place: int) -> float:
    size, _, multiplier = layer.depthwise_kernel.shape
    channel, j = divmod(place, multiplier)
    seen = taps(t, len(sample), size, layer.strides, layer.padding, layer.dilation)  # type: ignore[arg-type]
    return sum(sample[step][channel] * float(layer.depthwise_kernel[k, channel, j]) for k, step in seen)


@pytest.mark.parametrize(("strides", "padding", "dilation"), OPTIONS)
@pytest.mark.parametrize("pointwise", [True, False])
def test_separable_convolution_equals_the_loop(pointwise: bool, strides: int, padding: str, dilation: int) -> None:
    x, kernel, mixing = random_array(2, 11, 3), random_array(3, 3, 2, seed=1), random_array(1, 6, 5, seed=2)
    bias = random_array(5 if pointwise else 6, seed=3)
    options: dict[str, Any] = {"bias": bias, "strides": strides, "padding": padding, "dilation": dilation}
    layer: DepthwiseConv1D | SeparableConv1D = DepthwiseConv1D(name="conv", depthwise_kernel=kernel, **options)
    if pointwise:
        layer = SeparableConv1D(name="conv", depthwise_kernel=kernel, pointwise_kernel=mixing, **options)

    def one(sample: list[list[float]], t: int, filter_: int) -> float:
        if not pointwise:
            return depthwise(layer, sample, t, filter_) + float(bias[filter_])
        mixed = sum(depthwise(layer, sample, t, place) * float(mixing[0, place, filter_]) for place in range(6))
        return mixed + float(bias[filter_])

    got = apply(layer, x)[0]
    assert got.shape == (2, window_count(11, 3, strides, padding, dilation), len(bias))
    assert_everywhere(got, x, one)


def test_a_convolution_of_one_step_is_a_dense_layer() -> None:
    x, kernel = random_array(2, 7, 3), random_array(1, 3, 5, seed=1)
    assert_allclose(Conv1D(name="conv", kernel=kernel).forward(x), x @ kernel[0], rtol=0, atol=1e-14)


def test_axes_in_front_are_like_samples() -> None:
    x, layer = random_array(2, 4, 7, 3), Conv1D(name="conv", kernel=random_array(3, 3, 5, seed=1), strides=2)
    got = layer.forward(x)
    for sample in range(2):
        assert_allclose(got[sample], layer.forward(x[sample]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "axes"),
    [
        (DepthwiseConv1D(name="conv", depthwise_kernel=random_array(3, 3, 2)), "timesteps"),
        (DepthwiseConv2D(name="conv", depthwise_kernel=random_array(3, 3, 3, 2)), "rows, columns"),
        (MaxPooling3D(name="conv", pool_size=2, strides=2), "planes, rows, columns"),
    ],
)
def test_an_input_with_other_axes_is_refused(layer: Spatial, axes: str) -> None:
    with pytest.raises(ModelFileError, match=rf"layer 'conv': its input .*, expected \(samples, {axes}, channels\)"):
        layer.forward(random_array(2, 7, 6, 5, 4, 3))


def test_a_sequence_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"layer 'conv': its output is empty for an input of shape \(2, 3, 3\)"):
        Conv1D(name="conv", kernel=random_array(4, 3, 5)).forward(random_array(2, 3, 3))
