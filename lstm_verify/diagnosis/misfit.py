"""Misfit: how far the outputs of a model are from the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.judging.tolerance import SIGMAS

MOST_ALLOWED, MOST_LEFT = 0.5, 0.6
"""Shares of a deviation: a budget that allows more than that, or leaves more, explains anything, and so nothing."""
MOST_LEFT_BY_A_NUMBER = 0.1
"""The same for a number that is fitted, which takes away a good part of any deviation."""
ACCIDENT = 8.0
"""Bits: one of some hundred changes is right by so much by accident."""
FAR = 1e300


@dataclass(frozen=True)
class Misfit:
    """The misfit of a model."""

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

    bits: float = np.inf
    """How much less likely than not it is by accident that every element that deviated lies within 8σ now, as a
    logarithm to base 2."""
    bits_but_one: float = np.inf
    """The same without the element that tells most, which a number can always be fitted to."""

    @property
    def explains(self) -> bool:
        """Whether rounding explains what is left, did not explain the deviation before, and chance does not either."""
        near = self.sigmas <= SIGMAS and self.allowed <= MOST_ALLOWED and self.left <= MOST_LEFT
        return near and self.bits >= ACCIDENT

    @property
    def explains_by_a_number(self) -> bool:
        """Whether a change with a fitted number explains it."""
        return self.explains and self.left <= MOST_LEFT_BY_A_NUMBER and self.bits_but_one >= ACCIDENT


NEVER = Misfit(np.inf, np.inf, np.inf)


def distance(predicted: Sequence[Array], outputs: Sequence[Array], sigma: Sequence[Array]) -> Misfit:
    """Return how far outputs are from predictions, where both are finite."""
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


def with_evidence(misfit: Misfit, allowed: Array, before: Array) -> Misfit:
    """Return a misfit with the evidence: how unlikely it is that the deviations vanish by chance.

    Args:
        misfit: what is left.
        allowed: what rounding allows for each element that deviated, in one row.
        before: how far each deviated, more than 0.
    """
    with np.errstate(all="ignore"):
        share, left = allowed / before, misfit.absolute / before.max()
        each = np.nan_to_num(-np.log2(np.minimum(share, 1.0)), posinf=np.inf)
    bits, but_one = float(each.sum()), float(np.sort(each)[:-1].sum())
    return replace(misfit, allowed=float(np.median(share)), left=left, bits=bits, bits_but_one=but_one)
