"""Recognising a GRU, with the reset gate before or after the product with the recurrent kernel.

h' = Z·h + H - Z·H
"""

from __future__ import annotations

import numpy as np

from lstm_verify.graph.lift.expressions import Affine
from lstm_verify.graph.lift.gates import (
    Gate,
    Match,
    Parts,
    RecurrentState,
    Unlike,
    gate,
    gate_of,
    parts,
    same_activation,
    weights,
    without,
)
from lstm_verify.graph.lift.polynomials import gate_or_rest, interpolated, linear_in
from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.gru import GRUCell
from lstm_verify.operations.activations import SIGMOID


def gru(h: RecurrentState, name: str) -> Match:
    """Recognise a GRU, with the reset gate before or after the product with the recurrent kernel."""
    form, rest = linear_in(h.new, h.key)
    z, inverted = gate_or_rest(form)
    if inverted and z.function.activation != SIGMOID:
        raise Unlike
    candidate = gate_of(interpolated(rest, form, z.function.base.key))
    z_parts = parts(z.affine, h.key)
    # where h' = h - Z·h + Z·H the gate is 1 - Z, the sigmoid of the negative pre-activation
    return _gru_match(h, name, z, z_parts.negated() if inverted else z_parts, candidate)


def _gru_match(h: RecurrentState, name: str, z: Gate, z_parts: Parts, candidate: Gate) -> Match:
    if z.rest or z.function.shift or candidate.function.shift:
        raise Unlike
    reset, recurrent, recurrent_bias, reset_after = _reset(candidate, h)
    r_parts = parts(reset.affine, h.key)
    if reset.rest or reset.function.shift:
        raise Unlike
    own = candidate.affine
    kernels = [(form, matrix) for form, matrix in own.maps if matrix is not recurrent]
    if len(kernels) != 1:
        raise Unlike
    arrays = (kernels[0][1], recurrent, *own.biases)
    h_parts = Parts(recurrent, kernels[0][1], own.bias, kernels[0][0], arrays)
    found = [z_parts, r_parts, h_parts]
    kernel, recurrent_kernel, bias, input_ = weights(found, h.size, h.size)
    if reset_after and (bias is not None or recurrent_bias is not None):
        units = h.size
        first = np.zeros(3 * units) if bias is None else bias
        second = np.zeros(units) if recurrent_bias is None else recurrent_bias
        bias = np.stack([first, np.concatenate([np.zeros(2 * units), second])])
    cell = GRUCell(
        name=name,
        kernel=kernel,
        recurrent_kernel=recurrent_kernel,
        bias=bias,
        activation=candidate.function.activation,
        recurrent_activation=same_activation([z, reset]),
        reset_after=reset_after,
    )
    return Match(cell, (h,), input_, dict(zip(("z", "r", "h"), found, strict=True)))


def _reset(candidate: Gate, h: RecurrentState) -> tuple[Gate, Array, Array | None, bool]:
    """The reset gate, the recurrent kernel and bias of the candidate, and whether the gate comes after the product."""
    for term in candidate.rest:  # r·(h U + b)
        affine = [atom for atom in term.product if isinstance(atom, Affine)]
        of_state = [atom for atom in affine if all(form.key == h.key for form, _ in atom.maps)]
        if len(candidate.rest) != 1 or len(of_state) != 1:
            raise Unlike
        inner = parts(of_state[0], h.key)
        others = tuple(atom for atom in term.product if atom is not of_state[0])
        if inner.recurrent is None:
            raise Unlike
        return gate(others, term.coefficient), inner.recurrent, inner.bias, True
    for form, matrix in candidate.affine.maps:  # (r·h) U
        if len(form.terms) == 1 and not form.constant.any():
            product = without(form.terms[0].product, h.key)
            if product:
                return gate(product, form.terms[0].coefficient), matrix, None, False
    raise Unlike
