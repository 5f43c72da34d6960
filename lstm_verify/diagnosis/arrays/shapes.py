"""The same values in another shape: axes missing, added or swapped; one time step or all of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.arrays.order import THOSE
from lstm_verify.diagnosis.arrays.pair import NOTHING, Agreement, Pair
from lstm_verify.diagnosis.arrays.seen import Seen, predictions

MOST_AXES = 4
Found = tuple[Seen, Agreement]


def reshaped(pair: Pair) -> Found | None:
    """Detect the replayed values in another shape, or with axes swapped."""
    for words, made in _ways(pair):
        found = _in_shape(pair, words, made)
        if found is not None and found[1].explains:
            return found
    return None


def only_axes_differ(pair: Pair) -> Found | None:
    """Detect a shape that differs only in axes of length 1, whatever the values are."""
    if pair.is_aligned or _without_ones(pair.predicted.shape) != _without_ones(pair.replayed.shape):
        return None
    return _in_shape(pair, _shapes(pair), pair.predicted.reshape(pair.replayed.shape))


def _ways(pair: Pair) -> Iterator[tuple[str, Array]]:
    p, shape = pair.predicted, pair.replayed.shape
    if p.size != pair.replayed.size:
        return
    if p.shape != shape:
        yield _shapes(pair), p.reshape(shape)
    for axes in permutations(range(p.ndim)) if p.ndim <= MOST_AXES else ():
        if axes != tuple(range(p.ndim)):
            yield f"with axes in the order {axes}", p.transpose(np.argsort(axes)).reshape(shape)


def _shapes(pair: Pair) -> str:
    return f"in the shape {pair.predicted.shape} and not {pair.replayed.shape}"


def _in_shape(pair: Pair, words: str, made: Array) -> Found | None:
    advice = f"Bring the predictions into the shape {pair.replayed.shape} before they are compared."
    everywhere = np.ones(made.shape, bool)
    apart = pair.in_shape(made) if pair.is_aligned else Pair(pair.name, made, NOTHING, pair.sigma, pair.unit)
    fit = apart.fit(pair.replayed, pair.sigma, among=everywhere)
    return predictions("reshaped", pair.name, f"shape {pair.predicted.shape}", f"{THOSE}, {words}", advice, fit)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def one_step(pair: Pair) -> Found | None:
    """Detect one time step in place of a sequence, or a sequence in place of its last step."""
    p, r, σ = pair.predicted, pair.replayed, pair.sigma
    if r.ndim == p.ndim + 1 and r.ndim >= 3 and p.shape == (r.shape[0], *r.shape[2:]):
        advice = "Predict with the model as it is in the file, which returns all time steps."
        for step, words in ((-1, "the last time step"), (0, "the first time step")):
            fit = pair.fit(r[:, step], σ[:, step])
            if fit.explains:
                return predictions("one_step", pair.name, words, f"{THOSE}, of {words} alone", advice, fit)
    if p.ndim == r.ndim + 1 and p.ndim >= 3 and r.shape == (p.shape[0], *p.shape[2:]):
        fit = Pair(pair.name, p[:, -1], NOTHING, σ, pair.unit).fit(r, σ, among=np.ones(r.shape, bool))
        if fit.explains:
            how = "those of all time steps, of which the weights compute the last"
            return predictions("all_steps", pair.name, "all time steps", how, "Compare the last time step.", fit)
    return None
