"""GRU, gated recurrent unit.

    z = σ(x_t W_z + h_{t-1} U_z + b_z)        update gate             σ: recurrent_activation
    r = σ(x_t W_r + h_{t-1} U_r + b_r)        reset gate              g: activation
    h̃ = g(x_t W_h + (r h_{t-1}) U_h + b_h)                           reset_after = False
    h̃ = g(x_t W_h + b_h + r (h_{t-1} U_h + b'_h))                    reset_after = True, every gate has two biases
    h_t = z h_{t-1} + (1 - z) h̃

Source: Cho et al., arXiv:1406.1078 (v3 for reset_after = False, v1 for True); order of gates as in `keras.layers.GRU`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent.cell import KernelCell, Stacks, States, Step, joined
from lstm_verify.operations.activations import SIGMOID, ActivationFunction
from lstm_verify.operations.products import sliced


class GRUGates(NamedTuple):
    """Every quantity of one GRU step, (samples, units) each."""

    z: Array
    r: Array
    candidate: Array
    h: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class GRUCell(KernelCell):
    """The cell of `keras.layers.GRU`; gates in the order z, r, h.

    Example:
        >>> cell = GRUCell(name="cell", kernel=np.ones((1, 3)), recurrent_kernel=np.ones((1, 3)))
        >>> (h,) = cell.step(np.array([[0.5]]), (np.zeros((1, 1)),))
        >>> h.round(4)
        array([[0.1745]])
    """

    kind = "GRU"
    gate_order: ClassVar[tuple[str, ...]] = ("z", "r", "h")

    bias: Array | None = None
    """(3*units,), or (2, 3*units) with `reset_after`: of the input and of the recurrent product"""
    recurrent_activation: ActivationFunction = SIGMOID
    reset_after: bool = True

    def bias_shape(self, width: int, meaning: str) -> tuple[tuple[int, ...], str]:
        shape, words = ((2, width), f"(2, {meaning})") if self.reset_after else ((width,), f"({meaning},)")
        return shape, f"{words} with reset_after={self.reset_after}"

    @property
    def biases(self) -> tuple[Array | float, Array | float]:
        """The biases of the input and of the recurrent product."""
        if self.bias is None or not self.reset_after:
            return given(self.bias, 0), 0
        return self.bias[0], self.bias[1]

    def gates(self, x: Array, state: States) -> GRUGates:
        σ, g = self.recurrent_activation, self.activation
        (h,) = state
        U_z, U_r, U_h = np.split(self.recurrent_kernel, 3, axis=1)
        b, b_h = self.biases
        x_z, x_r, x_h = np.split(x @ self.kernel + b, 3, axis=-1)
        if self.reset_after:
            h_z, h_r, h_h = np.split(h @ self.recurrent_kernel + b_h, 3, axis=-1)
            z, r = σ(x_z + h_z), σ(x_r + h_r)
            candidate = g(x_h + r * h_h)
        else:
            z, r = σ(x_z + h @ U_z), σ(x_r + h @ U_r)
            candidate = g(x_h + (r * h) @ U_h)
        h = z * h + (1 - z) * candidate
        return GRUGates(z, r, candidate, h)

    def new_state(self, gates: GRUGates) -> States:
        return (gates.h,)

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        """Two products a step: [h; x; 1] for the gates z and r, and what the candidate needs besides.

        With `reset_after` both come out of one product, [U; W; b]ᵀ · [h; x; 1] with a fourth block that keeps the
        recurrent part of the candidate, h U_h + b'_h, apart from its input part.
        """
        if not (self.recurrent_activation.elementwise and self.activation.elementwise):
            return self.step
        σ, g = self.recurrent_activation.in_place(dtype), self.activation.in_place(dtype)
        units, features = self.units, len(self.kernel)
        weights, U_h = self._fast_weights(dtype)
        weights[: 2 * units] *= σ.factor
        weights[2 * units :] *= g.factor
        U_h *= g.factor
        weights, U_h = sliced(weights, samples), sliced(U_h, samples)

        stacks = Stacks(units, features, samples, dtype)
        rows = 4 * units if self.reset_after else 3 * units
        products = np.empty((rows, samples), dtype)
        product = products.reshape(*weights.shape[:-1], samples)
        z, r, candidate = (products[n * units : (n + 1) * units] for n in range(3))
        gates, h_h = products[: 2 * units], products[3 * units :]
        reset = np.empty((units, samples), dtype)

        def step(x: Array, state: States) -> States:
            h = state[0].T
            stack, new_h = stacks.take(x, state[0])
            np.matmul(weights, stack, out=product)
            σ.finish(gates)
            np.multiply(r, h_h if self.reset_after else h, out=reset)
            recurrent = reset if self.reset_after else (U_h @ reset).reshape(units, samples)
            np.add(candidate, recurrent, out=candidate)
            g.finish(candidate)
            np.subtract(h, candidate, out=new_h)
            np.multiply(z, new_h, out=new_h)
            np.add(new_h, candidate, out=new_h)
            return (new_h.T,)

        return step

    def _fast_weights(self, dtype: npt.DTypeLike) -> tuple[Array, Array]:
        """Weights for [h; x; 1], (4*units or 3*units, units + features + 1) = z, r, x_h(, h_h); and U_hᵀ."""
        W, U = self.kernel, self.recurrent_kernel
        units = len(U)
        U_zr, U_h = U[:, : 2 * units], U[:, 2 * units :]
        U_hT = np.array(U_h.T, dtype, order="C")
        none_x, none_h = np.zeros_like(W[:, :units]), np.zeros_like(U_h)
        if not self.reset_after:
            return joined([np.hstack([U_zr, none_h]), W], self.bias, dtype), U_hT
        b, b_h = (np.zeros(3 * units, dtype) + bias for bias in self.biases)
        both = np.concatenate([b[: 2 * units] + b_h[: 2 * units], b[2 * units :], b_h[2 * units :]])
        return joined([np.hstack([U_zr, none_h, U_h]), np.hstack([W, none_x])], both, dtype), U_hT
