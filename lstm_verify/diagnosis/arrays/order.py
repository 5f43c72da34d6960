"""Predictions in another order: rows permuted, shifted or taken from other samples; sequences shifted in time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.arrays.pair import EXACT, Agreement, Pair
from lstm_verify.diagnosis.arrays.seen import Seen, predictions
from lstm_verify.judging.tolerance import SIGMAS

PROJECTIONS = 4
"""Random directions along which rows are sorted, so that those that belong together meet."""
FEWEST = 3
"""The elements that have to be in another place, at least."""
TOLD = 3
"""The rows that are named."""
FURTHEST = 8
"""The time steps that a sequence may be shifted by."""
APART = 4.0
"""Times what rounding allows: rows that are further from all others are told apart."""


def reordered(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect rows of the replay in another order, or other rows of it."""
    rows = _Rows(pair)
    if not rows.comparable:
        return None
    index = rows.permutation() if pair.is_aligned else None
    index = rows.origins() if index is None else index
    if index is None or not rows.convincing(index):
        return None
    fit = rows.fit(index)
    return _named(pair, index, fit) if fit.explains else None


def shifted(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect rows of the replay shifted up or down, with those at one end missing; or time steps shifted likewise."""
    if not pair.is_aligned:
        return None
    for axis, by in (*((0, by) for by in _Rows(pair).offsets()), *((1, by) for by in _offsets_in_time(pair))):
        ours, theirs = _overlap(pair, axis, by)
        part = Pair(pair.name, pair.predicted[theirs], pair.replayed[theirs], pair.sigma[theirs], pair.unit)
        fit = part.fit(pair.replayed[ours], pair.sigma[ours])
        if fit.explains and np.count_nonzero(part.beyond) * part.predicted[0].size >= FEWEST:
            what = "row" if axis == 0 else "time step"
            how = f"those that the weights compute, {_count(abs(by), what)} {'earlier' if by > 0 else 'later'}"
            short = f"{by:+d} {what}s" if abs(by) > 1 else f"{by:+d} {what}"
            return predictions("shifted", pair.name, short, how, "Line up predictions and inputs.", fit)
    return None


def _overlap(pair: Pair, axis: int, by: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where replayed values are, and where the predictions are that have them `by` places earlier."""
    n, before = pair.replayed.shape[axis], (slice(None),) * axis
    ours, theirs = slice(max(by, 0), n + min(by, 0)), slice(max(-by, 0), n - max(by, 0))
    return (*before, ours), (*before, theirs)


def _offsets_in_time(pair: Pair) -> Iterator[int]:
    if pair.replayed.ndim >= 3:
        for by in range(1, min(FURTHEST, pair.replayed.shape[1] // 2) + 1):
            yield from (by, -by)


class _Rows:
    """Both sides as rows of elements."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.p, self.r = _as_rows(pair.predicted), _as_rows(pair.replayed)
        σ = _as_rows(pair.sigma)
        self.limit = SIGMAS * np.sqrt(np.square(σ) + np.square(EXACT * self.r)) + pair.unit * np.abs(self.r)
        if self.comparable:
            self.moved = ~self._close(np.arange(len(self.p))) if pair.is_aligned else np.ones(len(self.p), bool)

    @property
    def comparable(self) -> bool:
        """Whether rows have the same shape and are finite."""
        p, r = self.pair.predicted, self.pair.replayed
        return p.shape[1:] == r.shape[1:] and bool(np.isfinite(self.p).all() and np.isfinite(self.limit).all())

    def _close(self, index: Array) -> Array:
        """Whether each predicted row is the replayed row with that number."""
        near: Array = (np.abs(self.p - self.r[index]) <= self.limit[index]).all(axis=1)
        return near

    def _keys(self, seed: int) -> tuple[Array, Array]:
        direction = np.random.default_rng(seed).standard_normal(self.p.shape[1])
        return self.p @ direction, self.r @ direction

    def permutation(self) -> Array | None:
        """Return for each predicted row the index of the replayed row it equals, each used once."""
        index = np.arange(len(self.p))
        open_rows, left = np.flatnonzero(self.moved), np.flatnonzero(self.moved)
        for seed in range(PROJECTIONS):
            ours, theirs = self._keys(seed)
            index[open_rows[np.argsort(ours[open_rows])]] = left[np.argsort(theirs[left])]
            wrong = ~self._close(index)[open_rows]
            open_rows = open_rows[wrong]
            left = index[open_rows]
            if not open_rows.size:
                return index
        return None

    def origins(self) -> Array | None:
        """Return the same where a replayed row may occur several times, or not at all."""
        for seed in range(PROJECTIONS):
            ours, theirs = self._keys(seed)
            order = np.argsort(theirs)
            place = np.searchsorted(theirs[order], ours)
            index, found = np.arange(len(self.p)) % len(self.r), ~self.moved
            for step in (-1, 0, 1):
                near = order[np.clip(place + step, 0, len(order) - 1)]
                take = ~found & self._close(near)
                index[take], found = near[take], found | take
            if found.all():
                return index
        return None

    def convincing(self, index: Array) -> bool:
        """Whether enough elements moved, between rows that are distinguishable."""
        rows = np.unique(index[self.moved])
        enough = np.count_nonzero(self.moved) * self.p.shape[1] >= FEWEST
        return enough and int(np.count_nonzero(self._apart()[rows])) >= max(1, 0.9 * len(rows))

    def _apart(self) -> Array:
        """Which replayed rows have no other near them."""
        ours = self._keys(0)[1]
        order = np.argsort(ours)
        apart = np.ones(len(order), bool)
        for step in (1, 2):
            first, second = order[:-step], order[step:]
            near = (np.abs(self.r[first] - self.r[second]) <= APART * self.limit[first]).all(axis=1)
            apart[first[near]] = apart[second[near]] = False
        return apart

    def fit(self, index: Array) -> Agreement:
        """How well the rows with these numbers explain the predictions."""
        pair, among = self.pair, np.broadcast_to(_expanded(self.moved, self.pair.predicted), self.pair.predicted.shape)
        return pair.fit(pair.replayed[index], pair.sigma[index], among=among, width=len(self.r))

    def offsets(self) -> Iterator[int]:
        """Return candidate shifts: by how many rows some of the predictions have moved."""
        n = len(self.r)
        if not self.comparable or n < 2 * FEWEST:
            return
        for row in dict.fromkeys((n // 2, n // 4, 3 * n // 4)):
            near = np.flatnonzero((np.abs(self.r - self.p[row]) <= self.limit).all(axis=1))
            yield from (int(by) for by in near - row if 0 < abs(by) <= n // 2)


def _as_rows(array: Array) -> Array:
    return array.reshape(len(array) if array.ndim else 1, -1)


def _expanded(rows: Array, like: Array) -> Array:
    return rows.reshape(-1, *(1,) * (like.ndim - 1))


def _named(pair: Pair, index: Array, fit: Agreement) -> tuple[Seen, Agreement]:
    """What the order is called."""
    n, each = len(pair.replayed), np.arange(len(index))
    advice = "Predict again in the order of the inputs, without shuffling."
    steps = np.unique((index - each) % n)
    if pair.is_aligned and len(steps) == 1:
        by = int(steps[0]) if steps[0] <= n // 2 else int(steps[0]) - n
        ways = f"{_count(abs(by), 'row')} {'earlier' if by > 0 else 'later'}, the ones that fall off at the other end"
        return predictions("shifted", pair.name, f"{by:+d} rows, cyclic", f"{THOSE}, {ways}", advice, fit)
    if np.array_equal(index, each[::-1]):
        return predictions("permuted", pair.name, "in reverse order", f"{THOSE}, in reverse order", advice, fit)
    some = np.flatnonzero(index != each)[:TOLD]
    moves = ", ".join(f"row {row} is that of sample {index[row]}" for row in some)
    if pair.is_aligned and len(np.unique(index)) == n:
        return predictions("permuted", pair.name, moves, f"{THOSE}, in another order: {moves}", advice, fit)
    advice = "Predict again with the inputs that are given here, all of them and in their order."
    return predictions("other_samples", pair.name, moves, f"{THOSE} for other samples: {moves}", advice, fit)


THOSE = "those that the weights compute"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
