"""Recognising a simple recurrent cell: h' = g(x W + h U + b)."""

from __future__ import annotations

from lstm_verify.graph.lift.gates import Match, RecurrentState, Unlike, gate_of, parts, weights
from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell


def simple_rnn(h: RecurrentState, name: str) -> Match:
    """Recognise a simple recurrent cell."""
    found = gate_of(h.new)
    if found.rest or found.function.shift:
        raise Unlike
    part = parts(found.affine, h.key)
    if part.recurrent is None:
        raise Unlike
    kernel, recurrent, bias, input_ = weights([part], h.size, h.size)
    cell = SimpleRNNCell(
        name=name, kernel=kernel, recurrent_kernel=recurrent, bias=bias, activation=found.function.activation
    )
    return Match(cell, (h,), input_, {"h": part})
