"""Plan: which outputs of a model become which inputs in the next step, and how.

It is settled once, by the shapes of the first step, before the loop starts; both sides of a rollout are then given the
same instructions, and each follows them in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError
from lstm_verify.inputs import vocabulary
from lstm_verify.model import Input, Model
from lstm_verify.rollouts.pairing import Wishes, settle

Choose = Literal["value", "argmax", "sample"]
Place = Literal["replace", "step", "window"]


@dataclass(frozen=True)
class Feedback:
    """How one output becomes an input."""

    output: str
    input: str
    choose: Choose
    """The output itself, or a token from a distribution over them: the likeliest one, or a random one."""
    one_hot: bool
    """Whether a token goes in as a vector of zeros and a one."""
    last_step: bool
    """Whether the output is a sequence, of which the last time step is taken."""
    place: Place
    """Instead of the input, as its only time step, or behind its other time steps, of which the first one goes."""

    def __str__(self) -> str:
        token = {"value": "", "argmax": ", likeliest token", "sample": ", random token"}[self.choose]
        where = {"replace": "", "step": ", as one time step", "window": ", behind its last time step"}[self.place]
        return f"{self.output} → {self.input}{token}{' as one-hot' if self.one_hot else ''}{where}"


@dataclass(frozen=True)
class Plan:
    """The plan of a loop."""

    steps: int
    outputs: tuple[str, ...]
    """The names of all outputs, in order."""
    feedback: tuple[Feedback, ...]
    state: tuple[tuple[str, str], ...] = ()
    """The outputs that are carried into inputs as they are."""

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            "steps": self.steps,
            "outputs": list(self.outputs),
            "feedback": [asdict(rule) for rule in self.feedback],
            "state": [list(pair) for pair in self.state],
        }


def make_plan(
    model: Model,
    steps: int,
    given: Mapping[str, Array],
    made: Sequence[str],
    first: Mapping[str, Array],
    wishes: Wishes,
) -> tuple[Plan, list[str]]:
    """Decide which outputs become which inputs.

    Args:
        model: the model.
        steps: how many there are to be.
        given: its inputs in the first step, by name.
        made: the names of those that are zeros because nobody gave them, so that they must be states.
        first: its outputs in the first step, by name.
        wishes: what is asked for.

    Returns:
        The plan, and notes on what was assumed.

    Raises:
        InputError: an output does not fit its input, or it is not clear what is meant.
    """
    feedback, state = settle(model, given, made, first, wishes)
    carried = bool(state) or model.stateful
    specs = {spec.name: spec for spec in model.inputs}
    rules = tuple(_rule(model, o, first[o], specs[i], given[i], carried, wishes) for o, i in feedback.items())
    plan = Plan(steps, tuple(first), rules, tuple(state.items()))
    return plan, _notes(plan, given, wishes)


def _rule(
    model: Model, output: str, values: Array, spec: Input, before: Array, carried: bool, wishes: Wishes
) -> Feedback:
    """How an output goes into an input, by the shapes of the two."""
    tokens = spec.dtype.startswith(("int", "uint")) or vocabulary(model, spec.name) is not None
    if (wishes.sample or wishes.one_hot) and not tokens ^ wishes.one_hot:
        takes = "tokens" if tokens else "values"
        raise InputError(f"input '{spec.name}': takes {takes}. {'Leave --one-hot out' if tokens else 'Add --one-hot'}")
    chosen = wishes.sample or wishes.one_hot or (tokens and values.dtype.kind == "f")
    if chosen:
        _expect_likelihoods(output, values, wishes.sample)
    shape = (*values.shape[:-1], *values.shape[-1:] * wishes.one_hot) if chosen else values.shape
    placed = _placed(shape, before.shape, tokens)
    if placed is None:
        raise InputError(
            f"feedback {output}={spec.name}: the output has shape {values.shape}, which does not fit the input's "
            f"{before.shape}, neither as a whole nor as one more time step. Name others with --feedback OUTPUT=INPUT"
        )
    last_step, in_time = placed
    open_length = spec.shape is None or spec.shape[1:2] == (None,)
    one = in_time and (before.shape[1] == 1 or (carried and open_length))
    place: Place = "step" if one else "window" if in_time else "replace"
    choose: Choose = "sample" if wishes.sample else "argmax" if chosen else "value"
    return Feedback(output, spec.name, choose, wishes.one_hot, last_step, place)


def _expect_likelihoods(output: str, values: Array, sample: bool) -> None:
    """Check that tokens can be chosen from an output, (samples, ..., tokens)."""
    if values.ndim < 2 or values.dtype.kind != "f":
        raise InputError(f"output '{output}': shape {values.shape}, {values.dtype}; expected a number for every token")
    sums = values.sum(axis=-1)
    if sample and ((values < 0).any() or (np.abs(sums[np.isfinite(sums)] - 1) > 1e-3).any()):
        raise InputError(f"output '{output}': no probabilities that add up to 1, as --sample needs. Leave --sample out")


def _placed(shape: tuple[int, ...], before: tuple[int, ...], tokens: bool) -> tuple[bool, bool] | None:
    """Whether only the last time step of an output fits an input, and whether it fits as one of its time steps."""
    samples, *rest = before
    if shape[:1] != (samples,):
        return None
    if len(before) == 3:
        return {(*before[2:],): (False, True), (*shape[1:2], *before[2:]): (True, True)}.get(shape[1:])
    if len(before) == 2 and not tokens and shape[-1] == rest[0] and len(shape) in (2, 3):
        return len(shape) == 3, False
    if len(before) in (1, 2) and (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1 and not tokens)):
        return False, len(before) == 2
    if len(before) in (1, 2) and ((len(shape) == 2 and tokens) or (len(shape) == 3 and shape[2] == 1 and not tokens)):
        return True, len(before) == 2
    return None


def _notes(plan: Plan, given: Mapping[str, Array], wishes: Wishes) -> list[str]:
    notes = []
    if not wishes.state and plan.state:
        notes.append(f"states taken to be {', '.join(f'{output} → {name}' for output, name in plan.state)}")
    changing = {*(rule.input for rule in plan.feedback), *(name for _, name in plan.state)}
    notes += [f"input '{name}' is the same in every step" for name in given if name not in changing]
    return notes
