"""Convolution of images: Conv2D, and by channels DepthwiseConv2D and SeparableConv2D.

    Conv2D            y[i, j] = g(Σ_k,l x[i·strides + k·dilation, j·strides + l·dilation] W[k, l] + b)

    d[i, j, c·m + n] = Σ_k,l x[i·strides + k·dilation, j·strides + l·dilation, c] D[k, l, c, n]     m: multiplier

    DepthwiseConv2D   y = g(d + b)
    SeparableConv2D   y = g(d P + b)                                P: pointwise_kernel       g: activation

Padding `same` gives ⌈length / strides⌉ windows along each axis, with the odd row or column of padding at the end.

Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lstm_verify.layers.base import Array, given
from lstm_verify.layers.images import OfPictures, Pair
from lstm_verify.operations.activations import LINEAR, ActivationFunction
from lstm_verify.operations.convolution import conv2d, depthwise_conv2d


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2D(OfPictures):
    """Convolution of (samples, rows, columns, channels).

    Example:
        >>> import numpy as np
        >>> sums = Conv2D(name="sums", kernel=np.ones((2, 2, 1, 1)))
        >>> sums.forward(np.arange(9.0).reshape(1, 3, 3, 1))[0, :, :, 0]
        array([[ 8., 12.],
               [20., 24.]])
    """

    kernel: Array
    """(rows, columns, channels / groups, filters)"""
    bias: Array | None = None
    """(filters,)"""
    strides: Pair = (1, 1)
    padding: str = "valid"
    dilation: Pair = (1, 1)
    groups: int = 1
    activation: ActivationFunction = LINEAR

    def __post_init__(self) -> None:
        super().__post_init__()
        self.expect("kernel", self.kernel, self.kernel.shape[:4], "(rows, columns, channels / groups, filters)")
        self.expect("bias", self.bias, self.kernel.shape[-1:], "(filters,)")

    def forward(self, x: Array) -> Array:
        further = x.shape[:-3]  # Keras 2 takes other axes than samples in front, too, such as time
        if len(further) < 2:
            return super().forward(x)
        y = super().forward(x.reshape(-1, *x.shape[-3:]))
        return y.reshape(*further, *y.shape[1:])

    def of_pictures(self, x: Array) -> Array:
        rows, columns, _, filters = self.kernel.shape
        shape = (rows, columns, x.shape[3] // self.groups, filters)
        self.expect("kernel", self.kernel, shape, "(rows, columns, channels / groups, filters)")
        return self.activation(
            conv2d(x, self.kernel, self.strides, self.padding.upper(), self.dilation) + given(self.bias, 0)
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv2D(OfPictures):
    """Convolution of each channel by itself."""

    depthwise_kernel: Array
    """(rows, columns, channels, depth_multiplier)"""
    bias: Array | None = None
    """(channels * depth_multiplier,)"""
    strides: Pair = (1, 1)
    padding: str = "valid"
    dilation: Pair = (1, 1)
    activation: ActivationFunction = LINEAR

    def of_pictures(self, x: Array) -> Array:
        y = self.mixed(self._by_channel(x))
        self.expect("bias", self.bias, y.shape[-1:], "one for each channel of the output")
        return self.activation(y + given(self.bias, 0))

    def _by_channel(self, x: Array) -> Array:
        D = self.depthwise_kernel
        shape = (*D.shape[:2], x.shape[3], *D.shape[3:4])
        self.expect("depthwise_kernel", D, shape, "(rows, columns, channels, depth_multiplier)")
        d: Array = depthwise_conv2d(x, D, self.strides, self.padding.upper(), self.dilation)
        return d

    def mixed(self, d: Array) -> Array:
        """The channels of the convolution mixed, which this layer does not do."""
        return d


@dataclass(frozen=True, eq=False, kw_only=True)
class SeparableConv2D(DepthwiseConv2D):
    """Convolution of each channel by itself, then a mixture of what comes out."""

    pointwise_kernel: Array
    """(1, 1, channels * depth_multiplier, filters)"""

    def mixed(self, d: Array) -> Array:
        P = self.pointwise_kernel
        shape = (1, 1, d.shape[3], *P.shape[3:])
        self.expect("pointwise_kernel", P, shape, "(1, 1, channels * depth_multiplier, filters)")
        y: Array = d @ P[0, 0]
        return y
