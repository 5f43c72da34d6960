"""Fitting: find the number with which a family of changes comes closest to the predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.experiment import Experiment
from lstm_verify.faults import Fit

ROUNDS = 12
STARTS = (1.0, 0.2, 4.0)
"""Times what the family says to begin with: a model may be flat where one begins."""


class Fitting(Protocol):
    """Changes with a free number: a `Family`, or one combined with another change."""

    @property
    def fit(self) -> Fit:
        """The number."""

    def at(self, value: float) -> Change:
        """Return the change for a value of the number."""


@dataclass(frozen=True)
class Look:
    """How accurately the effect of a number is computed."""

    outputs: Callable[[Change], list[Array] | None]
    step: float
    """For the slope, relative to the number: much more than is lost to rounding."""
    enough: float
    """What may be left of the residual's square after a step that was worth making."""
    rest: float
    """A step that is not worth trying."""
    promise: float
    """The share of the residual's square that a number has to explain at first sight."""


def fitted(experiment: Experiment, family: Fitting) -> Change | None:
    """Fit the change of a family that explains the predictions, with as few digits as suffice; None if none does."""
    # a number that explains the predictions leaves much less after every step; most do not, which is soon seen
    roughly = Look(experiment.roughly, step=2e-3, enough=0.5, rest=1e-7, promise=0.01)
    closely = Look(experiment.outputs, step=1e-4, enough=1 - 1e-9, rest=1e-12, promise=0.0)
    for factor in STARTS:
        value = _settled(experiment, family, family.fit.start * factor, roughly)
        if value is not None and experiment.tried(family.at(value)).explains_by_a_number:
            exactly = _settled(experiment, family, value, closely)
            return _with_few_digits(experiment, family, value if exactly is None else exactly)
    return None


def _settled(experiment: Experiment, family: Fitting, start: float, look: Look) -> float | None:
    """Where Gauss and Newton's steps come to rest."""
    positive = family.fit.positive
    to_value: Callable[[float], float] = np.exp if positive else float
    place = float(np.log(start)) if positive else start
    before = np.inf

    def residual_at(place: float) -> Array | None:
        return experiment.residual(look.outputs(family.at(to_value(place))))

    residual = residual_at(place)
    for _ in range(ROUNDS):
        if residual is None:
            return None
        width = look.step * max(abs(place), 1.0)
        other = residual_at(place + width)
        if other is None:
            return None
        slope = (other - residual) / width
        steepness = float(slope @ slope)
        if not steepness > 0 or not np.isfinite(steepness):
            return None
        now, along = float(residual @ residual), float(slope @ residual)
        if np.isinf(before) and along**2 < look.promise * steepness * now:
            return None
        move = float(np.clip(-along / steepness, -2.0, 2.0))
        while abs(move) > look.rest:
            tried = residual_at(place + move)
            if tried is not None and float(tried @ tried) < now:
                break
            move /= 4
        else:
            break
        place, residual = place + move, tried
        if now > before * look.enough:
            break
        before = now
    return float(to_value(place))


def _with_few_digits(experiment: Experiment, family: Fitting, value: float) -> Change:
    """The roundest number near the one found that explains the predictions as well."""
    for digits in (1, 2, 3, 4):
        round_one = float(f"{value:.{digits}g}")
        if experiment.tried(family.at(round_one)).explains_by_a_number:
            return family.at(round_one)
    return family.at(value)
