"""SimpleRNN, the fully connected recurrent layer.

    h_t = g(x_t W + h_{t-1} U + b)            g: activation

Source: Elman, Cognitive Science 14(2), 1990, as in `keras.layers.SimpleRNN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent.cell import KernelCell, Stacks, States, Step, joined
from lstm_verify.operations.products import sliced


class SimpleRNNGates(NamedTuple):
    """Every quantity of one step, (samples, units) each."""

    z: Array
    h: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class SimpleRNNCell(KernelCell):
    """The cell of `keras.layers.SimpleRNN`.

    Example:
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> (h,) = cell.step(np.array([[0.5]]), (np.zeros((1, 1)),))
        >>> h.round(4)
        array([[0.4621]])
    """

    kind = "SimpleRNN"
    gate_order: ClassVar[tuple[str, ...]] = ("h",)

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
        units, features = self.units, len(self.kernel)
        g = self.activation.in_place(dtype)
        weights = sliced(g.factor * joined([self.recurrent_kernel, self.kernel], self.bias, dtype), samples)
        stacks = Stacks(units, features, samples, dtype)

        def step(x: Array, state: States) -> States:
            stack, new_h = stacks.take(x, state[0])
            np.matmul(weights, stack, out=new_h.reshape(*weights.shape[:-1], samples))
            g.finish(new_h)
            return (new_h.T,)

        return step
