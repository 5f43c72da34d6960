"""LSTM, long short-term memory.

    z = x_t W + h_{t-1} U + b           split in four: z_i, z_f, z_c, z_o
    i = σ(z_i)   f = σ(z_f)   o = σ(z_o)                  σ: recurrent_activation
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

from lstm_verify.layers.activations import SIGMOID, TANH, Activation
from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent import Cell, States, Step, joined, two_buffers


class LSTMGates(NamedTuple):
    """Every quantity of one LSTM step; `z` is (samples, 4*units), the others (samples, units)."""

    z: Array
    i: Array
    f: Array
    o: Array
    candidate: Array
    c: Array
    h: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class LSTMCell(Cell):
    """The cell of `keras.layers.LSTM`; gates in the order i, f, c, o."""

    kind: ClassVar[str] = "LSTM"
    gate_order: ClassVar[tuple[str, ...]] = ("i", "f", "c", "o")

    kernel: Array
    """(features, 4*units)"""
    recurrent_kernel: Array
    """(units, 4*units)"""
    bias: Array | None = None
    """(4*units,)"""
    activation: Activation = TANH
    recurrent_activation: Activation = SIGMOID

    def __post_init__(self) -> None:
        super().__post_init__()
        units = len(self.recurrent_kernel)
        self.expect(
            "recurrent_kernel",
            self.recurrent_kernel,
            (units, 4 * units),
            "(units, 4*units)",
        )
        self.expect("kernel", self.kernel, (len(self.kernel), 4 * units), "(features, 4*units)")
        self.expect("bias", self.bias, (4 * units,), "(4*units,)")

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return (len(self.recurrent_kernel),) * 2

    def gates(self, x: Array, state: States) -> LSTMGates:
        σ, g = self.recurrent_activation, self.activation
        h, c = state
        z = x @ self.kernel + h @ self.recurrent_kernel + given(self.bias, 0)
        z_i, z_f, z_c, z_o = np.split(z, 4, axis=-1)
        i, f, o = σ(z_i), σ(z_f), σ(z_o)
        candidate = g(z_c)
        c = f * c + i * candidate
        h = o * g(c)
        return LSTMGates(z, i, f, o, candidate, c, h)

    def new_state(self, gates: LSTMGates) -> States:
        return gates.h, gates.c

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        """One product [x h 1] · [W; U; b] a step, with the columns in the order i, f, o, c.

        σ(z) = ½ tanh(½z) + ½, so with the halves folded into the weights one tanh serves all four gates.
        """
        if not (self.recurrent_activation.elementwise and self.activation.elementwise):
            return self.step
        units, features = len(self.recurrent_kernel), len(self.kernel)
        weights = joined([self.kernel, self.recurrent_kernel], self.bias, dtype)
        i, f, c, o = np.split(weights, 4, axis=1)
        weights = np.concatenate([i, f, o, c], axis=1)
        one_tanh = (self.recurrent_activation, self.activation) == (SIGMOID, TANH)
        if one_tanh:
            weights[:, : 3 * units] *= 0.5

        xh = np.ones((samples, features + units + 1), dtype)
        z = np.empty((samples, 4 * units), dtype)
        gates, candidate = z[:, : 3 * units], z[:, 3 * units :]
        i, f, o = z[:, :units], z[:, units : 2 * units], z[:, 2 * units : 3 * units]
        buffers = two_buffers((samples, units), 2, dtype)

        def step(x: Array, state: States) -> States:
            h, c = state
            xh[:, :features] = x
            xh[:, features:-1] = h
            np.matmul(xh, weights, out=z)
            if one_tanh:
                np.tanh(z, out=z)
                np.multiply(gates, 0.5, out=gates)
                np.add(gates, 0.5, out=gates)
            else:
                gates[...] = self.recurrent_activation(gates)
                candidate[...] = self.activation(candidate)
            new_h, new_c = next(buffers)
            np.multiply(f, c, out=new_c)
            np.multiply(i, candidate, out=new_h)
            np.add(new_c, new_h, out=new_c)
            if one_tanh:
                np.tanh(new_c, out=new_h)
            else:
                new_h[...] = self.activation(new_c)
            np.multiply(o, new_h, out=new_h)
            return new_h, new_c

        return step
