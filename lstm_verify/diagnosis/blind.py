"""Blind spots: the faults that a match could not have shown, with this model and this input.

Every fault that people meet is tried on the model itself. One that changes no output by more than what rounding is
allowed would have passed: one time step from a state of zeros never uses the recurrent kernel, equal gates hide their
order, an input without padding hides what becomes of masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from lstm_verify._replay import one_thread
from lstm_verify.arrays import Array, Rows, finite
from lstm_verify.diagnosis.changes import Batches, Change, exchanges, singles
from lstm_verify.diagnosis.experiment import Experiment, experiment
from lstm_verify.diagnosis.graph_masks import computed_masks
from lstm_verify.diagnosis.misfit import distance
from lstm_verify.diagnosis.plausible import is_common
from lstm_verify.diagnosis.work import Allowance
from lstm_verify.inputs import count_samples
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.layers import Signal
from lstm_verify.model import LayerCall, Model, Tensor
from lstm_verify.rounded import PRECISIONS

FEW, MANY = 8, 256
"""Samples that every fault is tried on, and those that a fault is tried on that the first do not show."""
MANY_STEPS = 3200
"""The time steps that the latter have in all, at most; the longer they are, the fewer there are."""
CLEARLY = 100.0
"""Times what a replay in float32 is off by, which is about σ, if not several."""
NOTHING = 2.0**-16
"""Less than this, in units of the precision's last place, is nothing."""
WORK = 20.0
"""What the search may compute, in seconds of a usual machine (`work`)."""


@dataclass(frozen=True)
class BlindSpot:
    """A fault that would have changed nothing."""

    change: Change
    effect: float
    """The largest change of an output, in σ, or more than that; it takes long to know σ exactly."""

    def to_dict(self) -> dict[str, Any]:
        """The blind spot as plain data."""
        return {**self.change.to_dict(), "effect_sigmas": finite(self.effect)}


@dataclass(frozen=True)
class BlindSpots:
    """The blind spots of a match."""

    found: tuple[BlindSpot, ...]
    tried: int
    complete: bool
    """Whether every fault was tried, and not only as many as was allowed."""

    def by_layer(self) -> dict[str, list[str]]:
        """Group the names of the faults by layer."""
        names: dict[str, list[str]] = {}
        for spot in self.found:
            listed = names.setdefault(" and ".join(spot.change.layers), [])
            if spot.change.fault not in listed:
                listed.append(spot.change.fault)
        return names


class _Calls(NamedTuple):
    """What the layers of a run are called with."""

    masked: set[str]
    """The layers whose input has a mask."""
    with_states: set[str]
    """The layers with more than one input."""


@one_thread()
def blind_spots(
    model: Model, inputs: Mapping[str, Rows], batch_size: int | None = None, work: float = WORK
) -> BlindSpots:
    """Find the faults that an input cannot show.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        batch_size: the number of samples that the framework predicts at a time; None if that is not known.
        work: what may be computed, in seconds of a usual machine.
    """
    allowance = Allowance(work)
    samples = count_samples(inputs)
    together = model.stateful or not model.divisible
    chosen, size = (None, batch_size) if together else (_spread(samples, FEW), None)
    few = experiment(model, inputs, None, chosen, size, allowance)
    many: Experiment | None = few if together or samples <= FEW else None
    calls = _calls(few)
    found, tried, complete = [], 0, True
    for change in _representative(few.model, calls, batch_size):
        if allowance.is_over():
            complete = False
            break
        tried += 1
        if not change.batches and (_shows(few, change) or _shows_roughly(few, change)):
            continue
        many = many or experiment(model, inputs, None, _more(inputs, 2 * (batch_size or 1)), None, allowance)
        effect = _effect(many, change)
        if effect <= SIGMAS:
            found.append(BlindSpot(change, effect))
    return BlindSpots(tuple(found), tried, complete)


def _spread(samples: int, count: int) -> Array:
    return np.unique(np.linspace(0, samples - 1, min(count, samples)).astype(int))


