"""Convolutions and attention of other frameworks; against sums in plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.faults import edits
from lstm_verify.layers import (
    Array,
    Attention,
    Conv1D,
    Conv2D,
    DepthwiseConv2D,
    Flatten,
    Layer,
    MultiHeadAttention,
    Run,
    Signal,
)
from lstm_verify.layers.einsum_dense import EinsumDense
from tests.builders import random_array
from tests.faults.steps import found, only

KERNEL, X = random_array(3, 2, 4, seed=1), random_array(2, 8, 2, seed=2)
KERNEL_2D, PICTURES = random_array(3, 2, 2, 4, seed=3), random_array(2, 6, 5, 2, seed=4)


def of(layer: Layer, *values: Array) -> Array:
    return layer.apply(tuple(Signal(value) for value in values), Run())[0].value


def summed(x: Array, kernel: Array, before: int, after: int, strides: int) -> Array:
    """A convolution over time, window by window, of an input with zeros before and after it."""
    x = np.pad(x, ((0, 0), (before, after), (0, 0)))
    size = len(kernel)
    starts = range(0, x.shape[1] - size + 1, strides)
    found = [sum(x[:, start + k] @ kernel[k] for k in range(size)) for start in starts]
    return np.stack(found, axis=1)


def test_a_kernel_that_is_flipped() -> None:
    conv = Conv1D(name="conv", kernel=KERNEL)
    assert np.allclose(of(only(conv, "kernel_flipped"), X), summed(X, KERNEL[::-1], 0, 0, 1))
    flat = Conv2D(name="conv", kernel=KERNEL_2D)
    assert np.array_equal(only(flat, "kernel_flipped").kernel, KERNEL_2D[::-1, ::-1])
    each = DepthwiseConv2D(name="conv", depthwise_kernel=KERNEL_2D)
    assert np.array_equal(only(each, "kernel_flipped").depthwise_kernel, KERNEL_2D[::-1, ::-1])
    assert not found(Conv1D(name="conv", kernel=KERNEL[:1]), "kernel_flipped")  # which changes nothing


@pytest.mark.parametrize("size", [3, 5])
def test_padding_that_is_alike_on_both_sides(size: int) -> None:
    kernel = random_array(size, 2, 4, seed=5)
    conv = Conv1D(name="conv", kernel=kernel, strides=2, padding="same")
    side = (size - 1) // 2
    assert np.allclose(of(conv, X), summed(X, kernel, side - 1, side, 2))
    assert np.allclose(of(only(conv, "padding_symmetric"), X), summed(X, kernel, side, side, 2))


def test_padding_that_is_alike_without_strides_is_no_fault() -> None:
    for more in ({"padding": "same"}, {"strides": 2}, {"strides": 2, "padding": "causal"}):
        options: Any = more
        assert not found(Conv1D(name="conv", kernel=KERNEL, **options), "padding_symmetric")
    strided = Conv2D(name="conv", kernel=KERNEL_2D, strides=(2, 1), padding="same")
    assert of(only(strided, "padding_symmetric"), PICTURES).shape[1] == of(strided, PICTURES).shape[1]


def test_channels_before_other_axes_where_they_are_flattened() -> None:
    y = of(only(Flatten(name="flat"), "channels_first"), PICTURES)
    wanted = [[PICTURES[s, r, c, k] for k in range(2) for r in range(6) for c in range(5)] for s in range(2)]
    assert np.array_equal(y, wanted)


def test_a_kernel_in_the_order_of_memory() -> None:
    """The numbers one after the other, taken for those of (filters, channels, size)."""
    numbers = KERNEL.ravel().tolist()
    made = only(Conv1D(name="conv", kernel=KERNEL), "channels_first").kernel
    assert made.shape == KERNEL.shape
    for k in range(3):
        for channel in range(2):
            for one in range(4):
                assert made[k, channel, one] == numbers[(one * 2 + channel) * 3 + k]


QUERY, VALUE, KEY = (random_array(2, steps, 4, seed=seed) for steps, seed in ((3, 6), (5, 7), (5, 8)))


def heads() -> MultiHeadAttention:
    parts = {
        f"{name}_dense": EinsumDense(name=name, equation="abc,cde->abde", kernel=random_array(4, 2, 3, seed=seed))
        for name, seed in (("query", 9), ("value", 10), ("key", 11))
    }
    output = EinsumDense(name="output", equation="abcd,cde->abe", kernel=random_array(2, 3, 4, seed=12))
    return MultiHeadAttention(name="heads", **parts, output_dense=output, roles=("query", "value", "key"))


@pytest.mark.parametrize(
    "layer", [Attention(name="attention", roles=("query", "value", "key")), heads()], ids=["one", "heads"]
)
def test_key_and_value_for_each_other(layer: Layer) -> None:
    assert np.array_equal(of(only(layer, "key_value"), QUERY, VALUE, KEY), of(layer, QUERY, KEY, VALUE))
    assert not np.allclose(of(layer, QUERY, KEY, VALUE), of(layer, QUERY, VALUE, KEY))


def test_attention_without_a_key_of_its_own_has_nothing_to_exchange() -> None:
    assert "key_value" not in {name for name, _ in edits(Attention(name="attention"))}
