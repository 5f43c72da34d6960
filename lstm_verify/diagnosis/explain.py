"""A diagnosis in words: what the predictions look like, what the file says, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from lstm_verify.diagnosis import Diagnosis, Explanation
from lstm_verify.diagnosis.arrays import Seen
from lstm_verify.diagnosis.below import Below
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.diagnosis.changes import Change
from lstm_verify.faults import BY_NAME


def subject_of(runtime: str) -> str:
    """Return what sentences call the source of predictions, by its name in a report; empty of recorded ones.

    Example:
        >>> subject_of("tf_keras"), subject_of("onnxruntime"), subject_of("recorded")
        ('model.predict', 'onnxruntime', '')
    """
    return {"keras": "model.predict", "tf_keras": "model.predict", "recorded": ""}.get(runtime, runtime)


def diagnosis_lines(diagnosis: Diagnosis, subject: str) -> Iterator[str]:
    """Describe a diagnosis, one paragraph per line.

    Args:
        diagnosis: the diagnosis.
        subject: what was predicted with, such as `model.predict`; empty of recorded predictions.
    """
    if diagnosis.below is not None:
        yield from _below(diagnosis.below, subject)
        return
    if diagnosis.status == "unexplained":
        yield from _unexplained(diagnosis, subject)
        return
    first, *others = diagnosis.explanations
    yield _explained(first, subject)
    said = {_named(first.change)}
    same = [words for change in first.also if (words := _named(change)) not in said]
    if same:
        yield f"Equivalent explanations: {'; '.join(dict.fromkeys(same))}."
    said |= set(same)
    for words in dict.fromkeys(_named(other.change) for other in others):
        if words not in said:
            yield f"On this input it cannot be told apart from: {words}."
    if others and diagnosis.separating:
        random, seed = diagnosis.separating["random"], diagnosis.separating["seed"]
        yield f"`--random {random} --seed {seed}` would tell them apart."
    for advice in _advice(first.change):
        yield f"What to do: {advice}"


def _advice(change: Change) -> Iterator[str]:
    if isinstance(change, Seen):
        yield change.advice
        return
    for fault in dict.fromkeys(part.fault for part in change.parts or (change,)):
        yield BY_NAME[fault].advice


def _below(below: Below, subject: str) -> Iterator[str]:
    """That there is nothing to explain."""
    yield (
        f"Rounding explains {_returned(subject)} (at most {below.sigmas:.1f}σ), so no fault was looked for: the "
        f"tolerance asked for is below what {below.precision} can do. The smallest that is not: `{below.options}`."
    )


def _explained(explanation: Explanation, subject: str) -> str:
    change, after = explanation.change, explanation.after
    if isinstance(change, Seen):
        return f"{change.words}{_left(explanation)}."
    as_if = " and ".join(f"{_where(part)} {_had(part)}" for part in _parts(change))
    says = "; ".join(dict.fromkeys(f"the file says {part.file_says}" for part in _parts(change)))
    if change.fault == "dropout_active":
        who = subject or "The runtime"
        return f"{who} differs from itself when it is run again: dropout is active in {_where(change)}."
    count = explanation.samples
    which = "the sample" if count == 1 else f"the {count:,} samples tried"
    agree = "agrees" if count == 1 else "agree"
    return (
        f"{subject or 'What was recorded'} behaves as if {as_if}; {says}. With it, {which} {agree} within rounding "
        f"({after.sigmas:.1f}σ); without, up to {explanation.before.absolute:.2g}."
    )


def _parts(change: Change) -> tuple[Change, ...]:
    """What a change is made of, once for each kind."""
    if not change.parts:
        return (change,)
    kinds: dict[tuple[str, str | None, str, str], list[Change]] = {}
    for part in change.parts:
        kinds.setdefault(part.key, []).append(part)
    return tuple(
        Change(p[0].fault, tuple(x.layers[0] for x in p), *p[0].key[1:], p[0].make, p[0].tops) for p in kinds.values()
    )


def _returned(subject: str) -> str:
    return f"what {subject} returns" if subject else "what was recorded"


def _left(explanation: Explanation) -> str:
    """What is left of a deviation once it is explained, if that was measured."""
    before, after = explanation.before, explanation.after
    if not isfinite(before.absolute) or after.sigmas == 0:
        return ""
    return f" (within {after.sigmas:.1f}σ of rounding; as they are, up to {before.absolute:.2g} off)"


def _where(change: Change) -> str:
    return " and ".join(f"`{path}`" for path in change.layers if path) or "the whole model"


def _named(change: Change) -> str:
    """A change in a few words."""
    if isinstance(change, Seen):
        return f"{change.words[0].lower()}{change.words[1:]} ({change.fault})"
    return f"{_where(change)} {_what(change)}"


def _had(change: Change) -> str:
    """What a layer would be like."""
    return f"had {change.parameter} = {change.behaves_as}"


def _what(change: Change) -> str:
    return f"{change.parameter} = {change.behaves_as} ({change.fault})"


def _unexplained(diagnosis: Diagnosis, subject: str) -> Iterator[str]:
    tried = "1 change of the model was tried"
    if diagnosis.tried != 1:
        tried = f"{diagnosis.tried:,} changes of the model were tried"
    yield f"No known fault explains {_returned(subject)}: {tried}."
    if diagnosis.untried:
        yield f"The search was cut short. Not tried, or not completely: {', '.join(diagnosis.untried)}."
    if diagnosis.closest is not None:
        change, misfit = diagnosis.closest
        yield (
            f"The closest is {_named(change)}, which leaves {misfit.absolute:.2g}: "
            "not an explanation, but perhaps a part of one."
        )
    if diagnosis.suspect is not None:
        one = diagnosis.suspect
        gate = f" (gate {one.gate})" if one.gate else ""
        yield (
            f"A single weight would explain it: {one.weight}{list(one.index)} of `{one.layer}`{gate} is "
            f"{one.file_says:.6g} in the file and behaves as {one.behaves_as:.6g}."
        )
    yield from place_lines(diagnosis)


def place_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Describe where a deviation starts."""
    place = diagnosis.place
    if place is None:
        return
    if place.layer is None:
        if place.timestep is not None:
            yield f"Outputs differ from time step {place.timestep} on."
        elif place.layers:
            yield "No layer that could be compared on its own introduces it."
        return
    where = f"in `{place.layer}`"
    where += f", {place.direction} direction" if place.direction else ""
    where += f", at time step {place.timestep}" if place.timestep is not None else ""
    where += f", with {place.value}" if place.value else ""
    where += f": other weights of the gate {place.gate} would explain its output" if place.gate else ""
    yield f"It starts {where}."
    for layer in place.layers:
        own = "" if layer.introduced is None else f", introduced by itself {_sigmas(layer.introduced)}"
        yield f"  {layer.layer}: {_sigmas(layer.carried)} in all{own}"


def _sigmas(value: float) -> str:
    return f"{value:.1f}σ" if value < 1000 else f"{value:.1e}σ"


def blind_line(spots: BlindSpots) -> str:
    """Describe blind spots in one line; empty if there are none."""
    if not spots.found:
        return ""
    by_layer = spots.by_layer()
    listed = [f"{', '.join(faults)} in {layer}" for layer, faults in by_layer.items()]
    more = f"; and in {len(listed) - 3} more layers" if len(listed) > 3 else ""
    return f"this input could not have shown: {'; '.join(listed[:3])}{more}"


def blind_details(spots: BlindSpots) -> Iterator[str]:
    """Describe every blind spot, one per line."""
    for spot in spots.found:
        change = spot.change
        yield f"{_where(change)}: {change.fault}, {change.parameter} = {change.behaves_as}: at most {spot.effect:.1g}σ"
