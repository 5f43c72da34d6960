"""Judging: predictions compared with the replay, with as much of the rounding budget as that takes.

σ costs several times what the replay does, so it is not computed for every sample of a large input. It is for the
samples that deviate most, in absolute terms and relative to the size of their outputs, and for some others. A sample
without a σ of its own passes only if it would with the smallest σ that any of these has at the same place, in absolute
terms and relative to the size of the inputs; one that does not gets its own. The report says for how many samples that
was.

Before that, a part of σ is tried that is soon computed: what comes of the last steps of recurrent layers alone. What is
within that is within the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lstm_verify.arrays import Array, Rows, picked, whole
from lstm_verify.budget import recent_rows, rounded_rows
from lstm_verify.compare import SIGMAS, Comparison, Tolerance, Verdict, compare, verdict_of
from lstm_verify.errors import InputError, UnsupportedError
from lstm_verify.inputs import count_samples
from lstm_verify.model import Model
from lstm_verify.waypoints import Waypoints

TOLERANCES = {
    "float64": Tolerance(1e-5, 1e-4),
    "float32": Tolerance(1e-5, 1e-4),
    "float16": Tolerance(5e-3, 1e-2),
    "bfloat16": Tolerance(4e-2, 5e-2),
}
"""By the coarsest dtype that the framework computes in, for models with an operation whose rounding is not known."""
FEWEST = 16
"""The samples that get a σ of their own in any case, if there are that many."""
SHARE = 32
"""Of larger inputs, one sample in so many does at first."""
COUNTED = 256
"""The samples that get a σ of their own only to tell how many are beyond."""
CHUNK = 4096
"""The samples whose sizes are looked at together."""
LOOSE = 0.01
"""A budget of more than this share of an output's largest value is worth a note."""


@dataclass(frozen=True)
class Judgement:
    """What came of comparing all outputs."""

    outputs: tuple[Comparison, ...]
    tolerance: Tolerance
    own_sigma: int = 0
    """The number of samples whose σ was computed for themselves."""
    notes: tuple[str, ...] = ()
    is_lower_bound: bool = False
    """Whether σ is a part of the whole, which was enough for a match."""


@dataclass(frozen=True)
class KnownSigma:
    """σ of one output: that of some samples, and for each of the others what these have at the same place.

    It is the smallest of them, in absolute terms or relative to the inputs of the sample, whichever is less.
    """

    sizes: Array
    """(samples,) float64: how large the inputs of each sample are."""
    own: Array
    """(some,) int64, in rising order: the samples whose σ is known."""
    rows: Array
    """(some, ...): their σ"""
    largest: bool = False
    """Whether the others have the largest of them instead of the smallest: beyond that they are for certain."""

    def __getitem__(self, rows: slice) -> Array:
        if len(self.own) == len(self.sizes):
            return self.rows[rows]
        start, stop, _ = rows.indices(len(self.sizes))
        found = self._of_others(self.sizes[start:stop])
        first, last = np.searchsorted(self.own, (start, stop))
        found[self.own[first:last] - start] = self.rows[first:last]
        return found

    def _of_others(self, sizes: Array) -> Array:
        if self.largest:
            return np.repeat(self.rows.max(axis=0, keepdims=True), len(sizes), axis=0)
        axes = (-1, *(1,) * (self.rows.ndim - 1))
        known = self.sizes[self.own].reshape(axes)
        with np.errstate(all="ignore"):
            relative = np.where(known > 0, self.rows / known, np.inf).min(axis=0)
            scaled = np.where(np.isfinite(relative), relative, np.inf) * sizes.reshape(axes)
        smallest = self.rows.min(axis=0)
        least: Array = np.minimum(smallest, np.where(np.isnan(scaled), smallest, scaled))
        return least

    def is_own(self, rows: slice) -> Array:
        return np.isin(np.arange(len(self.sizes))[rows], self.own)


