"""Tolerances below rounding: no diagnosis is needed where rounding explains what the framework predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows, finite, picked
from lstm_verify.budget import rounded_rows
from lstm_verify.errors import LstmVerifyError
from lstm_verify.judging.compare import Comparison, Verdict, compare, verdict_of
from lstm_verify.judging.tolerance import SIGMAS, Tolerance
from lstm_verify.model import Model

AT_ONCE = 256
"""The samples whose σ is computed at a time, those that deviate most first."""


@dataclass(frozen=True)
class Below:
    """A requested tolerance that is tighter than the precision the model is computed in."""

    precision: str
    """What the model computes in, such as `float32`."""
    sigmas: float
    """The largest deviation, in σ; no more than 8."""
    atol: float | None
    """The smallest absolute tolerance that is no less than rounding; None if σ was to decide."""
    rtol: float | None = None
    """What was asked for besides."""

    @property
    def options(self) -> str:
        """Suggest a tolerance to ask for instead."""
        if self.atol is None:
            return f"--sigmas {SIGMAS:g}"
        return f"--atol {self.atol:.1e}" + (f" --rtol {self.rtol:g}" if self.rtol else "")

    def to_dict(self) -> dict[str, Any]:
        """The smallest tolerance that is not below rounding, as plain data."""
        if self.atol is None:
            return {"sigmas": SIGMAS, "atol": None, "rtol": None}
        return {"sigmas": None, "atol": finite(self.atol), "rtol": self.rtol or 0.0}


def below_rounding(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows],
    replayed: Mapping[str, Rows],
    outputs: tuple[Comparison, ...],
    tolerance: Tolerance,
    batch_size: int | None,
) -> Below | None:
    """Return the requested tolerance, if rounding alone exceeds it and explains every deviation beyond it.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        predicted: what the framework computed, by output name.
        replayed: what the replay computed.
        outputs: what came of comparing the two by the tolerance.
        tolerance: what was asked for.
        batch_size: the number of samples that run together.
    """
    if tolerance.by_rounding and tolerance.sigmas >= SIGMAS:
        return None
    beyond = np.flatnonzero(np.logical_or.reduce([~output.within for output in outputs]))
    by_part = np.max([np.nan_to_num(output.sigmas[beyond], nan=np.inf) for output in outputs], axis=0)
    beyond = beyond[np.argsort(-by_part, kind="stable")]
    whole = model.stateful or not model.divisible
    open_samples = int(np.count_nonzero(by_part > SIGMAS))
    most, limit = 0.0, 0.0
    for start in range(0, max(1, open_samples), AT_ONCE):
        chosen = None if whole else np.sort(beyond[start : start + AT_ONCE])
        given, p, r = (_some(rows, chosen) for rows in (inputs, predicted, replayed))
        found = _by_rounding(model, given, p, r, batch_size)
        if found is None:
            return None
        most, limit = max(most, found[0]), max(limit, found[1])
        if whole:
            break
    if tolerance.by_rounding:
        return Below(model.precision, most, None)
    limit = max(limit, *(output.max_abs_deviation for output in outputs))
    return Below(model.precision, most, _rounded_up(limit), tolerance.rtol)


def _some(rows: Mapping[str, Rows], chosen: Array | None) -> dict[str, Rows]:
    return {name: array if chosen is None else picked(array, chosen) for name, array in rows.items()}


def _by_rounding(
    model: Model,
    inputs: dict[str, Rows],
    predicted: dict[str, Rows],
    replayed: dict[str, Rows],
    batch_size: int | None,
) -> tuple[float, float] | None:
    """The largest deviation of some samples in σ, and the largest 8σ; None if rounding does not explain them."""
    try:
        sigma = rounded_rows(model, inputs, batch_size)
    except LstmVerifyError:
        return None
    judged = compare(predicted, replayed, Tolerance(), sigma=sigma)
    known = np.concatenate([σ[np.isfinite(σ)].ravel() for σ in sigma.values()])
    if verdict_of(judged) is Verdict.MISMATCH or not known.size:
        return None
    return max(output.max_sigmas for output in judged), SIGMAS * float(known.max())


def _rounded_up(value: float) -> float:
    """A tolerance with two digits that is not below the value."""
    short = float(f"{value:.1e}")
    return short if short >= value else float(f"{value * 1.05:.1e}")
