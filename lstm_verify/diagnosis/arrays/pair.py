"""A pair: one output as predicted and as replayed, and how far apart rounding may put the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lstm_verify.arrays import Array, Rows, picked, whole
from lstm_verify.budget import rounded_rows
from lstm_verify.diagnosis.misfit import MOST_LEFT_BY_A_NUMBER
from lstm_verify.errors import LstmVerifyError
from lstm_verify.inputs import count_samples
from lstm_verify.judging.tolerance import SIGMAS, last_place
from lstm_verify.model import Model

ELEMENTS = 4 * 2**20
"""Of a larger output, the first samples are looked at."""
MEASURED = 32
"""The samples whose σ is computed; the others get the largest of these at the same place."""
USUAL = 16.0
"""Times the median of σ: more is that of an odd sample, such as one at a kink, and says nothing of others."""
EXACT = 2.0**-24
"""Half a unit in the last place of float32, in which predictions are made."""
ENOUGH = 24.0
"""The bits by which an explanation must be more than an accident."""


@dataclass(frozen=True)
class Agreement:
    """How well a set of numbers explains predictions."""

    sigmas: float
    """The largest |Δ| in σ."""
    absolute: float
    """The largest |Δ|."""
    bits: float
    """How much less likely than not such agreement would be by accident, as a logarithm to base 2."""
    left: float = 0.0
    """Where numbers were fitted, the largest |Δ| relative to what it was before."""

    @property
    def explains(self) -> bool:
        """Whether rounding explains what is left, and neither chance nor fitted numbers do."""
        return self.sigmas <= SIGMAS and self.bits >= ENOUGH and self.left <= MOST_LEFT_BY_A_NUMBER


CERTAIN = Agreement(0.0, 0.0, np.inf)
"""Of what needs no measure."""
NOTHING = np.empty(0)
"""In place of a replay that has another shape."""


@dataclass(frozen=True)
class Pair:
    """One output, predicted and replayed."""

    name: str
    predicted: Array
    """float64, in the shape in which it was predicted."""
    replayed: Array
    """(samples, ...) float64."""
    sigma: Array
    """σ of the replay, of its shape; infinite where nothing is known."""
    unit: float = EXACT
    """Half a unit in the last place of what was predicted, relative to it."""

    @property
    def is_aligned(self) -> bool:
        """Whether both sides have the same shape."""
        return self.predicted.shape == self.replayed.shape

    @cached_property
    def before(self) -> Agreement:
        """Return how far predictions are from the replay; both must have the same shape."""
        return self.fit(self.replayed)

    def fit(
        self, expected: Array, sigma: Array | None = None, free: int = 0, among: Array | None = None, width: int = 1
    ) -> Agreement:
        """Return how well these values explain the predictions.

        Args:
            expected: what should have been predicted, of the shape of the predictions.
            sigma: σ of it; None is that of the replay.
            free: how many numbers were fitted to find it.
            among: booleans, which elements count as evidence; None is those that the replay does not explain.
            width: out of how many possibilities each row was chosen.
        """
        p, σ = self.predicted, self.sigma if sigma is None else sigma
        with np.errstate(all="ignore"):
            away = np.where(p == expected, 0.0, np.abs(p - expected))
            own = np.sqrt(np.square(σ) + np.square(EXACT * expected))
            if self.unit > EXACT:  # recorded with fewer digits than it was computed with
                away = np.maximum(away - self.unit * np.abs(p), 0.0)
            ratio = np.where(away == 0, 0.0, np.where(np.isinf(own), 0.0, away / own))
            limit = SIGMAS * own + self.unit * np.abs(p)
        ratio = np.where(np.isnan(ratio), np.inf, ratio)
        evidence = _bits(p, self.replayed if self.is_aligned else None, limit)
        counted = self.deviating if among is None and self.is_aligned else among
        counting = evidence if counted is None else np.where(counted, evidence, 0.0)
        rows = np.count_nonzero(counting.reshape(len(p) if p.ndim else 1, -1).any(axis=1))
        bits = float(counting.sum()) - free * float(counting.max(initial=0)) - float(rows * np.log2(width))
        absolute = float(np.nan_to_num(away, nan=np.inf).max(initial=0))
        left = absolute / self._apart if free and self.is_aligned and self._apart else 0.0
        return Agreement(float(ratio.max(initial=0)), absolute, bits, left)

    @cached_property
    def _apart(self) -> float:
        """The largest |Δ| of what rounding does not explain, before anything is done to it."""
        return float(np.abs(self.predicted - self.replayed)[self.deviating].max(initial=0))

    @cached_property
    def deviating(self) -> Array:
        """Return which elements rounding does not explain."""
        p, r = self.predicted, self.replayed
        with np.errstate(all="ignore"):
            allowed = SIGMAS * np.sqrt(np.square(self.sigma) + np.square(EXACT * r)) + self._of_recording * np.abs(p)
            beyond = np.abs(p - r) > allowed
        same, numbers = (p == r) | (np.isnan(p) & np.isnan(r)), np.isfinite(p) & np.isfinite(r)
        unjudged = np.isinf(self.sigma) & np.isfinite(r)
        return np.asarray(np.where(numbers, beyond, ~same) & ~unjudged)

    @property
    def _of_recording(self) -> float:
        return self.unit if self.unit > EXACT else 0.0

    @cached_property
    def beyond(self) -> Array:
        """(samples,) booleans: which samples rounding does not explain; both sides have the same shape."""
        rows = self.deviating.reshape(len(self.predicted) if self.predicted.ndim else 1, -1).any(axis=1)
        return np.asarray(rows)

    def in_shape(self, predicted: Array) -> Pair:
        """Return the same pair with the predictions reshaped."""
        return replace(self, predicted=predicted)


def _bits(p: Array, r: Array | None, limit: Array) -> Array:
    """What it tells that an element lies within a limit.

    That is how narrow the limit is, next to how widely the elements of its column are spread, and next to how far the
    element is from its replay: what lies near that anyway tells little.
    """
    columns = (0, *range(1, p.ndim - 1)) if p.ndim > 1 else (0,)
    with np.errstate(all="ignore"):
        room = np.std(np.where(np.isfinite(p), p, 0.0), axis=columns if p.ndim else None, keepdims=True)
        room = room if r is None else np.minimum(room, np.abs(p - r))
        bits: Array = np.log2(np.maximum(room / limit, 1.0))
    return np.where(np.isfinite(bits), bits, 0.0)


def pairs_of(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows],
    replayed: Mapping[str, Rows],
    worst: Array,
    batch_size: int | None,
) -> list[Pair]:
    """Pair the outputs that both sides have; none where rounding errors cannot be tracked.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        predicted: what the framework computed, by output name.
        replayed: what the replay computed.
        worst: samples whose σ matters most.
        batch_size: the number of samples that run together.
    """
    samples = count_samples(inputs)
    apart = model.divisible and not model.stateful
    chosen = _measured(worst, samples) if apart else None
    some = {name: rows if chosen is None else picked(rows, chosen) for name, rows in inputs.items()}
    try:
        known = rounded_rows(model, some, batch_size)
    except LstmVerifyError:
        return []
    found = []
    for name, r in replayed.items():
        if name in predicted and r.shape and 0 not in (*r.shape, *predicted[name].shape):
            p = predicted[name]
            few = _rows_looked_at(r) if p.shape[:1] == r.shape[:1] else max(len(r), *p.shape[:1], 1)
            sigma = known[name] if chosen is None else _for_all(known[name], chosen, r.shape)
            found.append(Pair(name, _first(p, few), _first(r, few), sigma[:few], max(last_place(p.dtype), EXACT)))
    return found


def _measured(worst: Array, samples: int) -> Array:
    """The samples whose σ is computed: half of them deviate most."""
    even = np.linspace(0, samples - 1, min(MEASURED, samples)).astype(int)
    return np.unique([*worst[: MEASURED // 2].tolist(), *even.tolist()])[: 2 * MEASURED]


def _rows_looked_at(rows: Rows) -> int:
    return max(1, ELEMENTS // max(1, int(np.prod(rows.shape[1:]))))


def _first(rows: Rows, few: int) -> Array:
    values = rows[slice(0, few)] if rows.shape and few < len(rows) else whole(rows)
    return np.asarray(values).astype(np.float64)


def _for_all(known: Array, chosen: Array, shape: tuple[int, ...]) -> Array:
    """σ of all samples from that of some: the largest that is not out of all proportion, at the same place."""
    flat = np.where(np.isfinite(known), known, np.nan)
    if np.isnan(flat).all():
        return np.full(shape, np.inf)
    usual = USUAL * np.nanmedian(flat)
    largest = np.where(flat <= usual, flat, 0.0).max(axis=0)
    sigma = np.array(np.broadcast_to(np.maximum(largest, np.nanmedian(flat)), shape))
    sigma[chosen] = known
    return sigma