def judge(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows],
    replayed: Mapping[str, Rows],
    tolerance: Tolerance,
    fallback: Tolerance,
    batch_size: int | None = None,
    waypoints: Waypoints | None = None,
) -> Judgement:
    """Compare predictions with the replay of the same inputs.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        predicted: what the framework computed, by output name.
        replayed: what the replay computed.
        tolerance: how far they may lie apart.
        fallback: stands in for a tolerance by rounding where an operation's rounding is not known.
        batch_size: the number of samples a stateful model takes at a time, if it does not say so itself.
        waypoints: the states that recurrent layers came by in the replay; None if that is not known.

    Returns:
        The comparisons, and how they were made.
    """
    plain = compare(predicted, replayed, Tolerance(0.0, 0.0))
    if not all(output.deviations.size for output in plain):
        return Judgement(plain, tolerance)  # a missing output, or another shape
    case = _Case(model, inputs, predicted, replayed, tolerance, plain, batch_size)
    try:
        soon = case.soon(waypoints) if waypoints else None
        if soon is not None:
            return soon
        sigma, own = case.enough_sigma()
    except UnsupportedError as error:
        used = fallback if tolerance.by_rounding else tolerance
        note = f"no rounding budget: {error}. The tolerance is {used}"
        return Judgement(compare(predicted, replayed, used), used, notes=(note,))
    outputs = case.compared(sigma)
    notes = tuple(_loose(outputs, sigma, replayed)) if tolerance.by_rounding else ()
    return Judgement(outputs, tolerance, own, notes)


