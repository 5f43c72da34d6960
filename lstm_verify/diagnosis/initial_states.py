"""Other initial states: reset to zeros every few time steps, or starting from values that all samples share.

The latter are free numbers, one for every unit. Any deviation can be fitted with enough of them, so they are fitted
only where there are more equations than numbers, and have to explain samples that they were not fitted to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.experiment import Experiment
from lstm_verify.faults import Site, site_at, sites
from lstm_verify.faults.edit import remade
from lstm_verify.faults.states import ResetRNN, reset_every, started
from lstm_verify.layers import RNN
from lstm_verify.model import Model

MOST_NUMBERS = 64
"""The numbers that are fitted at once."""
TIMES = 2
"""The equations that there have to be for each."""
ROUNDS = 12
STEP = 1e-4
"""For slopes."""
LEFT = 0.5
"""The share of the residual's square that may be left, to first order, for a fit to be worth going on with."""
FLAT = 1e-7
"""What a direction does to the outputs, relative to the one that does most, for it to be left as it is."""


def resets(model: Model, steps: Iterable[int]) -> Iterator[Change]:
    """Yield one layer with states that are reset to zero after a number of time steps."""
    for site in _recurrent(model):
        for count in steps:
            edit = reset_every(site.item, count)
            if edit is not None:
                make = partial(_with_resets, path=site.path, every=count)
                tops = frozenset({site.top})
                words = edit.parameter, edit.file_says, edit.behaves_as
                yield Change("initial_state", (site.path,), *words, make, tops)


def _with_resets(model: Model, path: str, every: int) -> Model:
    site = site_at(model, path, lambda item: isinstance(item, RNN))
    return site.put(remade(ResetRNN, site.item, every=every))


def _recurrent(model: Model) -> list[Site]:
    return [site for site in sites(model) if isinstance(site.item, RNN)]


def fitted_starts(experiment: Experiment) -> Iterator[Change]:
    """Fit initial states, of one recurrent layer or of all, that explain the predictions.

    Args:
        experiment: of samples that are independent of each other. Every second one is for the fit, the others are
            what it has to explain.
    """
    if experiment.in_batches or experiment.samples < 4:
        return
    fit, check = _part(experiment, 0), _part(experiment, 1)
    all_layers, found = _recurrent(experiment.model), False
    for chosen in (*([site] for site in all_layers), *([all_layers] if len(all_layers) > 1 else [])):
        if len(chosen) > 1 and found:
            return  # the others would begin at next to nothing
        numbers = sum(sum(_sizes(site)) for site in chosen)
        residual = fit.residual(fit.replayed)
        if residual is None or numbers > MOST_NUMBERS or len(residual) < TIMES * numbers:
            continue
        place = _settled(fit, chosen, numbers)
        if place is not None and check.confirmed(_start(chosen, place)).explains:
            found = True
            yield _start(chosen, place)


def _part(experiment: Experiment, first: int) -> Experiment:
    """Every second sample."""
    values = [value[first::2] if np.ndim(value) else value for value in experiment.values]
    return replace(experiment, values=values, predicted=[p[first::2] for p in experiment.predicted or ()])


def _sizes(site: Site) -> tuple[int, ...]:
    assert isinstance(site.item, RNN)
    return tuple(site.item.cell.state_sizes)


def _start(chosen: list[Site], place: Array) -> Change:
    """The change that begins at these numbers: every state of every layer, one after the other."""
    starts: dict[str, tuple[Array, ...]] = {}
    for site in chosen:
        sizes = _sizes(site)
        own, place = place[: sum(sizes)], place[sum(sizes) :]
        starts[site.path] = tuple(np.split(own, np.cumsum(sizes)[:-1]))
    words = "the same numbers for every sample: " + "; ".join(_words(start) for start in starts.values())
    tops = frozenset(site.top for site in chosen)
    return Change("initial_state", tuple(starts), "initial state", "zero", words, partial(_begun, starts=starts), tops)


def _words(start: tuple[Array, ...]) -> str:
    """The first few numbers of every state."""
    parts = [", ".join(f"{number:.3g}" for number in state[:3]) + ", …" * (len(state) > 3) for state in start]
    return ", ".join(f"{name} = [{part}]" for name, part in zip("hc", parts, strict=False))


def _begun(model: Model, starts: dict[str, tuple[Array, ...]]) -> Model:
    for path, start in starts.items():
        site = site_at(model, path, lambda item: isinstance(item, RNN))
        assert isinstance(site.item, RNN)
        model = site.put(started(site.item, start))
    return model


def _settled(fit: Experiment, chosen: list[Site], numbers: int) -> Array | None:
    """Where Gauss and Newton's steps come to rest; None if they lead nowhere."""

    def residual_at(place: Array) -> Array | None:
        return fit.residual(fit.outputs(_start(chosen, place)))

    place, residual = np.zeros(numbers), residual_at(np.zeros(numbers))
    for round_ in range(ROUNDS):
        if residual is None:
            return None
        moved = [residual_at(place + STEP * unit) for unit in np.eye(numbers)]
        if any(one is None for one in moved):
            return None
        slopes = np.stack([(one - residual) / STEP for one in moved if one is not None], axis=1)
        step = -np.linalg.lstsq(slopes, residual, rcond=FLAT)[0]
        now = float(residual @ residual)
        ahead = float(np.square(residual + slopes @ step).sum())
        if round_ == 0 and not ahead < LEFT * now:
            return None
        for _ in range(6):
            tried = residual_at(place + step)
            if tried is not None and float(tried @ tried) < now:
                break
            step = step / 4
        else:
            return place
        place, residual = place + step, tried
        if float(np.abs(step).max()) < STEP * STEP:
            break
    return place
