"""Judging a rollout: how far rounding may have moved each step, through all the steps before it.

A step has a rounding error of its own, σ, as any prediction has. In a closed loop it also gets those of the steps
before back as inputs, and what the loop makes of them is tried: copies of it run along, whose outputs are off by their
σ, at random, in every step.

    σ_t = √t · rms of what the copies are off by in step t

The root is there because errors of different steps need not be independent: a loop that comes back to where it was
rounds in the same way again. Standard deviations that go together add up, and by Cauchy and Schwarz the sum of t of
them is no more than √t times the root of the sum of their squares, which is what independent errors come to.

Copies come in pairs whose errors are opposite. While errors are small, so is what they do; where the mean of a pair is
off, the loop bends what it is given, and copies that bend it elsewhere would have been off in other elements. So no
element has less than the rms of these means over all elements of the output. That is next to nothing until a chaotic
loop has forgotten where it came from, when any unit may be anywhere, and is rarely: too rarely for the copies to see.

All are given the tokens that the replay chose. What a sample does after a token that the framework chose otherwise is
its own affair, and not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lstm_verify import runtimes
from lstm_verify.arrays import Array
from lstm_verify.budget import Computation, budgets, by_step, plain
from lstm_verify.errors import UnsupportedError
from lstm_verify.judging.compare import Comparison, Verdict, accepted, compare
from lstm_verify.judging.judge import LOOSE, TOLERANCES, share_of
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.tolerance import SIGMAS, Tolerance, largest
from lstm_verify.model import Model
from lstm_verify.rollouts.closed_loop import Rolled, loop
from lstm_verify.rollouts.plan import Plan

SHARE_OF_LOOP = 0.1
"""How much of an output's size the tolerance may be in a closed loop: what a fault does grows in it as rounding does,
and the first steps are judged much more closely."""
COPIES = 16
"""How often a closed loop runs along, in pairs with opposite errors; the rms of as many has an error of 25 %."""
MANY = 2**22
"""The elements of all outputs in all steps up to which copies run at once."""


def judge(
    model: Model,
    inputs: Mapping[str, Array],
    plan: Plan,
    predicted: Rolled,
    replayed: Rolled,
    tolerance: Tolerance,
    fed: Mapping[str, Array] | None,
    runtime: str,
) -> Judgement:
    """Compare a framework's rollout with the replay's, step by step.

    Args:
        model: the model.
        inputs: what it was given first, by name.
        plan: what became of its outputs.
        predicted: what the framework did.
        replayed: what the replay did.
        tolerance: how far they may lie apart.
        fed: what the replay was given from the second step on; None where its own outputs went in.
        runtime: the framework.

    Returns:
        The comparisons, in which the rows are steps, and how they were made.
    """
    try:
        sigma = sigma_of_steps(model, inputs, plan, replayed, fed, runtime)
    except UnsupportedError as error:
        used = TOLERANCES[model.precision] if tolerance.by_rounding else tolerance
        note = f"no rounding budget: {error}. The tolerance is {used}"
        return Judgement(compare(predicted.outputs, replayed.outputs, used, "steps"), used, notes=(note,))
    loose = [_loose(name, σ, replayed.outputs[name]) for name, σ in sigma.items()] if tolerance.by_rounding else []
    parted = np.zeros(0, bool) if fed is not None else _parted(predicted, replayed)
    known = {name: _until(parted, σ) for name, σ in sigma.items()}
    share = share_of(model) if fed is not None else max(share_of(model), SHARE_OF_LOOP)
    least = {name: _of_units(np.asarray(values)) for name, values in replayed.outputs.items()}
    outputs = compare(predicted.outputs, replayed.outputs, tolerance, "steps", known, share, least)
    outputs = tuple(_explained(output, bool(parted.any()), fed is not None) for output in outputs)
    if tolerance.allow_unjudged:
        outputs = tuple(map(accepted, outputs))
    return Judgement(outputs, tolerance, plan.steps, tuple(filter(None, loose)))


def sigma_of_steps(
    model: Model,
    inputs: Mapping[str, Array],
    plan: Plan,
    replayed: Rolled,
    fed: Mapping[str, Array] | None,
    runtime: str,
) -> dict[str, Array]:
    """σ of every output, (steps, samples, ...); the arguments are those of `judge`.

    Raises:
        UnsupportedError: rounding errors cannot be followed through an operation of the model.
    """
    given = replayed.fed if fed is None else fed

    def outputs(kind: Computation) -> list[Array]:
        return list(loop(kind, inputs, plan, fed=given, tokens=replayed.tokens).outputs.values())

    with np.errstate(over="ignore"):  # what the replay holds, the framework's precision may not
        framework = runtimes.known(runtime)
        is_cast = framework is not None and framework.casts_in_rollouts
        own = dict(zip(replayed.outputs, budgets(model, outputs, by_step, is_cast), strict=True))
    return own if fed is not None else _carried(model, inputs, plan, replayed, own)


def _carried(
    model: Model, inputs: Mapping[str, Array], plan: Plan, replayed: Rolled, own: Mapping[str, Array]
) -> dict[str, Array]:
    """σ of the steps of a closed loop, each of which has an error of its own."""
    exact, pairs = model.astype("float64"), COPIES // 2
    if model.batch_size or not model.divisible or sum(σ.size for σ in own.values()) > MANY:
        pairs = 1  # one after the other

    def repeated(values: Array, axis: int) -> Array:
        return np.repeat(values, pairs, axis=axis) if values.ndim > axis else values

    many = {name: repeated(x, 0) for name, x in inputs.items()}
    tokens = {name: repeated(chosen, 1) for name, chosen in replayed.tokens.items()}
    squares = {name: np.zeros_like(σ) for name, σ in own.items()}
    bends = {name: np.zeros_like(σ) for name, σ in own.items()}
    rng = np.random.default_rng(0)
    for _ in range(COPIES // 2 // pairs):
        errors = {name: _drawn(repeated(σ, 1), rng) for name, σ in own.items()}
        opposite = {name: -error for name, error in errors.items()}
        one, other = (loop(plain(exact), many, plan, tokens=tokens, errors=e).outputs for e in (errors, opposite))
        with np.errstate(all="ignore"):  # what is not finite has no σ
            for name, exactly in replayed.outputs.items():
                here, there = (rolled[name] - repeated(exactly, 1) for rolled in (one, other))
                squares[name] += _of_samples(np.square(here) + np.square(there), pairs)
                bends[name] += _of_samples(np.square((here + there) / 2), pairs)
    off = {name: np.sqrt(found / COPIES) for name, found in squares.items()}
    bent = {name: np.sqrt(found / (COPIES // 2)) for name, found in bends.items()}
    return {name: _times_root(_together(σ, off[name], bent[name])) for name, σ in own.items()}


def _of_samples(copies: Array, pairs: int) -> Array:
    """The sum over the copies of each sample."""
    if pairs == 1:
        return copies
    steps, several, *rest = copies.shape
    summed: Array = copies.reshape(steps, several // pairs, pairs, *rest).sum(axis=2)
    return summed


def _together(own: Array, off: Array, bent: Array) -> Array:
    """The largest of a step's own σ, what copies are off by, and what pairs of them are in the mean of all elements."""
    known = np.isfinite(own) & np.isfinite(off)
    mean = np.square(np.where(known, bent, 0.0)).mean(axis=tuple(range(2, bent.ndim)), keepdims=True)
    return np.where(known, np.maximum(own, np.maximum(off, np.sqrt(mean))), np.inf)


