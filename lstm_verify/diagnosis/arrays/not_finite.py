"""Values that are not numbers, in the inputs or in the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.diagnosis.arrays.pair import CERTAIN, Agreement, Pair
from lstm_verify.diagnosis.arrays.seen import Seen, input_not_finite, predictions


def in_predictions(pair: Pair) -> tuple[Seen, Agreement] | None:
    """Detect NaN or infinities where the replay has numbers, while everything else agrees."""
    p, r = pair.predicted, pair.replayed
    if not pair.is_aligned:
        return None
    strange = ~np.isfinite(p) & np.isfinite(r)
    if not strange.any() or (pair.deviating & ~strange).any():
        return None
    where = _where(strange, p)
    rest = "" if strange.all() else ", and agree elsewhere"
    how = f"not finite where the weights compute numbers: {where}{rest}"
    return predictions("not_finite", pair.name, where, how, "Check how the predictions were made or saved.", CERTAIN)


def in_inputs(inputs: Mapping[str, Rows], pairs: Sequence[Pair]) -> tuple[Seen, Agreement] | None:
    """Detect NaN or infinite inputs in every sample that deviates, where one side is not finite.

    Samples have to be left that agree, or nothing is known.
    """
    if not all(pair.is_aligned for pair in pairs) or len({len(pair.predicted) for pair in pairs}) != 1:
        return None
    samples = len(pairs[0].predicted)
    beyond = np.logical_or.reduce([pair.beyond for pair in pairs])
    for name, rows in inputs.items():
        if not rows.shape or rows.shape[0] < samples or rows.dtype.kind != "f":
            continue
        strange = ~np.isfinite(np.asarray(whole(rows))[:samples])
        has = strange.reshape(samples, -1).any(axis=1)
        if not (beyond & has).any() or (beyond & ~has).any() or has.all():
            continue
        if all(_is_strange(pair)[pair.deviating].all() for pair in pairs):
            where = _where(strange, np.asarray(whole(rows))[:samples])
            words = f"The input `{name}` is not finite: {where}; all samples without such values agree"
            return input_not_finite(name, where, words), CERTAIN
    return None


def _is_strange(pair: Pair) -> Array:
    return ~(np.isfinite(pair.predicted) & np.isfinite(pair.replayed))


def _where(strange: Array, values: Array) -> str:
    """Which elements are not finite, in short."""
    first = tuple(int(i) for i in np.argwhere(strange)[0])
    count, value = int(np.count_nonzero(strange)), values[first]
    what = "NaN" if np.isnan(value) else "infinite"
    place = f"{what} at ({', '.join(map(str, first))})"
    rows = int(np.count_nonzero(strange.reshape(len(strange), -1).any(axis=1)))
    if count == 1:
        return place
    more = f"{count - 1:,} more {'place' if count == 2 else 'places'}"
    return f"{place} and {more}, in {rows:,} of {len(strange):,} samples"
