"""The closed loop of the replay: a model's outputs become its next inputs, step after step.

Values stay in float64 from step to step. The framework's side of a rollout follows the same plan in its own process
(`runtimes/programs/closed_loop.py`) and shares no code with this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.budget import Computation, plain
from lstm_verify.model import Model
from lstm_verify.rollouts.plan import Feedback, Plan

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Rolled:
    """The result of running a loop."""

    outputs: dict[str, Array]
    """By name, (steps, samples, ...)."""
    tokens: dict[str, Array] = field(default_factory=dict)
    """The tokens chosen from each output that is a distribution over them, (steps, samples)."""
    fed: dict[str, Array] = field(default_factory=dict)
    """What inputs were given from the second step on, (steps - 1, samples, ...)."""


def first_outputs(model: Model, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs of a single call, by name."""
    return _call(plain(model.astype("float64")), inputs)


def closed_loop(
    model: Model, inputs: Mapping[str, Array], plan: Plan, draws: Array | None, progress: Progress | None = None
) -> Rolled:
    """Run a model on its own outputs.

    Args:
        model: the model.
        inputs: what it is given first, by name.
        plan: what becomes of its outputs.
        draws: random numbers from 0 to 1, (steps, samples), if tokens are to be sampled.
        progress: told how many steps are done.
    """
    return loop(plain(model.astype("float64")), inputs, plan, draws, progress=progress)


def forced_loop(
    model: Model,
    inputs: Mapping[str, Array],
    plan: Plan,
    draws: Array | None,
    fed: Mapping[str, Array],
    progress: Progress | None = None,
) -> Rolled:
    """Run a model on the inputs of another run, `fed`, from the second step on; otherwise like `closed_loop`."""
    return loop(plain(model.astype("float64")), inputs, plan, draws, fed=fed, progress=progress)


def chosen_tokens(outputs: Mapping[str, Array], plan: Plan) -> dict[str, Array]:
    """Return the likeliest tokens, (steps, samples), of outputs that were recorded, (steps, samples, ...)."""
    rules = [rule for rule in plan.feedback if rule.choose != "value" and rule.output in outputs]
    return {
        rule.output: np.stack([_token(rule, _newest(rule, {rule.output: y}), None) for y in outputs[rule.output]])
        for rule in rules
    }


def fed_by(
    outputs: Mapping[str, Array], tokens: Mapping[str, Array], inputs: Mapping[str, Array], plan: Plan
) -> dict[str, Array]:
    """Return what a loop was fed from the second step on, (steps - 1, samples, ...), that had these outputs.

    Args:
        outputs: all outputs, (steps, samples, ...).
        tokens: those that were chosen from them, (steps, samples).
        inputs: what the first step was given.
        plan: what became of the outputs.
    """
    given, following = dict(inputs), []
    for step in range(plan.steps - 1):
        now = {name: y[step] for name, y in outputs.items()}
        new = _following(now, {name: one[step] for name, one in tokens.items()}, given, plan)
        following.append(new)
        given |= new
    return _stacked(following)


def loop(
    kind: Computation,
    inputs: Mapping[str, Array],
    plan: Plan,
    draws: Array | None = None,
    *,
    fed: Mapping[str, Array] | None = None,
    tokens: Mapping[str, Array] | None = None,
    errors: Mapping[str, Array] | None = None,
    progress: Progress | None = None,
) -> Rolled:
    """Run a model step after step, with any arithmetic.

    Args:
        kind: the model and its arithmetic.
        inputs, plan, draws, progress: as for `closed_loop`.
        fed: what inputs are given from the second step on, (steps - 1, samples, ...), in place of the outputs.
        tokens: what was chosen from the outputs, (steps, samples), in place of choosing.
        errors: what is added to the outputs, (steps, samples, ...).
    """
    given = dict(inputs)
    steps: list[dict[str, Array]] = []
    chosen: list[dict[str, Array]] = []
    following: list[dict[str, Array]] = []
    for step in range(plan.steps):
        outputs = _call(kind, given)
        if errors is not None:
            outputs = {name: _with_error(y, errors[name][step]) for name, y in outputs.items()}
        steps.append(outputs)
        if tokens is None:
            chosen.append(_chosen(outputs, plan, None if draws is None else draws[step]))
        else:
            chosen.append({name: one[step] for name, one in tokens.items()})
        if step + 1 < plan.steps:
            if fed is None:
                new = _following(outputs, chosen[-1], given, plan)
            else:
                new = {name: values[step] for name, values in fed.items()}
            following.append(new)
            given |= new
        if progress:
            progress(step + 1)
    return Rolled(_stacked(steps), _stacked(chosen), _stacked(following))


def _with_error(y: Array, error: Array) -> Array:
    """An output with an error, which the first one, if it is over more time steps than the others, has at its end."""
    if y.shape == error.shape:
        return y + error
    y = y.copy()
    y[:, -error.shape[1] :] += error
    return y


def _call(kind: Computation, inputs: Mapping[str, Array]) -> dict[str, Array]:
    names = [output.name for output in kind.model.outputs]
    return dict(zip(names, kind.call([inputs[spec.name] for spec in kind.model.inputs]), strict=True))


def _chosen(outputs: Mapping[str, Array], plan: Plan, draws: Array | None) -> dict[str, Array]:
    """The tokens that outputs, which are distributions over them, give."""
    return {
        rule.output: _token(rule, _newest(rule, outputs), draws) for rule in plan.feedback if rule.choose != "value"
    }


def _following(
    outputs: Mapping[str, Array], tokens: Mapping[str, Array], given: Mapping[str, Array], plan: Plan
) -> dict[str, Array]:
    """The inputs of the next step that change."""
    following = {name: outputs[output] for output, name in plan.state}
    for rule in plan.feedback:
        newest = tokens.get(rule.output, _newest(rule, outputs))
        if rule.one_hot:
            newest = np.eye(outputs[rule.output].shape[-1])[newest]
        following[rule.input] = _as_next(rule, newest, given[rule.input])
    return following


def _newest(rule: Feedback, outputs: Mapping[str, Array]) -> Array:
    output = outputs[rule.output]
    return output[:, output.shape[1] - 1] if rule.last_step else output


def _token(rule: Feedback, likelihoods: Array, draws: Array | None) -> Array:
    """The likeliest token of each sample, or by inverse transform sampling the one that its random number picks."""
    if rule.choose == "argmax" or draws is None:
        return np.asarray(likelihoods.argmax(axis=-1))
    picked = []
    for probabilities, draw in zip(likelihoods, draws, strict=True):
        bounds = np.add.accumulate(probabilities)
        picked.append(min(int(np.searchsorted(bounds, draw * bounds[-1], side="right")), len(bounds) - 1))
    return np.array(picked)


def _as_next(rule: Feedback, newest: Array, before: Array) -> Array:
    if newest.dtype.kind != before.dtype.kind:  # tokens; floats keep all their digits
        newest = newest.astype(before.dtype)
    if rule.place == "replace":
        return newest.reshape(before.shape)
    one_step = newest.reshape(len(before), 1, *before.shape[2:])
    if rule.place == "step":
        return one_step
    return np.concatenate([before[:, 1:], one_step], axis=1)


def _stacked(steps: Iterable[Mapping[str, Array]]) -> dict[str, Array]:
    """The values of all steps, (steps, ...); of a first call over more time steps than the others its last ones."""
    every = list(steps)
    last = every[-1] if every else {}
    return {
        name: np.stack([one[name][:, -last[name].shape[1] :] if one[name].ndim > 2 else one[name] for one in every])
        for name in last
    }