def _drawn(sigma: Array, rng: np.random.Generator) -> Array:
    return np.where(np.isfinite(sigma), sigma, 0.0) * rng.standard_normal(sigma.shape)


def _times_root(sigma: Array) -> Array:
    steps = np.arange(1, len(sigma) + 1).reshape(-1, *(1,) * (sigma.ndim - 1))
    return sigma * np.sqrt(steps)


def _parted(predicted: Rolled, replayed: Rolled) -> Array:
    """(steps, samples): whether a sample was given other tokens on the two sides in this step or before."""
    parted = np.zeros(0, bool)
    for name, tokens in replayed.tokens.items():
        theirs = predicted.tokens.get(name)
        if theirs is not None and theirs.shape == tokens.shape:
            given = np.concatenate([np.zeros_like(tokens[:1], bool), (theirs != tokens)[:-1]])
            ever = np.logical_or.accumulate(given)
            parted = ever | parted if parted.size else ever
    return parted


def _until(parted: Array, sigma: Array) -> Array:
    """σ, infinite where nothing can be said any more."""
    if not parted.any() or sigma.shape[:2] != parted.shape:
        return sigma
    return np.where(parted.reshape(*parted.shape, *(1,) * (sigma.ndim - 2)), np.inf, sigma)


def _explained(output: Comparison, is_parted: bool, is_forced: bool) -> Comparison:
    """The comparison, with what a user can do about the steps that cannot be judged."""
    if output.verdict is not Verdict.INCONCLUSIVE or not output.unjudged:
        return output
    if is_parted:
        return replace(output, reason="what follows a different token is not compared")
    if is_forced:
        return output
    first = int(np.flatnonzero(output.unjudged_rows)[0]) + 1
    return replace(
        output,
        reason=f"from step {first} on rounding alone may change it as much as a fault would. --teacher-forced compares "
        "each step on its own; --steps can be fewer; --allow-unjudged accepts it",
    )


def _of_units(values: Array) -> Array:
    """The largest absolute value of each unit in all steps, (steps, units)."""
    units = values.shape[-1] if values.ndim > 1 else 1
    return np.repeat(largest(values.reshape(1, -1, units)), len(values), axis=0)


def _loose(name: str, sigma: Array, replayed: Array) -> str:
    """From which step on rounding alone may change an output visibly; empty if it never may."""
    size = float(_of_units(replayed).max(initial=0))
    steps = len(sigma)
    budget = SIGMAS * np.where(np.isfinite(sigma), sigma, 0).reshape(steps, -1).max(axis=1, initial=0)
    beyond = np.flatnonzero(budget > LOOSE * size) if size else np.empty(0, int)
    if not beyond.size:
        return ""
    first = int(beyond[0])
    return (
        f"output '{name}': from step {first + 1} on rounding alone may change it by {budget[first]:.1g} and more "
        f"({SIGMAS:g}σ), where its largest value is {size:.2g}; smaller faults stay hidden there. --teacher-forced "
        "compares each step on its own"
    )