def _more(inputs: Mapping[str, Rows], at_least: int) -> Array:
    """The first samples, which may be some batches, and those that are tried anyway."""
    samples = count_samples(inputs)
    timesteps = max((rows.shape[1] for rows in inputs.values() if len(rows.shape) > 1), default=1)
    count = max(min(MANY, MANY_STEPS // max(timesteps, 1)), at_least)
    return np.union1d(np.arange(samples)[:count], _spread(samples, FEW))


def _shows(given: Experiment, change: Change) -> bool:
    """Whether a change shows clearly though it is made for the last steps only; then it does over all of them."""
    after = given.recently(change)
    return after is not None and _is_clear(given, given.replayed, after)


def _is_clear(given: Experiment, before: list[Array], after: list[Array]) -> bool:
    """Whether outputs are changed by much more than rounding could, of which a replay in float32 gives an idea."""
    if [o.shape for o in after] != [r.shape for r in before]:
        return True
    with np.errstate(all="ignore"):
        for r, o, exact, rough in zip(before, after, given.replayed, given.roughly_replayed, strict=True):
            usual = float(np.abs(rough - exact).max(initial=0)) + 2.0**-24 * float(np.abs(exact).max(initial=0))
            if np.isfinite(usual) and float(np.abs(o - r).max(initial=0)) > CLEARLY * usual:
                return True
    return False


def _shows_roughly(given: Experiment, change: Change) -> bool:
    """Whether a change shows clearly in float32, or leads to outputs of other shapes; most do, or change nothing."""
    after = given.roughly(change)
    return after is None or _is_clear(given, given.roughly_replayed, after)


def _effect(given: Experiment, change: Change) -> float:
    """The largest change of an output, at most, in σ; infinite if its shape is another one."""
    after = given.outputs(change)
    if after is None or [o.shape for o in after] != [r.shape for r in given.replayed]:
        return np.inf
    if _is_like(given.replayed, after, NOTHING * PRECISIONS[given.model.precision].unit):
        return 0.0
    at_most = distance(given.replayed, after, given.part_of_sigma).sigmas
    return at_most if at_most <= SIGMAS else distance(given.replayed, after, given.sigma).sigmas


def _is_like(before: list[Array], after: list[Array], share: float) -> bool:
    """Whether no element is changed by more than a share of itself, and what float64 loses of the largest."""
    with np.errstate(all="ignore"):
        for r, o in zip(before, after, strict=True):
            limit = share * (np.abs(r) + 2.0**-10 * np.abs(r[np.isfinite(r)]).max(initial=0))
            if not ((np.abs(o - r) <= limit) | (np.isnan(o) & np.isnan(r)) | (o == r)).all():
                return False
    return True


def _calls(given: Experiment) -> _Calls:
    model, signals = given.model, given.signals
    masked = {node.layer for node in model.nodes if _gets_a_mask(node, signals)}
    return _Calls(masked, {node.layer for node in model.nodes if len(node.inputs) > 1})


def _gets_a_mask(node: LayerCall, signals: Mapping[Tensor, Signal]) -> bool:
    coming = (tensor for place, tensor in enumerate(node.inputs) if place not in node.unmasked)
    return any(signals[tensor].mask is not None for tensor in coming)


def _representative(model: Model, calls: _Calls, batch_size: int | None) -> Iterator[Change]:
    """The changes to try: what frameworks do, in layers where it means something."""
    for change in chain(singles(model), exchanges(model), computed_masks(model)):
        if isinstance(change, Change) and is_common(change) and _applies(change, model, calls, batch_size):
            yield replace(change, batches=Batches(batch_size)) if change.carries else change


def _applies(change: Change, model: Model, calls: _Calls, batch_size: int | None) -> bool:
    """Whether a layer gets what the change is about: a mask, initial states, more than one batch."""
    top = next(iter(change.tops))
    if change.fault == "mask":
        if (change.parameter, change.behaves_as) != ("mask", "ignored"):
            return False
        if change.file_says != "used":  # by a Masking, whose own mask nobody takes where the graph computes masks
            return not any(node.mask for node in model.nodes)
        return _any_in(model, top, calls.masked)
    about_given = change.file_says == "what is given" or change.parameter == "initial states"
    if about_given and not _any_in(model, top, calls.with_states):
        return False
    if change.carries and change.layers[0].endswith(("/forward_layer", "/backward_layer")):
        return False  # the layer around it is asked
    return batch_size is not None or not change.carries


def _any_in(model: Model, top: str, names: set[str]) -> bool:
    return top in names or isinstance(model.layers[top], Model)
