"""The rounding of convolutions: σ is not much wider than what float32 does, and is the same in pieces as in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.layers import (
    AveragePooling2D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    DepthwiseConv2D,
    GlobalAveragePooling2D,
    SeparableConv2D,
    UpSampling2D,
    ZeroPadding2D,
)
from lstm_verify.operations import convolution
from lstm_verify.rounded import Rounded
from tests.rounded.sampling import agree, constant, own_error_ratio, uncertain


def conv2d(bias: float = 1.0, **options: Any) -> Conv2D:
    return Conv2D(name="conv", kernel=constant(3, 2, 4, 5), bias=constant(5, low=bias - 1, high=bias + 1), **options)


COMPUTING: dict[str, Any] = {
    "Conv2D": conv2d(),
    "Conv2D, strided": conv2d(padding="same", strides=(2, 3)),
    "Conv2D, groups": Conv2D(name="conv", kernel=constant(2, 2, 2, 6), groups=2, dilation=(2, 1)),
    "DepthwiseConv2D": DepthwiseConv2D(name="conv", depthwise_kernel=constant(3, 3, 4, 2), padding="same"),
    # with a depth_multiplier, what the mixture adds up would have the errors of the same pixels
    "SeparableConv2D": SeparableConv2D(
        name="conv", depthwise_kernel=constant(3, 3, 4, 1), pointwise_kernel=constant(1, 1, 4, 5)
    ),
    "Conv2DTranspose": Conv2DTranspose(name="conv", kernel=constant(3, 3, 5, 4), strides=(2, 2), padding="same"),
    "AveragePooling2D": AveragePooling2D(name="pool", pool_size=(3, 3), strides=(2, 2), padding="same"),
    "GlobalAveragePooling2D": GlobalAveragePooling2D(name="pool"),
}


@pytest.mark.parametrize("name", COMPUTING)
def test_errors_of_the_input_are_passed_on(name: str) -> None:
    agree(COMPUTING[name].forward, uncertain(2, 5, 6, 4))


@pytest.mark.parametrize("name", COMPUTING)
def test_float32_uses_much_of_its_budget(name: str) -> None:
    layer, narrow = COMPUTING[name], COMPUTING[name].astype("float32")
    ratio = own_error_ratio(layer.forward, constant(20, 9, 8, 4).astype(np.float32), run=narrow.forward)
    assert 0.1 < ratio < 1.2


def test_a_transposed_convolution_over_time() -> None:
    layer = Conv1DTranspose(name="conv", kernel=constant(3, 5, 4), strides=2, padding="same", output_padding=1)
    agree(layer.forward, uncertain(2, 6, 4))


@pytest.mark.parametrize(
    "layer",
    [
        UpSampling2D(name="up", size=(2, 3)),
        ZeroPadding2D(name="pad", padding=(1, 0, 2, 1)),
        Cropping2D(name="crop", cropping=(1, 0, 2, 1)),
    ],
)
def test_moving_pixels_moves_their_errors(layer: Any) -> None:
    x = uncertain(2, 5, 6, 4)
    got = layer.forward(x.rounded("float32"))
    assert_allclose(got.variances(), layer.forward(np.square(x.sigma)), rtol=1e-12)


@pytest.mark.parametrize("piece", [1, 100, 1000])
@pytest.mark.parametrize("make", [conv2d, lambda bias: replace(COMPUTING["Conv2DTranspose"], bias=constant(5) + bias)])
def test_a_convolution_in_pieces_has_the_errors_of_the_whole(
    make: Callable[..., Any], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a bias far larger than the products, as it counts that the sum may have begun with it."""
    layer, x = make(bias=1000.0), Rounded(constant(3, 6, 6, 4))
    whole = layer.forward(x)
    monkeypatch.setattr(convolution, "PIECE", piece)
    pieces = layer.forward(x)
    assert_allclose(pieces.value, whole.value, rtol=1e-12)
    assert_allclose(pieces.variances(), whole.variances(), rtol=1e-9)
