"""Compare: the only arithmetic in the project that decides whether predictions agree.

Everything is compared in float64, never broadcast, and nothing agrees by accident:

    |predicted - replayed| <= 8 σ                               for every element that is finite on both sides,
                                                                σ being what rounding explains there; or, asked for,
    |predicted - replayed| <= atol + rtol |replayed|
    NaN, +Inf, -Inf                                             agree only with themselves at the same place

Elements that agree in not being finite prove nothing. Nor do those that are *unjudged*: where σ is infinite, since the
framework's precision cannot hold a number on the way, or a choice lies within rounding of being made otherwise; and
where the tolerance is so large a part of the output that it would let anything pass. A comparison that has some cannot
be a match: it is *inconclusive* when all the others agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.judging.tolerance import Scale, Tolerance

CHUNK_BYTES = 32 * 2**20


def _nothing() -> Array:
    return np.empty(0)


class Verdict(StrEnum):
    """The verdict on a comparison."""

    MATCH = "match"
    MISMATCH = "mismatch"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Comparison:
    """One output compared, sample by sample."""

    name: str
    verdict: Verdict
    reason: str
    """Why the verdict is what it is, in one line; empty for a match."""
    shape: tuple[int, ...]
    """The shape of the replayed output."""
    deviations: Array = field(default_factory=_nothing)
    """(samples,) float64: the largest |predicted - replayed| of each sample; Inf where one side only is not finite."""
    relative_deviations: Array = field(default_factory=_nothing)
    """(samples,) float64: the largest |predicted - replayed| / max(|predicted|, |replayed|) of each sample."""
    sigmas: Array = field(default_factory=_nothing)
    """(samples,) float64: the largest |predicted - replayed| / σ of each sample; NaN where its σ was not computed."""
    places: Array = field(default_factory=_nothing)
    """(samples,) int64: where in the sample its largest deviation is, counted along the flattened sample; by σ if that
    decides."""
    sigma: Array = field(default_factory=_nothing)
    """(samples,) float64: σ there, the standard deviation of the rounding error; NaN where it is not known."""
    predicted: Array = field(default_factory=_nothing)
    """(samples,) float64: what was predicted there."""
    replayed: Array = field(default_factory=_nothing)
    """(samples,) float64: what was replayed there."""
    within: Array = field(default_factory=_nothing)
    """(samples,) bool: whether every element of the sample is within the tolerance, or unjudged."""
    unjudged_rows: Array = field(default_factory=_nothing)
    """(samples,) bool: whether an element of the sample is unjudged."""
    needed: Array = field(default_factory=_nothing)
    """(samples,) float64: how many σ must be allowed for every element of the sample to be within, what is unjudged at
    any number left out; NaN where σ was not computed."""
    judged_up_to: Array = field(default_factory=_nothing)
    """(samples,) float64: how many σ may be allowed for every element of the sample to be judged, -1 if one never is;
    NaN as above."""
    at_most: Array = field(default_factory=_nothing)
    """(samples,) bool: whether `sigmas` and `needed` are upper bounds, since σ is a part of the whole."""
    non_finite: int = 0
    """The number of elements that are NaN or infinite on both sides alike."""
    unjudged: int = 0
    """The number of elements of which nothing can be said, since σ is infinite or too wide."""
    by_rounding: bool = False
    """Whether σ decides."""

    @property
    def max_abs_deviation(self) -> float:
        """The largest deviation of all samples; NaN if nothing was compared."""
        return float(self.deviations.max(initial=np.nan if not self.deviations.size else 0))

    @property
    def max_rel_deviation(self) -> float:
        """The largest relative deviation of all samples; NaN if nothing was compared."""
        return float(self.relative_deviations.max(initial=np.nan if not self.relative_deviations.size else 0))

    @property
    def max_sigmas(self) -> float:
        """The largest deviation of all samples in σ; NaN if that is not known."""
        known = self.sigmas[~np.isnan(self.sigmas)]
        return float(known.max(initial=np.nan if not known.size else 0))

    @property
    def samples_beyond(self) -> int:
        """The number of samples with an element beyond the tolerance."""
        return int(np.count_nonzero(~self.within)) if self.within.size else 0

    def worst(self, count: int) -> list[int]:
        """Return the samples that deviate most, the worst first."""
        by = np.nan_to_num(self.sigmas, nan=0, posinf=np.inf) if self.by_rounding else self.deviations
        return [int(i) for i in np.lexsort((-self.deviations, -by))[:count]]

    def index(self, sample: int) -> tuple[int, ...]:
        """Return the index of a sample's largest deviation: the sample, then the position in it."""
        return (sample, *(int(i) for i in np.unravel_index(int(self.places[sample]), self.shape[1:])))


