"""Profile: where the deviation of an output is, by size, sample, time step and unit, in a bounded number of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.judging.compare import CHUNK_BYTES
from lstm_verify.judging.tolerance import SINGLE, Scale, Tolerance, last_place

POINTS = 512
"""The values that samples and time steps are reduced to, at most, each the largest of a stretch."""
ROWS, COLUMNS = 48, 64
"""The size of the table of samples and units, at most, each value the largest of its stretch."""
SMALLEST, LARGEST = -12, 40
"""The powers of two at which the size classes of deviations end; what is beyond them counts in the last one."""


@dataclass(frozen=True)
class Profile:
    """Where the deviation of one output is.

    A deviation is in σ if σ alone decides, and in units of the tolerance otherwise. It is NaN where nothing can be
    said: both sides are not finite alike, or σ is infinite; infinite where one side alone is not finite.
    """

    name: str
    unit: str
    """What deviations are in: `σ` or `tolerance`."""
    limit: float
    """The largest deviation that agrees."""
    samples: int
    timesteps: int
    """The length of the axis after that of the samples; 0 if only units come after it."""
    units: int
    """The length of the last axis; 1 if there is none but that of the samples."""
    exact: int
    """The number of elements that do not deviate at all."""
    counts: Array
    """(size classes,) int64: the number of elements that deviate by more than 2**(k - 1) and no more than 2**k, for k
    from `SMALLEST` to `LARGEST`."""
    infinite: int
    """The number of elements that are finite on one side only."""
    by_sample: Array
    """(at most 512,) float64: the largest deviation of each stretch of samples."""
    by_timestep: Array
    """(at most 512,) float64: the largest deviation of each stretch of time steps; empty if `timesteps` is 0."""
    by_unit: Array
    """(at most 48, at most 64) float64: the largest deviation of each stretch of samples and of units."""


def profiles(
    predicted: Mapping[str, Rows],
    replayed: Mapping[str, Rows],
    tolerance: Tolerance,
    sigma: Mapping[str, Rows],
) -> tuple[Profile, ...]:
    """Find out where the outputs deviate, of those that both sides have in the same shape, with a value at least.

    Args:
        predicted: what the framework computed, by output name, (samples, ...).
        replayed: what the replay computed.
        tolerance: how far they may lie apart.
        sigma: the standard deviation of the rounding error of every element, as far as it is known.

    Example:
        >>> replayed = {"dense": np.array([[0.25], [0.5]])}
        >>> (found,) = profiles({"dense": np.array([[0.25], [1.0]])}, replayed, Tolerance(atol=0.125), {})
        >>> found.by_sample.tolist(), found.exact
        ([0.0, 4.0], 1)
    """
    both = [name for name, rows in replayed.items() if name in predicted and predicted[name].shape == rows.shape]
    return tuple(
        _profile(name, predicted[name], replayed[name], Scale(tolerance, sigma.get(name)))
        for name in both
        if 0 not in replayed[name].shape
    )


def _profile(name: str, predicted: Rows, replayed: Rows, scale: Scale) -> Profile:
    if not replayed.shape:
        predicted, replayed = (np.reshape(whole(rows), 1) for rows in (predicted, replayed))
    samples, *inner = replayed.shape
    units, timesteps = inner[-1] if inner else 1, inner[0] if len(inner) > 1 else 0
    in_sigmas = _is_in_sigmas(scale.tolerance, predicted)
    by_sample, over_time = np.full(samples, np.nan), np.full(max(timesteps, 1), np.nan)
    by_unit = np.full((min(ROWS, samples), min(COLUMNS, units)), np.nan)
    counts, exact, infinite = np.zeros(LARGEST - SMALLEST + 1, np.int64), 0, 0
    for rows in _chunks(replayed):
        away = _away(rows, predicted[rows], replayed[rows], scale, in_sigmas)
        by_sample[rows] = _largest(away)
        np.fmax(over_time, _largest(np.moveaxis(away.reshape(len(away), len(over_time), -1), 1, 0)), out=over_time)
        each = np.fmax.reduce(away.reshape(len(away), -1, units), axis=1)
        places = np.arange(rows.start, rows.stop) * len(by_unit) // samples
        np.fmax.at(by_unit, places, stretches(each, by_unit.shape[1]))
        exact += int(np.count_nonzero(away == 0))
        infinite += int(np.count_nonzero(np.isinf(away)))
        counts += _sizes(away)
    return Profile(
        name,
        "σ" if in_sigmas else "tolerance",
        scale.tolerance.sigmas if in_sigmas else 1.0,
        samples,
        timesteps,
        units,
        exact,
        counts,
        infinite,
        stretches(by_sample[None], POINTS)[0],
        stretches(over_time[None], POINTS)[0] if timesteps else np.empty(0),
        by_unit,
    )


def _is_in_sigmas(tolerance: Tolerance, predicted: Rows) -> bool:
    """Whether σ alone decides, and not also the digits that predictions were recorded with."""
    return tolerance.by_rounding and tolerance.decimals is None and last_place(predicted.dtype) <= SINGLE


def _chunks(rows: Rows) -> Iterator[slice]:
    per_chunk = max(1, CHUNK_BYTES // (8 * int(np.prod(rows.shape[1:]))))
    return (slice(start, min(start + per_chunk, len(rows))) for start in range(0, len(rows), per_chunk))


def _away(rows: slice, predicted: Array, replayed: Array, scale: Scale, in_sigmas: bool) -> Array:
    """How far the elements of some samples deviate, (samples, elements)."""
    raw, r = predicted.reshape(len(predicted), -1), replayed.astype(np.float64).reshape(len(replayed), -1)
    p, sigma = raw.astype(np.float64), scale.of(rows, raw, r)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        allowed = sigma if in_sigmas else scale.tolerance.allowed(r, sigma) + scale.tolerance.lost(raw, r)
        deviation = np.abs(p - r)
        away = np.where(deviation == 0, 0.0, deviation / allowed)
    finite = np.isfinite(p) & np.isfinite(r)
    same = (p == r) | (np.isnan(p) & np.isnan(r))
    return np.where(np.isinf(sigma) | (same & ~finite), np.nan, np.where(finite, away, np.inf))


def _largest(values: Array) -> Array:
    """The largest of each row; NaN of a row with nothing else."""
    found: Array = np.fmax.reduce(values.reshape(len(values), -1), axis=1)
    return found


def stretches(rows: Array, most: int) -> Array:
    """Return rows with no more than so many values, each the largest of a stretch."""
    length = rows.shape[1]
    if length <= most:
        return rows
    starts = -(-np.arange(most) * length // most)
    found: Array = np.fmax.reduceat(rows, starts, axis=1)
    return found


def _sizes(away: Array) -> Array:
    """The number of elements in each size class."""
    some = away[np.isfinite(away) & (away > 0)]
    exponents = np.frexp(np.nextafter(some, 0))[1]  # so that a power of two is the largest of its class
    return np.bincount(np.clip(exponents, SMALLEST, LARGEST) - SMALLEST, minlength=LARGEST - SMALLEST + 1)
