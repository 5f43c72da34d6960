"""Plausibility: which of all possible changes frameworks actually make."""

from __future__ import annotations

from collections.abc import Iterable

from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.misfit import MOST_ALLOWED, Misfit
from lstm_verify.faults import BY_NAME

RARE = ("on the other side", "as many steps up to the end as are kept", "one step at least, in samples")
"""What is met less often than other faults that may look the same, by a part of how it behaves."""
HINT = 0.1
"""What a change may leave of a deviation to be hinted at."""


def rarity(change: Change) -> int:
    """Return how rare a change is, to order explanations that look alike."""
    parts = change.parts or (change,)
    return sum(any(words in part.behaves_as for words in RARE) for part in parts)


def hint(ranking: Iterable[tuple[Change, Misfit]], before: Misfit) -> tuple[Change, Misfit] | None:
    """Return the change that comes closest, if frameworks make it and it removes nearly all of the deviation."""
    near = [
        (change, misfit)
        for change, misfit in ranking
        if misfit.mean <= HINT * before.mean and misfit.absolute <= HINT * before.absolute
        if misfit.allowed <= MOST_ALLOWED and all(map(is_common, change.parts or (change,)))
    ]
    return min(near, key=lambda entry: entry[1].mean, default=None)


def is_common(change: Change) -> bool:
    """Whether frameworks actually make a change."""
    fault = BY_NAME.get(change.fault)  # of the input there is none
    return fault is None or fault.is_common(change.parameter or "", change.behaves_as)
