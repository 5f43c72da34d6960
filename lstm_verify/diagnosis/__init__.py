"""Diagnosis: which fault explains that predictions differ from what the weights compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from lstm_verify._replay import one_thread, replay_rows
from lstm_verify.arrays import Array, Rows
from lstm_verify.diagnosis.altered import altered_inputs
from lstm_verify.diagnosis.arrays import Seen, look, pairs_of
from lstm_verify.diagnosis.below import below_rounding
from lstm_verify.diagnosis.changes import Change, singles
from lstm_verify.diagnosis.experiment import Experiment, experiment
from lstm_verify.diagnosis.first_parting import first_parting
from lstm_verify.diagnosis.localise import DeviationStart, Tapped, over_time, place_in_layers, place_of_outputs
from lstm_verify.diagnosis.misfit import Misfit, distance
from lstm_verify.diagnosis.other_weights import other_weights
from lstm_verify.diagnosis.outcome import Diagnosis, Explanation
from lstm_verify.diagnosis.plausible import hint, rarity
from lstm_verify.diagnosis.rivals import rivals
from lstm_verify.diagnosis.search import Found, Search
from lstm_verify.diagnosis.single_weight import SingleWeight, find_single_weight, weight_at
from lstm_verify.diagnosis.work import Allowance
from lstm_verify.errors import LstmVerifyError
from lstm_verify.faults import BY_NAME
from lstm_verify.inputs import bind, count_samples, random_inputs
from lstm_verify.judging.compare import Comparison
from lstm_verify.judging.tolerance import SIGMAS, Tolerance
from lstm_verify.layers import Identity
from lstm_verify.model import Model

__all__ = ["Diagnosis", "Explanation", "Tap", "diagnose", "told_apart"]

SAMPLES = 8
"""The samples that experiments are made with."""
MORE_SAMPLES = 64
"""The samples that an explanation is tried on again."""
RANDOM_SHARE = 0.1
"""A framework that differs from itself by so much of its deviation is not worth comparing with."""
RANDOM_SAMPLES = 16
SEEDS = 4
EVIDENCE = 20
MOST_NAMED = 16
"""Explanations that are told apart; more than a few mean that the input shows little."""
Tap = Callable[[Array], Tapped | None]
"""From the numbers of samples to what the framework's layers compute for them."""
ORDERED = 128
"""The first samples, on which it is tried what one batch may leave to the next."""
WORK = 120.0
"""What a diagnosis may compute, in seconds of a usual machine (`work`)."""
CLEARLY_BETTER = 4.0
"""Of two explanations, the one whose deviations are so many times smaller than the other's is the better."""


@one_thread()
def diagnose(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows],
    outputs: tuple[Comparison, ...],
    batch_size: int | None = None,
    seconds: float | None = None,
    again: float = 0.0,
    tap: Tap | None = None,
    replayed: Mapping[str, Rows] | None = None,
    tolerance: Tolerance | None = None,
    exact: bool = False,
) -> Diagnosis | None:
    """Find out which fault explains a mismatch.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        predicted: what the framework computed, by output name.
        outputs: what came of comparing it with the replay.
        batch_size: the number of samples that ran together.
        seconds: how long to look at most, if that is less than what a diagnosis may compute anyway.
        again: how far the framework was from itself when it predicted again.
        tap: asks the framework for what its layers compute for some samples; None if it cannot be asked.
        replayed: what the replay computed; None computes it anew.
        tolerance: what deviations were judged by; None is what rounding explains.
        exact: whether the predictions are another model's replay, so that no arithmetic explains anything.

    Returns:
        The diagnosis; None where an output is missing or has another shape, and the numbers do not tell why.
    """
    allowance = Allowance(WORK, np.inf if seconds is None else seconds)
    samples = count_samples(inputs)
    if again > 0:
        active = _dropout_active(model, again, outputs)
        if active is not None:
            return active
    known = replay_rows(model, inputs, batch_size=batch_size) if replayed is None else replayed
    comparable = all(output.deviations.size for output in outputs)
    if comparable and tolerance is not None:
        below = below_rounding(model, inputs, predicted, known, outputs, tolerance, batch_size)
        if below is not None:
            return Diagnosis("within_rounding", (), below=below)
    whole = model.stateful or not model.divisible
    seen = _seen(model, inputs, predicted, known, outputs, batch_size)
    if not comparable:
        return seen
    chosen = None if whole else _worst(outputs, min(SAMPLES, samples))
    first = experiment(model, inputs, predicted, chosen, batch_size if whole else None, allowance)
    if seen is not None:
        return replace(_departure(first) or seen, over_time=over_time(first))
    ordered = None if whole else experiment(model, inputs, predicted, np.arange(min(ORDERED, samples)), None, allowance)
    altered = altered_inputs(model, inputs)
    found = Search(first, ordered, batch_size, altered, exact).run()
    more = (
        first
        if whole
        else experiment(model, inputs, predicted, _worst(outputs, min(MORE_SAMPLES, samples)), None, allowance)
    )
    lasting = []
    for change, _ in found.explaining:
        tried_on = ordered if change.batches and ordered else more
        after = tried_on.confirmed(change)
        if after.explains:
            before = tried_on.misfit(tried_on.replayed, tried_on.sigma)
            lasting.append(Explanation(change, before, after, tried_on.samples))
    diagnosis = replace(_diagnosis(model, lasting, found), over_time=over_time(first))
    if diagnosis.status != "unexplained":
        return replace(diagnosis, place=first_parting(first) or place_of_outputs(first))
    tapped = tap(np.arange(samples) if chosen is None else chosen) if tap else None
    in_layers = place_in_layers(first, tapped) if tapped else None
    place = first_parting(first, in_layers) or in_layers or place_of_outputs(first)
    one = _suspect(first, place)
    if one is None and allowance.is_over():
        diagnosis = replace(diagnosis, untried=(*diagnosis.untried, "single weights"))
    others = None if one else other_weights(model, inputs, predicted)
    if others is not None:
        explanation = Explanation(others.change, others.before, others.after, others.samples)
        return replace(diagnosis, status="explained", explanations=(explanation,), closest=None, place=place)
    if one is not None and (place is None or place.layer in (None, one.layer)):
        place = replace(place or DeviationStart(None, None, None), layer=one.layer, gate=one.gate)
    return replace(diagnosis, place=place, suspect=one)