def compare(
    predicted: Mapping[str, Rows],
    replayed: Mapping[str, Rows],
    tolerance: Tolerance,
    what: str = "samples",
    sigma: Mapping[str, Rows] | None = None,
    share: float = np.inf,
    least: Mapping[str, Array] | None = None,
) -> tuple[Comparison, ...]:
    """Compare predictions with the replay, output by output.

    Args:
        predicted: what the framework computed, by output name, (samples, ...).
        replayed: what the replay computed.
        tolerance: how far they may lie apart.
        what: what the first axis counts, in words.
        sigma: the standard deviation of the rounding error of every element; needed if that is to decide.
        share: how much of the size of an output a tolerance by rounding may be; an element with more is unjudged.
        least: how large outputs are at least, (samples, units) by name; their own values count anyway.

    Returns:
        One comparison for each output of either side.

    Example:
        >>> replayed = {"dense": np.array([[0.25], [0.5]])}
        >>> (output,) = compare({"dense": np.array([[0.25], [0.75]])}, replayed, Tolerance(atol=0.1))
        >>> print(output.verdict, output.worst(1), output.max_abs_deviation)
        mismatch [1] 0.25
    """
    names = [*replayed, *(name for name in predicted if name not in replayed)]
    known, sizes = sigma or {}, least or {}
    return tuple(
        _compare_output(
            name,
            predicted.get(name),
            replayed.get(name),
            Scale(tolerance.of_output(name), known.get(name), share, sizes.get(name)),
            what,
        )
        for name in names
    )


def accepted(comparison: Comparison) -> Comparison:
    """Return the comparison with unjudged elements accepted.

    It stays as it is if all of them are, or if one is a number on one side only.
    """
    judged = int(np.prod(comparison.shape)) - comparison.non_finite - comparison.unjudged
    numbers = np.isfinite(comparison.deviations).all()
    if comparison.verdict is not Verdict.INCONCLUSIVE or not (comparison.unjudged and judged and numbers):
        return comparison
    verdict, reason = _judge(0, 1, comparison.non_finite, 0, "", True)
    return replace(comparison, verdict=verdict, reason=reason)


def verdict_of(comparisons: tuple[Comparison, ...]) -> Verdict:
    """Return the verdict on all outputs: that of the worst one; inconclusive if nothing was compared."""
    verdicts = {comparison.verdict for comparison in comparisons}
    if Verdict.MISMATCH in verdicts:
        return Verdict.MISMATCH
    return Verdict.MATCH if verdicts == {Verdict.MATCH} else Verdict.INCONCLUSIVE


def _compare_output(name: str, predicted: Rows | None, replayed: Rows | None, scale: Scale, what: str) -> Comparison:
    if predicted is None or replayed is None:
        side = "predicted" if predicted is None else "replayed"
        return _not_compared(
            name, Verdict.MISMATCH, f"output '{name}' was not {side}", replayed if predicted is None else predicted
        )
    if predicted.shape != replayed.shape:
        reason = f"predicted shape {predicted.shape}, replayed {replayed.shape}; shapes are never broadcast"
        if replayed.shape == (*predicted.shape, 1):
            reason += ". If only the last axis is left out, give y[..., None]"
        elif predicted.shape == (*replayed.shape, 1):
            reason += ". If only an axis is added, give y[..., 0]"
        return _not_compared(name, Verdict.MISMATCH, reason, replayed)
    if 0 in replayed.shape:
        return _not_compared(name, Verdict.INCONCLUSIVE, f"no values to compare, shape {replayed.shape}", replayed)
    if not replayed.shape:
        return _compare_rows(name, _one_sample(predicted), _one_sample(replayed), scale, what)
    return _compare_rows(name, predicted, replayed, scale, what)


def _one_sample(rows: Rows) -> Array:
    """A lone number as one sample."""
    return np.reshape(whole(rows), 1)


def _not_compared(name: str, verdict: Verdict, reason: str, rows: Rows | None) -> Comparison:
    return Comparison(name, verdict, reason, rows.shape if rows is not None else ())


