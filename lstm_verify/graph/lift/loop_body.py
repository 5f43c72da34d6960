"""The body of a loop, traced: what becomes of the loop variables in one round, and which of them are states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_verify.graph.lift.expressions import Form, FunctionCall, Key, Leaf, leaves
from lstm_verify.graph.lift.gates import RecurrentState, Unlike
from lstm_verify.graph.lift.traced import Columns, Traced, Written
from lstm_verify.graph.lift.tracing import trace
from lstm_verify.model import Model, Tensor

CHOICES = ("where", "where_rows")


@dataclass(frozen=True)
class Masked:
    """A form without the choice by a mask around it."""

    new: Form
    mask: Key | None = None
    """The key of the condition."""
    negated: bool = False


class Body:
    """The body of a loop, traced.

    Attributes:
        name: what to call the layer.
        body: the graph.
        values: the loop variables before the first round, in some run of the model.
        names: the names of the loop variables.
        known: every tensor of the graph, traced.
        results: what becomes of each loop variable.
        counters: the loop variables that grow by one every round.
        written: the loop variables that are lists which are written to.
    """

    def __init__(self, name: str, body: Model, values: Sequence[object], static: Sequence[bool]) -> None:
        self.name, self.body, self.values = name, body, values
        names = [spec.name for spec in body.inputs]
        kept = [output.tensor == Tensor(name) for output, name in zip(body.outputs, names, strict=True)]
        given = [
            Traced(value, None if fixed and same else Form.of(Leaf(name)))
            for name, value, fixed, same in zip(names, values, static, kept, strict=True)
        ]
        self.names = names
        self.known = trace(body, given)
        self.results = dict(zip(names, (self.known[output.tensor] for output in body.outputs), strict=True))
        self.counters = [name for name in names if self._counts(name)]
        self.written = {name: result.form for name, result in self.results.items() if isinstance(result.form, Written)}

    def _counts(self, name: str) -> bool:
        """Whether a loop variable grows by one every round."""
        form = self.results[name].form
        atom = form.atom if isinstance(form, Form) else None
        if not isinstance(atom, FunctionCall) or atom.operation != "add" or len(atom.arguments) != 2:
            return False
        leaf = [a for a in atom.arguments if isinstance(a, Form) and a.key == Form.of(Leaf(name)).key]
        one = [a for a in atom.arguments if not isinstance(a, Form) and np.ndim(a) == 0 and a == 1]
        return len(leaf) == 1 and len(one) == 1

    def value(self, name: str) -> object:
        """A loop variable before the first round."""
        return self.values[self.names.index(name)]

    def states(self) -> Iterator[tuple[RecurrentState, Masked]]:
        """The states: loop variables of floats that change; one that several lie side by side in gives several."""
        for name, result in self.results.items():
            if not isinstance(result.value, np.ndarray) or result.value.dtype.kind != "f" or result.value.ndim != 2:
                continue
            leaf = Leaf(name)
            if isinstance(result.form, Columns):
                start = 0
                for form, width in result.form.parts:
                    part = Leaf(name, start, start + width)
                    masked = unmasked(form, part)
                    yield RecurrentState(part, masked.new, width), masked
                    start += width
            elif isinstance(result.form, Form) and result.form.key != Form.of(leaf).key:
                if not self._depends_on(result.form, leaf):
                    continue
                masked = unmasked(result.form, leaf)
                yield RecurrentState(leaf, masked.new, result.value.shape[1]), masked

    def _depends_on(self, form: Form, leaf: Leaf) -> bool:
        """Whether a variable's own value goes on into the states, other than as the output before."""
        masked = unmasked(form, leaf)
        outputs = [written.value.form for written in self.written.values()]
        return not (
            any(isinstance(output, Form) and output.key == form.key for output in outputs)
            and leaf.key not in {each.key for each in leaves(masked.new)}
        )

    def changes(self, name: str) -> bool:
        """Whether a loop variable does not stay as it is."""
        form = self.results[name].form
        return form is not None and getattr(form, "key", None) != Form.of(Leaf(name)).key

    def tensor_of(self, key: Key) -> Tensor:
        """A tensor that has a form."""
        for tensor, item in self.known.items():
            if isinstance(item.form, Form) and item.form.key == key:
                return tensor
        raise Unlike


def unmasked(form: Form, old: Leaf) -> Masked:
    """The new state that a mask chooses over the old one."""
    atom = form.atom
    if not isinstance(atom, FunctionCall) or atom.operation not in CHOICES or not isinstance(atom.arguments[0], Form):
        return Masked(form)
    condition, yes, no = atom.arguments
    key = Form.of(old).key
    if isinstance(no, Form) and no.key == key and isinstance(yes, Form):
        return Masked(yes, _untiled(condition).key, False)
    if isinstance(yes, Form) and yes.key == key and isinstance(no, Form):
        return Masked(no, _untiled(condition).key, True)
    return Masked(form)


def _untiled(condition: Form) -> Form:
    """The condition before it is repeated for every unit."""
    atom = condition.atom
    while (
        isinstance(atom, FunctionCall)
        and atom.operation in ("tile", "broadcast_to")
        and isinstance(atom.arguments[0], Form)
    ):
        condition = atom.arguments[0]
        atom = condition.atom
    return condition
