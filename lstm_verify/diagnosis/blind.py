"""Blind spots: the faults that a match could not have shown, with this model and this input.

Every fault that people meet is tried on the model itself. One that changes no output by more than what rounding is
allowed would have passed: one time step from a state of zeros never uses the recurrent kernel, equal gates hide their
order, an input without padding hides what becomes of masks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows
from lstm_verify.compare import SIGMAS
from lstm_verify.diagnosis.changes import Batches, Change, exchanges, singles
from lstm_verify.diagnosis.common import is_common
from lstm_verify.diagnosis.experiment import NEAR, Experiment, distance, experiment
from lstm_verify.inputs import count_samples
from lstm_verify.layers import Layer, Run, Signal, Signals
from lstm_verify.model import Model
from lstm_verify.replay import one_thread

FEW, MANY = 8, 128
"""Samples that every fault is tried on, and those that a fault is tried on that the first do not show."""
ROUGHLY, NOTHING = 1e-4, 2.0**-50
"""What may be nothing in float32, and what is nothing in float64, as shares of what is changed."""
SECONDS = 20.0


@dataclass(frozen=True)
class BlindSpot:
    """A fault that would have changed nothing."""

    change: Change
    effect: float
    """The largest change of an output, in σ."""

    def to_dict(self) -> dict[str, Any]:
        """The blind spot as plain data."""
        return {**self.change.to_dict(), "effect_sigmas": self.effect if np.isfinite(self.effect) else None}


@dataclass(frozen=True)
class BlindSpots:
    """What a match could not have shown."""

    found: tuple[BlindSpot, ...]
    tried: int
    complete: bool
    """Whether there was time for every fault."""

    def by_layer(self) -> dict[str, list[str]]:
        """The names of the faults, by the layer that they are in."""
        names: dict[str, list[str]] = {}
        for spot in self.found:
            listed = names.setdefault(" and ".join(spot.change.layers), [])
            if spot.change.fault not in listed:
                listed.append(spot.change.fault)
        return names


@dataclass
class _Calls:
    """Notes what the layers of a run are called with."""

    masked: set[str]
    with_states: set[str]

    def enter(self, layer: Layer, inputs: Signals) -> Signals:
        if inputs and inputs[0].mask is not None:
            self.masked.add(layer.name)
        if len(inputs) > 1:
            self.with_states.add(layer.name)
        return inputs

    def leave(self, layer: Layer, outputs: Signals) -> Signals:
        return outputs


@one_thread()
def blind_spots(
    model: Model, inputs: Mapping[str, Rows], batch_size: int | None = None, seconds: float = SECONDS
) -> BlindSpots:
    """Find the faults that an input cannot show.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        batch_size: the number of samples that the framework predicts at a time; None if that is not known.
        seconds: how long to look.
    """
    until = time.monotonic() + seconds
    samples = count_samples(inputs)
    together = model.stateful or not model.divisible
    few = experiment(model, inputs, None, None if together else _spread(samples, FEW), batch_size if together else None)
    many: Experiment | None = few if together or samples <= FEW else None
    calls = _calls(few)
    found, tried, complete = [], 0, True
    for change in _representative(few.model, calls, batch_size):
        if time.monotonic() > until:
            complete = False
            break
        tried += 1
        effect = 0.0 if change.batches else _effect(few, change)
        if effect <= SIGMAS:
            many = many or experiment(model, inputs, None, np.arange(samples)[: max(MANY, 2 * (batch_size or 1))])
            effect = max(effect, _effect(many, change))
        if effect <= SIGMAS:
            found.append(BlindSpot(change, effect))
    return BlindSpots(tuple(found), tried, complete)


def _spread(samples: int, count: int) -> Array:
    return np.unique(np.linspace(0, samples - 1, min(count, samples)).astype(int))


def _effect(given: Experiment, change: Change) -> float:
    """The largest change of an output, in σ; infinite if its shape is another one.

    Most changes show at a rough look, or change nothing at all, for which σ need not be known.
    """
    before, after = given.roughly_replayed, given.roughly(change)
    if after is None or [o.shape for o in after] != [r.shape for r in before]:
        return np.inf
    if _is_like(before, after, 0.0):
        return 0.0
    exactly = given.outputs(change) if _is_like(before, after, ROUGHLY) else None
    if exactly is not None and _is_like(given.replayed, exactly, NOTHING):
        return 0.0
    effect = distance(before, after, given.sigma).sigmas
    if exactly is None and effect < NEAR * SIGMAS:
        exactly = given.outputs(change)
    return effect if exactly is None else distance(given.replayed, exactly, given.sigma).sigmas


def _is_like(before: list[Array], after: list[Array], share: float) -> bool:
    """Whether no element is changed by more than a share of itself."""
    with np.errstate(all="ignore"):
        return all(
            bool(((np.abs(o - r) <= share * np.abs(r)) | (np.isnan(o) & np.isnan(r)) | (o == r)).all())
            for r, o in zip(before, after, strict=True)
        )


def _calls(given: Experiment) -> _Calls:
    calls, size = _Calls(set(), set()), given.model.batch_size
    first = [value[:size] if np.ndim(value) else value for value in given.values]
    with np.errstate(all="ignore"):
        given.model.apply(tuple(Signal(value) for value in first), Run(arithmetic=calls))
    return calls


def _representative(model: Model, calls: _Calls, batch_size: int | None) -> Iterator[Change]:
    """The changes to try: what frameworks do, in layers where it means something."""
    for change in chain(singles(model), exchanges(model)):
        if isinstance(change, Change) and is_common(change) and _applies(change, model, calls, batch_size):
            yield replace(change, batches=Batches(batch_size)) if change.carries else change


def _applies(change: Change, model: Model, calls: _Calls, batch_size: int | None) -> bool:
    """Whether a layer gets what the change is about: a mask, initial states, more than one batch."""
    top = next(iter(change.tops))
    if change.fault == "mask":
        if (change.parameter, change.behaves_as) != ("mask", "ignored"):
            return False
        return change.file_says != "used" or _any_in(model, top, calls.masked)
    about_given = change.file_says == "what is given" or change.parameter == "initial states"
    if about_given and not _any_in(model, top, calls.with_states):
        return False
    if change.carries and change.layers[0].endswith(("/forward_layer", "/backward_layer")):
        return False  # the layer around it is asked
    return batch_size is not None or not change.carries


def _any_in(model: Model, top: str, names: set[str]) -> bool:
    return model.layers[top].name in names or isinstance(model.layers[top], Model)
