"""An experiment: some samples, what was predicted for them, and what a changed model makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows, picked, whole
from lstm_verify.budget import budgets
from lstm_verify.compare import SIGMAS
from lstm_verify.diagnosis.changes import Batches, Change
from lstm_verify.errors import LstmVerifyError
from lstm_verify.inputs import as_input
from lstm_verify.layers import Run, Signal
from lstm_verify.model import Model, Tensor

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

    @property
    def explains(self) -> bool:
        """Whether rounding explains what is left."""
        return self.sigmas <= SIGMAS


NEVER = Misfit(np.inf, np.inf, np.inf)


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
    known: dict[Tensor, Signal] = field(default_factory=dict)
    """Everything that the model of the file computes for them."""
    replayed: list[Array] = field(default_factory=list)
    sigma: list[Array] = field(default_factory=list)
    """By output, with the model of the file."""
    rough: list[Array] = field(default_factory=list)
    """The same, but nowhere less than what is usual in that output: what is 0 now, with an error of nothing, is not in
    another model."""

    def __post_init__(self) -> None:
        signals = tuple(Signal(value) for value in self.values)
        with np.errstate(all="ignore"):
            if not self.in_batches:
                self.known = self.model.signals(signals, Run())
        self.replayed = self._run(self.model)
        self.sigma = self.rounded(self.model)
        self.rough = [np.maximum(σ, _usual(σ)) for σ in self.sigma]

    @property
    def in_batches(self) -> bool:
        """Whether the model runs batch by batch: with what the one before left, or since it is built for a size."""
        return self.model.stateful or self.model.batch_size not in (None, self.samples)

    def outputs(self, change: Change) -> list[Array] | None:
        """What the changed model computes; None if it cannot."""
        try:
            changed = change.make(self.model)
            with np.errstate(all="ignore"):
                if change.batches or self.in_batches:
                    return self._run(changed, batches=change.batches)
                return [signal.value for signal in changed.resumed(self.known, change.tops, Run())]
        except (LstmVerifyError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError):
            return None  # an edit that does not fit this layer here, such as one that needs another shape

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

    def confirmed(self, change: Change) -> Misfit:
        """How far the changed model is from the predictions, in σ of its own."""
        outputs = self.outputs(change)
        if outputs is None:
            return NEVER
        return self.misfit(outputs, self.rounded(change.make(self.model), change.batches))

    def rounded(self, model: Model, batches: Batches | None = None) -> list[Array]:
        """σ of the outputs of a model for these samples."""
        try:
            return budgets(model, self.values, lambda m, values, run: self._run(m, values, run, batches))
        except LstmVerifyError:
            return [np.full(np.shape(value), np.inf) for value in self.replayed]

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return max((len(value) for value in self.values if np.ndim(value)), default=1)

    def _run(
        self,
        model: Model,
        values: Sequence[Any] | None = None,
        run: Run | None = None,
        batches: Batches | None = None,
    ) -> list[Any]:
        run, given = run or Run(), list(values if values is not None else self.values)
        size = (batches.size if batches else self.batch_size) or self.model.batch_size or self.samples
        parts: list[list[Any]] = []
        with np.errstate(all="ignore"):
            for _ in range(2 if batches and batches.twice else 1):
                parts = []
                for start in range(0, self.samples, size):
                    block = [value[start : start + size] if np.ndim(value) else value for value in given]
                    signals = tuple(Signal(value) for value in block)
                    parts.append([signal.value for signal in model.apply(signals, run)])
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def _usual(sigma: Array) -> float:
    finite = sigma[np.isfinite(sigma)]
    return float(np.sqrt(np.mean(np.square(finite)))) if finite.size else 0.0


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


def experiment(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows] | None,
    chosen: Array | None,
    batch_size: int | None = None,
) -> Experiment:
    """An experiment with some samples of what was verified; None for all of them."""
    given = {name: _rows(rows, chosen) for name, rows in inputs.items()}
    values = [as_input(spec, given[spec.name]) for spec in model.inputs]
    floats = [value.astype(np.float64) if value.dtype.kind == "f" else value for value in values]
    wanted = None
    if predicted is not None:
        wanted = [np.asarray(_rows(predicted[output.name], chosen), np.float64) for output in model.outputs]
    return Experiment(model.astype("float64"), floats, wanted, batch_size)


def _rows(rows: Rows, chosen: Array | None) -> Array:
    return np.asarray(whole(rows)) if chosen is None else picked(rows, chosen)