def _departure(tried_on: Experiment) -> Diagnosis | None:
    """The diagnosis, if a runtime is known to depart from what the file says, and does so here."""
    for change in singles(tried_on.model):
        if isinstance(change, Change) and BY_NAME[change.fault].is_departure:
            after = tried_on.confirmed(change)
            if after.explains:
                before = tried_on.misfit(tried_on.replayed, tried_on.sigma)
                return Diagnosis("explained", (Explanation(change, before, after, tried_on.samples),))
    return None


def _seen(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows],
    replayed: Mapping[str, Rows],
    outputs: tuple[Comparison, ...],
    batch_size: int | None,
) -> Diagnosis | None:
    """What was done to the arrays, together with the faults of the model that would look the same."""
    worst = _worst(outputs, MORE_SAMPLES)
    pairs = pairs_of(model, inputs, predicted, replayed, worst, batch_size)
    found = look(model, inputs, pairs) if len(pairs) == len(replayed) == len(predicted) else None
    if found is None:
        return None
    cause, fit = found
    aligned = all(pair.is_aligned for pair in pairs)
    largest = max((pair.before.absolute for pair in pairs), default=np.inf) if aligned else np.inf
    before, after = Misfit(np.inf, largest, np.inf), Misfit(fit.sigmas, fit.absolute, fit.sigmas)
    explanation = Explanation(cause, before, after, len(pairs[0].predicted))
    if not aligned or not cause.has_rivals or model.stateful or not model.divisible:
        return Diagnosis("explained", (explanation,))
    first, more = (experiment(model, inputs, predicted, worst[:count]) for count in (SAMPLES, MORE_SAMPLES))
    others = rivals(first, more, only_common=not cause.is_fitted)
    faults = [Explanation(change, before, left, more.samples) for change, left in others]
    return _with_rivals(model, explanation, faults)


def _with_rivals(model: Model, seen: Explanation, faults: list[Explanation]) -> Diagnosis:
    """What is seen in the arrays, and the faults that explain it too.

    Numbers that had to be fitted stand back behind a fault that needs none.
    """
    groups, separating = told_apart(model, faults[:MOST_NAMED])
    first, *rest = (replace(group[0], also=tuple(e.change for e in group[1:])) for group in [[seen], *groups])
    assert isinstance(seen.change, Seen)
    if rest and seen.change.is_fitted:
        rest[0] = replace(rest[0], also=(*rest[0].also, seen.change))
        first, *rest = rest
    elif rest and seen.change.is_the_same:
        first, rest = replace(first, also=(rest[0].change, *rest[0].also)), rest[1:]
    return Diagnosis("ambiguous" if rest else "explained", (first, *rest), separating=separating if rest else None)


