"""Recorded rollouts: what a closed loop of a user's own predicted in every step, in place of a framework's run.

Tokens follow from the outputs that they were chosen from, and what a step was fed from the outputs of the one before,
by the plan of the replay; so a recorded rollout needs no more than its outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.errors import InputError
from lstm_verify.given import Recorded, about, arrays_of, named
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model
from lstm_verify.report import Predicted
from lstm_verify.rollouts.closed_loop import Rolled, chosen_tokens, fed_by
from lstm_verify.rollouts.plan import Plan

TOKENS = ".tokens"
"""What the name of an array of tokens ends in, behind the name of the output that they were chosen from."""


@dataclass(frozen=True)
class RecordedLoop:
    """A recorded rollout."""

    source: Predicted
    given: Recorded
    """The outputs by name, (samples, steps, ...)."""
    rolled: Rolled
    """The same as the result of a loop."""
    left_out: tuple[str, ...] = ()
    """The outputs that were not recorded, since they are only carried into inputs."""
    says_digits: bool = True
    """Whether it counts how numbers in text were rounded."""

    def without_others(self, judged: Judgement) -> Judgement:
        """Return a judgement of what was recorded alone."""
        return replace(judged, outputs=tuple(one for one in judged.outputs if one.name not in self.left_out))

    def notes(self, is_match: bool) -> list[str]:
        """What was assumed of it, and what a user should know."""
        of_digits = self.given.of_digits(is_match) if self.says_digits else ()
        left_out = [f"not recorded, and so not compared: {', '.join(self.left_out)}"] if self.left_out else []
        return [*self.given.notes, *of_digits, *left_out]


def recorded_loop(
    model: Model,
    expected: Any,
    plan: Plan,
    inputs: Mapping[str, Array],
    replayed: Mapping[str, Array],
    teacher_forced: bool,
    tolerance: Tolerance,
) -> RecordedLoop:
    """Read a recorded rollout, in the form in which `rollout` writes its `output`.

    Args:
        model: the model.
        expected: outputs by name, (samples, steps, ...), and the tokens that were chosen from them as `NAME.tokens`,
            (samples, steps), or else the likeliest; or a file of these. Outputs that are carried into inputs as they
            are may be left out.
        plan: what becomes of which output.
        inputs: what the first step was given, by name.
        replayed: what the replay computed, (samples, steps, ...) by output name.
        teacher_forced: whether it must be known what every step was fed.
        tolerance: how far they may lie apart, as a user says.

    Raises:
        InputError: an output is missing or has another number of samples or steps; or it does not say what steps were
            fed.
    """
    arrays = arrays_of(expected)
    with about(expected):
        tokens: dict[str, Rows] = {}
        if isinstance(arrays, Mapping):
            tokens = {name.removesuffix(TOKENS): rows for name, rows in arrays.items() if name.endswith(TOKENS)}
            arrays = {name: rows for name, rows in arrays.items() if not name.endswith(TOKENS)}
        given, left_out = _outputs(model, arrays, plan)
        given = given.in_shapes_of(replayed)
        for name, rows in given.outputs.items():
            _check_steps(f"output '{name}'", rows.shape, replayed[name].shape)
        outputs = {name: _steps_first(rows) for name, rows in given.outputs.items()}
        known = {name: y for name, y in outputs.items() if _steps_first(replayed[name]).shape == y.shape}
        chosen = _tokens(tokens, known, plan, replayed)
        if teacher_forced:
            _check_digits(given, tolerance)
        fed = _fed(known, chosen, plan, inputs, left_out) if teacher_forced else {}
    description = str(expected) if isinstance(expected, str | Path) else "arrays in memory"
    source = Predicted("recorded", description)
    return RecordedLoop(source, given, Rolled(outputs, chosen, fed), left_out, tolerance.follows_text)


def _outputs(model: Model, arrays: Any, plan: Plan) -> tuple[Recorded, tuple[str, ...]]:
    """The outputs by name, and which are not among them that need not be."""
    names = [output.name for output in model.outputs]
    carried = tuple(output for output, _ in plan.state)
    others = [name for name in names if name not in carried]
    count = len(arrays) if isinstance(arrays, Mapping | list | tuple) else 1
    if carried and count == len(others):
        return named(model, arrays, others), carried
    return named(model, arrays, names), ()


def _check_steps(what: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape[:2] == wanted[:2]:
        return
    hint = f". Give --steps {shape[1]}" if len(shape) > 1 and shape[0] == wanted[0] else ""
    samples, steps = wanted[:2] if len(wanted) > 1 else (1, wanted[0])
    raise InputError(f"{what}: shape {shape}, expected {samples} samples of {steps} steps, {wanted}{hint}")


def _tokens(
    recorded: Mapping[str, Rows], outputs: Mapping[str, Array], plan: Plan, replayed: Mapping[str, Array]
) -> dict[str, Array]:
    """The tokens of all steps, (steps, samples)."""
    found = chosen_tokens(outputs, plan)
    rules = [rule.output for rule in plan.feedback if rule.choose != "value"]
    for name, rows in recorded.items():
        where = f"tokens of '{name}'"
        if name not in rules:
            raise InputError(f"{where}: no tokens are chosen from that, expected {', '.join(rules) or 'none'}")
        _check_steps(where, rows.shape, replayed[name].shape[:2])
        tokens = np.asarray(whole(rows))
        if not np.isin(tokens, np.arange(replayed[name].shape[-1])).all():
            raise InputError(f"{where}: expected numbers from 0 to {replayed[name].shape[-1] - 1}")
        found[name] = tokens.T.astype(np.int64)
    return found


def _check_digits(given: Recorded, tolerance: Tolerance) -> None:
    """Refuse to feed a step what was rounded after it was fed."""
    each = [tolerance.of_recording(given.written, list(given.outputs)).of_output(name) for name in given.outputs]
    if any(one.decimals is not None or one.digits is not None for one in each):
        raise InputError("--teacher-forced: steps were fed with more digits than were recorded. Leave it out")


def _fed(
    outputs: Mapping[str, Array],
    tokens: Mapping[str, Array],
    plan: Plan,
    inputs: Mapping[str, Array],
    left_out: tuple[str, ...],
) -> dict[str, Array]:
    if left_out:
        raise InputError(f"--teacher-forced: output '{left_out[0]}' goes into the next step. Record it too")
    if set(plan.outputs) != set(outputs):
        raise InputError("--teacher-forced: outputs have other shapes than in the replay. Leave it out to see how")
    return fed_by(outputs, tokens, inputs, plan)


def _steps_first(rows: Rows) -> Array:
    values = np.asarray(whole(rows))
    return np.swapaxes(values, 0, 1) if values.ndim > 1 else values
