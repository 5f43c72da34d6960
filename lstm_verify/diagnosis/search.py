"""The search: which change of the model makes the deviation fall within rounding.

Single changes that frameworks make come first, of every layer, of several layers at once, of the whole model; then
products with rounded factors, what one batch leaves to the next, numbers that are fitted, faults that are known to come
together, single changes that are merely possible, and pairs with the changes that help most. A change that brings the
predictions near is looked at again with its own σ, and with more samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, combinations

import numpy as np

from lstm_verify.diagnosis.changes import (
    Change,
    Family,
    carried,
    ends,
    exchanges,
    not_reset,
    resets,
    singles,
    together,
    whole_model,
)
from lstm_verify.diagnosis.common import is_common
from lstm_verify.diagnosis.experiment import Experiment, Misfit
from lstm_verify.diagnosis.fitting import fitted
from lstm_verify.diagnosis.products import short_products
from lstm_verify.tolerance import SIGMAS

PAIRS = {
    frozenset({"gate_order", "forget_bias"}),
    frozenset({"kernel_layout", "gate_order"}),
    frozenset({"gate_order", "recurrent_activation"}),
    frozenset({"bias", "recurrent_activation"}),
    frozenset({"bias", "gate_order"}),
    frozenset({"gate_order", "reset_after"}),
    frozenset({"forget_bias", "recurrent_activation"}),
    frozenset({"activation", "recurrent_activation"}),
    frozenset({"gate_order", "update_gate_inverted"}),
}
"""Faults that come together: weights of one framework copied into a layer of another."""
FEWEST = 8
"""The predicted numbers that it takes to tell how products were rounded: any few may look so by accident."""
LEADERS = 6
"""The changes that help most, each of which is tried together with every other."""


@dataclass
class Found:
    """What a search found."""

    explaining: list[tuple[Change, Misfit]] = field(default_factory=list)
    tried: int = 0
    closest: tuple[Change, Misfit] | None = None
    """The change that comes nearest, if none explains the predictions."""
    complete: bool = True
    """Whether everything was tried, before time was up."""
    ranking: list[tuple[Change, Misfit]] = field(default_factory=list)
    """Everything that was tried."""


@dataclass
class Search:
    """A search in some samples, within some time."""

    experiment: Experiment
    seconds: float
    ordered: Experiment | None = None
    """The first samples, in their order; None if those of the experiment are that."""
    batch_size: int | None = None
    """The number of samples that the framework predicts at a time."""
    altered: Iterable[Change] = ()
    """What may have been done to the inputs."""
    found: Found = field(default_factory=Found)

    def run(self) -> Found:
        """Try everything, the simple before the complicated, until something explains the predictions."""
        self._until = time.monotonic() + self.seconds
        model = self.experiment.model
        every = list(singles(model))
        changes = [change for change in every if isinstance(change, Change) and not change.carries]
        carrying = [change for change in every if isinstance(change, Change) and change.carries]
        families = [family for family in every if isinstance(family, Family)]
        common = [change for change in changes if is_common(change)]
        others = [change for change in changes if not is_common(change)]
        stages: tuple[Callable[[], Iterable[Change]], ...] = (
            # what has one cause, and frameworks do: several may explain the predictions alike, so all of it is tried
            lambda: chain(common, exchanges(model), self._alike(common), ends(model), whole_model(model), self.altered),
            lambda: short_products(model) if self._size >= FEWEST else (),
            lambda: chain(self._carried(carrying), resets(model, self._steps())),
            lambda: self._fitted(families),
            lambda: self._known_pairs(common),
            lambda: chain(others, self._alike(others)),
            lambda: self._leading_pairs(changes),
        )
        for stage in stages:
            if not self._try_all(stage()):
                self.found.complete = False
                break
            if self.found.explaining:
                break
        return self.found

    @property
    def _size(self) -> int:
        return sum(array.size for array in self.experiment.predicted or ())

    def _try_all(self, changes: Iterable[Change]) -> bool:
        """Try changes; whether there was time for all."""
        for change in changes:
            if time.monotonic() > self._until:
                return False
            self._try(change)
        return True

    def _try(self, change: Change) -> None:
        experiment = self.ordered if change.batches and self.ordered else self.experiment
        self.found.tried += 1
        misfit = experiment.tried(change)
        if misfit.explains:
            self.found.explaining.append((change, misfit))
        self.found.ranking.append((change, misfit))
        if self.found.closest is None or misfit.mean < self.found.closest[1].mean:
            self.found.closest = change, misfit

    def _carried(self, changes: list[Change]) -> Iterator[Change]:
        """Changes that carry something over, in one layer or in all."""
        if self.ordered is None:
            yield from not_reset(self.experiment.model, self.batch_size)
        everywhere = [together(tuple(changes))] if len(changes) > 1 else []
        for change in (*changes, *everywhere):
            if self.ordered is None:
                yield change
                continue
            for way in carried(change, self.batch_size, self.ordered.samples):
                if way.batches and (way.batches.twice or (way.batches.size or 0) <= self._undisturbed):
                    yield way

    @cached_property
    def _undisturbed(self) -> int:
        """How many samples agree before the first that does not: a batch without one before it has nothing carried."""
        assert self.ordered is not None
        first = self.ordered.samples
        for y, p, σ in zip(self.ordered.replayed, self.ordered.predicted or (), self.ordered.sigma, strict=False):
            if y.ndim and y.shape == p.shape:
                beyond = ~(np.abs(y - p) <= SIGMAS * σ).reshape(len(y), -1).all(axis=1)
                first = min(first, int(beyond.argmax()) if beyond.any() else first)
        return first

    def _steps(self) -> list[int]:
        """After how many time steps a state may have been lost: what divides a sequence, and where deviations begin."""
        experiment = self.experiment
        lengths = {value.shape[1] for value in experiment.values if value.ndim >= 3}
        steps = {n for length in lengths for n in range(1, length) if length % n == 0 or n.bit_count() == 1}
        for y, p, σ in zip(experiment.replayed, experiment.predicted or (), experiment.sigma, strict=False):
            if y.ndim >= 3 and y.shape == p.shape and y.shape[1] in lengths:
                beyond = (np.abs(y - p) > SIGMAS * σ).any(axis=(0, *range(2, y.ndim)))
                if beyond.any() and beyond.argmax() > 0:
                    steps.add(int(beyond.argmax()))
        return sorted(steps)

    def _alike(self, changes: list[Change]) -> Iterator[Change]:
        """The same change in every layer that has it."""
        groups: dict[tuple[str, str | None, str, str], list[Change]] = {}
        for change in changes:
            groups.setdefault(change.key, []).append(change)
        for group in groups.values():
            if len(group) > 1:
                yield together(tuple(group))

    def _fitted(self, families: list[Family]) -> Iterator[Change]:
        for family in families:
            if time.monotonic() > self._until:
                return
            found = fitted(self.experiment, family)
            if found is not None:
                yield found

    def _known_pairs(self, changes: list[Change]) -> Iterator[Change]:
        """Faults that are known to come together, in one layer."""
        everywhere: dict[tuple[object, object], list[Change]] = {}
        for first, second in combinations(changes, 2):
            if first.layers == second.layers and frozenset({first.fault, second.fault}) in PAIRS:
                everywhere.setdefault((first.key, second.key), []).append(together((first, second)))
        for pairs in everywhere.values():
            yield from pairs
            if len(pairs) > 1:
                yield together(tuple(part for pair in pairs for part in pair.parts))

    def _leading_pairs(self, changes: list[Change]) -> Iterator[Change]:
        """The changes that help most, together with every other."""
        ranking = sorted(self.found.ranking, key=lambda entry: entry[1].mean)
        of_model = [change for change, _ in ranking if not change.parts and change.parameter != "input"]
        leaders = [change for change in of_model if not change.carries][:LEADERS]
        for leader in leaders:
            for change in changes:
                if change is not leader and not _same_place(change, leader):
                    yield together((leader, change))


def _same_place(first: Change, second: Change) -> bool:
    return first.layers == second.layers and first.parameter == second.parameter
