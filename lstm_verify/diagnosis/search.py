"""The search: which change of the model makes the deviation fall within rounding.

Single changes that frameworks make come first, of every layer, of several layers at once, of the whole model; then
products with rounded factors, what one batch leaves to the next, numbers that are fitted, faults that are known to come
together, single changes that are merely possible, pairs, and three at once. A change that brings the predictions near
is looked at again with its own σ, and with more samples; one without effect on these samples is not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np

from lstm_verify.diagnosis.changes import (
    Change,
    Family,
    carried,
    ends,
    exchanges,
    not_reset,
    singles,
    together,
    whole_model,
)
from lstm_verify.diagnosis.experiment import Experiment
from lstm_verify.diagnosis.fitting import fitted
from lstm_verify.diagnosis.graph_masks import computed_masks
from lstm_verify.diagnosis.initial_states import fitted_starts, resets
from lstm_verify.diagnosis.misfit import NEVER, Misfit
from lstm_verify.diagnosis.pairs import Beside, any_pairs, beside_leaders, known_pairs, leading_pairs, threes
from lstm_verify.diagnosis.plausible import is_common
from lstm_verify.diagnosis.reduced_precision import short_products
from lstm_verify.judging.tolerance import SIGMAS

FEW = 8
"""The time steps after each of which a state may have been lost."""
FEWEST = 8
"""The predicted numbers that it takes to tell how products were rounded: any few may look so by accident."""

SEARCHING = 0.8
"""The share of what is allowed that goes to faults; the rest is for a second look, and for single weights."""


@dataclass
class Found:
    """What a search found."""

    explaining: list[tuple[Change, Misfit]] = field(default_factory=list)
    tried: int = 0
    before: Misfit = NEVER
    """How far the model of the file is from the predictions."""
    untried: tuple[str, ...] = ()
    """What was not tried, or not all of it, since that is more than was allowed."""
    ranking: list[tuple[Change, Misfit]] = field(default_factory=list)
    """Everything that was tried."""


@dataclass
class Search:
    """A search on some samples, within their allowance of work."""

    experiment: Experiment
    ordered: Experiment | None = None
    """The first samples, in their order; None if those of the experiment are that."""
    batch_size: int | None = None
    """The number of samples that the framework predicts at a time."""
    altered: Iterable[Change] = ()
    """What may have been done to the inputs."""
    exact: bool = False
    """Whether the predictions are a replay's, so that no arithmetic explains anything."""
    found: Found = field(default_factory=Found)

    def run(self) -> Found:
        """Try everything, the simple before the complicated, until something explains the predictions."""
        self.found.before = self.experiment.misfit(self.experiment.replayed)
        model = self.experiment.model
        every = list(singles(model))
        changes = [change for change in every if isinstance(change, Change) and not change.carries]
        carrying = [change for change in every if isinstance(change, Change) and change.carries]
        families = [family for family in every if isinstance(family, Family)]
        common = [change for change in changes if is_common(change)]
        others = [change for change in changes if not is_common(change)]
        stages: dict[str, Callable[[], Iterable[Change]]] = {
            # what has one cause, and frameworks do: several may explain the predictions alike, so all of it is tried
            "single faults": lambda: chain(
                *(common, exchanges(model), self._alike(common), computed_masks(model), ends(model)),
                *(whole_model(model), self.altered),
            ),
            "rounded products": lambda: () if self.exact or self._size < FEWEST else short_products(model),
            "states carried from batch to batch": lambda: self._carried(carrying),
            "faults that come together": lambda: known_pairs(common),
            "fitted numbers": lambda: self._fitted(families),
            "states reset within a sequence": lambda: self._reset(),
            "other initial states": lambda: fitted_starts(self.ordered or self.experiment),
            "rare faults": lambda: chain(others, self._alike(others)),
            "pairs with the nearest fault": lambda: leading_pairs(self.found.ranking, changes),
            "fitted numbers beside a fault": lambda: self._fitted(beside_leaders(self.found.ranking, families)),
            "pairs of faults": lambda: any_pairs(self.found.ranking),
            "three faults at once": lambda: threes(self.found.ranking, self.found.before, changes),
        }
        for number, stage in enumerate(stages.values()):
            if not self._try_all(stage()):
                self.found.untried = tuple(stages)[number:]
                break
            if self.found.explaining:
                break
        return self.found

    @property
    def _size(self) -> int:
        return sum(array.size for array in self.experiment.predicted or ())

    def _try_all(self, changes: Iterable[Change]) -> bool:
        """Try changes; whether all of them were allowed."""
        for change in changes:
            if self._is_over:
                return False
            self._try(change)
        return not self._is_over

    @property
    def _is_over(self) -> bool:
        return self.experiment.allowance.is_over(SEARCHING)

    def _try(self, change: Change) -> None:
        experiment = self.ordered if change.batches and self.ordered else self.experiment
        misfit = experiment.tried(change)
        if misfit is NEVER:
            return  # nothing was changed, or nothing can be said
        self.found.tried += 1
        if misfit.explains:
            self.found.explaining.append((change, misfit))
        self.found.ranking.append((change, misfit))

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

    def _reset(self) -> Iterator[Change]:
        """States that are lost every few time steps, in one layer or in all."""
        changes = list(resets(self.experiment.model, self._steps()))
        return chain(changes, self._alike(changes))

    def _steps(self) -> list[int]:
        """After how many time steps a state may have been lost: few, round ones, what divides a sequence, and where
        deviations begin."""
        experiment = self.experiment
        lengths = self._lengths
        steps = {n for length in lengths for n in range(1, length) if n <= FEW or n % 10 == 0 or n.bit_count() == 1}
        steps |= {n for length in lengths for n in range(1, length) if length % n == 0}
        for y, p, σ in zip(experiment.replayed, experiment.predicted or (), experiment.sigma, strict=False):
            if y.ndim >= 3 and y.shape == p.shape and y.shape[1] in lengths:
                beyond = (np.abs(y - p) > SIGMAS * σ).any(axis=(0, *range(2, y.ndim)))
                if beyond.any() and beyond.argmax() > 0:
                    steps.add(int(beyond.argmax()))
        return sorted(steps)

    @property
    def _lengths(self) -> set[int]:
        """The time steps of what recurrent layers read, as far as that is known; tokens have no axis but time."""
        values = [*self.experiment.values, *(signal.value for signal in self.experiment.known.values())]
        shapes = [np.shape(value) for value in values if hasattr(value, "dtype")]
        of_tokens = [value.shape for value in self.experiment.values if value.ndim == 2 and value.dtype.kind in "iu"]
        return {shape[1] for shape in shapes if len(shape) >= 3} | {shape[1] for shape in of_tokens}

    def _alike(self, changes: list[Change]) -> Iterator[Change]:
        """The same change in every layer that has it."""
        groups: dict[tuple[str, str | None, str, str], list[Change]] = {}
        for change in changes:
            groups.setdefault(change.key, []).append(change)
        for group in groups.values():
            outermost = [change for change in group if not any(_is_inside(change, other) for other in group)]
            if len(outermost) > 1:
                yield together(tuple(outermost))

    def _fitted(self, families: Iterable[Family | Beside]) -> Iterator[Change]:
        for family in families:
            if self._is_over:
                return
            found = fitted(self.experiment, family)
            if found is not None:
                yield found


def _is_inside(change: Change, other: Change) -> bool:
    """Whether a change is made in a part of the layer that another is made around."""
    return any(path.startswith(f"{around}/") for path in change.layers for around in other.layers)
