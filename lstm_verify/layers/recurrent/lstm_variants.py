"""LSTM with what TensorFlow 1 and ONNX can add to it, each of which a cell may have or not.

    z = x_t W + h_{t-1} U + b           split in i, f, c, o, without the block of a coupled gate
    i = σ(N(z_i) + p_i c_{t-1})         f = σ(N(z_f) + b' + p_f c_{t-1})            σ: recurrent_activation
    c̃ = g(N(z_c))                                                                  g: activation
    c_t = clip(N(f c_{t-1} + i c̃))
    o = σ(N(z_o) + p_o c_t)                                                         k: output_activation
    h_t = clip((o k(c_t)) P)

    p: peepholes; b': forget_bias; P: projection; clip(y): y cut to [-limit, limit], cell_clip or projection_clip
    coupled "i": i = 1 - f              coupled "f": f = 1 - i
    N(y) = γ (y - μ) / √(s² + ε) + β     μ, s²: mean and variance of y over the units of the gate; ε: layer_norm_epsilon

Sources: `LSTMCell` of TensorFlow 1 (peepholes: Gers, Schraudolph and Schmidhuber, JMLR 3, 2002; projection: Sak, Senior
and Beaufays, Interspeech 2014); `CoupledInputForgetGateLSTMCell`, `LayerNormBasicLSTMCell` and `LayerNormLSTMCell` of
`tf.contrib.rnn` 1.15 (coupled gates: Greff et al., arXiv:1503.04069; normalisation: Ba, Kiros and Hinton,
arXiv:1607.06450), where the cell state is normalised before it is kept; `input_forget` of the ONNX operator LSTM.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import ModelFileError
from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent.cell import KernelCell, States, Step
from lstm_verify.layers.recurrent.fast_lstm import Additions, fast_lstm, with_forget_bias
from lstm_verify.layers.recurrent.lstm import LSTMGates
from lstm_verify.operations.activations import SIGMOID, ActivationFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class LSTMVariantCell(KernelCell):
    """An LSTM cell with any of peepholes, coupled gates, clipping, a projection and layer normalisation.

    Without any of them it computes what `LSTMCell` does.

    Raises:
        ModelFileError: weights of other shapes, or settings that contradict each other.

    Example:
        >>> weights = {"kernel": np.ones((1, 4)), "recurrent_kernel": np.ones((1, 4))}
        >>> cell = LSTMVariantCell(name="cell", **weights, peephole_o=np.array([2.0]), cell_clip=0.25)
        >>> h, c = cell.step(np.array([[0.5]]), (np.zeros((1, 1)), np.zeros((1, 1))))
        >>> c, h.round(4)
        (array([[0.25]]), array([[0.179]]))
    """

    kind = "LSTM"
    gate_order: ClassVar[tuple[str, ...]] = ("i", "f", "c", "o")

    recurrent_activation: ActivationFunction = SIGMOID
    output_activation: ActivationFunction | None = None
    """What the cell state goes through on its way out; None: the same as `activation`"""
    forget_bias: float = 0.0
    coupled: Literal["i", "f"] | None = None
    """The gate that is 1 minus the other of i and f, and has no block in the kernels"""
    peephole_i: Array | None = None
    """(units,)"""
    peephole_f: Array | None = None
    """(units,)"""
    peephole_o: Array | None = None
    """(units,), for the new cell state"""
    cell_clip: float | None = None
    projection: Array | None = None
    """(units, outputs)"""
    projection_clip: float | None = None
    layer_norm_epsilon: float | None = None
    """None: no layer normalisation"""
    gamma: Array | None = None
    """(gates*units,), in the order of the blocks of the kernels"""
    beta: Array | None = None
    """(gates*units,), likewise"""
    state_gamma: Array | None = None
    """(units,)"""
    state_beta: Array | None = None
    """(units,)"""

    def __post_init__(self) -> None:
        super().__post_init__()
        units, gates = self.units, len(self.blocks)
        for what in ("peephole_i", "peephole_f", "peephole_o", "state_gamma", "state_beta"):
            self.expect(what, getattr(self, what), (units,), "(units,)")
        for what in ("gamma", "beta"):
            self.expect(what, getattr(self, what), (gates * units,), f"({gates}*units,)")
        if self.projection is not None:
            self.expect("projection", self.projection, (units, len(self.recurrent_kernel)), "(units, outputs)")
        self._expect_agreement()

    @property
    def blocks(self) -> tuple[str, ...]:
        return tuple(gate for gate in self.gate_order if gate != self.coupled)

    @property
    def units(self) -> int:
        return len(self.recurrent_kernel) if self.projection is None else len(self.projection)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return (len(self.recurrent_kernel), self.units)

    def settings(self) -> dict[str, Any]:
        """Its settings, and what it has in its weights, in words."""
        added: dict[str, Any] = {}
        peepholes = [gate for gate in self.gate_order if getattr(self, f"peephole_{gate}", None) is not None]
        if peepholes:
            added["peepholes"] = ", ".join(peepholes)
        if self.coupled:
            added["coupled"] = "i = 1 - f" if self.coupled == "i" else "f = 1 - i"
        if self.projection is not None:
            added["projected_to"] = self.projection.shape[1]
        return super().settings() | added

    def gates(self, x: Array, state: States) -> LSTMGates:
        """Every quantity of a step; `z` is as before normalisation, `c` and `h` are as they are kept."""
        σ, g, k = self.recurrent_activation, self.activation, self.output_activation or self.activation
        h, c = state
        z = x @ self.kernel + h @ self.recurrent_kernel + given(self.bias, 0)
        blocks = self._normalised_blocks(z)
        i, f = self._input_and_forget(blocks, c)
        candidate = g(blocks["c"])
        c = f * c + i * candidate
        c = clipped(self._normalised(c, self.state_gamma, self.state_beta), self.cell_clip)
        o = σ(blocks["o"] + given(self.peephole_o, 0) * c)
        h = o * k(c)
        h = clipped(h if self.projection is None else h @ self.projection, self.projection_clip)
        return LSTMGates(z, i, f, o, candidate, c, h)

    def new_state(self, gates: LSTMGates) -> States:
        return gates.h, gates.c

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        if self.coupled or self.layer_norm_epsilon is not None:
            return self.step
        bias = with_forget_bias(self.bias, self.forget_bias, self.units)
        added = Additions(**{entry.name: getattr(self, entry.name) for entry in fields(Additions)})
        return fast_lstm(self, bias, self.recurrent_activation, samples, dtype, added)

    def _input_and_forget(self, blocks: dict[str, Array], c: Array) -> tuple[Array, Array]:
        """The gates i and f, of which one may be what the other leaves."""
        σ = self.recurrent_activation
        if self.coupled != "f":
            f = σ(blocks["f"] + self.forget_bias + given(self.peephole_f, 0) * c)
        i = 1 - f if self.coupled == "i" else σ(blocks["i"] + given(self.peephole_i, 0) * c)
        if self.coupled == "f":
            f = 1 - i
        return i, f

    def _normalised_blocks(self, z: Array) -> dict[str, Array]:
        """Split `z`, (samples, gates*units), in the blocks of the gates, each normalised for itself."""
        count = len(self.blocks)
        γ, β = (_parts(weight, count) for weight in (self.gamma, self.beta))
        parts = zip(self.blocks, np.split(z, count, axis=-1), γ, β, strict=True)
        return {gate: self._normalised(part, γ_gate, β_gate) for gate, part, γ_gate, β_gate in parts}

    def _normalised(self, y: Array, γ: Array | None, β: Array | None) -> Array:
        if self.layer_norm_epsilon is None:
            return y
        μ = np.mean(y, axis=-1, keepdims=True)
        s2 = np.mean(np.square(y - μ), axis=-1, keepdims=True)
        normalised: Array = given(γ, 1) * (y - μ) / np.sqrt(s2 + self.layer_norm_epsilon) + given(β, 0)
        return normalised

    def _expect_agreement(self) -> None:
        """Check that no setting would be without effect, and that no limit is negative or NaN."""
        if self.coupled and getattr(self, f"peephole_{self.coupled}") is not None:
            self._refuse(f"gate {self.coupled} is coupled to the other, and could not use its peephole")
        if self.coupled == "f" and self.forget_bias:
            self._refuse(f"gate f is coupled to the other, and could not use its forget_bias of {self.forget_bias}")
        if self.projection_clip is not None and self.projection is None:
            self._refuse(f"projection_clip is {self.projection_clip}, but there is no projection")
        if self.layer_norm_epsilon is None:
            for what in ("gamma", "beta", "state_gamma", "state_beta"):
                if getattr(self, what) is not None:
                    self._refuse(f"it has {what}, but no layer_norm_epsilon to normalise with")
        for what in ("cell_clip", "projection_clip", "layer_norm_epsilon"):
            value = getattr(self, what)
            if value is not None and not value >= 0:
                self._refuse(f"{what} is {value}, expected a number that is not negative")

    def _refuse(self, why: str) -> None:
        raise ModelFileError(f"layer '{self.name}': {why}")


def clipped(y: Array, limit: float | None) -> Array:
    """Cut to [-limit, limit]; None: not at all."""
    return y if limit is None else np.clip(y, -limit, limit)


def _parts(weight: Array | None, count: int) -> list[Array | None]:
    return [None] * count if weight is None else list(np.split(weight, count))
