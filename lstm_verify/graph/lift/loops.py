"""Recognising loops: a loop that runs recurrent cells over a list of inputs becomes a `Scan`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_verify.graph.lift.cells import cells
from lstm_verify.graph.lift.expressions import Form, FunctionCall, Item, Key, Leaf
from lstm_verify.graph.lift.gates import Match, RecurrentState, Unlike
from lstm_verify.graph.lift.loop_body import CHOICES, Body
from lstm_verify.graph.lift.provenance import Variables, recovered
from lstm_verify.graph.lift.slices import Cut
from lstm_verify.graph.lift.specialised import SpecialisedScan, settings
from lstm_verify.layers import RNN, Cell, StackedCells
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.recurrent.scan import Columns, Scan
from lstm_verify.model import Model, Output


@dataclass(frozen=True)
class Recognised:
    """What a loop is recognised as."""

    scan: Scan
    cut: Cut | None = None
    """Of what the loop cuts its inputs, if they do not come as a list. The list of them is then one more loop variable
    of the scan, the last."""


def recognise(
    name: str, loop: Loop, values: Sequence[object], static: Sequence[bool], variables: Variables
) -> Recognised:
    """Recognise a loop.

    Args:
        name: what to call the layer.
        loop: the loop.
        values: its loop variables before the first round, in some run of the model.
        static: which of them are the same in every run: weights.
        variables: the variables of the graph, to say where the weights come from.

    Raises:
        Unlike: it is none that runs recurrent cells.
    """
    if not isinstance(loop.body, Model):
        raise Unlike
    try:
        return _Recurrence(name, loop.body, values, static).recognised(variables)
    except Unlike:
        ones = settings(loop.body, values, static)
        if not ones:
            raise
    fixed = [same or place in ones for place, same in enumerate(static)]
    found = _Recurrence(name, loop.body, values, fixed).recognised(variables)
    return replace(found, scan=SpecialisedScan.of(found.scan, loop, ones, len(values)))


class _Recurrence(Body):
    """The body of a loop that runs recurrent cells."""

    def recognised(self, variables: Variables) -> Recognised:
        steps = self._steps()
        states = list(self.states())
        found = list(cells([masked for masked, _ in states], self.name))
        masks = {m.mask: m.negated for _, m in states}
        if len(masks) != 1 or not found:
            raise Unlike
        ((mask, negated),) = masks.items()
        chain = _chained(found, Form.of(steps))
        order = [state for match in chain for state in match.states]
        if len(order) != len(states):
            raise Unlike
        output, zero, last = self._output(chain[-1], mask)
        masking = None if mask is None else self._mask(mask)
        dtype = self.body.precision
        scan = Scan(
            name=self.name,
            compute_dtype=dtype,
            rnn=RNN(
                name=self.name,
                compute_dtype=dtype,
                cell=_cell(self.name, chain),
                return_sequences=True,
                return_state=True,
                zero_output_for_mask=zero,
            ),
            sequence=self.names.index(steps.items) if steps.axis is None else len(self.names),
            was_cut=steps.axis is not None,
            states=tuple(self._place(state.leaf) for state in order),
            outputs=tuple(place for place in output if self.written[self.names[place]].index is not None),
            final_outputs=tuple(place for place in output if self.written[self.names[place]].index is None),
            last_output=None if last is None else self.names.index(last),
            counters=tuple(map(self.names.index, self.counters)),
            counter=self.names.index(steps.index),
            mask=masking,
            masked_by=() if masking is None else self._used_by(masking),
            recovered=tuple(recovered(match, variables) for match in chain),
            negated=negated,
            untold=tuple(self.names.index(name) for name in self._untold(order, last)),
        )
        return Recognised(scan, None if steps.axis is None else self._cut(steps.items, steps.axis))

    def _cut(self, name: str, axis: int) -> Cut:
        others = [n for n in range(np.ndim(np.asarray(self.value(name)))) if n != axis]
        return Cut(self.names.index(name), (axis, *others))

    def _steps(self) -> Item:
        """What inputs are read from, by a counter that writes outputs too."""
        items = {}
        for traced in self.known.values():
            atom = traced.form.atom if isinstance(traced.form, Form) else None
            if isinstance(atom, Item):
                items[atom.key] = (atom, np.asarray(traced.value))
        indices = {written.index for written in self.written.values() if written.index is not None}
        indices |= {item.index for item, _ in items.values()}
        # a loop may count its rounds more than once
        if not indices or not indices <= set(self.counters) or any(self.value(index) != 0 for index in indices):
            raise Unlike
        inputs = [item for item, value in items.values() if value.dtype.kind == "f" and value.ndim == 2]
        if len(inputs) != 1 or self.changes(inputs[0].items):
            raise Unlike
        return inputs[0]

    def _place(self, leaf: Leaf) -> Columns:
        return self.names.index(leaf.name), leaf.start, leaf.stop

    def _output(self, last: Match, mask: Key | None) -> tuple[list[int], bool, str | None]:
        """The lists that outputs go to, whether a masked output is zero, and the variable of the output before."""
        new = last.states[0].new
        lists: list[int] = []
        zero, before = False, None
        for name, written in self.written.items():
            form = written.value.form
            if not isinstance(form, Form) or written.items != name:
                raise Unlike
            chosen = form
            if mask is not None:
                chosen, zero, before = self._choice(form, new)
            if chosen.key != new.key:
                raise Unlike
            lists.append(self.names.index(name))
            for other, result in self.results.items():
                if isinstance(result.form, Form) and result.form.key == form.key and other != last.states[0].leaf.name:
                    before = other
        return lists, zero, before

    def _choice(self, form: Form, new: Form) -> tuple[Form, bool, str | None]:
        """The output that a mask lets through, whether zeros take its place, or the variable that does."""
        atom = form.atom
        if not isinstance(atom, FunctionCall) or atom.operation not in CHOICES:
            raise Unlike
        sides = list(atom.arguments[1:])
        rest = [side for side in sides if not (isinstance(side, Form) and side.key == new.key)]
        if len(rest) != 1:
            raise Unlike
        leaf = rest[0].atom if isinstance(rest[0], Form) else None
        if isinstance(leaf, Leaf):
            value = np.asarray(self.value(leaf.name)) if leaf.name in self.names else None
            if leaf.name in self.names and self.changes(leaf.name):
                return new, False, leaf.name
            if value is not None and not value.any():
                return new, True, None
        elif not np.any(rest[0].constant if isinstance(rest[0], Form) and not rest[0].terms else rest[0]):
            return new, True, None
        raise Unlike

    def _mask(self, key: Key) -> Model:
        """The part of the body that computes the mask."""
        return replace(self.body, outputs=(Output("mask", self.tensor_of(key)),)).pruned()

    def _used_by(self, part: Model) -> tuple[int, ...]:
        """The loop variables that a part of the body depends on."""
        used = {tensor.layer for node in part.nodes for tensor in node.inputs}
        used |= {output.tensor.layer for output in part.outputs}
        return tuple(place for place, name in enumerate(self.names) if name in used)

    def _untold(self, order: Sequence[RecurrentState], last: str | None) -> list[str]:
        """Loop variables that change in a way not accounted for; nothing may depend on what becomes of them."""
        known = {*self.counters, *self.written, *(state.leaf.name for state in order)} | ({last} if last else set())
        return [name for name in self.names if name not in known and self.changes(name)]


def _chained(found: Sequence[Match], start: Form) -> list[Match]:
    """Cells in the order in which each takes the output of the one before."""
    by_input: Mapping[Hashable, Match] = {match.input.key: match for match in found}
    chain: list[Match] = []
    form = start
    while form.key in by_input and len(chain) < len(found):
        chain.append(by_input[form.key])
        form = chain[-1].states[0].new
    if len(chain) != len(found):
        raise Unlike
    return chain


def _cell(name: str, chain: Sequence[Match]) -> Cell:
    if len(chain) == 1:
        return chain[0].cell
    return StackedCells(name=name, cells=tuple(match.cell for match in chain))
