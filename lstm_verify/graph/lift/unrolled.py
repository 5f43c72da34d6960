"""Recognising unrolled recurrences: a cell written out once for every time step, without a loop.

The steps share their weights, so the n-th product with a weight is of the n-th step. Values of an earlier step are cut
off where a later one takes them, and become its states; then a step in the middle is a cell like the body of a loop.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lstm_verify.graph.lift.attempts import matches
from lstm_verify.graph.lift.check import as_float64
from lstm_verify.graph.lift.expressions import (
    Affine,
    Form,
    FunctionCall,
    Key,
    Leaf,
    SumFactor,
    Term,
    inside,
    leaves,
    place_of,
)
from lstm_verify.graph.lift.gates import Match
from lstm_verify.graph.lift.picked import PICKING, Picked, aligned, picked, without_shapes
from lstm_verify.graph.lift.provenance import Variables, recovered, scope
from lstm_verify.graph.lift.rules import RULES
from lstm_verify.graph.lift.traced import Columns, Traced, settled
from lstm_verify.layers import Array, Layer, Run, Signal
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.loop import Branch
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.layers.recurrent.scan import Unrolled
from lstm_verify.model import Model, Tensor

CLOSE = {2: 1e-2}
FLOAT32 = 1e-4
"""How far a step that a run took may be off, by the bytes of a number; in float32, or finer."""
MOST_STATES = 8
"""States of one step; more are not told apart by trying all."""
WEIGHT = {"matmul": 1, "lstm_cell": 3, "gru_cell": 2}
"""The argument that is the first weight, of operations that have one: all before it meet weights."""
SAME_WHATEVER_STEP = {"matmul", "concatenate", "stack"}
Of = TypeVar("Of")


class Part(NamedTuple):
    """A part of a variable, which is what a product takes."""

    variable: str
    place: Hashable


@dataclass(frozen=True)
class Found:
    """A cell that was found, and a step of it in a run."""

    cell: Unrolled
    input: Array
    """What it takes in that step, (samples, features) float64."""
    states: tuple[Array, ...]
    """The states before it."""
    close: float
    """How far numbers of the run may be off."""
    is_masked: bool
    """Whether something decides in that step if the states before it are kept."""


def unrolled(model: Model, values: Mapping[Tensor, Any], variables: Variables) -> tuple[Found, ...]:
    """Recognise the cells that a graph applies step by step.

    Args:
        model: the graph.
        values: all its tensors in some run.
        variables: its variables.
    """
    return tuple(_Chain(variables).cells(model, values))


@dataclass
class _Chain:
    """A graph being traced, with the steps that its products belong to."""

    variables: Variables
    products: dict[tuple[Key, str], dict[Part, int]] = field(default_factory=dict)
    """The products of a form with parts of a variable, and the step of each."""
    cut: dict[Key, Form] = field(default_factory=dict)
    """The forms that leaves stand for, by their keys."""
    made_of: dict[Key, set[str]] = field(default_factory=dict)
    """The variables that forms were multiplied with which then met a weight."""
    before: dict[Key, dict[Part, int]] = field(default_factory=dict)
    """The histories of the forms that leaves stand for, by the keys of the leaves."""
    values: dict[Key, Any] = field(default_factory=dict)
    """The values of forms."""

    def cells(self, model: Model, values: Mapping[Tensor, Any]) -> Iterator[Found]:
        known: dict[Tensor, Traced] = {
            Tensor(spec.name): Traced(values[Tensor(spec.name)], Form.of(Leaf(spec.name))) for spec in model.inputs
        }
        self.values.update({item.as_form().key: item.value for item in known.values()})
        self._follow(model, known, values)
        yield from self._recognised()

    def _follow(self, model: Model, known: dict[Tensor, Traced], values: Mapping[Tensor, Any]) -> None:
        """Trace a graph whose inputs are known, with the values of a run; without, they are computed."""
        for node in model.nodes:
            given, layer = [known[tensor] for tensor in node.inputs], model.layers[node.layer]
            if values:
                results = [values[Tensor(node.layer, node.call, n)] for n in range(_count(values, node.layer))]
            else:
                results = [s.value for s in layer.apply(tuple(Signal(item.value) for item in given), Run())]
            for number, result in enumerate(self._traced(layer, given, results)):
                known[Tensor(node.layer, node.call, number)] = result
                if isinstance(result.form, Form):
                    self.values.setdefault(result.form.key, result.value)

    def _branched(self, branch: Branch, given: list[Traced]) -> list[Traced] | None:
        """The results of the branch that does more: of two that depend on the inputs, the other one only saves work."""
        sides = [side for side in (branch.if_true, branch.if_false) if isinstance(side, Model)]
        side = max(sides, key=lambda side: len(side.nodes), default=None)
        if side is None:
            return None
        known = {Tensor(spec.name): item for spec, item in zip(side.inputs, given[1:], strict=True)}
        self._follow(side, known, {})
        return [known[output.tensor] for output in side.outputs]

    def _traced(self, layer: Layer, given: list[Traced], results: list[Any]) -> list[Traced]:
        if isinstance(layer, Constant) or (given and all(item.form is None for item in given)):
            return [Traced(value) for value in results]
        if isinstance(layer, Branch) and given[0].form is not None and (found := self._branched(layer, given)):
            return found
        operation = settled(layer, given) if isinstance(layer, Operation) else None
        if operation is None:
            return [
                Traced(value, Form.of(FunctionCall("layer", (id(layer),), {}, n))) for n, value in enumerate(results)
            ]
        arguments = [given[a.number] if isinstance(a, Slot) else Traced(np.asarray(a)) for a in operation.arguments]
        if operation.operation in PICKING:
            arguments[1:] = map(without_shapes, arguments[1:])
        weight = WEIGHT.get(operation.operation, 0)
        if weight and arguments[weight].form is None:
            arguments[:weight] = self._multiplied(arguments[:weight], arguments[weight])
        elif operation.operation not in SAME_WHATEVER_STEP:
            arguments = self._of_one_step(aligned(arguments, results, operation))
        rule = RULES.get(operation.operation)
        found = (rule(arguments, results, operation) if rule else None) or picked(arguments, results, operation)
        if found:
            return found
        forms = tuple(item.value if item.form is None else item.as_form() for item in arguments)
        return [
            Traced(v, Form.of(FunctionCall(operation.operation, forms, operation.options, n)))
            for n, v in enumerate(results)
        ]

    def _multiplied(self, given: list[Traced], weight: Traced) -> list[Traced]:
        """What a weight is multiplied with, cut off where it is of an earlier step than the product."""
        matrix = np.asarray(weight.value)
        place = self.variables.place(matrix)
        if place is None:
            return given
        part = Part(place[0], place_of(matrix))
        step = 1 + _latest(self._history(form) for x in given for form in _forms(x)).get(part, 0)

        def cut(form: Form) -> Form:
            mine = self._cut(form) if self._steps(form).get(part.variable, step) < step else form
            self.products.setdefault((mine.key, part.variable), {})[part] = step
            self.made_of[mine.key] = {name for _, name in self._weights(mine)}
            return mine

        return [
            Traced(x.value, Columns(tuple((cut(form), width) for form, width in x.form.parts)))
            if isinstance(x.form, Columns)
            else Traced(x.value, cut(x.as_form()))
            for x in given
        ]

    def _of_one_step(self, arguments: list[Traced]) -> list[Traced]:
        """Arguments of which those of an earlier step than others are cut off."""
        steps = [self._steps(item.form) if isinstance(item.form, Form) else {} for item in arguments]
        latest = _latest(steps)
        return [
            Traced(item.value, self._cut(item.as_form())) if any(latest[name] > mine[name] for name in mine) else item
            for item, mine in zip(arguments, steps, strict=True)
        ]

    def _cut(self, form: Form) -> Form:
        """A leaf in place of a form; a coefficient, such as a peephole's weights, stays outside."""
        if isinstance(form.atom, Leaf):
            return form
        coefficient = np.ones(())
        if len(form.terms) == 1 and not form.constant.any():
            (term,) = form.terms
            coefficient, (first, *more) = term.coefficient, term.product
            form = first.form if isinstance(first, SumFactor) and not more else Form((Term(term.product, np.ones(())),))
        leaf = Leaf(f"={form.key}")
        self.cut[form.key], self.before[leaf.key] = form, self._history(form)
        return Form.of(leaf).scaled(coefficient)

    def _steps(self, form: Form) -> dict[str, int]:
        """The step that a form is computed in, by each variable that it was multiplied with since it was cut."""
        return _latest({part.variable: step} for part, step in self._multiplications(form))

    def _history(self, form: Form) -> dict[Part, int]:
        """How often a form was multiplied with each part of a variable, one time after the other."""
        cut = (self.before.get(leaf.key, {}) for leaf in leaves(form))
        return _latest([*cut, *({part: step} for part, step in self._multiplications(form))])

    def _multiplications(self, form: Form) -> Iterator[tuple[Part, int]]:
        """The products with variables that a form is made of, and the step of each."""
        for key, name in self._weights(form):
            yield from self.products.get((key, name), {}).items()

    def _weights(self, form: Form) -> Iterator[tuple[Key, str]]:
        """What a form is made of: forms by their keys, and the variables that they are multiplied with."""
        for atom in (atom for term in form.terms for atom in term.product):
            if isinstance(atom, Affine):
                places = ((each.key, self.variables.place(matrix)) for each, matrix in atom.maps)
                yield from ((key, place[0]) for key, place in places if place)
            for inner in inside(atom):
                yield from self._weights(inner)

    def _recognised(self) -> Iterator[Found]:
        """Cells of the second step, or of the first if there are but two."""
        by_step: dict[tuple[str, int], list[Form]] = {}
        for form in self.cut.values():
            for place in self._steps(form).items():
                by_step.setdefault(place, []).append(form)
        taken: set[Key] = set()
        for name in dict.fromkeys(name for name, _ in by_step):
            middle = 2 if (name, 2) in by_step else 1
            before, after = by_step.get((name, middle - 1), []), by_step[name, middle]
            if len(before) > MOST_STATES or len(after) > MOST_STATES:
                continue
            for match in matches([Leaf(f"={form.key}") for form in before], after, taken):
                given = self._given(match)
                if given is not None:
                    found = recovered(match, self.variables)
                    is_masked = not {state.new.key for state in match.states} <= {form.key for form in after}
                    cell = Unrolled(scope(found) or "cell", match.cell, found, self._count(match))
                    yield Found(cell, *given, is_masked)

    def _count(self, match: Match) -> int:
        """How many steps a cell is applied for; a first one from a constant state may have no product with it."""
        of_state, of_input = (
            {place[0] for W in weights if W is not None and (place := self.variables.place(W))}
            for weights in zip(*((parts.recurrent, parts.kernel) for parts in match.gates.values()), strict=True)
        )
        steps = [
            (step, key) for (key, name), parts in self.products.items() if name in of_state for step in parts.values()
        ]
        later = all(self.made_of[key] & of_input - of_state for step, key in steps if step == 1)
        return max(steps)[0] + later

    def _given(self, match: Match) -> tuple[Array, tuple[Array, ...], float] | None:
        """The input and the states of a step in the run; None if the cell does not compute what the step does there."""
        known = {Form.of(Leaf(f"={key}")).key: self.values.get(key) for key in self.cut} | self.values
        x = known.get(match.input.key)
        if (
            x is None
            and isinstance(atom := match.input.atom, Picked)
            and (base := known.get(atom.base.key)) is not None
        ):
            x = atom.value(base)
        states = [known.get(state.key) for state in match.states]
        wanted = [known.get(state.new.key) for state in match.states]
        if any(value is None for value in (x, *states, *wanted)):
            return None
        cell = match.cell.astype(np.float64)
        given, close = (_rows(x), tuple(map(_rows, states))), _closeness(np.asarray(x))
        pairs = zip(map(_rows, wanted), cell.step(*given), strict=True)
        fits = all(np.allclose(one, other, rtol=close, atol=close) for one, other in pairs)
        return (*given, close) if fits else None


def _closeness(value: Array) -> float:
    """How far a step may be off that a run took in the format of a value."""
    return CLOSE.get(value.dtype.itemsize, FLOAT32)


def _rows(value: Any) -> Array:
    """A value as a matrix, (samples, features) float64."""
    array = as_float64(value)
    return array.reshape(-1, array.shape[-1])


def _count(values: Mapping[Tensor, Any], layer: str) -> int:
    return next(n for n in count() if Tensor(layer, 0, n) not in values)


def _latest(steps: Iterable[Mapping[Of, int]]) -> dict[Of, int]:
    """The latest step of each."""
    found: dict[Of, int] = {}
    for each in steps:
        for key, step in each.items():
            found[key] = max(step, found.get(key, 0))
    return found


def _forms(x: Traced) -> list[Form]:
    """What a value is made of, side by side."""
    return [form for form, _ in x.form.parts] if isinstance(x.form, Columns) else [x.as_form()]