def _compare_rows(name: str, predicted: Rows, replayed: Rows, scale: Scale, what: str) -> Comparison:
    samples = len(replayed)
    per_chunk = max(1, CHUNK_BYTES // (8 * int(np.prod(replayed.shape[1:]))))
    chunks = [slice(start, start + per_chunk) for start in range(0, samples, per_chunk)]
    found = [_compare_chunk(chunk, predicted[chunk], replayed[chunk], scale) for chunk in chunks]
    joined = {key: np.concatenate([chunk.columns[key] for chunk in found]) for key in found[0].columns}
    non_finite = sum(chunk.non_finite for chunk in found)
    unjudged = sum(chunk.unjudged for chunk in found)
    by_rounding = scale.tolerance.by_rounding
    beyond = int(np.count_nonzero(~joined["within"]))
    verdict, reason = _judge(beyond, samples, non_finite, unjudged, what, by_rounding)
    return Comparison(
        name,
        verdict,
        reason,
        replayed.shape,
        **joined,
        non_finite=non_finite,
        unjudged=unjudged,
        by_rounding=by_rounding,
    )


def _judge(
    beyond: int, samples: int, non_finite: int, unjudged: int, what: str, by_rounding: bool
) -> tuple[Verdict, str]:
    if beyond:
        limit = "what rounding explains" if by_rounding else "the tolerance"
        return Verdict.MISMATCH, f"{beyond:,} of {samples:,} {what} beyond {limit}"
    if unjudged:
        values, them = ("value", "it") if unjudged == 1 else ("values", "them")
        what_may = "rounding alone" if by_rounding else "a deviation within the tolerance"
        return Verdict.INCONCLUSIVE, (
            f"{unjudged:,} {values} cannot be judged: {what_may} may change {them} as much as a fault would. "
            f"--allow-unjudged accepts {them}; --atol and --rtol compare {them} all the same"
        )
    if non_finite:
        values = "value is" if non_finite == 1 else "values are"
        return Verdict.INCONCLUSIVE, (
            f"{non_finite:,} {values} NaN or infinite on both sides, so nothing could be compared there"
        )
    return Verdict.MATCH, ""


class _Chunk(NamedTuple):
    columns: dict[str, Array]
    """The arrays of a `Comparison` for the samples of this chunk, by name."""
    non_finite: int
    unjudged: int


def _compare_chunk(rows: slice, predicted: Array, replayed: Array, scale: Scale) -> _Chunk:
    raw, r = predicted.reshape(len(predicted), -1), replayed.astype(np.float64).reshape(len(replayed), -1)
    p, tolerance, sigma = raw.astype(np.float64), scale.tolerance, scale.of(rows, raw, r)
    finite = np.isfinite(p) & np.isfinite(r)
    same = (p == r) | (np.isnan(p) & np.isnan(r))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        deviation = np.where(finite, np.abs(p - r), np.where(same, 0.0, np.inf))
        budget, lost = tolerance.allowed(r, sigma), tolerance.lost(raw, r)
        nothing = (deviation == 0) & ~np.isnan(sigma)
        in_sigmas = np.where(nothing | np.isinf(sigma), 0.0, deviation / sigma)
        larger = np.maximum(np.abs(p), np.abs(r))
        relative = np.where(deviation == 0, 0.0, np.where(finite, deviation / larger, np.inf))
        wide = scale.is_wide(rows, r, replayed.shape[-1] if replayed.ndim > 1 else 1, budget, lost)
        enough = (deviation <= lost) & ~np.isnan(sigma) | np.isinf(sigma)
        needed = np.where(enough, 0.0, np.maximum(deviation - lost, 0.0) / sigma)
        up_to = scale.judged_up_to(rows, r, replayed.shape[-1] if replayed.ndim > 1 else 1, sigma, lost)
    up_to = np.where(np.isfinite(r), up_to, np.inf)
    overflown = np.isinf(sigma) & ~np.isfinite(p) & ~same  # one side may be NaN where the other still is ∞
    up_to[overflown] = -1.0
    unjudged = ((np.isinf(sigma) | wide) & np.isfinite(r) | overflown) & tolerance.may_be_wide
    within = np.where(finite, deviation <= budget + lost, same) | unjudged
    decides = np.where(unjudged, -1.0, in_sigmas) if tolerance.by_rounding else deviation
    places = decides.argmax(axis=1)
    each = np.arange(len(p))
    columns = {
        "deviations": deviation.max(axis=1),
        "sigmas": in_sigmas.max(axis=1, initial=0) if scale.sigma is not None else np.full(len(p), np.nan),
        "sigma": sigma[each, places],
        "relative_deviations": relative.max(axis=1),
        "places": places,
        "predicted": p[each, places],
        "replayed": r[each, places],
        "within": within.all(axis=1),
        "unjudged_rows": unjudged.any(axis=1),
        "needed": needed.max(axis=1),
        "judged_up_to": up_to.min(axis=1),
        "at_most": np.zeros(len(p), bool),
    }
    return _Chunk(columns, int(np.count_nonzero(same & ~np.isfinite(r))), int(np.count_nonzero(unjudged)))
