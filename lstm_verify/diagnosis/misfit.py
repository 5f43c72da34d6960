"""How far what a model computes is from what was predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.tolerance import SIGMAS

MOST_ALLOWED, MOST_LEFT = 0.5, 0.6
"""Shares of a deviation: a budget that allows more than that, or leaves more, explains anything, and so nothing."""

FAR = 1e300


@dataclass(frozen=True)
class Misfit:
    """How far a model is from what was predicted."""

    sigmas: float
    """The largest |Δ| / σ; infinite if the model cannot be run, or an output has another shape."""
    absolute: float
    """The largest |Δ|."""
    mean: float
    """The root of the mean of (Δ / σ)², each cut off where it is very large."""
    allowed: float = 0.0
    """What rounding may change, 8σ, relative to the deviation that was there before: the median of what deviates."""
    left: float = 0.0
    """The largest |Δ|, relative to what it was before."""

    @property
    def explains(self) -> bool:
        """Whether rounding explains what is left, and would not have explained the deviation itself as well."""
        return self.sigmas <= SIGMAS and self.allowed <= MOST_ALLOWED and self.left <= MOST_LEFT


NEVER = Misfit(np.inf, np.inf, np.inf)


def distance(predicted: Sequence[Array], outputs: Sequence[Array], sigma: Sequence[Array]) -> Misfit:
    """How far outputs are from predictions, where both are finite."""
    worst, largest, squares, count, finite = 0.0, 0.0, 0.0, 0, 0
    for p, y, σ in zip(predicted, outputs, sigma, strict=True):
        with np.errstate(all="ignore"):
            same = (p == y) | (np.isnan(p) & np.isnan(y))
            away = np.where(same, 0.0, np.abs(p - y))
            ratio = np.where(same, 0.0, away / np.maximum(σ, np.abs(y) * 2.0**-53))
        ratio = np.where(np.isnan(ratio), np.where(np.isinf(σ), 0.0, FAR), np.minimum(ratio, FAR))
        away = np.where(np.isnan(away), np.inf, away)
        worst, largest = max(worst, float(ratio.max(initial=0))), max(largest, float(away.max(initial=0)))
        finite += int(np.count_nonzero(np.isfinite(p) & np.isfinite(y)))
        squares += float(np.square(np.minimum(ratio, 1e8)).sum())
        count += ratio.size
    if not finite:
        return NEVER  # NaN everywhere agrees with anything that fails
    return Misfit(worst, largest, float(np.sqrt(squares / max(count, 1))))
