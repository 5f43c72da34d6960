"""Fitting: the number that makes a family of changes come closest to what was predicted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.changes import Change, Family
from lstm_verify.diagnosis.experiment import Experiment

ROUNDS = 12
STEP = 1e-4
"""For the slope, relative to the number."""
STARTS = (1.0, 0.2, 4.0)
"""Times what the family says to begin with: a model may be flat where one begins."""


def fitted(experiment: Experiment, family: Family) -> Change | None:
    """The change of a family that explains the predictions, with as few digits as do; None if none does."""
    for factor in STARTS:
        value = _settled(experiment, family, family.fit.start * factor)
        if value is not None and experiment.confirmed(family.at(value)).explains:
            return _with_few_digits(experiment, family, value)
    return None


def _settled(experiment: Experiment, family: Family, start: float) -> float | None:
    """Where Gauss and Newton's steps come to rest."""
    positive = family.fit.positive
    to_value: Callable[[float], float] = np.exp if positive else float
    place = float(np.log(start)) if positive else start
    before = np.inf

    def residual_at(place: float) -> Array | None:
        return experiment.residual(experiment.outputs(family.at(to_value(place))))

    residual = residual_at(place)
    for _ in range(ROUNDS):
        if residual is None:
            return None
        width = STEP * max(abs(place), 1.0)
        other = residual_at(place + width)
        if other is None:
            return None
        slope = (other - residual) / width
        steepness = float(slope @ slope)
        if not steepness > 0 or not np.isfinite(steepness):
            return None
        move = float(np.clip(-(slope @ residual) / steepness, -2.0, 2.0))
        now = float(residual @ residual)
        while abs(move) > 1e-12:
            tried = residual_at(place + move)
            if tried is not None and float(tried @ tried) < now:
                break
            move /= 4
        else:
            break
        place, residual = place + move, tried
        if now > before * (1 - 1e-9):
            break
        before = now
    return float(to_value(place))


def _with_few_digits(experiment: Experiment, family: Family, value: float) -> Change:
    """The roundest number near the one found that explains the predictions as well."""
    for digits in (1, 2, 3, 4):
        round_one = float(f"{value:.{digits}g}")
        if experiment.confirmed(family.at(round_one)).explains:
            return family.at(round_one)
    return family.at(value)
