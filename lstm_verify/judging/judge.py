"""Judging: compare predictions with the replay, computing no more of the rounding budget than needed.

σ costs several times what the replay does. So every sample is judged by a part of its σ first, which comes of the last
steps of recurrent layers alone and is computed along with the replay: what is within that is within the whole. A sample
that is not gets the whole. No σ is taken from another sample, so that the verdict on a sample is the same alone and in
any company.

A budget that allows everything judges nothing. Where it allows more than a small share of what the output comes to, for
this sample or for the same with its inputs changed, the element is *unjudged*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lstm_verify._replay import Store, replay_rows
from lstm_verify.arrays import Array, Rows, picked, whole
from lstm_verify.budget import PartOfSigma, rounded_rows
from lstm_verify.errors import LstmVerifyError, UnsupportedError
from lstm_verify.inputs import count_samples
from lstm_verify.judging.compare import Comparison, Verdict, accepted, compare
from lstm_verify.judging.draws import drawn_elements
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.tolerance import SIGMAS, Tolerance, largest
from lstm_verify.judging.variations import variations
from lstm_verify.model import Model
from lstm_verify.rounded.precision import PRODUCTS

TOLERANCES = {
    "float64": Tolerance(1e-5, 1e-4, asked=False),
    "float32": Tolerance(1e-5, 1e-4, asked=False),
    "float16": Tolerance(5e-3, 1e-2, asked=False),
    "bfloat16": Tolerance(4e-2, 5e-2, asked=False),
}
"""By the coarsest dtype that the framework computes in, for models with an operation whose rounding is not known."""
SHARES = {"float64": 0.01, "float32": 0.01, "tf32": 0.1, "float16": 0.1, "bfloat16": 0.5}
"""How much of an output's size the tolerance may be, by the coarsest format that is computed in."""
LOOSE = 0.01
"""A budget of more than this share of an output's largest value is worth a note."""
FEWEST = 256
"""The samples that get the whole of their σ at first, those that deviate most by the part of it."""
COUNTED = 1024
"""The samples that get it only to tell how many are beyond."""


def share_of(model: Model) -> float:
    """Return how much of an output's size a tolerance by rounding may be."""
    return max(SHARES[model.precision], SHARES[model.products])


def part_of_sigma(model: Model, samples: int, scratch: Path | None = None) -> PartOfSigma | None:
    """Return a collector for a part of σ; None if samples depend on each other or cannot be separated."""
    if not model.divisible or model.stateful:
        return None
    return PartOfSigma(model, Store([output.name for output in model.outputs], samples, scratch, "sigma"))


