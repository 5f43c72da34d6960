"""Convolution of sequences, images and volumes: Conv, DepthwiseConv and SeparableConv.

    Conv            y[i, …] = g(Σ_k,… x[i·strides + k·dilation, …] W[k, …] + b)

    d[i, …, c·m + n] = Σ_k,… x[i·strides + k·dilation, …, c] D[k, …, c, n]        m: multiplier

    DepthwiseConv   y = g(d + b)
    SeparableConv   y = g(d P + b)                                P: pointwise_kernel       g: activation

Where the windows lie is in `operations/windows.py`. Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lstm_verify.layers.base import Array, given
from lstm_verify.layers.spatial import Spatial
from lstm_verify.operations.activations import LINEAR, ActivationFunction
from lstm_verify.operations.convolution import convolution, depthwise_convolution
from lstm_verify.operations.windows import Padding, Sizes


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Spatial):
    """Convolution of (samples, *lengths, channels), each group of channels with its own filters."""

    kernel: Array
    """(*kernel_size, channels / groups, filters)"""
    bias: Array | None = None
    """(filters,)"""
    strides: Sizes = 1
    padding: Padding = "valid"
    dilation: Sizes = 1
    groups: int = 1
    activation: ActivationFunction = LINEAR

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = self.kernel.shape[: self.axes + 2]
        self.expect("kernel", self.kernel, shape, "(*kernel_size, channels / groups, filters)")
        self.expect("bias", self.bias, self.kernel.shape[-1:], "(filters,)")

    def forward(self, x: Array) -> Array:
        further = x.shape[: -self.axes - 1]  # Keras 2 takes other axes than samples in front, too, such as time
        if len(further) < 2:
            return super().forward(x)
        y = super().forward(x.reshape(-1, *x.shape[-self.axes - 1 :]))
        return y.reshape(*further, *y.shape[1:])

    def over(self, x: Array) -> Array:
        *size, _, filters = self.kernel.shape
        shape = (*size, x.shape[-1] // self.groups, filters)
        self.expect("kernel", self.kernel, shape, "(*kernel_size, channels / groups, filters)")
        y = convolution(
            x,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return self.activation(y + given(self.bias, 0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv1D(Convolution):
    """Convolution of (samples, timesteps, channels)."""

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2D(Convolution):
    """Convolution of (samples, rows, columns, channels).

    Example:
        >>> import numpy as np
        >>> sums = Conv2D(name="sums", kernel=np.ones((2, 2, 1, 1)))
        >>> sums.forward(np.arange(9.0).reshape(1, 3, 3, 1))[0, :, :, 0]
        array([[ 8., 12.],
               [20., 24.]])
    """

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv3D(Convolution):
    """Convolution of (samples, planes, rows, columns, channels)."""

    axes: ClassVar[int] = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConvolution(Spatial):
    """Convolution of each channel by itself."""

    depthwise_kernel: Array
    """(*kernel_size, channels, depth_multiplier)"""
    bias: Array | None = None
    """(channels * depth_multiplier,), or (filters,) of the mixture"""
    strides: Sizes = 1
    padding: Padding = "valid"
    dilation: Sizes = 1
    activation: ActivationFunction = LINEAR

    def over(self, x: Array) -> Array:
        y = self.mixed(self._by_channel(x))
        self.expect("bias", self.bias, y.shape[-1:], "one for each channel of the output")
        return self.activation(y + given(self.bias, 0))

    def _by_channel(self, x: Array) -> Array:
        D = self.depthwise_kernel
        shape = (*D.shape[: self.axes], x.shape[-1], *D.shape[self.axes + 1 :][:1])
        self.expect("depthwise_kernel", D, shape, "(*kernel_size, channels, depth_multiplier)")
        d: Array = depthwise_convolution(x, D, strides=self.strides, padding=self.padding, dilation=self.dilation)
        return d

    def mixed(self, d: Array) -> Array:
        """Return `d` with its channels mixed, which this layer does not do."""
        return d


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv1D(DepthwiseConvolution):
    """Convolution of each channel of (samples, timesteps, channels).

    Example:
        >>> import numpy as np
        >>> alone = DepthwiseConv1D(name="alone", depthwise_kernel=np.ones((2, 2, 1)))
        >>> alone.forward(np.array([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]]))
        array([[[ 3., 30.],
                [ 5., 50.]]])
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv2D(DepthwiseConvolution):
    """Convolution of each channel of (samples, rows, columns, channels)."""

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class SeparableConvolution(DepthwiseConvolution):
    """Convolution of each channel by itself, then a pointwise convolution."""

    pointwise_kernel: Array
    """(1, …, channels * depth_multiplier, filters)"""

    def mixed(self, d: Array) -> Array:
        P, ones = self.pointwise_kernel, (1,) * self.axes
        meaning = "(1, …, channels * depth_multiplier, filters)"
        self.expect("pointwise_kernel", P, (*ones, d.shape[-1], *P.shape[-1:]), meaning)
        y: Array = d @ P[(0,) * self.axes]
        return y


@dataclass(frozen=True, eq=False, kw_only=True)
class SeparableConv1D(SeparableConvolution):
    """Convolution of each channel of (samples, timesteps, channels), then a pointwise convolution.

    Example:
        >>> import numpy as np
        >>> kernels = {"depthwise_kernel": np.ones((2, 2, 1)), "pointwise_kernel": np.ones((1, 2, 1))}
        >>> mixed = SeparableConv1D(name="mixed", **kernels)
        >>> mixed.forward(np.array([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]]))
        array([[[33.],
                [55.]]])
    """

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class SeparableConv2D(SeparableConvolution):
    """Convolution of each channel of (samples, rows, columns, channels), then a pointwise convolution."""

    axes: ClassVar[int] = 2
