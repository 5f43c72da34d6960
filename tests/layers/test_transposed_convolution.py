"""Transposed convolution against loops that add each place of the input to its window."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import Array, Conv1DTranspose, Conv2DTranspose
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import random_array
from tests.layers.test_convolution import ceiling


def length_and_shift(length: int, size: int, stride: int, padding: str, extra: int | None) -> tuple[int, int]:
    """How long an axis becomes, as Keras documents it, and how much is cut off before it."""
    if padding == "valid":
        wanted = (length - 1) * stride + size + (max(stride - size, 0) if extra is None else extra)
        return wanted, 0
    wanted = length * stride if extra is None else (length - 1) * stride + size - 2 * (size // 2) + extra
    assert ceiling(wanted, stride) == length
    return wanted, max((length - 1) * stride + size - wanted, 0) // 2


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("size", "strides", "extra"),
    [
        ((3, 2), (1, 1), None),
        ((3, 3), (2, 2), None),
        ((2, 3), (4, 2), None),
        ((3, 5), (3, 2), (2, 1)),
        ((3, 1), (3, 2), (1, 0)),
    ],
)
def test_a_transposed_convolution_adds_each_pixel_to_its_window(
    size: tuple[int, int], strides: tuple[int, int], extra: tuple[int, int] | None, padding: str
) -> None:
    x, kernel, bias = random_array(2, 4, 3, 5), random_array(*size, 6, 5, seed=1), random_array(6, seed=2)
    layer = Conv2DTranspose(name="up", kernel=kernel, bias=bias, strides=strides, padding=padding, output_padding=extra)
    extras = extra or (None, None)
    (rows, above), (columns, left) = (
        length_and_shift(x.shape[a + 1], size[a], strides[a], padding, extras[a]) for a in (0, 1)
    )
    wanted = np.tile(bias, (2, rows, columns, 1))
    for sample, i, j, k, m in np.ndindex(2, 4, 3, *size):
        row, column = i * strides[0] + k - above, j * strides[1] + m - left
        if 0 <= row < rows and 0 <= column < columns:
            wanted[sample, row, column] += [math_dot(x[sample, i, j], kernel[k, m, f]) for f in range(6)]
    got = layer.forward(x)
    assert got.shape == wanted.shape
    assert_allclose(got, wanted, rtol=0, atol=1e-12)


def math_dot(a: Array, b: Array) -> float:
    return sum(p * q for p, q in zip(a.tolist(), b.tolist(), strict=True))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "extra", "dilation"), [(1, None, 1), (3, 1, 1), (2, None, 1), (1, None, 2)])
def test_a_transposed_convolution_over_time_is_one_of_images_with_one_row(
    strides: int, extra: int | None, dilation: int, padding: str
) -> None:
    x, kernel, bias = random_array(2, 5, 4), random_array(3, 6, 4, seed=1), random_array(6, seed=2)
    relu = ActivationFunction.of("relu")
    got = Conv1DTranspose(
        name="up",
        kernel=kernel,
        bias=bias,
        strides=strides,
        padding=padding,
        output_padding=extra,
        dilation=dilation,
        activation=relu,
    ).forward(x)
    length, before = length_and_shift(5, 2 * dilation + 1, strides, padding, extra)
    wanted = np.tile(bias, (2, length, 1))
    for sample, t, k in np.ndindex(2, 5, 3):
        step = t * strides + k * dilation - before
        if 0 <= step < length:
            wanted[sample, step] += [math_dot(x[sample, t], kernel[k, f]) for f in range(6)]
    assert (wanted < 0).any()
    assert_allclose(got, np.maximum(wanted, 0), rtol=0, atol=1e-12)


def test_an_output_padding_that_no_framework_runs_is_refused() -> None:
    """With an even kernel and padding `same` the output is too short: its convolution has fewer windows."""
    layer = Conv2DTranspose(
        name="up", kernel=random_array(2, 3, 6, 5), strides=(2, 2), padding="same", output_padding=(0, 0)
    )
    with pytest.raises(ModelFileError, match=r"layer 'up': output_padding \(0, 0\) does not fit a kernel"):
        layer.forward(random_array(2, 4, 3, 5))
