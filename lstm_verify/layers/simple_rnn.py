"""SimpleRNN, the fully connected recurrent layer.

    h_t = g(x_t W + h_{t-1} U + b)            g: activation

Source: Elman, Cognitive Science 14(2), 1990, as in `keras.layers.SimpleRNN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_verify.layers.activations import TANH, Activation
from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent import Cell, Stacks, States, Step, activate, joined


class SimpleRNNGates(NamedTuple):
    """Every quantity of one step, (samples, units) each."""

    z: Array
    h: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class SimpleRNNCell(Cell):
    """The cell of `keras.layers.SimpleRNN`."""

    kind: ClassVar[str] = "SimpleRNN"
    gate_order: ClassVar[tuple[str, ...]] = ("h",)

    kernel: Array
    """(features, units)"""
    recurrent_kernel: Array
    """(units, units)"""
    bias: Array | None = None
    """(units,)"""
    activation: Activation = TANH

    def __post_init__(self) -> None:
        super().__post_init__()
        units = len(self.recurrent_kernel)
        self.expect("recurrent_kernel", self.recurrent_kernel, (units, units), "(units, units)")
        self.expect("kernel", self.kernel, (len(self.kernel), units), "(features, units)")
        self.expect("bias", self.bias, (units,), "(units,)")

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return (len(self.recurrent_kernel),)

    def gates(self, x: Array, state: States) -> SimpleRNNGates:
        (h,) = state
        z = x @ self.kernel + h @ self.recurrent_kernel + given(self.bias, 0)
        return SimpleRNNGates(z, self.activation(z))

    def new_state(self, gates: SimpleRNNGates) -> States:
        return (gates.h,)

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        """One product [U; W; b]ᵀ · [h; x; 1] a step."""
        if not self.activation.elementwise:
            return self.step
        units, features = len(self.recurrent_kernel), len(self.kernel)
        weights = joined([self.recurrent_kernel, self.kernel], self.bias, dtype)
        stacks = Stacks(units, features, samples, dtype)

        def step(x: Array, state: States) -> States:
            stack, new_h = stacks.take(x, state[0])
            np.matmul(weights, stack, out=new_h)
            activate(self.activation, new_h, out=new_h)
            return (new_h.T,)

        return step
