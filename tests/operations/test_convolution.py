"""Windows, convolution and pooling along one, two and three axes, against loops over every place in plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import InputError
from lstm_verify.operations import OPERATIONS
from lstm_verify.operations.windows import Windows
from tests.builders import random_array

LENGTHS = (5, 7, 6)
SIZE = (3, 2, 1)
Place = tuple[int, ...]


def cases(axes: int) -> list[dict[str, Any]]:
    """Options of windows, with their padding in numbers as well, where that depends on no length."""
    pads = ((1, 0), (2, 3), (0, 1))[:axes]
    return [
        {},
        {"strides": 2, "padding": pads},
        {"strides": (2, 3, 1)[:axes], "padding": "same"},
        {"dilation": (2, 1, 3)[:axes], "padding": pads},
        {"dilation": 2, "padding": "same"},
        {"strides": (1, 2, 2)[:axes], "dilation": (1, 3, 2)[:axes], "padding": "causal"},
    ]


CASES = [(axes, options) for axes in (1, 2, 3) for options in cases(axes)]


def each(value: Any, axes: int) -> Place:
    return (value,) * axes if isinstance(value, int) else value


def pads_of(length: int, size: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """What is padded, said in words: `same` makes as many windows as strides fit, with the odd step at the end."""
    reach = (size - 1) * dilation + 1
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return reach - 1, 0
    wanted = math.ceil(length / stride)
    missing = max((wanted - 1) * stride + reach - length, 0)
    return missing // 2, missing - missing // 2


def places(axes: int, options: dict[str, Any]) -> Iterator[tuple[Place, list[tuple[Place, Place]]]]:
    """Every window: its place among them, and the places of its taps in the kernel and inside the input."""
    strides, dilation = each(options.get("strides", 1), axes), each(options.get("dilation", 1), axes)
    padding = options.get("padding", "valid")
    along = []
    for a in range(axes):
        length, size = LENGTHS[a], SIZE[a]
        named = isinstance(padding, str)
        before, after = pads_of(length, size, strides[a], dilation[a], padding) if named else padding[a]
        last = length + after - (size - 1) * dilation[a]
        starts = range(-before, last, strides[a])
        along.append([[(k, s + k * dilation[a]) for k in range(size)] for s in starts])
    for window in product(*(enumerate(axis) for axis in along)):
        taps = [
            (tuple(k for k, _ in tap), tuple(x for _, x in tap))
            for tap in product(*(axis for _, axis in window))
            if all(0 <= x < length for (_, x), length in zip(tap, LENGTHS, strict=False))
        ]
        yield tuple(number for number, _ in window), taps


def image(axes: int, channels: int = 4) -> Any:
    return random_array(2, *LENGTHS[:axes], channels)


def assert_by_window(got: Any, axes: int, options: dict[str, Any], one: Any) -> None:
    """Check each window of the first sample and the first and last channel, and that there is none besides."""
    numbers = [number for number, _ in places(axes, options)]
    assert got.shape[1:-1] == tuple(n + 1 for n in max(numbers))
    for number, taps in places(axes, options):
        for channel in (0, got.shape[-1] - 1):
            assert got[(0, *number, channel)] == pytest.approx(one(taps, channel), rel=0, abs=1e-12)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("axes", "options"), CASES)
def test_convolution(axes: int, options: dict[str, Any], groups: int) -> None:
    x, per_group = image(axes), 4 // groups
    kernel = random_array(*SIZE[:axes], per_group, 6, seed=1)

    def one(taps: Any, channel: int) -> float:
        first = channel // (6 // groups) * per_group
        return sum(
            float(x[(0, *at, first + c)]) * float(kernel[(*k, c, channel)]) for k, at in taps for c in range(per_group)
        )

    assert_by_window(OPERATIONS["convolution"](x, kernel, groups=groups, **options), axes, options, one)
    assert_array_equal(
        OPERATIONS["convolution"](x, kernel, **options),
        OPERATIONS["convolution"](x, kernel, groups=groups, **options),
    )


@pytest.mark.parametrize(("axes", "options"), CASES)
def test_convolution_by_channels(axes: int, options: dict[str, Any]) -> None:
    x, kernel = image(axes), random_array(*SIZE[:axes], 4, 3, seed=1)

    def one(taps: Any, place: int) -> float:
        channel, of = divmod(place, 3)
        return sum(float(x[(0, *at, channel)]) * float(kernel[(*k, channel, of)]) for k, at in taps)

    assert_by_window(OPERATIONS["depthwise_convolution"](x, kernel, **options), axes, options, one)


@pytest.mark.parametrize(("axes", "options"), CASES)
def test_transposed_is_the_transpose(axes: int, options: dict[str, Any]) -> None:
    """⟨conv(x), y⟩ = ⟨x, transposed(y)⟩ for all x and y, and so the matrices of the two are each other's transposes."""
    for groups in (1, 2):
        x, kernel = image(axes), random_array(*SIZE[:axes], 4 // groups, 6, seed=1)
        there = OPERATIONS["convolution"](x, kernel, **options)
        y = random_array(*there.shape, seed=2)
        for shape in (np.array(x.shape), x.shape[1:-1]):
            back = OPERATIONS["transposed_convolution"](y, kernel, shape, groups=groups, **options)
            assert back.shape == x.shape
            assert_allclose(np.vdot(there, y), np.vdot(x, back), rtol=1e-12)


@pytest.mark.parametrize(
    ("strides", "pads", "extra", "wanted"), [(1, (0, 0), 0, 7), (2, (1, 0), 1, 11), (3, (0, 2), 0, 13)]
)
def test_transposed_as_long_as_windows_reach(strides: int, pads: tuple[int, int], extra: int, wanted: int) -> None:
    y, kernel = random_array(2, 5, 6), random_array(3, 4, 6)
    options: dict[str, Any] = {"strides": strides, "padding": (pads,)}
    got = OPERATIONS["transposed_convolution"](y, kernel, output_padding=extra, **options)
    assert got.shape == (2, wanted, 4)
    assert_array_equal(got, OPERATIONS["transposed_convolution"](y, kernel, (wanted,), **options))


@pytest.mark.parametrize(("axes", "options"), CASES)
def test_pooling(axes: int, options: dict[str, Any]) -> None:
    x = image(axes) - 3.0  # all negative, so that zeros as padding would show
    size, undilated = SIZE[:axes], {key: value for key, value in options.items() if key != "dilation"}
    if all(taps for _, taps in places(axes, options)):
        got = OPERATIONS["max_pool"](x, size=size, **options)
        assert_by_window(got, axes, options, lambda taps, c: max(float(x[(0, *at, c)]) for _, at in taps))
    if all(taps for _, taps in places(axes, undilated)):
        got = OPERATIONS["average_pool"](x, size=size, **undilated)
        mean = lambda taps, c: math.fsum(float(x[(0, *at, c)]) for _, at in taps) / len(taps)  # noqa: E731
        assert_by_window(got, axes, undilated, mean)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("convolution", (4, 6), {"strides": 2}),
        ("depthwise_convolution", (4, 2), {"padding": "same"}),
        ("transposed_convolution", (6, 4), {"strides": 2}),
        ("max_pool", (), {"padding": "same"}),
        ("average_pool", (), {"strides": 2}),
    ],
)
def test_channels_may_come_first(axes: int, name: str, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    x, kernels = image(axes), [random_array(*SIZE[:axes], *shape, seed=1)] if shape else []
    given = options if shape else {"size": SIZE[:axes], **options}
    last = OPERATIONS[name](x, *kernels, **given)
    first = OPERATIONS[name](np.moveaxis(x, -1, 1), *kernels, channels_first=True, **given)
    assert first.shape[1] == last.shape[-1]
    assert_array_equal(np.moveaxis(first, 1, -1), last)


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.sampled_from(["valid", "same"]))
def test_as_many_windows_as_counted(length: int, size: int, stride: int, dilation: int, padding: str) -> None:
    windows = Windows((size,), stride, padding, dilation)
    (count,), x = windows.counts((length,)), np.arange(float(length)).reshape(1, length, 1)
    assert windows.over(x).shape == (1, count, 1, size)
    inside = length if padding == "same" else max(0, length - (size - 1) * dilation)
    assert count == math.ceil(inside / stride)


def test_windows_without_padding_are_a_view() -> None:
    x = random_array(2, 9, 3)
    assert np.shares_memory(Windows((3,), 2).over(x), x)


def test_a_convolution_of_one_step_is_a_matrix_product() -> None:
    x, kernel = random_array(2, 3, 4, 5), random_array(5, 6)
    assert_allclose(OPERATIONS["convolution"](x, kernel[None, None]), x @ kernel, rtol=1e-12)


def test_an_input_shorter_than_a_window_has_none() -> None:
    assert OPERATIONS["convolution"](random_array(2, 3, 4, 5), random_array(4, 1, 5, 6)).shape == (2, 0, 4, 6)


@pytest.mark.parametrize(("channels", "groups"), [(5, None), (4, 3), (6, 2)])
def test_channels_that_are_not_those_of_the_kernel(channels: int, groups: int | None) -> None:
    with pytest.raises(InputError, match=f"{channels} channels, expected 4 for each group"):
        OPERATIONS["convolution"](random_array(2, 5, channels), random_array(3, 4, 6), groups=groups)
