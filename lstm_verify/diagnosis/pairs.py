"""Several faults at once: pairs known to occur together, the most helpful ones, any two of one layer, and three."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from lstm_verify.diagnosis.changes import Change, Family, together
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.diagnosis.plausible import is_common
from lstm_verify.faults import FAULTS, Fit

KNOWN = {frozenset({fault.name, other}) for fault in FAULTS for other in fault.comes_with}
"""Faults that come together."""
LEADERS = 6
"""The changes that help most, each of which is tried together with every other."""
FITTED_BESIDE = 2
"""The changes that help most, beside which numbers are fitted."""
HUNDREDFOLD = 0.01
"""What is left of the deviation if two of three faults are right; a third is not tried before."""
PAIRS_KEPT = 3
"""The pairs that leave least, with which a third fault is tried."""

Ranking = Sequence[tuple[Change, Misfit]]
"""What was tried, and how far from the predictions it is."""


def known_pairs(changes: Sequence[Change]) -> Iterator[Change]:
    """Yield faults that are known to occur together, in one layer, and the same fault in every layer."""
    everywhere: dict[tuple[object, object], list[Change]] = {}
    for first, second in combinations(changes, 2):
        if first.layers == second.layers and frozenset({first.fault, second.fault}) in KNOWN:
            everywhere.setdefault((first.key, second.key), []).append(together((first, second)))
    for pairs in everywhere.values():
        yield from pairs
        if len(pairs) > 1:
            yield together(tuple(part for pair in pairs for part in pair.parts))


def leaders(ranking: Ranking) -> list[Change]:
    """Return single changes of the model, the most helpful first."""
    ordered = [change for change, _ in sorted(ranking, key=lambda entry: entry[1].mean)]
    of_model = [change for change in ordered if not change.parts and change.parameter != "input"]
    return [change for change in of_model if not (change.carries or change.batches or change.is_coarser)]


def leading_pairs(ranking: Ranking, changes: Iterable[Change]) -> Iterator[Change]:
    """Yield the most helpful changes, each combined with every other that has an effect."""
    single, seen = leaders(ranking), set[frozenset[int]]()
    with_effect = _identities(single)
    for leader in single[:LEADERS]:
        for change in changes:
            pair = frozenset({id(leader), id(change)})
            if id(change) in with_effect and pair not in seen and not _same_place(change, leader):
                seen.add(pair)
                yield together((leader, change))


def any_pairs(ranking: Ranking) -> Iterator[Change]:
    """Yield any two faults of one layer, or one fault in two layers, that frameworks have; the most helpful first."""
    single = [change for change in leaders(ranking) if is_common(change)]
    places = {id(change): place for place, change in enumerate(single)}
    pairs = [pair for pair in combinations(single, 2) if _belong_together(*pair)]
    pairs.sort(key=lambda pair: places[id(pair[0])] + places[id(pair[1])])
    yield from map(together, pairs)


def _belong_together(first: Change, second: Change) -> bool:
    if _same_place(first, second):
        return False
    return bool(first.tops & second.tops) or first.fault == second.fault


def threes(ranking: Ranking, before: Misfit, changes: Iterable[Change]) -> Iterator[Change]:
    """Yield a third fault besides two that leave at most a hundredth of the deviation."""
    pairs = [(change, misfit) for change, misfit in ranking if len(change.parts) == 2]
    good = [entry for entry in pairs if entry[1].mean <= HUNDREDFOLD * before.mean]
    with_effect = _identities(leaders(ranking))
    for pair, _ in sorted(good, key=lambda entry: entry[1].mean)[:PAIRS_KEPT]:
        for change in changes:
            if id(change) in with_effect and not any(_same_place(change, part) for part in pair.parts):
                yield together((*pair.parts, change))


@dataclass(frozen=True)
class Beside:
    """A family of changes, each combined with another change."""

    first: Change
    family: Family

    @property
    def fit(self) -> Fit:
        """The family whose number is fitted."""
        return self.family.fit

    def at(self, value: float) -> Change:
        """Return both changes, for a value of the number."""
        return together((self.first, self.family.at(value)))


def beside_leaders(ranking: Ranking, families: Iterable[Family]) -> Iterator[Beside]:
    """Yield families with a free number, combined with the most helpful changes."""
    for leader in leaders(ranking)[:FITTED_BESIDE]:
        for family in families:
            if (leader.layers, leader.parameter) != ((family.site.path,), family.fit.parameter):
                yield Beside(leader, family)


def _identities(changes: Iterable[Change]) -> set[int]:
    return {id(change) for change in changes}


def _same_place(first: Change, second: Change) -> bool:
    return first.layers == second.layers and first.parameter == second.parameter
