"""Convolution of images against loops over every sample, window, tap and channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import (
    Array,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    DepthwiseConv2D,
    Layer,
    Run,
    SeparableConv2D,
    Signal,
    UpSampling2D,
)
from lstm_verify.operations import convolution
from tests.builders import random_array
from tests.layers.test_convolution import taps, window_count

ROWS, COLUMNS, CHANNELS = 7, 6, 4
OPTIONS: list[dict[str, Any]] = [
    {"strides": strides, "dilation": dilation, "padding": padding}
    for padding in ("valid", "same")
    for strides, dilation in (((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 1)), ((3, 1), (1, 2)))
]
Taps = Iterator[tuple[int, int, int, int]]


def taps2d(i: int, j: int, kernel: Array, options: dict[str, Any]) -> Taps:
    """The taps of a window that lie inside the image: the place in the kernel, the row and the column."""
    (di, dj), (si, sj), padding = options["dilation"], options["strides"], options["padding"]
    for k, row in taps(i, ROWS, kernel.shape[0], si, padding, di):
        for m, column in taps(j, COLUMNS, kernel.shape[1], sj, padding, dj):
            yield k, m, row, column


def sizes(kernel: Array, options: dict[str, Any]) -> tuple[int, int]:
    (di, dj), (si, sj), padding = options["dilation"], options["strides"], options["padding"]
    return (
        window_count(ROWS, kernel.shape[0], si, padding, di),
        window_count(COLUMNS, kernel.shape[1], sj, padding, dj),
    )


def images(samples: int = 2) -> Array:
    return random_array(samples, ROWS, COLUMNS, CHANNELS)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(("size", "groups"), [((3, 3), 1), ((2, 3), 2), ((4, 1), 4)])
def test_convolution_equals_the_loop(size: tuple[int, int], groups: int, options: dict[str, Any]) -> None:
    x, each = images(), CHANNELS // groups
    kernel, bias = random_array(*size, each, 8, seed=1), random_array(8, seed=2)
    got = Conv2D(name="conv", kernel=kernel, bias=bias, groups=groups, **options).forward(x)
    assert got.shape == (2, *sizes(kernel, options), 8)
    for sample, i, j, filter_ in np.ndindex(*got.shape):
        first = filter_ // (8 // groups) * each
        wanted = float(bias[filter_])
        for k, m, row, column in taps2d(i, j, kernel, options):
            wanted += sum(
                float(x[sample, row, column, first + c]) * float(kernel[k, m, c, filter_]) for c in range(each)
            )
        assert got[sample, i, j, filter_] == pytest.approx(wanted, rel=0, abs=1e-12)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("pointwise", [True, False])
def test_convolution_by_channels_equals_the_loop(pointwise: bool, options: dict[str, Any]) -> None:
    x, kernel = images(), random_array(3, 2, CHANNELS, 2, seed=1)
    mixing, bias = random_array(8, 5, seed=2), random_array(5 if pointwise else 8, seed=3)
    layer: Layer = DepthwiseConv2D(name="conv", depthwise_kernel=kernel, bias=bias, **options)
    if pointwise:
        layer = SeparableConv2D(
            name="conv", depthwise_kernel=kernel, pointwise_kernel=mixing[None, None], bias=bias, **options
        )
    got = layer.apply((Signal(x),), Run())[0].value
    assert got.shape == (2, *sizes(kernel, options), 5 if pointwise else 8)
    for sample, i, j in np.ndindex(*got.shape[:3]):
        d = [0.0] * 8
        for place in range(8):
            c, n = divmod(place, 2)
            for k, m, row, column in taps2d(i, j, kernel, options):
                d[place] += float(x[sample, row, column, c]) * float(kernel[k, m, c, n])
        wanted = [sum(d[p] * float(mixing[p, f]) for p in range(8)) for f in range(5)] if pointwise else d
        for f, value in enumerate(wanted):
            assert got[sample, i, j, f] == pytest.approx(value + float(bias[f]), rel=0, abs=1e-12)


# --- what fits, and what does not


def test_axes_in_front_are_like_samples() -> None:
    x, layer = random_array(2, 3, ROWS, COLUMNS, CHANNELS), Conv2D(name="conv", kernel=random_array(3, 2, CHANNELS, 5))
    got = layer.forward(x)
    for sample in range(2):
        assert_allclose(got[sample], layer.forward(x[sample]), rtol=0, atol=1e-12)


def layers_of_images() -> list[Any]:
    return [
        Conv2D(name="conv", kernel=random_array(2, 2, CHANNELS, 3)),
        DepthwiseConv2D(name="conv", depthwise_kernel=random_array(2, 2, CHANNELS, 3)),
        Conv2DTranspose(name="conv", kernel=random_array(2, 2, 3, CHANNELS)),
        UpSampling2D(name="conv", size=(2, 2)),
    ]


@pytest.mark.parametrize("layer", layers_of_images())
def test_no_mask_goes_on(layer: Layer) -> None:
    signal = Signal(images(), np.ones((2, ROWS, COLUMNS), bool))
    assert layer.apply((signal,), Run())[0].mask is None


@pytest.mark.parametrize("layer", layers_of_images())
def test_what_is_no_picture_is_refused(layer: Any) -> None:
    with pytest.raises(ModelFileError, match=r"layer 'conv': its input has shape \(2, 7, 4\), expected \(samples, row"):
        layer.forward(random_array(2, 7, CHANNELS))


@pytest.mark.parametrize("layer", layers_of_images()[:3])
def test_images_of_other_channels_are_refused(layer: Any) -> None:
    with pytest.raises(ModelFileError, match=r"layer 'conv': (depthwise_)?kernel has shape"):
        layer.forward(random_array(2, ROWS, COLUMNS, 2 * CHANNELS))


@pytest.mark.parametrize("layer", [layers_of_images()[0], Cropping2D(name="conv", cropping=(1, 1, 0, 0))])
def test_a_picture_of_which_nothing_is_left_is_refused(layer: Any) -> None:
    with pytest.raises(ModelFileError, match="layer 'conv': its output is empty for an input of shape"):
        layer.forward(random_array(2, 1, COLUMNS, CHANNELS))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Conv2D(name="conv", kernel=random_array(3, 3, 4, 5), bias=np.zeros(4)),
        lambda: Conv2DTranspose(name="conv", kernel=random_array(3, 3, 4, 5), bias=np.zeros(5)),
        lambda: Conv1DTranspose(name="conv", kernel=random_array(3, 4, 5), bias=np.zeros(5)),
        lambda: DepthwiseConv2D(name="conv", depthwise_kernel=random_array(3, 3, 4, 2), bias=np.zeros(4)).forward(
            images()
        ),
    ],
)
def test_a_bias_of_another_length_is_refused(wrong: Any) -> None:
    with pytest.raises(ModelFileError, match="layer 'conv': bias has shape"):
        wrong()


# --- memory


@pytest.mark.parametrize("piece", [1, 60, 700, 10**9])
@pytest.mark.parametrize("groups", [1, 2])
def test_products_in_pieces_are_those_of_the_whole(piece: int, groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, kernel = images(5), random_array(3, 2, CHANNELS // groups, 6, seed=1)
    layer = Conv2D(name="conv", kernel=kernel, groups=groups, padding="same")
    whole = layer.forward(x)
    monkeypatch.setattr(convolution, "PIECE", piece)
    assert_allclose(layer.forward(x), whole, rtol=0, atol=1e-13)


def test_windows_are_never_all_in_memory() -> None:
    """Windows of 7 x 7 pixels would take 49 times the memory of the images."""
    import tracemalloc

    x, layer = random_array(2, 256, 256, 8), Conv2D(name="conv", kernel=random_array(7, 7, 8, 4), padding="same")
    tracemalloc.start()
    try:
        y = layer.forward(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * (x.nbytes + y.nbytes) + 4 * 8 * convolution.PIECE < 49 * x.nbytes