def judge(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows],
    replayed: Mapping[str, Rows],
    tolerance: Tolerance,
    fallback: Tolerance,
    batch_size: int | None = None,
    part: PartOfSigma | None = None,
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
        part: a part of σ of every sample, from the replay; None if there is none.

    Returns:
        The comparisons, and how they were made.
    """
    plain = compare(predicted, replayed, Tolerance(0.0, 0.0))
    if not all(output.deviations.size for output in plain):
        return Judgement(plain, tolerance)  # a missing output, or another shape
    drawn = drawn_elements(model, inputs, replayed, batch_size)
    case = _Case(model, inputs, predicted, replayed, tolerance, batch_size)
    try:
        if part is not None and part.failed:
            raise UnsupportedError(part.failed)
        sigma = case.begun(part)
        sigma.widen(drawn)
        outputs = case.judged(sigma)
    except UnsupportedError as error:
        used = fallback if tolerance.by_rounding else tolerance
        note = f"no rounding budget: {error}. The tolerance is {used}"
        unknown = _Sigma({}, np.ones(count_samples(predicted), bool))
        unknown.widen(drawn)
        outputs = replace(case, tolerance=used).judged(unknown)
        return Judgement(_final(outputs, drawn, tolerance), used, notes=(note,), sigma=unknown.rows)
    notes: list[str] = []
    if tolerance.by_rounding:
        narrow = _narrow(predicted) if tolerance.recorded else ()
        notes = [*narrow, *_notes(replayed, outputs, sigma)]
    outputs = _final(outputs, drawn, tolerance)
    outputs = tuple(
        replace(o, at_most=~sigma.is_whole) if o.at_most.size == len(sigma.is_whole) else o for o in outputs
    )
    lower = not bool(sigma.is_whole.all())
    return Judgement(outputs, tolerance, len(sigma.is_whole), tuple(notes), lower, sigma.rows, case.least)


@dataclass
class _Sigma:
    """σ of every output, as far as it was computed."""

    rows: dict[str, Rows]
    """By output name, (samples, ...) float64; of a lone number (1,)."""
    is_whole: Array
    """(samples,) booleans: whether it is all of σ, and not a part."""

    def put(self, samples: Array, found: Mapping[str, Array]) -> None:
        """Replace the part by the whole σ for some samples."""
        for name, rows in found.items():
            kept = whole(self.rows[name])
            kept = kept if kept.flags.writeable else kept.copy()
            kept[samples] = np.maximum(kept[samples], rows)
            self.rows[name] = kept
        self.is_whole[samples] = True

    def widen(self, drawn: Mapping[str, Array]) -> None:
        """Allow anything where a random number decides."""
        for name, at in drawn.items():
            if at.any():
                known = whole(self.rows[name]) if name in self.rows else np.full(at.shape, np.nan)
                self.rows[name] = np.where(at.reshape(known.shape), np.inf, known)


@dataclass(frozen=True)
class _Case:
    """What is to be judged."""

    model: Model
    inputs: Mapping[str, Rows]
    predicted: Mapping[str, Rows]
    replayed: Mapping[str, Rows]
    tolerance: Tolerance
    batch_size: int | None
    least: dict[str, Array] = field(default_factory=dict)
    """By output, how large it is at least for each sample, with its inputs changed; 0 where that was not tried."""
    measured: set[int] = field(default_factory=set)
    """The samples for which it was."""

    def compared(self, sigma: _Sigma) -> tuple[Comparison, ...]:
        return compare(
            self.predicted,
            self.replayed,
            self.tolerance,
            sigma=sigma.rows,
            share=share_of(self.model),
            least=self.least,
        )

    def begun(self, part: PartOfSigma | None) -> _Sigma:
        """Return the part of σ, or all of it where there is no part."""
        if part is not None and part.is_usable:
            rows = part.store.rows()
            return _Sigma(rows, np.zeros(len(next(iter(rows.values()))), bool))
        every = rounded_rows(self.model, self.inputs, self.batch_size)
        rows = {name: σ.reshape(1) if not σ.ndim else σ for name, σ in every.items()}
        return _Sigma(dict(rows), np.ones(len(next(iter(rows.values()))), bool))

    def judged(self, sigma: _Sigma) -> tuple[Comparison, ...]:
        """Compare with as much of σ as needed; store what is computed in `sigma`."""
        outputs = self.compared(sigma)
        while self.tolerance.may_be_wide and (self._measured(outputs) or self._completed(outputs, sigma)):
            outputs = self.compared(sigma)
        return outputs

    def _measured(self, outputs: tuple[Comparison, ...]) -> bool:
        """Find out how large outputs are for the samples that are unjudged; whether there were any not asked before."""
        wide = {int(sample) for output in outputs for sample in np.flatnonzero(output.unjudged_rows)}
        new = sorted(wide - self.measured)
        if new:
            self._measure(np.array(new))
            self.measured.update(new)
        return bool(new)

    def _completed(self, outputs: tuple[Comparison, ...], sigma: _Sigma) -> bool:
        """Put the whole σ of some more samples into `sigma`; whether there were any that need it."""
        if sigma.is_whole.all():  # which it is where outputs differ in how many samples they have
            return False
        open_samples = self._open(outputs, sigma)
        if open_samples.size:
            sigma.put(open_samples, rounded_rows(self.model, self._inputs_of(open_samples)))
        return bool(open_samples.size)

    def _open(self, outputs: tuple[Comparison, ...], sigma: _Sigma) -> Array:
        """The samples whose σ is looked at as a whole next, those first that lie furthest beyond the part of it."""
        off = np.max([np.where(o.within & ~o.unjudged_rows, -1.0, np.nan_to_num(o.sigmas)) for o in outputs], axis=0)
        waiting = np.flatnonzero((off >= 0) & ~sigma.is_whole)
        done = int(np.count_nonzero(sigma.is_whole))
        certain = any((~output.within & sigma.is_whole).any() for output in outputs)
        if certain and done >= COUNTED:
            return np.empty(0, int)
        ordered: Array = waiting[np.argsort(-off[waiting], kind="stable")]
        return np.sort(ordered[: max(FEWEST, done)])

    def _inputs_of(self, chosen: Array) -> dict[str, Rows]:
        return {name: picked(rows, chosen) if rows.shape else rows for name, rows in self.inputs.items()}

    def _measure(self, chosen: Array) -> None:
        """Find out how large outputs are for some samples with other inputs: a value near 0 is no measure of them."""
        divisible = self.model.divisible and not self.model.stateful
        given = self._inputs_of(chosen) if divisible else dict(self.inputs)
        for name, rows in self.replayed.items():
            self.least[name] = np.zeros(largest(_as_samples(rows)).shape)
        for changed in variations(self.model, given):
            try:
                found = replay_rows(self.model, changed, batch_size=self.batch_size)
            except LstmVerifyError:
                continue
            for name, rows in found.items():
                sizes = largest(_as_samples(rows))
                places = chosen if divisible else slice(None)
                self.least[name][places] = np.maximum(self.least[name][places], sizes)


def _as_samples(rows: Rows) -> Array:
    """Values with samples first; a lone number is one of one."""
    values: Array = np.asarray(whole(rows))
    return values if values.ndim else values.reshape(1)


def _final(outputs: tuple[Comparison, ...], drawn: Mapping[str, Array], tolerance: Tolerance) -> tuple[Comparison, ...]:
    """Comparisons with the reasons for what is unjudged, unless that is accepted."""
    outputs = tuple(_with_reason(output, drawn) for output in outputs)
    return tuple(map(accepted, outputs)) if tolerance.allow_unjudged else outputs


def _with_reason(output: Comparison, drawn: Mapping[str, Array]) -> Comparison:
    """A comparison that is inconclusive since random numbers decide says so."""
    count = int(np.count_nonzero(drawn.get(output.name, 0)))
    if output.verdict is not Verdict.INCONCLUSIVE or not count:
        return output
    reason = (
        f"{count:,} of {int(np.prod(output.shape)):,} values depend on random numbers that the model draws, so that "
        "nothing can be said of them. If it was exported as in training, export it with training=False"
    )
    return replace(output, reason=reason)


def _narrow(predicted: Mapping[str, Rows]) -> Iterator[str]:
    """Which predictions were recorded in a format of few digits."""
    for name, rows in predicted.items():
        if rows.dtype.name in ("float16", "bfloat16"):
            yield (
                f"output '{name}': the predictions are {rows.dtype.name}, which has fewer digits: half a unit in "
                "their last place is added to the tolerance"
            )


def _notes(replayed: Mapping[str, Rows], outputs: tuple[Comparison, ...], sigma: _Sigma) -> Iterator[str]:
    """What a user should know of the tolerance."""
    for output in outputs:
        yield from _loose(output, sigma.rows[output.name], replayed[output.name])
    left = 0
    if not sigma.is_whole.all():
        left = int(np.count_nonzero(~sigma.is_whole & np.logical_or.reduce([~output.within for output in outputs])))
    if left:
        yield (
            f"{left:,} more samples lie beyond the part of σ that comes of the last steps; the whole "
            "was not computed for them"
        )


def _loose(output: Comparison, sigma: Rows, replayed: Rows) -> Iterator[str]:
    """Whether rounding alone may change an output visibly, which narrow formats do."""
    size = float(largest(_as_samples(replayed)).max(initial=0))
    known = np.asarray(whole(sigma))
    budget = SIGMAS * float(known[np.isfinite(known)].max(initial=0))
    if output.verdict is not Verdict.INCONCLUSIVE and budget > LOOSE * size > 0:
        yield (
            f"output '{output.name}': rounding alone may change it by {budget:.1g} ({SIGMAS:g}σ), where its "
            f"largest value is {size:.2g}; faults smaller than that stay hidden"
        )


def as_computed(model: Model, asked: str | None, products: str, device: str) -> tuple[Model, list[str]]:
    """Return the model with matrix products as the framework reports them, unless a user chose them, and a note.

    Args:
        model: the model.
        asked: how products are made according to the user; None if that is left to the framework.
        products: how they are made according to the framework.
        device: the processor that it computed on.
    """
    if asked is not None or products == model.products or products not in PRODUCTS:
        return model, []
    note = (
        f"predicted on {device or 'a device'} with products of matrices in {products}, so that rounding allows more; "
        "--products float32 would allow what float32 does"
    )
    return replace(model, products=products), [note]
