"""Cells in loops that are not recognised as a whole, reported but not replaced: the loop does more than to run them.

Such a cell is tried for one round of the loop, on states and inputs of that round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify.graph.lift.cells import cells
from lstm_verify.graph.lift.check import as_float64, close
from lstm_verify.graph.lift.gates import Match, Unlike
from lstm_verify.graph.lift.loop_body import Body
from lstm_verify.graph.lift.provenance import Variables, recovered, scope
from lstm_verify.layers import Array, Run, Signal
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.recurrent.scan import Unrolled
from lstm_verify.model import Model, Output


def cells_inside(
    name: str,
    loop: Loop,
    values: Sequence[Any],
    after: Sequence[Any],
    static: Sequence[bool],
    variables: Variables,
) -> Iterator[Unrolled]:
    """Recognise cells that a loop runs among other things.

    Args:
        name: what to call them.
        loop: the loop.
        values: its loop variables before the first round, in some run of the model.
        after: the same after the last round.
        static: which of them are the same in every run: weights.
        variables: the variables of the graph, to say where the weights come from.
    """
    if not isinstance(loop.body, Model):
        return
    body = Body(name, loop.body, values, static)
    if not body.counters:
        return
    counter = body.names.index(body.counters[0])
    rounds = int(after[counter] - values[counter])
    for match in cells([state for state, _ in body.states()], name):
        if _agrees(body, match):
            found = recovered(match, variables)
            yield Unrolled(scope(found) or name, match.cell, found, rounds)


def _agrees(body: Body, match: Match) -> bool:
    """Whether a cell computes what one round of the loop does."""
    try:
        wanted = [body.tensor_of(form.key) for form in (match.input, *(state.new for state in match.states))]
    except Unlike:
        return False
    outputs = tuple(Output(str(number), tensor) for number, tensor in enumerate(wanted))
    variables = {name: as_float64(value) for name, value in zip(body.names, body.values, strict=True)}
    random = np.random.default_rng(0)
    for name in {state.leaf.name for state in match.states}:
        variables[name] = random.standard_normal(np.shape(variables[name]))
    before: list[Array] = [variables[s.leaf.name][:, s.leaf.start : s.leaf.stop] for s in match.states]
    round_ = replace(body.body, outputs=outputs).pruned().astype(np.float64)
    given = tuple(Signal(variables[spec.name]) for spec in round_.inputs)
    x, *after = (signal.value for signal in round_.apply(given, Run()))
    computed = match.cell.astype(np.float64).step(x, tuple(before))
    return all(close(one, other) for one, other in zip(after, computed, strict=True))
