"""Rolling up: a recurrent layer in the place of a cell that is written out step by step.

Which tensors the inputs and the states of all steps are is found by their values in a run: from the step that the cell
was recognised in, it is run on to the last step and back to the first, each time with the input with which its new
states are tensors of the graph. What takes such a state takes it from the layer then, and what computed it is left out.
In other runs the graph must still return what it did, or it stays as it is.

Values alone do not tell a state from the same behind a mask that hides nothing in that run. So a state is the first
tensor with its values, and what only moves it; a step takes what comes last of those with the values that it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product

import numpy as np

from lstm_verify.graph.lift.replacing import Making, Mask, Place, Values, ordered, unused
from lstm_verify.graph.lift.run_of_graph import SHAPES, RunOfGraph
from lstm_verify.graph.lift.unrolled import Found
from lstm_verify.layers import Array, Layer
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.written_out import WrittenOut
from lstm_verify.model import LayerCall, Model, Tensor

MOST_STEPS = 64
"""The time to look for all of them grows with the square of their number."""
MOST_BEFORE = 1000
"""Of choices of tensors that may be the states before the first step, how many are tried."""
NEAREST = 8
"""Of inputs that may belong to them, how many are tried, those first that come before that of the second step."""
States = tuple[Array, ...]


@dataclass(frozen=True)
class Steps:
    """What the steps of a cell are in a graph, the first of them first."""

    inputs: tuple[Place, ...]
    initial: tuple[Place, ...]
    """The states before the first; none if they are zeros."""
    states: tuple[States, ...]
    """The values of the states after each."""
    computed: tuple[tuple[Tensor, ...], ...] = ()
    """The tensors that those are computed as."""


def rolled(model: Model, values: Values, found: Found) -> Model | None:
    """Return a graph with a layer in the place of a cell that it applies step by step; None if that cannot be.

    Args:
        model: the graph.
        values: its tensors in some run.
        found: the cell, and a step of it in that run.
    """
    if found.cell.steps > MOST_STEPS:
        return None
    run = StepsOfCell(model, values, found)
    steps = run.steps()
    return None if steps is None else run.replaced(steps)


class StepsOfCell(RunOfGraph):
    """A run of a graph, in which the steps of a cell are looked for."""

    def __init__(self, model: Model, values: Values, found: Found) -> None:
        super().__init__(model, values)
        self.found, self.cell = found, found.cell.cell.astype(np.float64)
        self.inputs = dict(self.parts(found.input.shape))
        self.states = [dict(self.wholes(state.shape)) for state in found.states]

    def _are_close(self, ones: States, others: States) -> bool:
        close, pairs = self.found.close, zip(ones, others, strict=True)
        return all(np.allclose(one, other, rtol=close, atol=close) for one, other in pairs)

    # --- the steps ---------------------------------------------------------------------------------------------------

    def steps(self) -> Steps | None:
        """Return all steps of the cell; None if they are not as many as it has, or not to be found."""
        count, later = self.found.cell.steps, list(self._onwards())
        inputs, states = [place for place, _ in later], [after for _, after in later]
        initial, state = self._tensors(self.found.states), self.found.states
        while initial and len(inputs) < count:
            before = self._before(state, inputs[0] if inputs else None)
            if before is None:
                return None
            place, initial = before
            inputs, states = [place, *inputs], [state, *states]
            state = tuple(known[each] for known, each in zip(self.states, initial, strict=False))
        if len(inputs) != count or initial is None:
            return None
        return self._settled(Steps(tuple(inputs), initial, tuple(states)))

    def _onwards(self) -> Iterator[tuple[Place, States]]:
        """The steps from the one that is known on, each with the states after it."""
        state, at = self.found.states, 0
        for _ in range(self.found.cell.steps):
            for place in self._near(at):
                after = self.cell.step(self.inputs[place], state)
                if self._is_there(after):
                    yield place, after
                    state, at = after, list(self.inputs).index(place) + 1
                    break
            else:
                return

    def _near(self, at: int) -> list[Place]:
        """The inputs, those first that are near a position among them."""
        places = list(self.inputs)
        return [places[n] for n in sorted(range(len(places)), key=lambda n: abs(n - at))]

    def _before(self, wanted: States, later: Place | None) -> tuple[Place, tuple[Place, ...]] | None:
        """The input of the step after which states are wanted, and the states before it: zeros, or tensors."""
        at = 0 if later is None else max(0, list(self.inputs).index(later) - 1)
        zeros = tuple(np.zeros(state.shape) for state in wanted)
        for place in self._near(at):
            if self._are_close(self.cell.step(self.inputs[place], zeros), wanted):
                return place, ()
        choices = list(islice(product(*self.states), MOST_BEFORE))
        for place in self._near(at)[:NEAREST]:
            for chosen in choices:
                before = tuple(known[each] for known, each in zip(self.states, chosen, strict=True))
                if self._are_close(self.cell.step(self.inputs[place], before), wanted):
                    return place, chosen
        return None

    def _tensors(self, states: States) -> tuple[Place, ...] | None:
        """The tensors that states are; none if they are zeros, None if they are nowhere."""
        if not any(np.any(state) for state in states):
            return ()
        found = [next(iter(self._equal(number, state)), None) for number, state in enumerate(states)]
        return None if None in found else tuple(place for place in found if place is not None)

    def _equal(self, number: int, state: Array) -> list[Place]:
        """The tensors that the n-th state is."""
        return [place for place, value in self.states[number].items() if self._are_close((value,), (state,))]

    def _is_there(self, states: States) -> bool:
        return all(self._equal(number, state) for number, state in enumerate(states))

    # --- what belongs to it ------------------------------------------------------------------------------------------

    def _first(self, number: int, state: Array, later: set[str]) -> Tensor:
        """The tensor that the n-th state is computed as, for what comes later."""
        equal = (place.tensor for place in self._equal(number, state))
        return min((tensor for tensor in equal if tensor.layer in later), key=self.when)

    def _settled(self, steps: Steps) -> Steps | None:
        """The steps with the inputs that each really takes; None if one takes a state that something was done to."""
        computed, later = list[tuple[Tensor, ...]](), self.needed_by(output.tensor for output in self.model.outputs)
        for states in reversed(steps.states):
            firsts = tuple(self._first(number, state, later) for number, state in enumerate(states))
            between = self.between(computed[0], firsts) if computed else set()
            for number, state in enumerate(states):
                taken = (place.tensor for place in self._equal(number, state) if place.tensor in between)
                if not all(self.is_moved(tensor, firsts[number]) for tensor in taken):
                    return None
            computed.insert(0, firsts)
            later = self.needed_by(firsts)
        inputs = [self._last(self.inputs, place, first[0]) for place, first in zip(steps.inputs, computed, strict=True)]
        initial = [
            self._last(known, place, computed[0][0]) for known, place in zip(self.states, steps.initial, strict=False)
        ]
        return replace(steps, inputs=tuple(inputs), initial=tuple(initial), computed=tuple(computed))

    def _last(self, known: Mapping[Place, Array], place: Place, step: Tensor) -> Place:
        """What comes last of all that has the values of a place, and that a step is computed from."""
        alike = (p for p, value in known.items() if self._are_close((value,), (known[place],)))
        return max((p for p in alike if p.tensor.layer in self.needed(step)), key=lambda p: self.when(p.tensor))

    # --- the layer ---------------------------------------------------------------------------------------------------

    def replaced(self, steps: Steps, masks: tuple[Mask, ...] = ()) -> Model | None:
        """Return the graph with a layer for the steps; None if what it replaces is needed nevertheless, or too early.

        Args:
            steps: the steps.
            masks: of each, if not all samples go through all steps.
        """
        model, name = self.model, unused(self.model, self.found.cell.name)
        count = len(steps.inputs)
        after = [self.moved(steps, step, 0) for step in range(count)]
        last = [self.moved(steps, count - 1, n) for n in range(1, len(self.states))]
        moved = {tensor: Tensor(name, 0, n) for n, tensors in enumerate(after) for tensor in tensors}
        moved |= {tensor: Tensor(name, 0, count + n) for n, tensors in enumerate(last, 1) for tensor in tensors}
        making = Making(self.values)
        given = [making.taken(place, self.found.input.shape[-1]) for place in steps.inputs]
        states = [making.taken(place, self.values[place.tensor].shape[-1]) for place in steps.initial]
        conditions = [making.mask(mask) for mask in masks]
        making.add(self._layer(name, after[0][0], count, bool(masks)), (*given, *states, *conditions))
        moved = {old: making.shaped(new, old) for old, new in moved.items()}
        rewired = (self._rewired(node, moved) for node in model.nodes)
        nodes = [*rewired, *making.calls]
        outputs = tuple(replace(output, tensor=moved.get(output.tensor, output.tensor)) for output in model.outputs)
        calls = ordered(nodes)
        if calls is None:
            return None
        layers = {**model.layers, **making.layers}
        found = replace(model, layers=layers, nodes=calls, outputs=outputs).pruned()
        written = {tensor.layer for tensors in steps.computed[:-1] for tensor in tensors}
        return None if written & set(found.layers) else found

    def moved(self, steps: Steps, step: int, number: int) -> list[Tensor]:
        """Return the tensor that the n-th state after a step is computed as, and those that it is moved to."""
        first, equal = steps.computed[step][number], self._equal(number, steps.states[step][number])
        return [place.tensor for place in equal if self.is_moved(place.tensor, first)]

    def _rewired(self, node: LayerCall, moved: Mapping[Tensor, Tensor]) -> LayerCall:
        """A call that takes states from the layer; a shape may be that of any tensor with the same values."""
        inputs = [moved.get(tensor, tensor) for tensor in node.inputs]
        if self.operation(Tensor(node.layer)) in SHAPES and inputs[0] in self.values:
            value = self.values[inputs[0]]
            same_shape = ((old, new) for old, new in moved.items() if self.values[old].shape == value.shape)
            alike = (new for old, new in same_shape if self._are_close((self.values[old],), (value,)))
            inputs[0] = next(alike, inputs[0])
        return replace(node, inputs=tuple(inputs))

    def _layer(self, name: str, computed: Tensor, count: int, masked: bool) -> Layer:
        dtype = self.model.layers[computed.layer].compute_dtype or "float32"
        cell = self.found.cell.cell
        rnn = RNN(name=name, cell=cell, compute_dtype=dtype, return_sequences=True, return_state=True)
        recovered = self.found.cell.recovered
        return WrittenOut(name=name, rnn=rnn, steps=count, recovered=recovered, masked=masked, compute_dtype=dtype)