@dataclass(frozen=True)
class _Case:
    """What is to be judged."""

    model: Model
    inputs: Mapping[str, Rows]
    predicted: Mapping[str, Rows]
    replayed: Mapping[str, Rows]
    tolerance: Tolerance
    plain: tuple[Comparison, ...]
    """Compared with no tolerance at all."""
    batch_size: int | None

    @property
    def samples(self) -> int:
        return count_samples(self.inputs)

    @property
    def is_divisible(self) -> bool:
        """Whether samples do not depend on each other."""
        return self.model.divisible and not self.model.stateful

    @cached_property
    def sizes(self) -> Array:
        """How large the inputs of each sample are."""
        return _sizes(self.inputs, self.samples)

    def compared(self, sigma: Mapping[str, KnownSigma]) -> tuple[Comparison, ...]:
        return compare(self.predicted, self.replayed, self.tolerance, sigma=sigma)

    def inputs_of(self, chosen: Array) -> dict[str, Rows]:
        return {name: picked(rows, chosen) for name, rows in self.inputs.items()}

    def known(self, chosen: Array, rows: dict[str, Array]) -> dict[str, KnownSigma]:
        return {name: KnownSigma(self.sizes, chosen, σ) for name, σ in _of_samples(rows).items()}

    def soon(self, waypoints: Waypoints) -> Judgement | None:
        """A match by a part of σ that is soon computed; None if it takes more."""
        if not (self.tolerance.by_rounding and self.is_divisible):
            return None
        chosen, more, sigma = np.empty(0, int), _first(self.plain, self.samples), dict[str, KnownSigma]()
        while True:
            begun = waypoints.of(more)
            if begun is None:
                return None
            found = self.known(more, recent_rows(self.model, self.inputs_of(more), begun))
            sigma, chosen = _joined(sigma, chosen, found, more) if sigma else (found, more)
            outputs = self.compared(sigma)
            if verdict_of(outputs) is Verdict.MATCH:
                notes = tuple(_loose(outputs, sigma, self.replayed))
                return Judgement(outputs, self.tolerance, len(chosen), notes, is_lower_bound=True)
            beyond = np.unique(np.concatenate([np.flatnonzero(~output.within) for output in outputs]))
            if not beyond.size or np.isin(beyond, chosen).any():
                return None
            more = beyond[: max(FEWEST, len(chosen))]

    def enough_sigma(self) -> tuple[dict[str, KnownSigma], int]:
        """σ for as many samples as a verdict needs."""
        if not self.is_divisible or self.samples <= FEWEST:
            every = _of_samples(rounded_rows(self.model, self.inputs, self.batch_size))
            return {name: KnownSigma(np.zeros(len(σ)), np.arange(len(σ)), σ) for name, σ in every.items()}, self.samples
        chosen = _first(self.plain, self.samples)
        sigma = self.known(chosen, rounded_rows(self.model, self.inputs_of(chosen)))
        while self.tolerance.by_rounding:
            outputs = self.compared(sigma)
            missing = _in_doubt(outputs, chosen)
            if not missing.size:
                break
            more = missing[: max(FEWEST, len(chosen) // 2)]
            added = self.known(more, rounded_rows(self.model, self.inputs_of(more)))
            sigma, chosen = _joined(sigma, chosen, added, more)
        beyond = self.tolerance.by_rounding and any((~output.within).any() for output in outputs)
        # that something is beyond is certain by now; of the others those count that would be with the largest σ as well
        return {name: replace(known, largest=beyond) for name, known in sigma.items()}, len(chosen)


def _in_doubt(outputs: tuple[Comparison, ...], chosen: Array) -> Array:
    """The samples to look at next: those that decide on an output of which none is beyond for certain; if there are
    none, some that only count."""
    deciding, counted = set[int](), set[int]()
    for output in outputs:
        beyond = np.flatnonzero(~output.within)
        certain = np.isin(beyond, chosen)
        (counted if certain.any() else deciding).update(beyond[~certain].tolist())
    if deciding:
        return np.array(sorted(deciding), int)
    return np.array(sorted(counted), int)[: max(COUNTED - len(chosen), 0)]


def _sizes(inputs: Mapping[str, Rows], samples: int) -> Array:
    """The largest absolute number that goes in with each sample; 1 if only whole numbers do."""
    sizes = np.zeros(samples)
    for rows in inputs.values():
        if rows.dtype.kind == "f" and rows.shape:
            for start in range(0, samples, CHUNK):
                part = np.asarray(rows[start : start + CHUNK])
                part = part.reshape(len(part), -1)
                largest = np.fmax(np.nanmax(part, axis=1, initial=0), -np.nanmin(part, axis=1, initial=0))
                sizes[start : start + CHUNK] = np.maximum(sizes[start : start + CHUNK], largest)
    return sizes if sizes.any() else np.ones(samples)


def _of_samples(rows: dict[str, Array]) -> dict[str, Array]:
    return {name: σ.reshape(1) if not σ.ndim else σ for name, σ in rows.items()}


def _first(plain: tuple[Comparison, ...], samples: int) -> Array:
    """The samples to begin with: those that deviate most by one measure or another, and some at equal distances."""
    if samples <= FEWEST:
        return np.arange(samples)
    count = max(FEWEST, samples // SHARE)
    chosen = set(np.linspace(0, samples - 1, count // 4).astype(int).tolist())
    ranks = [np.argsort(-values, kind="stable") for o in plain for values in (o.deviations, o.relative_deviations)]
    for rank in ranks:
        chosen |= set(rank[: max(count * 3 // 4 // len(ranks), 1)].tolist())
    return np.array(sorted(chosen))


def _joined(
    sigma: dict[str, KnownSigma], chosen: Array, more: dict[str, KnownSigma], added: Array
) -> tuple[dict[str, KnownSigma], Array]:
    order = np.argsort(np.concatenate([chosen, added]))
    everyone = np.concatenate([chosen, added])[order]
    joined = {
        name: KnownSigma(known.sizes, everyone, np.concatenate([known.rows, more[name].rows])[order])
        for name, known in sigma.items()
    }
    return joined, everyone


def _own_rows(rows: Rows, own: Array) -> Array:
    """The samples with a σ of their own."""
    return picked(rows, own) if rows.shape else np.reshape(whole(rows), 1)


def _loose(outputs: tuple[Comparison, ...], sigma: Mapping[str, KnownSigma], replayed: Mapping[str, Rows]) -> list[str]:
    """Which outputs rounding alone may change visibly."""
    notes = []
    for output in outputs:
        rows = sigma[output.name].rows
        finite = rows[np.isfinite(rows)]
        own = _own_rows(replayed[output.name], sigma[output.name].own)
        largest = float(np.abs(own[np.isfinite(own)]).max(initial=0))
        budget = SIGMAS * float(finite.max(initial=0))
        if output.verdict is not Verdict.INCONCLUSIVE and budget > LOOSE * largest > 0:
            notes.append(
                f"output '{output.name}': rounding alone may change it by {budget:.1g} ({SIGMAS:g}σ), where its "
                f"largest value is {largest:.2g}; faults smaller than that stay hidden"
            )
    return notes


def asked_tolerance(sigmas: float, atol: float | None, rtol: float | None) -> Tolerance:
    """The tolerance asked for.

    Raises:
        InputError: a number that makes no sense.
    """
    for name, value in (("sigmas", sigmas), ("atol", atol), ("rtol", rtol)):
        if value is not None and not (value >= 0 and np.isfinite(value)):
            raise InputError(f"{name}: {value}, expected a finite number that is not negative")
    return Tolerance(atol, rtol, sigmas)
