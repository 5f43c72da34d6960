"""Transposed convolution: Conv1DTranspose and Conv2DTranspose.

    y[i·strides + k·dilation - p] += x[i] W[k]ᵀ              then y = g(y + b), and the same along columns

where p is the padding that the convolution would have that makes the input's length out of the output's. With e the
reach of the kernel, (size - 1)·dilation + 1, the length of the output is

    padding valid   (length - 1)·strides + e + output_padding             if none is given, it is max(strides - e, 0)
    padding same    (length - 1)·strides + (e mod 2) + output_padding     if none is given, length·strides in all

Source: `keras.layers.Conv2DTranspose`; `compute_conv_transpose_output_shape` (3.15), `deconv_output_length` in
`tf_keras.utils.conv_utils` (2.21); the documentation of `tf.nn.conv2d_transpose`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.errors import ModelFileError
from lstm_verify.layers.base import Array, Unary, given
from lstm_verify.layers.images import OfPictures, Pair
from lstm_verify.operations.activations import LINEAR, ActivationFunction
from lstm_verify.operations.convolution import conv2d_transposed


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2DTranspose(OfPictures):
    """The transpose of a convolution, from (samples, rows, columns, channels) to more rows, columns and filters.

    Example:
        >>> twice = Conv2DTranspose(name="twice", kernel=np.array([[[[1.0]], [[10.0]]]]), strides=(1, 2))
        >>> twice.forward(np.array([[[[1.0], [2.0], [3.0]]]]))[0, 0, :, 0]
        array([ 1., 10.,  2., 20.,  3., 30.])
    """

    kernel: Array
    """(rows, columns, filters, channels)"""
    bias: Array | None = None
    """(filters,)"""
    strides: Pair = (1, 1)
    padding: str = "valid"
    output_padding: Pair | None = None
    dilation: Pair = (1, 1)
    activation: ActivationFunction = LINEAR

    def __post_init__(self) -> None:
        super().__post_init__()
        self.expect("kernel", self.kernel, self.kernel.shape[:4], "(rows, columns, filters, channels)")
        self.expect("bias", self.bias, self.kernel.shape[2:3], "(filters,)")

    def of_pictures(self, x: Array) -> Array:
        shape = (*self.kernel.shape[:3], x.shape[3])
        self.expect("kernel", self.kernel, shape, "(rows, columns, filters, channels)")
        lengths = np.array([self._length(x.shape[axis + 1], axis) for axis in (0, 1)])
        y = conv2d_transposed(lengths, self.kernel, x, self.strides, self.padding.upper(), self.dilation)
        return self.activation(y + given(self.bias, 0))

    def _length(self, length: int, axis: int) -> int:
        """How many rows, or columns, come of so many.

        Raises:
            ModelFileError: no convolution leads from those back to the input's, so that Keras cannot run it either.
        """
        extra: int | None = None if self.output_padding is None else self.output_padding[axis]
        reach, strides = (self.kernel.shape[axis] - 1) * self.dilation[axis] + 1, self.strides[axis]
        longer: int = (length - 1) * strides + reach + (max(strides - reach, 0) if extra is None else extra)
        back = -(-(longer - reach + 1) // strides)
        if self.padding == "same":
            longer = length * strides if extra is None else (length - 1) * strides + reach % 2 + extra
            back = -(-longer // strides)
        if back != length:
            raise ModelFileError(
                f"layer '{self.name}': output_padding {self.output_padding} does not go with a kernel of shape "
                f"{self.kernel.shape}, strides {self.strides} and padding '{self.padding}'"
            )
        return longer


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv1DTranspose(Unary):
    """The transpose of a convolution over time, from (samples, timesteps, channels) to more steps, and filters.

    It is that of images with one row.
    """

    kernel: Array
    """(kernel_size, filters, channels)"""
    bias: Array | None = None
    """(filters,)"""
    strides: int = 1
    padding: str = "valid"
    output_padding: int | None = None
    dilation: int = 1
    activation: ActivationFunction = LINEAR

    def __post_init__(self) -> None:
        super().__post_init__()
        self.expect("kernel", self.kernel, self.kernel.shape[:3], "(kernel_size, filters, channels)")
        self.expect("bias", self.bias, self.kernel.shape[1:2], "(filters,)")

    def forward(self, x: Array) -> Array:
        self.expect("kernel", self.kernel, (*self.kernel.shape[:2], *x.shape[2:]), "(kernel_size, filters, channels)")
        one_row = Conv2DTranspose(
            name=self.name,
            kernel=self.kernel[None],
            bias=self.bias,
            strides=(1, self.strides),
            padding=self.padding,
            output_padding=None if self.output_padding is None else (0, self.output_padding),
            dilation=(1, self.dilation),
            activation=self.activation,
        )
        return one_row.forward(x[:, None])[:, 0]
