"""Predictions whose values were changed: made constant, rounded, scaled or shifted by a constant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.arrays.order import THOSE
from lstm_verify.diagnosis.arrays.pair import CERTAIN, ENOUGH, EXACT, Agreement, Pair
from lstm_verify.diagnosis.arrays.seen import Seen, predictions
from lstm_verify.judging.tolerance import SIGMAS

FEWEST = 3
"""The samples, or the elements, that have to be alike for predictions to be called constant."""
NOISE = 8.0
"""Units in the last place by which numbers may differ that are meant to be the same."""
DECIMALS = 7
"""The most decimals that are looked for."""
DIGITS = 6
"""A factor or a constant is given with as few digits as explain the predictions, and no more than these."""
TOLD = 4
"""The columns whose numbers are given."""


def constant(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect identical predictions for every sample, where those of the replay differ."""
    p, r = pair.predicted, pair.replayed
    if not pair.is_aligned or not (np.isfinite(p).all() and np.isfinite(r).all()):
        return None
    same = p.size >= FEWEST and bool(np.ptp(p) <= NOISE * EXACT * np.abs(p).max())
    alike = len(p) >= FEWEST and bool((np.abs(p - p[:1]) <= NOISE * EXACT * np.abs(p)).all())
    if not (same or alike) or not _varies(pair, same):
        return None
    first = p[0].ravel()
    what = f"all {first[0]:.6g}" if same else "the same for every sample"
    how = f"{what}, whatever the input" if same else f"{what}, whatever its input"
    advice = "Check what was recorded, and whether inputs reach the model at all."
    return predictions("constant", pair.name, what, how, advice, CERTAIN)


def _varies(pair: Pair, by_element: bool) -> bool:
    """Whether the replay of most samples, or most of its elements, differ from the first."""
    shape = (-1, 1) if by_element else (len(pair.replayed), -1)
    r, σ = pair.replayed.reshape(shape), pair.sigma.reshape(shape)
    rows = (np.abs(r - r[:1]) > SIGMAS * np.maximum(σ, σ[:1])).any(axis=1)
    return bool(np.count_nonzero(rows) >= 0.5 * (len(rows) - 1))


