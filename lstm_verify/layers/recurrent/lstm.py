"""LSTM, long short-term memory.

    z = x_t W + h_{t-1} U + b           split in four: z_i, z_f, z_c, z_o
    i = σ(z_i)   f = σ(z_f + b')   o = σ(z_o)             σ: recurrent_activation   b': forget_bias
    c̃ = g(z_c)                                           g: activation
    c_t = f c_{t-1} + i c̃
    h_t = o g(c_t)

Source: Hochreiter and Schmidhuber, Neural Computation 9(8), 1997, with the forget gate of Gers, Schmidhuber and
Cummins, 2000; order of gates as in `keras.layers.LSTM`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent.cell import KernelCell, States, Step
from lstm_verify.layers.recurrent.fast_lstm import fast_lstm, with_forget_bias
from lstm_verify.operations.activations import SIGMOID, ActivationFunction


class LSTMGates(NamedTuple):
    """Every quantity of one LSTM step; `z` is (samples, 4*units), the others (samples, units)."""

    z: Array
    i: Array
    f: Array
    o: Array
    candidate: Array
    c: Array
    h: Array


def gates_of(z: Array, c: Array, σ: ActivationFunction, g: ActivationFunction, forget_bias: float) -> LSTMGates:
    """What follows from `z`, whatever product it is: (samples, ..., 4*units), and the cell state before."""
    z_i, z_f, z_c, z_o = np.split(z, 4, axis=-1)
    i, f, o = σ(z_i), σ(z_f + forget_bias), σ(z_o)
    candidate = g(z_c)
    c = f * c + i * candidate
    h = o * g(c)
    return LSTMGates(z, i, f, o, candidate, c, h)


@dataclass(frozen=True, eq=False, kw_only=True)
class LSTMCell(KernelCell):
    """The cell of `keras.layers.LSTM`; gates in the order i, f, c, o.

    Example:
        >>> cell = LSTMCell(name="cell", kernel=np.ones((1, 4)), recurrent_kernel=np.ones((1, 4)))
        >>> h, c = cell.step(np.array([[0.5]]), (np.zeros((1, 1)), np.zeros((1, 1))))
        >>> h.round(4), c.round(4)
        (array([[0.1743]]), array([[0.2876]]))
    """

    kind = "LSTM"
    gate_order: ClassVar[tuple[str, ...]] = ("i", "f", "c", "o")

    recurrent_activation: ActivationFunction = SIGMOID
    forget_bias: float = 0.0
    """What is added to the forget gate at run time, besides its bias; 1 by default in TensorFlow 1, 0 in Keras."""

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return (self.units, self.units)

    def gates(self, x: Array, state: States) -> LSTMGates:
        h, c = state
        z = x @ self.kernel + h @ self.recurrent_kernel + given(self.bias, 0)
        return gates_of(z, c, self.recurrent_activation, self.activation, self.forget_bias)

    def new_state(self, gates: LSTMGates) -> States:
        return gates.h, gates.c

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        bias = with_forget_bias(self.bias, self.forget_bias, self.units)
        return fast_lstm(self, bias, self.recurrent_activation, samples, dtype)
