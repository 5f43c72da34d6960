"""Recognising cells: which recurrent cells turn the forms of the states before a step into those after it.

    LSTM        c' = F·c + I·G        h' = O·g(c')
    GRU         h' = Z·h + H - Z·H
    SimpleRNN   h' = H

F, I, O, G, Z and H are functions of pre-activations, affine in the input and the states. A gate is known by the place
it has in these equations, so that the order of the gates in the kernels is found and not assumed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from lstm_verify.graph.lift.gates import Match, RecurrentState, Unlike
from lstm_verify.graph.lift.gru import gru
from lstm_verify.graph.lift.lstm import lstm
from lstm_verify.graph.lift.simple_rnn import simple_rnn


def cells(states: Sequence[RecurrentState], name: str) -> Iterator[Match]:
    """Recognise every cell among some states.

    Args:
        states: the states, in any order.
        name: what to call the cells.
    """
    taken: set[Hashable] = set()
    for h in states:
        for c in states:
            if c is not h and h.key not in taken and c.key not in taken:
                try:
                    match = lstm(h, c, name)
                except Unlike:
                    continue
                taken |= {h.key, c.key}
                yield match
    for h in states:
        for recognised in (gru, simple_rnn):
            if h.key not in taken:
                try:
                    match = recognised(h, name)
                except Unlike:
                    continue
                taken.add(h.key)
                yield match
