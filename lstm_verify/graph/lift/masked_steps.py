"""Cells written out step by step, whose steps do not count for every sample.

    h_t = m_t ? new h_t : h_{t-1}           the same for c_t, and for what is given out, which is 0 before the first

In a run in which all steps count a choice is what it chooses. Without its choices the cell is rolled up as any other;
then those are looked at one by one, and become the mask of the layer only if that does just what they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from lstm_verify.graph.lift.replacing import Mask, Values
from lstm_verify.graph.lift.rolled import MOST_STEPS, Steps, StepsOfCell
from lstm_verify.graph.lift.run_of_graph import SHAPES
from lstm_verify.graph.lift.unrolled import Found
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Model, Tensor

SPREAD = {"tile", "expand", "broadcast_to", "identity", "cast", "expand_dims", "squeeze", "reshape_to"}
"""Operations that repeat a number of each sample for its units."""


@dataclass(frozen=True)
class Choice:
    """An operation that chooses between what is new and what was there before."""

    condition: Tensor
    new: Tensor
    old: Tensor
    negated: bool
    """Whether it chooses what is new where the condition is false."""


@dataclass(frozen=True)
class _Use:
    """A choice of the n-th state after a step."""

    step: int
    state: int
    choice: Choice


def rolled_with_masks(model: Model, values: Values, found: Found) -> Model | None:
    """Return a graph with a layer in the place of a masked cell that it applies step by step; None if that cannot be.

    Args:
        model: the graph.
        values: its tensors in a run in which all steps count.
        found: the cell, and a step of it in that run.
    """
    if found.cell.steps > MOST_STEPS:
        return None
    choices = dict(_choices(model, values))
    first = _looked_at(_without(model, choices), values, found, choices)
    if first is None:
        return None
    mine = {name: use.choice for name, use in first[2].items()}
    again = _looked_at(_without(model, mine), values, found, mine)
    if again is None or again[2].keys() != mine.keys():
        return None
    run, steps, uses = again
    whole = StepsOfCell(model, values, found)
    masks = _Masks(whole, steps, uses, values).masks()
    other = None if masks is None else run.replaced(steps, masks)
    return other if other is not None and not _is_taken_before(whole, other, steps) else None


Looked = tuple[StepsOfCell, Steps, dict[str, _Use]]


def _looked_at(model: Model, values: Values, found: Found, choices: Mapping[str, Choice]) -> Looked | None:
    """The steps of a cell, and which choices are between their states."""
    run = StepsOfCell(model, values, found)
    steps = run.steps()
    if steps is None or steps.initial:
        return None
    uses = dict[str, _Use]()
    for step, states in enumerate(steps.states):
        for number in range(len(states)):
            moved = set(run.moved(steps, step, number))
            uses |= {name: _Use(step, number, c) for name, c in choices.items() if c.new in moved}
    return run, steps, uses


def _choices(model: Model, values: Values) -> list[tuple[str, Choice]]:
    """The choices between floats that all fall on one side in the run."""
    found = []
    for call in model.nodes:
        layer = model.layers[call.layer]
        if (
            not isinstance(layer, Operation)
            or layer.operation != "where"
            or layer.arguments != tuple(map(Slot, range(3)))
        ):
            continue
        chosen, (condition, yes, no) = values[Tensor(call.layer)], call.inputs
        if np.asarray(chosen).dtype.kind == "f":
            sides = [bool(np.array_equal(chosen, values[side])) for side in (yes, no)]
            if sides == [True, False]:
                found.append((call.layer, Choice(condition, yes, no, False)))
            elif sides == [False, True]:
                found.append((call.layer, Choice(condition, no, yes, True)))
    return found


def _without(model: Model, choices: Mapping[str, Choice]) -> Model:
    """The graph with what is new in the place of choices."""
    same = (Operation(name=name, operation="identity", arguments=(Slot(0),), compute_dtype="") for name in choices)
    nodes = (
        replace(call, inputs=(choices[call.layer].new,)) if call.layer in choices else call for call in model.nodes
    )
    return replace(model, layers={**model.layers, **{each.name: each for each in same}}, nodes=tuple(nodes))


@dataclass(frozen=True)
class _Masks:
    """The choices of a cell, which must be those that a mask makes."""

    whole: StepsOfCell
    """The run of the graph with its choices."""
    steps: Steps
    uses: Mapping[str, _Use]
    values: Values

    def masks(self) -> tuple[Mask, ...] | None:
        """The mask of each step, none if all steps always count; None if there is another reason for a choice."""
        if not self._are_taken() or not all(self._keeps(use) for use in self.uses.values()):
            return None
        if all(self._is_fixed(use.choice.condition) for use in self.uses.values()):
            return ()
        found = list[Mask]()
        for number in range(len(self.steps.states)):
            masks = {self._mask(use.choice) for use in self.uses.values() if use.step == number}
            mask = masks.pop() if len(masks) == 1 else None
            if mask is None:
                return None
            found.append(mask)
        return tuple(found)

    def _is_fixed(self, condition: Tensor) -> bool:
        """Whether a condition is made of constants, and of lengths of axes that the file fixes."""
        open_, operations = [condition], self.whole.operation
        while open_:
            tensor = open_.pop()
            given = self.whole.given(tensor)
            if given and operations(tensor) == "gather" and operations(given[0]) in SHAPES:
                if not self._is_fixed_length(given[1]):
                    return False
                open_.append(given[1])
            elif operations(tensor) in SHAPES or not (given or self.whole.is_constant(tensor)):
                return False
            else:
                open_ += given
        return True

    def _is_fixed_length(self, axis: Tensor) -> bool:
        """Whether an axis is another than that of the samples, and inputs have none of any length but that."""
        inputs = self.whole.model.inputs
        is_open = any(spec.shape is None or None in spec.shape[1:] for spec in inputs)
        return not is_open and self.whole.is_constant(axis) and bool(np.all(np.asarray(self.values[axis]) > 0))

    def _keeps(self, use: _Use) -> bool:
        """Whether a choice keeps what was there after the step before: the state, or zeros before the first."""
        tensor = self._unmoved(use.choice.old)
        if use.step == 0:
            return not np.any(self.whole.values.get(tensor, 1.0)) and not self.whole.is_fed(tensor)
        before = self.uses.get(tensor.layer)
        return before is not None and (before.step, before.state) == (use.step - 1, use.state)

    def _unmoved(self, tensor: Tensor) -> Tensor:
        while self.whole.is_move(tensor):
            tensor = self.whole.given(tensor)[0]
        return tensor

    def _mask(self, choice: Choice) -> Mask | None:
        """The mask that a choice goes by, before it was repeated for all units; None if it is not of whole samples."""
        tensor, found = choice.condition, None
        samples = len(self.steps.states[0][0])
        while True:
            value = np.asarray(self.values[tensor])
            if value.dtype.kind == "b" and value.size == samples:
                found = Mask(tensor, choice.negated)
            if self.whole.operation(tensor) not in SPREAD:
                return found
            tensor = self.whole.given(tensor)[0]

    def _are_taken(self) -> bool:
        """Whether a step takes what was chosen after the step before, and not what was new."""
        chosen = [Tensor(name) for name in self.uses]
        pairs = pairwise(self.steps.computed)
        return all(not self.whole.between(after, chosen) & set(before) for before, after in pairs)


def _is_taken_before(whole: StepsOfCell, other: Model, steps: Steps) -> bool:
    """Whether what stays of a graph takes a new state before it was chosen."""
    places = ((step, number) for step, tensors in enumerate(steps.computed) for number in range(len(tensors)))
    new = {tensor for step, number in places for tensor in whole.moved(steps, step, number)}
    stays = {call.layer for call in other.nodes}
    taken = {tensor for call in whole.model.nodes if call.layer in stays for tensor in call.inputs}
    return bool(new & (taken | {output.tensor for output in whole.model.outputs}))
