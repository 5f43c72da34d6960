"""An experiment: some samples, their predictions, and what a changed model computes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lstm_verify.arrays import Array, Rows, picked, whole
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.misfit import NEVER, Misfit, distance, with_evidence
from lstm_verify.diagnosis.runs import Runs
from lstm_verify.diagnosis.work import ROUNDED, Allowance
from lstm_verify.inputs import as_input
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.model import Model

UNCHANGED = SIGMAS / 2
"""σ by which outputs of a change may differ that has no effect; what explains more than 8σ makes more of a difference.
"""
ROUNDING = 2.0**-26
"""σ of a number that is rounded to float32, half a unit in its last place."""
NEAR = 25.0
"""Times what is allowed: changes that come that near, by the σ of the model in the file, are tried with their own."""


@dataclass
class Experiment(Runs):
    """A model, and samples for which a framework predicted something else."""

    predicted: list[Array] | None = None
    """(samples, ...) float64, in the order of its outputs; None if there is nothing to be explained."""

    @cached_property
    def rough(self) -> list[Array]:
        """σ, but nowhere less than the rounding of the largest prediction of that output: all of an output may be 0."""
        usual = super().rough
        if self.predicted is None:
            return usual
        return [np.maximum(σ, ROUNDING * _largest(p)) for σ, p in zip(usual, self.predicted, strict=False)]

    def misfit(self, outputs: list[Array] | None, sigma: Sequence[Array] | None = None) -> Misfit:
        """Return how far outputs are from the predictions, roughly, or in units of a given σ."""
        assert self.predicted is not None
        if outputs is None or [o.shape for o in outputs] != [p.shape for p in self.predicted]:
            return NEVER
        return distance(self.predicted, outputs, self.rough if sigma is None else sigma)

    def residual(self, outputs: list[Array] | None) -> Array | None:
        """Return every deviation, roughly in σ, as one row; 0 where it is not known, None if shapes differ."""
        if outputs is None or self.predicted is None or [o.shape for o in outputs] != [p.shape for p in self.predicted]:
            return None
        parts = []
        for y, p, σ in zip(outputs, self.predicted, self.rough, strict=True):
            good = np.isfinite(y) & np.isfinite(p) & np.isfinite(σ) & (σ > 0)
            with np.errstate(invalid="ignore"):
                parts.append(np.where(good, (y - p) / np.where(good, σ, 1), 0.0).ravel())
        return np.concatenate(parts)

    def tried(self, change: Change) -> Misfit:
        """Return how far the changed model is from the predictions: roughly, unless it comes close.

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
        """Return how far the changed model is from the predictions, in its own σ."""
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
        return with_evidence(misfit, SIGMAS * _chosen(sigma, self._deviating), before)

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


def _largest(values: Array) -> float:
    """The largest of what is finite."""
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def _chosen(arrays: Sequence[Array], which: Sequence[Array]) -> Array:
    """Some elements of several arrays, in one row."""
    return np.concatenate([array[some] for array, some in zip(arrays, which, strict=True)])


def experiment(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows] | None,
    chosen: Array | None,
    batch_size: int | None = None,
    allowance: Allowance | None = None,
) -> Experiment:
    """Make an experiment of some of the verified samples; None stands for all of them."""
    given = {name: _rows(rows, chosen) for name, rows in inputs.items()}
    values = [as_input(spec, given[spec.name]) for spec in model.inputs]
    floats = [value.astype(np.float64) if value.dtype.kind == "f" else value for value in values]
    wanted = None
    if predicted is not None:
        wanted = [np.asarray(_rows(predicted[output.name], chosen), np.float64) for output in model.outputs]
    return Experiment(model.astype("float64"), floats, batch_size, allowance or Allowance(), wanted)


def _rows(rows: Rows, chosen: Array | None) -> Array:
    return np.asarray(whole(rows)) if chosen is None else picked(rows, chosen)
