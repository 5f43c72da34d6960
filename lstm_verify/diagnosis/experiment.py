"""An experiment: some samples, what was predicted for them, and what a changed model makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from lstm_verify.arithmetic import Textbook
from lstm_verify.arrays import Array, Rows, picked, whole
from lstm_verify.budget import Computation, budgets, plain, recent_rows
from lstm_verify.checkpoints import Checkpoints, Noting, Resuming
from lstm_verify.diagnosis.changes import Batches, Change
from lstm_verify.diagnosis.misfit import NEVER, Misfit, distance
from lstm_verify.diagnosis.work import FLOAT32, ROUNDED, Allowance, Estimate
from lstm_verify.errors import LstmVerifyError, let_mistakes_through
from lstm_verify.inputs import as_input
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.layers.base import Run, Signal
from lstm_verify.model import Model, Tensor

UNFIT = (LstmVerifyError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError)
"""What an edit raises that does not fit a layer where it is, such as one that needs another shape."""


UNCHANGED = SIGMAS / 2
"""σ by which outputs of a change may differ that has no effect; what explains more than 8σ makes more of a difference.
"""
NEAR = 25.0
"""Times what is allowed: changes that come that near, by the σ of the model in the file, are tried with their own."""


@dataclass
class Experiment:
    """Samples that a framework predicted something else for, and the model."""

    model: Model
    """In float64."""
    values: list[Array]
    """What goes into the model, in the order of its inputs."""
    predicted: list[Array] | None
    """(samples, ...) float64, in the order of its outputs; None if there is nothing to be explained."""
    batch_size: int | None = None
    """The number of samples that run together, if that makes a difference."""
    allowance: Allowance = field(default_factory=Allowance)
    """What every run counts for."""

    @cached_property
    def replayed(self) -> list[Array]:
        """What the model of the file computes, by output."""
        if self.in_batches:
            return self._run(plain(self.model))
        return [self.known[output.tensor].value for output in self.model.outputs]

    @cached_property
    def roughly_replayed(self) -> list[Array]:
        """The same in float32."""
        return self.replayed if self._is_wide else self._run(plain(self._in_float32, np.float32))

    @property
    def known(self) -> dict[Tensor, Signal]:
        """Everything that the model of the file computes for the samples; nothing if that depends on batches."""
        return self._known_and_noted[0]

    @cached_property
    def _known_and_noted(self) -> tuple[dict[Tensor, Signal], Checkpoints]:
        noting = Noting()
        return self._everything(plain(self.model)._replace(run=Run(over_time=noting))), noting.noted

    @cached_property
    def signals(self) -> Mapping[Tensor, Signal]:
        """Everything that the model of the file computes; for the first batch, if that makes a difference."""
        if self.known:
            return self.known
        first = tuple(Signal(value[: self._size()] if np.ndim(value) else value) for value in self.values)
        with np.errstate(all="ignore"):
            return self.model.signals(first, Run())

    @cached_property
    def _estimate(self) -> Estimate:
        batches = -(-self.samples // self._size()) if self.in_batches else 1
        return Estimate(self.model, self.signals, batches)

    def _spend(self, change: Change | None, factor: float = 1.0) -> None:
        """Count a run of the model with a change, or of all of it."""
        everything = change is None or change.batches or self.in_batches
        self.allowance.spend(factor * self._estimate.of(None if everything or change is None else change.tops))

    @cached_property
    def sigma(self) -> list[Array]:
        """σ by output, with the model of the file."""
        return self.rounded(self.model)

    @cached_property
    def part_of_sigma(self) -> list[Array]:
        """A part of σ, and so no more: what comes of the last steps; all of it where that cannot be told apart."""
        _, noted = self._known_and_noted
        if not noted:
            return self.sigma
        rows = {spec.name: value for spec, value in zip(self.model.inputs, self.values, strict=True)}
        try:
            return list(recent_rows(self.model, rows, noted).values())
        except LstmVerifyError:
            return self.sigma

    @cached_property
    def rough(self) -> list[Array]:
        """The same, but nowhere less than what is usual in that output: what is 0 now, with an error of nothing, is
        not in another model."""
        return [np.maximum(σ, _usual(σ)) for σ in self.sigma]

    @property
    def in_batches(self) -> bool:
        """Whether the model runs batch by batch: with what the one before left, or since it is built for a size."""
        return self.model.stateful or self.model.batch_size not in (None, self.samples)

    def outputs(self, change: Change) -> list[Array] | None:
        """What the changed model computes; None if it cannot."""
        self._spend(change)
        return self._tried(change, lambda changed: plain(changed), lambda: self.known)

    def roughly(self, change: Change) -> list[Array] | None:
        """The same in float32, which takes half the time and is as exact as what it is compared with."""
        if self._is_wide:
            return self.outputs(change)
        self._spend(change, FLOAT32)
        return self._tried(change, self._narrow, lambda: self._known_narrow)

    def recently(self, change: Change) -> list[Array] | None:
        """What the changed model computes if recurrent layers are as in the file up to the last steps.

        None if that cannot be said, since a layer begins otherwise, or samples depend on each other.
        """
        if change.batches or self.in_batches:
            return None
        known, noted = self._known_and_noted
        try:
            changed = change.make(self.model)
            if not all(_begins_alike(self.model, changed, top) for top in change.tops):
                return None
            with np.errstate(all="ignore"):
                run = Run(arithmetic=Textbook(), over_time=Resuming(noted))
                return [signal.value for signal in changed.resumed(known, change.tops, run)]
        except UNFIT as error:
            let_mistakes_through(error)
            return None

    def _tried(
        self, change: Change, kind_of: Callable[[Model], Computation], known: Callable[[], dict[Tensor, Signal]]
    ) -> list[Array] | None:
        try:
            kind = kind_of(change.make(self.model))
            if change.batches or self.in_batches:
                return self._run(kind, change.batches)
            with np.errstate(all="ignore"):
                return [signal.value for signal in kind.model.resumed(known(), change.tops, Run())]
        except UNFIT as error:
            let_mistakes_through(error)
            return None

    def _narrow(self, changed: Model) -> Computation:
        """A changed model in float32; most of its layers are those of the file."""
        ours, narrow = self.model.layers, self._in_float32.layers
        layers = {
            name: narrow[name] if layer is ours.get(name) else layer.astype(np.float32)
            for name, layer in changed.layers.items()
        }
        return plain(replace(changed, layers=layers), np.float32)

    @property
    def _is_wide(self) -> bool:
        """Whether float32 would not do."""
        return self.model.precision == "float64"

    @cached_property
    def _in_float32(self) -> Model:
        return self.model.astype(np.float32)

    @cached_property
    def _known_narrow(self) -> dict[Tensor, Signal]:
        return self._everything(plain(self._in_float32, np.float32))

    def _everything(self, kind: Computation) -> dict[Tensor, Signal]:
        if self.in_batches:
            return {}
        pairs = zip(self.model.inputs, self.values, strict=True)
        with np.errstate(all="ignore"):
            return kind.model.signals(tuple(Signal(kind.given(spec, value)) for spec, value in pairs), kind.run)

    def misfit(self, outputs: list[Array] | None, sigma: Sequence[Array] | None = None) -> Misfit:
        """How far outputs are from the predictions, roughly, or in a σ that is given."""
        assert self.predicted is not None
        if outputs is None or [o.shape for o in outputs] != [p.shape for p in self.predicted]:
            return NEVER
        return distance(self.predicted, outputs, self.rough if sigma is None else sigma)

    def residual(self, outputs: list[Array] | None) -> Array | None:
        """Every deviation, roughly in σ, in one row; 0 where nothing can be said. None if a shape is another one."""
        if outputs is None or self.predicted is None or [o.shape for o in outputs] != [p.shape for p in self.predicted]:
            return None
        parts = []
        for y, p, σ in zip(outputs, self.predicted, self.rough, strict=True):
            good = np.isfinite(y) & np.isfinite(p) & np.isfinite(σ) & (σ > 0)
            with np.errstate(invalid="ignore"):
                parts.append(np.where(good, (y - p) / np.where(good, σ, 1), 0.0).ravel())
        return np.concatenate(parts)

    def tried(self, change: Change) -> Misfit:
        """How far the changed model is from the predictions: roughly, unless it comes near.

        `NEVER` if it cannot be made, or is the same as the model of the file for these samples.
        """
        if change.is_coarser:
            return self.confirmed(change)
        outputs = self.roughly(change)
        if outputs is not None and self._is_unchanged(outputs):
            return NEVER
        misfit = self.misfit(outputs)
        return self.confirmed(change) if misfit.sigmas < NEAR * SIGMAS else misfit

    def confirmed(self, change: Change) -> Misfit:
        """How far the changed model is from the predictions, in σ of its own."""
        outputs = self.outputs(change)
        if outputs is None:
            return NEVER
        self._spend(None, ROUNDED)
        sigma = self.rounded(change.make(self.model), change.batches)
        misfit = self.misfit(outputs, sigma)
        if misfit is NEVER:
            return misfit
        if change.is_coarser:  # whose budget has to allow for all of the deviation
            return replace(misfit, left=self.misfit(outputs).mean / max(self.misfit(self.replayed).mean, 1e-300))
        before = self._deviations
        if before is None or not before.size:
            return misfit
        allowed = SIGMAS * _chosen(sigma, self._deviating)
        with np.errstate(all="ignore"):
            share, left = allowed / before, misfit.absolute / before.max()
            told = np.nan_to_num(-np.log2(np.minimum(share, 1.0)), posinf=np.inf)
        bits = float(told.sum())
        but_one = float(np.sort(told)[:-1].sum())
        return replace(misfit, allowed=float(np.median(share)), left=left, bits=bits, bits_but_one=but_one)

    @cached_property
    def _deviating(self) -> list[Array]:
        """Which elements are beyond rounding with the model of the file."""
        assert self.predicted is not None
        with np.errstate(all="ignore"):
            away = [np.abs(p - y) for p, y in zip(self.predicted, self.replayed, strict=True)]
            return [np.isfinite(off) & (off > SIGMAS * σ) for off, σ in zip(away, self.sigma, strict=True)]

    @cached_property
    def _deviations(self) -> Array | None:
        """|Δ| of these elements, in one row; None if a shape is another one."""
        assert self.predicted is not None
        if [p.shape for p in self.predicted] != [y.shape for y in self.replayed]:
            return None
        with np.errstate(all="ignore"):
            away = [np.abs(p - y) for p, y in zip(self.predicted, self.replayed, strict=True)]
        return _chosen(away, self._deviating)

    def _is_unchanged(self, outputs: list[Array]) -> bool:
        """Whether outputs are those of the model of the file, within rounding."""
        before = self.roughly_replayed
        if [o.shape for o in outputs] != [r.shape for r in before]:
            return False
        return distance(before, outputs, [np.where(np.isfinite(σ), σ, 0.0) for σ in self.sigma]).sigmas <= UNCHANGED

    def rounded(self, model: Model, batches: Batches | None = None) -> list[Array]:
        """σ of the outputs of a model for these samples."""
        try:
            return budgets(model, lambda kind: self._run(kind, batches))
        except LstmVerifyError:
            return [np.full(np.shape(value), np.inf) for value in self.replayed]

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return max((len(value) for value in self.values if np.ndim(value)), default=1)

    def _size(self, batches: Batches | None = None) -> int:
        """How many samples run together."""
        return (batches.size if batches else self.batch_size) or self.model.batch_size or self.samples

    def _run(self, kind: Computation, batches: Batches | None = None) -> list[Any]:
        """The outputs for these samples."""
        size = self._size(batches)
        parts: list[list[Any]] = []
        for _ in range(2 if batches and batches.twice else 1):
            parts = []
            for start in range(0, self.samples, size):
                block = slice(start, start + size)
                parts.append(kind.call([value[block] if np.ndim(value) else value for value in self.values]))
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def _begins_alike(model: Model, changed: Model, name: str) -> bool:
    """Whether a changed layer may begin with the states that the one of the model came by."""
    ours, theirs = model.layers.get(name), changed.layers.get(name)
    return ours is not None and theirs is not None and ours.begins_like(theirs)


def _chosen(arrays: Sequence[Array], which: Sequence[Array]) -> Array:
    """Some elements of several arrays, in one row."""
    return np.concatenate([array[some] for array, some in zip(arrays, which, strict=True)])


def _usual(sigma: Array) -> float:
    finite = sigma[np.isfinite(sigma)]
    return float(np.sqrt(np.mean(np.square(finite)))) if finite.size else 0.0


def experiment(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows] | None,
    chosen: Array | None,
    batch_size: int | None = None,
    allowance: Allowance | None = None,
) -> Experiment:
    """An experiment with some samples of what was verified; None for all of them."""
    given = {name: _rows(rows, chosen) for name, rows in inputs.items()}
    values = [as_input(spec, given[spec.name]) for spec in model.inputs]
    floats = [value.astype(np.float64) if value.dtype.kind == "f" else value for value in values]
    wanted = None
    if predicted is not None:
        wanted = [np.asarray(_rows(predicted[output.name], chosen), np.float64) for output in model.outputs]
    return Experiment(model.astype("float64"), floats, wanted, batch_size, allowance or Allowance())


def _rows(rows: Rows, chosen: Array | None) -> Array:
    return np.asarray(whole(rows)) if chosen is None else picked(rows, chosen)
