"""The step of an LSTM for large batches, and of a variant that adds to it; the equations are those of their cells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import numpy.typing as npt

from lstm_verify.layers.base import Array, given
from lstm_verify.layers.recurrent.cell import KernelCell, Stacks, States, Step, joined
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.operations.products import sliced


@dataclass(frozen=True)
class Additions:
    """What a variant adds to an LSTM, as `LSTMVariantCell` has it."""

    output_activation: ActivationFunction | None = None
    peephole_i: Array | None = None
    peephole_f: Array | None = None
    peephole_o: Array | None = None
    cell_clip: float | None = None
    projection: Array | None = None
    projection_clip: float | None = None


def fast_lstm(
    cell: KernelCell,
    bias: Array | None,
    recurrent_activation: ActivationFunction,
    samples: int,
    dtype: npt.DTypeLike,
    added: Additions = Additions(),
) -> Step:
    """One product [U; W; b]ᵀ · [h; x; 1] a step, with the gates in the order i, f, o, c, samples last.

    Args:
        cell: the cell, with its gates in the order i, f, c, o.
        bias: its bias with the forget bias in it, (4*units,).
        recurrent_activation: σ of the gates.
        samples, dtype: of the batches, as for `Cell.fast`.
        added: what a variant has besides.
    """
    output_activation = added.output_activation or cell.activation
    if not all(a.elementwise for a in (recurrent_activation, cell.activation, output_activation)):
        return cell.step
    σ, g, k = (a.in_place(dtype) for a in (recurrent_activation, cell.activation, output_activation))
    outputs, features, units = len(cell.recurrent_kernel), len(cell.kernel), cell.units
    i, f, c, o = np.split(joined([cell.recurrent_kernel, cell.kernel], bias, dtype), 4)
    weights = sliced(np.concatenate([σ.factor * i, σ.factor * f, σ.factor * o, g.factor * c]), samples)
    p_i, p_f, p_o = (_column(p, σ.factor, dtype) for p in (added.peephole_i, added.peephole_f, added.peephole_o))
    P = None if added.projection is None else np.array(added.projection.T, dtype, order="C")

    stacks = Stacks(outputs, features, samples, dtype)
    cells = cycle([np.empty((units, samples), dtype) for _ in range(2)])
    z = np.empty((4 * units, samples), dtype)
    product = z.reshape(*weights.shape[:-1], samples)
    i, f, o, candidate = np.split(z, 4)
    gates = z[: 3 * units] if p_o is None else z[: 2 * units]
    before_projection = None if P is None else np.empty((units, samples), dtype)

    def step(x: Array, state: States) -> States:
        h, c = state
        stack, new_h = stacks.take(x, h)
        y = new_h if before_projection is None else before_projection
        new_c = next(cells)
        np.matmul(weights, stack, out=product)
        _add_product(p_i, c.T, new_c, i)
        _add_product(p_f, c.T, new_c, f)
        σ.finish(gates)
        g.finish(candidate)
        np.multiply(f, c.T, out=new_c)
        np.multiply(i, candidate, out=candidate)
        np.add(new_c, candidate, out=new_c)
        _cut(new_c, added.cell_clip)
        if p_o is not None:
            _add_product(p_o, new_c, y, o)
            σ.finish(o)
        np.multiply(k.factor, new_c, out=y)
        k.finish(y)
        np.multiply(o, y, out=y)
        if P is not None:
            np.matmul(P, y, out=new_h)
            _cut(new_h, added.projection_clip)
        return new_h.T, new_c.T

    return step


def with_forget_bias(bias: Array | None, forget_bias: float, units: int) -> Array | None:
    """The bias with `forget_bias` in its place, (4*units,)."""
    if not forget_bias:
        return bias
    return given(bias, 0) + np.repeat([0, forget_bias, 0, 0], units)


def _column(peephole: Array | None, factor: float, dtype: npt.DTypeLike) -> Array | None:
    return None if peephole is None else (factor * peephole).astype(dtype)[:, None]


def _add_product(peephole: Array | None, c: Array, scratch: Array, gate: Array) -> None:
    if peephole is not None:
        np.multiply(peephole, c, out=scratch)
        np.add(gate, scratch, out=gate)


def _cut(y: Array, limit: float | None) -> None:
    if limit is not None:
        np.clip(y, -limit, limit, out=y)
