"""Runs of a model and its changed versions on some samples; each run counts as work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.budget import Computation, budgets, plain, recent_rows
from lstm_verify.checkpoints import Checkpoints, Noting, Resuming
from lstm_verify.diagnosis.changes import Batches, Change
from lstm_verify.diagnosis.work import FLOAT32, Allowance, Estimate
from lstm_verify.errors import LstmVerifyError, let_mistakes_through
from lstm_verify.layers.base import Run, Signal
from lstm_verify.model import Model, Tensor
from lstm_verify.run_arithmetic import Textbook

UNFIT = (LstmVerifyError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError)
"""What an edit raises that does not fit a layer where it is, such as one that needs another shape."""


@dataclass
class Runs:
    """A model, run as it is and with changes on the same samples."""

    model: Model
    """In float64."""
    values: list[Array]
    """What goes into the model, in the order of its inputs."""
    batch_size: int | None = None
    """The number of samples that run together, if that makes a difference."""
    allowance: Allowance = field(default_factory=Allowance)
    """What every run counts for."""

    @cached_property
    def replayed(self) -> list[Array]:
        """The outputs of the model in the file, by name."""
        if self.in_batches:
            return _floats(self._run(plain(self.model)))
        return _floats(self.known[output.tensor].value for output in self.model.outputs)

    @cached_property
    def roughly_replayed(self) -> list[Array]:
        """The same in float32."""
        return self.replayed if self._is_wide else _floats(self._run(plain(self._in_float32, np.float32)))

    @property
    def known(self) -> dict[Tensor, Signal]:
        """All signals of the model in the file for the samples; none if they depend on batches."""
        return self._known_and_noted[0]

    @cached_property
    def _known_and_noted(self) -> tuple[dict[Tensor, Signal], Checkpoints]:
        noting = Noting()
        return self._everything(plain(self.model)._replace(run=Run(over_time=noting))), noting.noted

    @cached_property
    def signals(self) -> Mapping[Tensor, Signal]:
        """All signals of the model in the file; of the first batch, if batches matter."""
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
        """σ of the model in the file, by output."""
        return self.rounded(self.model)

    @cached_property
    def part_of_sigma(self) -> list[Array]:
        """A lower bound of σ: what the last steps contribute; all of σ where that cannot be separated."""
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

    @cached_property
    def in_batches(self) -> bool:
        """Whether the model runs batch by batch: because it is stateful, or built for a fixed batch size."""
        return self.model.stateful or self.model.batch_size not in (None, self.samples)

    def outputs(self, change: Change) -> list[Array] | None:
        """Return the outputs of the changed model; None if it cannot be run."""
        self._spend(change)
        return self._tried(change, lambda changed: plain(changed), lambda: self.known)

    def roughly(self, change: Change) -> list[Array] | None:
        """Return the same in float32, which takes half the time and is as accurate as what it is compared with."""
        if self._is_wide:
            return self.outputs(change)
        self._spend(change, FLOAT32)
        return self._tried(change, self._narrow, lambda: self._known_narrow)

    def recently(self, change: Change) -> list[Array] | None:
        """Return the outputs of the changed model if recurrent layers are unchanged until their last steps.

        None if that cannot be said, since a layer begins otherwise, or samples depend on each other.
        """
        if change.batches or self.in_batches:
            return None
        known, noted = self._known_and_noted
        try:
            changed = change.make(self.model)
            if not all(_begins_like(changed, self.model, top) for top in change.tops):
                return None
            with np.errstate(all="ignore"):
                run = Run(arithmetic=Textbook(), over_time=Resuming(noted))
                return _floats(signal.value for signal in changed.resumed(known, change.tops, run))
        except UNFIT as error:
            let_mistakes_through(error)
            return None

    def _tried(
        self, change: Change, kind_of: Callable[[Model], Computation], known: Callable[[], dict[Tensor, Signal]]
    ) -> list[Array] | None:
        try:
            kind = kind_of(change.make(self.model))
            if change.batches or self.in_batches:
                return _floats(self._run(kind, change.batches))
            with np.errstate(all="ignore"):
                return _floats(signal.value for signal in kind.model.resumed(known(), change.tops, Run()))
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

    def rounded(self, model: Model, batches: Batches | None = None) -> list[Array]:
        """Return σ of the outputs of a model for these samples."""
        try:
            return budgets(model, lambda kind: self._run(kind, batches))
        except LstmVerifyError:
            return [np.full(np.shape(value), np.inf) for value in self.replayed]

    @cached_property
    def samples(self) -> int:
        """The number of samples."""
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


def _begins_like(changed: Model, model: Model, name: str) -> bool:
    """Whether a changed layer may begin with the states that the one of the model reached."""
    return {name} <= changed.layers.keys() & model.layers.keys() and model.layers[name].begins_like(
        changed.layers[name]
    )


def _floats(outputs: Iterable[Array]) -> list[Array]:
    """Outputs to be subtracted from each other, which booleans and whole numbers are not."""
    return [output if output.dtype.kind == "f" else output.astype(np.float64) for output in map(np.asarray, outputs)]


def _usual(sigma: Array) -> float:
    finite = sigma[np.isfinite(sigma)]
    return float(np.sqrt(np.mean(np.square(finite)))) if finite.size else 0.0