def _suspect(tried_on: Experiment, place: DeviationStart | None) -> SingleWeight | None:
    """A single weight that explains the predictions: the one that a layer's outputs point to, or else any."""
    if place and place.layer and place.weight:
        inner = {"forward": "/forward_layer", "backward": "/backward_layer"}.get(place.direction or "", "")
        found = weight_at(tried_on, place.layer + inner, *place.weight)
        if found:
            return found
    return find_single_weight(tried_on)


def _dropout_active(model: Model, again: float, outputs: tuple[Comparison, ...]) -> Diagnosis | None:
    """The diagnosis, if what differs is what the framework makes anew each time; None if that is much less."""
    largest = max((output.max_abs_deviation for output in outputs), default=0.0)
    if not again > RANDOM_SHARE * largest:
        return None
    layers = tuple(name for name, layer in model.layers.items() if isinstance(layer, Identity)) or (model.name,)
    says, behaves = "the same predictions each time", "other predictions each time"
    change = Change("dropout_active", layers, "training", says, behaves, lambda model: model, frozenset())
    before = Misfit(np.inf, largest, np.inf)
    return Diagnosis("explained", (Explanation(change, before, Misfit(np.inf, again, np.inf), 0),))


def _worst(outputs: tuple[Comparison, ...], count: int) -> Array:
    """The samples that deviate most, the worst first, and then some others."""
    ranks = [output.worst(len(output.deviations)) for output in outputs if output.deviations.size]
    picked: dict[int, None] = {}
    for samples in zip(*ranks, strict=False):
        picked |= dict.fromkeys(samples)
        if len(picked) >= count:
            break
    return np.array(list(picked)[:count])


def _diagnosis(model: Model, lasting: list[Explanation], found: Found) -> Diagnosis:
    best = min((e.after.mean for e in lasting), default=0.0)
    good = [e for e in lasting if e.after.mean <= max(CLEARLY_BETTER * best, 0.5)]
    worded: dict[object, Explanation] = {}
    for explanation in good:
        worded.setdefault(_worded(explanation.change), explanation)
    commonest_first = sorted(worded.values(), key=lambda e: rarity(e.change))
    groups, separating = told_apart(model, commonest_first[:MOST_NAMED])
    explanations = tuple(replace(first, also=tuple(e.change for e in others)) for first, *others in groups)
    status = {0: "unexplained", 1: "explained"}.get(len(explanations), "ambiguous")
    closest = None if explanations else hint(found.ranking, found.before)
    evidence = tuple(sorted(found.ranking, key=lambda entry: entry[1].mean)[:EVIDENCE])
    return Diagnosis(status, explanations, closest, found.tried, found.untried, separating, evidence=evidence)


def _worded(change: Change) -> frozenset[tuple[str, str | None, str]]:
    """A change as it is put in words."""
    parts = change.parts or (change,)
    return frozenset((path, part.parameter, part.behaves_as) for part in parts for path in part.layers)


def told_apart(
    model: Model, explanations: list[Explanation]
) -> tuple[list[list[Explanation]], Mapping[str, int] | None]:
    """Use random inputs to merge explanations that are equivalent, and to find inputs on which the others differ.

    Returns:
        Groups of explanations that compute the same for all inputs tried, and the number and seed of random samples
        that tell all groups apart, if there are several and such samples were found.
    """
    groups: list[list[Explanation]] = []
    if len(explanations) < 2:
        return [[e] for e in explanations], None
    tries = [_random_experiment(model, seed) for seed in range(SEEDS)]
    for explanation in explanations:
        for group in groups:
            if not any(_differ(tried, group[0], explanation) for tried in tries if tried):
                group.append(explanation)
                break
        else:
            groups.append([explanation])
    firsts = [group[0] for group in groups]
    for seed, tried in enumerate(tries):
        if len(groups) > 1 and tried and all(_differ(tried, a, b) for a, b in combinations(firsts, 2)):
            return groups, {"random": RANDOM_SAMPLES, "seed": seed}
    return groups, None


def _random_experiment(model: Model, seed: int) -> Experiment | None:
    try:
        bound, _ = bind(model, random_inputs(model, RANDOM_SAMPLES, seed))
    except LstmVerifyError:
        return None  # inputs of no known shape
    return experiment(model, bound, None, None)


def _differ(given: Experiment, first: Explanation, second: Explanation) -> bool:
    """Whether two changes compute different things for the samples of an experiment."""
    a, b = given.outputs(first.change), given.outputs(second.change)
    if a is None or b is None:
        return False
    return distance(a, b, given.sigma).sigmas > 2 * SIGMAS
