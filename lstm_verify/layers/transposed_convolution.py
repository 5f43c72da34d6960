"""Transposed convolution: Conv1DTranspose, Conv2DTranspose and Conv3DTranspose.

    y[i·strides + k·dilation - p] += x[i] W[k]ᵀ              then y = g(y + b), and the same along every axis

where p is the padding that the convolution would have that makes the input's length out of the output's. With e the
reach of the kernel, (size - 1)·dilation + 1, the length of the output is

    padding valid   (length - 1)·strides + e + output_padding             if none is given, it is max(strides - e, 0)
    padding same    (length - 1)·strides + (e mod 2) + output_padding     if none is given, length·strides in all

Source: `keras.layers.Conv2DTranspose`; `compute_conv_transpose_output_shape` (3.15), `deconv_output_length` in
`tf_keras.utils.conv_utils` (2.21); the documentation of `tf.nn.conv2d_transpose`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lstm_verify.errors import ModelFileError
from lstm_verify.layers.base import Array, given
from lstm_verify.layers.spatial import Spatial
from lstm_verify.operations.activations import LINEAR, ActivationFunction
from lstm_verify.operations.convolution import transposed_convolution
from lstm_verify.operations.windows import Sizes, Windows, each_axis


@dataclass(frozen=True, eq=False, kw_only=True)
class TransposedConvolution(Spatial):
    """The transpose of a convolution, from (samples, *lengths, channels) to (samples, *longer lengths, filters)."""

    kernel: Array
    """(*kernel_size, filters, channels)"""
    bias: Array | None = None
    """(filters,)"""
    strides: Sizes = 1
    padding: str = "valid"
    output_padding: Sizes | None = None
    dilation: Sizes = 1
    activation: ActivationFunction = LINEAR

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = self.kernel.shape[: self.axes + 2]
        self.expect("kernel", self.kernel, shape, "(*kernel_size, filters, channels)")
        self.expect("bias", self.bias, self.kernel.shape[-2:-1], "(filters,)")

    def over(self, x: Array) -> Array:
        shape = (*self.kernel.shape[:-1], x.shape[-1])
        self.expect("kernel", self.kernel, shape, "(*kernel_size, filters, channels)")
        lengths = self._lengths(x.shape[1:-1])
        y = transposed_convolution(
            x,
            self.kernel,
            lengths,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
        )
        return self.activation(y + given(self.bias, 0))

    def _lengths(self, lengths: tuple[int, ...]) -> list[int]:
        """Return the lengths of the output.

        Raises:
            ModelFileError: no convolution leads from those back to the input's, so that Keras cannot run it either.
        """
        windows = Windows(self.kernel.shape[:-2], self.strides, self.padding, self.dilation)
        strides = each_axis(self.strides, self.axes)
        extra = [None] * self.axes if self.output_padding is None else each_axis(self.output_padding, self.axes)
        longer = [self._length(*axis) for axis in zip(lengths, windows.reach, strides, extra, strict=True)]
        if windows.counts(longer) != lengths:
            raise ModelFileError(
                f"layer '{self.name}': output_padding {self.output_padding} does not fit a kernel of shape "
                f"{self.kernel.shape}, strides {self.strides} and padding '{self.padding}'"
            )
        return longer

    def _length(self, length: int, reach: int, stride: int, extra: int | None) -> int:
        if self.padding == "valid":
            return (length - 1) * stride + reach + (max(stride - reach, 0) if extra is None else extra)
        return length * stride if extra is None else (length - 1) * stride + reach % 2 + extra


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv1DTranspose(TransposedConvolution):
    """The transpose of a convolution over time, from (samples, timesteps, channels) to more time steps."""

    axes: ClassVar[int] = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2DTranspose(TransposedConvolution):
    """The transpose of a convolution of images, from (samples, rows, columns, channels) to more rows and columns.

    Example:
        >>> import numpy as np
        >>> twice = Conv2DTranspose(name="twice", kernel=np.array([[[[1.0]], [[10.0]]]]), strides=(1, 2))
        >>> twice.forward(np.array([[[[1.0], [2.0], [3.0]]]]))[0, 0, :, 0]
        array([ 1., 10.,  2., 20.,  3., 30.])
    """

    axes: ClassVar[int] = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv3DTranspose(TransposedConvolution):
    """The transpose of a convolution of (samples, planes, rows, columns, channels)."""

    axes: ClassVar[int] = 3
