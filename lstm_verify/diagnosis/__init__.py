"""Diagnosis: which fault explains that predictions differ from what the weights compute."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows, finite
from lstm_verify.compare import Comparison
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.common import hint, rarity
from lstm_verify.diagnosis.experiment import Experiment, Misfit, distance, experiment
from lstm_verify.diagnosis.place import Place, Tapped, over_time, place_in_layers, place_of_outputs
from lstm_verify.diagnosis.search import Found, Search
from lstm_verify.diagnosis.suspect import Suspect, known_suspect, suspect
from lstm_verify.errors import LstmVerifyError
from lstm_verify.inputs import bind, count_samples, random_inputs
from lstm_verify.layers import Identity
from lstm_verify.model import Model
from lstm_verify.replay import one_thread
from lstm_verify.tolerance import SIGMAS

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
SECONDS = 60.0
SEARCHING = 0.8
"""The share of the time for faults; the rest is for a second look, and for single weights."""
CLEARLY_BETTER = 4.0
"""Of two explanations, the one whose deviations are so many times smaller than the other's is the better."""


@dataclass(frozen=True)
class Explanation:
    """A fault that makes the deviation fall within rounding."""

    change: Change
    before: Misfit
    after: Misfit
    samples: int
    """How many samples it was tried on."""
    also: tuple[Change, ...] = ()
    """The same in other words: changes that compute the same, whatever the input."""


@dataclass(frozen=True)
class Diagnosis:
    """What explains a mismatch."""

    status: str
    """`explained`, `ambiguous` (several faults explain it alike) or `unexplained`."""
    explanations: tuple[Explanation, ...]
    closest: tuple[Change, Misfit] | None = None
    """What comes nearest, if nothing explains it and this nearly does."""
    tried: int = 0
    complete: bool = True
    """Whether everything was tried, before time was up."""
    separating: Mapping[str, int] | None = None
    """The number and the seed of random samples that would tell the faults apart."""
    place: Place | None = None
    """Where the deviation starts, as far as that is known."""
    suspect: Suspect | None = None
    """If no fault explains it: a single weight that does."""
    evidence: tuple[tuple[Change, Misfit], ...] = ()
    """The changes that come nearest, the nearest first."""
    over_time: tuple[tuple[int, float], ...] = ()
    """Of the first output that is a sequence, some time steps and the largest deviation in each."""

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain data."""
        return {
            "status": self.status,
            "faults": [
                _explanation_dict(explanation, number, part, path)
                for number, explanation in enumerate(self.explanations)
                for part in explanation.change.parts or (explanation.change,)
                for path in part.layers
            ],
            "tried": self.tried,
            "complete": self.complete,
            "separating_input": dict(self.separating) if self.separating else None,
            "first_deviation": self.place.to_dict() if self.place else None,
            "suspect": self.suspect.to_dict() if self.suspect else None,
            "over_time": [[step, finite(largest)] for step, largest in self.over_time],
            "evidence": [
                {**change.to_dict(), "rms_sigmas": finite(misfit.mean), "max_sigmas": finite(misfit.sigmas)}
                for change, misfit in self.evidence
            ],
        }


def _explanation_dict(explanation: Explanation, number: int, change: Change, path: str) -> dict[str, Any]:
    """One fault of an explanation; those with the same number act together."""
    return {
        "explanation": number,
        "fault": change.fault,
        "layer": path,
        "parameter": change.parameter,
        "file_says": change.file_says,
        "behaves_as": change.behaves_as,
        "max_abs_deviation_before": finite(explanation.before.absolute),
        "max_abs_deviation_after": finite(explanation.after.absolute),
        "sigmas_after": finite(explanation.after.sigmas),
        "samples": explanation.samples,
        "also": [{"fault": other.fault, "layer": other.layers[0]} for other in explanation.also],
    }


@one_thread()
def diagnose(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows],
    outputs: tuple[Comparison, ...],
    batch_size: int | None = None,
    seconds: float = SECONDS,
    again: float = 0.0,
    tap: Tap | None = None,
) -> Diagnosis:
    """Find out which fault explains a mismatch.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        predicted: what the framework computed, by output name.
        outputs: what came of comparing it with the replay.
        batch_size: the number of samples that ran together.
        seconds: how long to look.
        again: how far the framework was from itself when it predicted again.
        tap: asks the framework for what its layers compute for some samples; None if it cannot be asked.
    """
    until, samples = time.monotonic() + seconds, count_samples(inputs)
    if again > 0:
        active = _dropout_active(model, again, outputs)
        if active is not None:
            return active
    whole = model.stateful or not model.divisible
    chosen = None if whole else _worst(outputs, min(SAMPLES, samples))
    first = experiment(model, inputs, predicted, chosen, batch_size if whole else None)
    ordered = None if whole else experiment(model, inputs, predicted, np.arange(min(ORDERED, samples)))
    found = Search(first, SEARCHING * seconds, ordered, batch_size).run()
    more = first if whole else experiment(model, inputs, predicted, _worst(outputs, min(MORE_SAMPLES, samples)))
    lasting = []
    for change, _ in found.explaining:
        tried_on = ordered if change.batches and ordered else more
        after = tried_on.confirmed(change)
        if after.explains:
            before = tried_on.misfit(tried_on.replayed, tried_on.sigma)
            lasting.append(Explanation(change, before, after, tried_on.samples))
    diagnosis = replace(_diagnosis(model, lasting, found), over_time=over_time(first))
    if diagnosis.status != "unexplained":
        return replace(diagnosis, place=place_of_outputs(first))
    tapped = tap(np.arange(samples) if chosen is None else chosen) if tap else None
    place = (place_in_layers(first, tapped) if tapped else None) or place_of_outputs(first)
    one = _suspect(first, place, until)
    if one is not None and (place is None or place.layer in (None, one.layer)):
        place = replace(place or Place(None, None, None), layer=one.layer, gate=one.gate)
    return replace(diagnosis, place=place, suspect=one)


def _suspect(tried_on: Experiment, place: Place | None, until: float) -> Suspect | None:
    """A single weight that explains the predictions: the one that a layer's outputs point to, or else any."""
    if place and place.layer and place.weight:
        inner = {"forward": "/forward_layer", "backward": "/backward_layer"}.get(place.direction or "", "")
        found = known_suspect(tried_on, place.layer + inner, *place.weight)
        if found:
            return found
    return suspect(tried_on, until)


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
    return Diagnosis(status, explanations, closest, found.tried, found.complete, separating, evidence=evidence)


def _worded(change: Change) -> frozenset[tuple[str, str | None, str]]:
    """A change as it is put in words."""
    parts = change.parts or (change,)
    return frozenset((path, part.parameter, part.behaves_as) for part in parts for path in part.layers)


def told_apart(
    model: Model, explanations: list[Explanation]
) -> tuple[list[list[Explanation]], Mapping[str, int] | None]:
    """Which explanations are the same in other words, by random inputs; and inputs on which the others differ.

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
