"""A single weight that, with another value, explains a deviation that no known fault does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.experiment import Experiment
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.faults import Site, own_weights, sites
from lstm_verify.model import Model

MOST = 6000
"""The weights of a model that are tried one by one."""
STEP = 1e-3
CANDIDATES = 3
ROUNDS = 4


@dataclass(frozen=True)
class SingleWeight:
    """A single weight that probably has another value."""

    layer: str
    weight: str
    index: tuple[int, ...]
    gate: str | None
    """The gate of the cell that it belongs to."""
    file_says: float
    behaves_as: float
    sigmas_after: float

    def to_dict(self) -> dict[str, Any]:
        """The weight as plain data."""
        return {**vars(self), "index": list(self.index)}


def weight_at(
    experiment: Experiment, layer: str, name: str, index: tuple[int, ...], more: float
) -> SingleWeight | None:
    """Return a weight that is known to be off by a given amount, if that explains the predictions."""
    for site in sites(experiment.model):
        if site.path == layer and name in own_weights(site.item):
            value = float(getattr(site.item, name)[index]) + more
            misfit = experiment.tried(_with(site, name, index, value))
            return _of(site, name, index, value, misfit) if misfit.explains_by_a_number else None
    return None


def find_single_weight(experiment: Experiment) -> SingleWeight | None:
    """Try every weight; return the one that explains the predictions, if there is one within the allowance."""
    total = sum(weight.size for site in sites(experiment.model) for weight in own_weights(site.item).values())
    residual = experiment.residual(experiment.replayed)
    if residual is None or total > MOST:
        return None
    ranking: list[tuple[float, Site, str, tuple[int, ...]]] = []
    for site, name, index in _places(experiment.model):
        if experiment.allowance.is_over():
            return None
        slope = _slope(experiment, residual, site, name, index)
        if slope is not None and (steepness := float(slope @ slope)) > 0:
            ranking.append((float(slope @ residual) ** 2 / steepness, site, name, index))
    ranking.sort(key=lambda entry: -entry[0])
    for _, site, name, index in ranking[:CANDIDATES]:
        found = _settled(experiment, site, name, index)
        if found is not None:
            return found
    return None


def _places(model: Model) -> Iterator[tuple[Site, str, tuple[int, ...]]]:
    for site in sites(model):
        for name, weight in own_weights(site.item).items():
            for index in np.ndindex(weight.shape):
                yield site, name, index


def _with(site: Site, name: str, index: tuple[int, ...], value: float) -> Change:
    weight = getattr(site.item, name).copy()
    weight[index] = value
    says, behaves = f"{getattr(site.item, name)[index]:.6g}", f"{value:.6g}"
    make = partial(_put, site=site, item=replace(site.item, **{name: weight}))
    return Change("weight", (site.path,), name, says, behaves, make, frozenset({site.top}))


def _put(model: Model, site: Site, item: Any) -> Model:
    return site.put(item)


def _slope(
    experiment: Experiment, residual: Array, site: Site, name: str, index: tuple[int, ...], at: float | None = None
) -> Array | None:
    now = float(getattr(site.item, name)[index]) if at is None else at
    moved = experiment.residual(experiment.outputs(_with(site, name, index, now + STEP)))
    return None if moved is None else (moved - residual) / STEP


def _settled(experiment: Experiment, site: Site, name: str, index: tuple[int, ...]) -> SingleWeight | None:
    """The weight fitted, if it explains the predictions then."""
    value = float(getattr(site.item, name)[index])
    for _ in range(ROUNDS):
        residual = experiment.residual(experiment.outputs(_with(site, name, index, value)))
        slope = None if residual is None else _slope(experiment, residual, site, name, index, value)
        if residual is None or slope is None or not float(slope @ slope) > 0:
            return None
        value -= float(slope @ residual) / float(slope @ slope)
    misfit = experiment.confirmed(_with(site, name, index, value))
    if not misfit.explains_by_a_number:
        return None
    return _of(site, name, index, value, misfit)


def _of(site: Site, name: str, index: tuple[int, ...], value: float, misfit: Misfit) -> SingleWeight:
    says = float(getattr(site.item, name)[index])
    return SingleWeight(site.path, name, index, _gate(site, index), says, value, misfit.sigmas)


def _gate(site: Site, index: tuple[int, ...]) -> str | None:
    blocks = getattr(site.item, "blocks", ())
    if len(blocks) < 2:
        return None
    units = site.item.units  # type: ignore[attr-defined]
    return str(blocks[index[-1] // units]) if index[-1] // units < len(blocks) else None