def rounded(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect predictions rounded to a power of ten."""
    p = pair.predicted
    if not pair.is_aligned or not np.isfinite(p).all():
        return None
    for decimals in range(DECIMALS + 1):
        step = 10.0**-decimals
        if (np.abs(p - np.round(p, decimals)) <= pair.unit * np.abs(p)).all():
            break
    else:
        return None
    bits = np.log2(np.maximum(step / np.maximum(2 * pair.unit * np.abs(p), 1e-300), 1.0))[p != 0]
    lost = 0.5 * step * np.sign(p - pair.replayed)
    away = np.abs(p - pair.replayed)
    expected = np.where(away <= 0.5 * step, p, pair.replayed + lost)
    fit = pair.fit(expected)
    if fit.sigmas > SIGMAS or bits.sum() < ENOUGH or len(np.unique(p)) < 2:
        return None
    words = f"{decimals} decimal{'' if decimals == 1 else 's'}"
    advice = f"Record all digits, or accept these with `--decimals {decimals}`."
    fit = Agreement(fit.sigmas, float(np.maximum(away - 0.5 * step, 0).max()), float(bits.sum()))
    return predictions("rounded", pair.name, words, f"{THOSE}, rounded to {words}", advice, fit)


def scaled(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect a factor, an offset or both, for all values or for each column."""
    if not pair.is_aligned or not np.isfinite(pair.replayed).all() or not np.isfinite(pair.predicted).all():
        return None
    for kind in _kinds(pair):
        found = _fitted(pair, *kind)
        if found is not None:
            a, b, fit = found
            return _named(pair, a, b, fit)
    return None


def _kinds(pair: Pair) -> Iterator[tuple[bool, bool, bool]]:
    """Whether there is a factor, a constant, and whether each column has its own; the simple before the rich."""
    for by_column in (False, True) if pair.predicted.ndim > 1 and pair.predicted.shape[-1] > 1 else (False,):
        yield from ((False, True, by_column), (True, False, by_column), (True, True, by_column))


def _fitted(pair: Pair, factor: bool, constant: bool, by_column: bool) -> tuple[Array, Array, Agreement] | None:
    """The factors and the constants, (columns,), and how well they explain the predictions."""
    columns = pair.predicted.shape[-1] if by_column else 1
    p, r = pair.predicted.reshape(-1, columns), pair.replayed.reshape(-1, columns)
    σ = pair.sigma.reshape(-1, columns)
    if len(p) < 2:
        return None
    a, b = np.ones(columns), np.zeros(columns)
    for _ in range(2):  # the second time with the weights that belong to the factors
        with np.errstate(all="ignore"):
            w = 1 / np.sqrt(np.square(a * σ) + np.square(EXACT * p) + 1e-60)
        w = np.where(np.isfinite(w), w, 0.0)
        a, b = _least_squares(p, r, w, factor, constant)
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return None
    free = columns * (factor + constant)
    fit = _fit(pair, a, b, free)
    if not fit.explains:
        return None
    for digits in range(1, DIGITS + 1):
        short_a, short_b = _rounded(a, digits), _rounded(b, digits)
        short = _fit(pair, short_a, short_b, free)
        if short.explains:
            return short_a, short_b, short
    return a, b, fit


def _least_squares(p: Array, r: Array, w: Array, factor: bool, constant: bool) -> tuple[Array, Array]:
    """The factors and constants that bring r nearest to p, column by column; w is 1 / σ."""
    w2 = np.square(w / max(float(w.max(initial=0)), 1e-300))
    total = w2.sum(axis=0)
    ones, zeros = np.ones(p.shape[1]), np.zeros(p.shape[1])
    with np.errstate(all="ignore"):
        if not factor:
            return ones, (w2 * (p - r)).sum(axis=0) / total
        if not constant:
            return (w2 * p * r).sum(axis=0) / (w2 * r * r).sum(axis=0), zeros
        mp, mr = (w2 * p).sum(axis=0) / total, (w2 * r).sum(axis=0) / total
        a = (w2 * (p - mp) * (r - mr)).sum(axis=0) / (w2 * np.square(r - mr)).sum(axis=0)
        return a, mp - a * mr


def _rounded(values: Array, digits: int) -> Array:
    return np.array([float(f"{value:.{digits}g}") for value in values])


def _fit(pair: Pair, a: Array, b: Array, free: int) -> Agreement:
    σ = np.sqrt(np.square(a * pair.sigma) + np.square(EXACT * a * pair.replayed) + np.square(EXACT * b))
    return pair.fit(a * pair.replayed + b, σ, free=free)


def _named(pair: Pair, a: Array, b: Array, fit: Agreement) -> tuple[Seen, Agreement] | None:
    advice = "Compare the numbers in the same units: undo the scaling of targets on one side, or do it on both."
    times = "" if (a == 1).all() else "times -1" if (a == -1).all() else f"times {_listed(a)}"
    plus = "" if (b == 0).all() else f"plus {_listed(b)}"
    short = " ".join(filter(None, (times, plus)))
    kind = "scaled" if times else "offset"
    kind = "negated" if times == "times -1" and not plus else kind
    said = {"offset": ": a constant was added", "negated": ": the sign is the other one", "scaled": ""}[kind]
    return predictions(kind, pair.name, short, f"{THOSE}, {short}{said}", advice, fit)


def _listed(values: Array) -> str:
    if len(values) == 1:
        return f"{values[0]:.7g}"
    more = ", …" if len(values) > TOLD else ""
    return f"({', '.join(f'{value:.7g}' for value in values[:TOLD])}{more}) by column"
