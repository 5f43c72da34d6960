"""ConvLSTM, an LSTM whose products with the kernels are convolutions.

    z = W * x_t + b + U * h_{t-1}       *: convolution; split in four: z_i, z_f, z_c, z_o
    i = σ(z_i)   f = σ(z_f + b')   o = σ(z_o)             σ: recurrent_activation   b': forget_bias
    c̃ = g(z_c)                                           g: activation
    c_t = f c_{t-1} + i c̃
    h_t = o g(c_t)

The convolution with W has the strides, padding and dilation of the layer; that with U has none of these, and pads so
that h keeps its size.

Source: Shi, Chen, Wang, Yeung, Wong and Woo, Convolutional LSTM Network, NIPS 2015, without its peepholes;
`keras.layers.ConvLSTM1D`, `ConvLSTM2D` and `ConvLSTM3D`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lstm_verify.errors import InputError
from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent.cell import KernelCell, States
from lstm_verify.layers.recurrent.lstm import LSTMGates, gates_of
from lstm_verify.operations.activations import SIGMOID, ActivationFunction
from lstm_verify.operations.convolution import convolution
from lstm_verify.operations.windows import Windows


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvLSTMCell(KernelCell):
    """What the cells of all ranks have in common; gates in the order i, f, c, o.

    The kernel is (*kernel_size, channels, 4*filters), the recurrent kernel (*kernel_size, filters, 4*filters), the bias
    (4*filters,).
    """

    gate_order: ClassVar[tuple[str, ...]] = ("i", "f", "c", "o")

    recurrent_activation: ActivationFunction = SIGMOID
    forget_bias: float = 0.0
    """What is added to the forget gate at run time, besides its bias; 0 in Keras."""
    strides: tuple[int, ...] = ()
    """Of each axis of the window; empty for 1 everywhere."""
    padding: str = "valid"
    dilation: tuple[int, ...] = ()
    """Of each axis of the window; empty for 1 everywhere."""

    def __post_init__(self) -> None:
        ones = (1,) * (len(self.input_axes) - 1)
        object.__setattr__(self, "strides", self.strides or ones)
        object.__setattr__(self, "dilation", self.dilation or ones)
        super().__post_init__()

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return (self.units, self.units)

    def state_shapes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """(*size, filters) of h and of c, for inputs of (*size, channels).

        Raises:
            InputError: the window does not fit into the inputs.
        """
        sizes = Windows(self.window, self.strides, self.padding, self.dilation).counts(shape[:-1])
        if min(sizes) < 1:
            raise InputError(
                f"layer '{self.name}': its input has {' x '.join(map(str, shape[:-1]))} "
                f"{' and '.join(self.input_axes[:-1])}, fewer than the window of its convolution needs"
            )
        return ((*sizes, self.units),) * 2

    def gates(self, x: Array, state: States) -> LSTMGates:
        h, c = state
        steps: dict[str, Any] = {"strides": self.strides, "padding": self.padding, "dilation": self.dilation}
        z_x = convolution(x, self.kernel, **steps) + given(self.bias, 0)
        z_h = convolution(h, self.recurrent_kernel, padding="same")
        self.expect_alike(z_x, z_h)
        return gates_of(z_x + z_h, c, self.recurrent_activation, self.activation, self.forget_bias)

    def expect_alike(self, z_x: Array, z_h: Array) -> None:
        """Check that the states are as large as what the convolution makes of the input.

        Raises:
            InputError: they are not, such as initial states of another size.
        """
        if z_x.shape != z_h.shape:
            raise InputError(
                f"layer '{self.name}': states of {z_h.shape[1:-1]} {' and '.join(self.input_axes[:-1])}, expected "
                f"{z_x.shape[1:-1]}, as many as the convolution of the input has"
            )

    def new_state(self, gates: LSTMGates) -> States:
        return gates.h, gates.c


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvLSTM1DCell(ConvLSTMCell):
    """The cell of `keras.layers.ConvLSTM1D`; its states are (samples, length, filters).

    Example:
        >>> import numpy as np
        >>> cell = ConvLSTM1DCell(name="cell", kernel=np.ones((2, 1, 4)), recurrent_kernel=np.ones((2, 1, 4)))
        >>> h, c = cell.step(np.full((1, 3, 1), 0.5), (np.zeros((1, 2, 1)), np.zeros((1, 2, 1))))
        >>> h.shape, h.round(4).ravel()
        ((1, 2, 1), array([0.3696, 0.3696]))
    """

    kind = "ConvLSTM1D"
    input_axes: ClassVar[tuple[str, ...]] = ("length", "channels")


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvLSTM2DCell(ConvLSTMCell):
    """The cell of `keras.layers.ConvLSTM2D`; its states are (samples, rows, columns, filters).

    Example:
        >>> import numpy as np
        >>> cell = ConvLSTM2DCell(name="cell", kernel=np.ones((2, 2, 1, 4)), recurrent_kernel=np.ones((2, 2, 1, 4)))
        >>> cell.state_shapes((6, 5, 1))
        ((5, 4, 1), (5, 4, 1))
    """

    kind = "ConvLSTM2D"
    input_axes: ClassVar[tuple[str, ...]] = ("rows", "columns", "channels")


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvLSTM3DCell(ConvLSTMCell):
    """The cell of `keras.layers.ConvLSTM3D`; its states are (samples, planes, rows, columns, filters)."""

    kind: ClassVar[str] = "ConvLSTM3D"
    input_axes: ClassVar[tuple[str, ...]] = ("planes", "rows", "columns", "channels")
