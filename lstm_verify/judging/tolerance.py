"""Tolerance: how far a prediction may be from the replay, and in which unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lstm_verify.array_files.written import MOST_DECIMALS, Written
from lstm_verify.arrays import Array, Rows
from lstm_verify.errors import InputError

SINGLE = 2.0**-24
"""Half a unit in the last place of float32."""
RECORDED = 0.25
"""How much of an output's size may be lost where predictions were recorded with few digits."""
NOTHING = 1e-30
"""An output of no more than that is 0, and to be so within what the smallest numbers of a format are."""


FINE = 0.01
"""The largest share of an output by which each of its units is measured by itself as well."""
OF_A_UNIT = 0.1
"""How much of a unit's own size the tolerance may be then, however large the others are."""
SIGMAS = 8.0
"""How many standard deviations of the rounding error are allowed unless something else is asked for."""


@dataclass(frozen=True)
class Tolerance:
    """How far a prediction may be from the replay: 8 σ of rounding, unless given otherwise.

    Raises:
        InputError: a number that makes no sense.

    Example:
        >>> print(Tolerance(), "or", Tolerance(atol=1e-6))
        |Δ| ≤ 8σ of rounding or |Δ| ≤ 1e-06 + 0·|replayed|
    """

    atol: float | None = None
    """Absolute, in units of the output."""
    rtol: float | None = None
    """Relative to the replayed value."""
    sigmas: float = SIGMAS
    """In standard deviations of the rounding error; without effect if `atol` or `rtol` is given."""
    decimals: int | None = None
    """To how many decimals the predictions were rounded when they were recorded; None if they were not."""
    digits: int | None = None
    """To how many significant digits they were; None if they were not."""
    allow_unjudged: bool = False
    """Whether elements are accepted that rounding alone may change as much as a fault would."""
    recorded: bool = True
    """Whether the predictions come from a file, whose narrow format may have cost them digits."""
    written: Mapping[str, Written] = field(default_factory=dict)
    """By output, to how many digits its file says that they were rounded; for those that a user says nothing of."""

    asked: bool = True
    """Whether a user asked for it; one that only stands in for σ judges nothing where it would allow anything."""

    def __post_init__(self) -> None:
        for name, value in (("sigmas", self.sigmas), ("atol", self.atol), ("rtol", self.rtol)):
            if value is not None and not (value >= 0 and np.isfinite(value)):
                raise InputError(f"{name}: {value}, expected a finite number that is not negative")
        if self.decimals is not None and self.decimals not in range(MOST_DECIMALS + 1):
            raise InputError(f"decimals: {self.decimals}, expected an integer from 0 to {MOST_DECIMALS}")
        if self.digits is not None and self.digits not in range(1, MOST_DECIMALS + 1):
            raise InputError(f"digits: {self.digits}, expected an integer from 1 to {MOST_DECIMALS}")

    def of_output(self, name: str) -> Tolerance:
        """Return the tolerance of one output, with the digits that its file has unless a user says which."""
        written = self.written.get(name)
        if written is None or written.is_doubtful or not self.follows_text:
            return self
        return replace(self, decimals=written.decimals, digits=written.digits, written={})

    def of_recording(self, written: Mapping[str, Written], outputs: Sequence[str]) -> Tolerance:
        """Return the tolerance for predictions that were written with so many digits, if a user says nothing of it."""
        whole = replace(self, written=written)
        each = [whole.of_output(name) for name in outputs]
        return each[0] if each and all(one == each[0] for one in each) else whole

    @property
    def follows_text(self) -> bool:
        """Whether it is for the file of recorded predictions to say how they were rounded, and not for a user."""
        return self.by_rounding and self.decimals is None and self.digits is None

    @property
    def by_rounding(self) -> bool:
        """Whether deviations are judged by σ."""
        return self.atol is None and self.rtol is None

    @property
    def may_be_wide(self) -> bool:
        """Whether elements with a tolerance that allows anything are unjudged."""
        return self.by_rounding or not self.asked

    def allowed(self, replayed: Array, sigma: Array) -> Array:
        """Return how far each element may be from its replayed value."""
        return self.sigmas * sigma if self.by_rounding else (self.atol or 0.0) + (self.rtol or 0.0) * np.abs(replayed)

    def lost(self, predicted: Array, replayed: Array) -> Array:
        """Return how far each prediction may be from what was computed because it was recorded with fewer digits.

        What has more decimals was not rounded to so many, what is not finite has no digits, and what is 0 loses none.
        """
        values = predicted.astype(np.float64)
        values = np.where(np.isfinite(values), values, 0.0)
        lost = np.zeros(values.shape)
        if self.decimals is not None:
            lost += 0.5 * 10.0**-self.decimals * _has_decimals(values, self.decimals, last_place(predicted.dtype))
        if self.digits is not None:
            lost += 0.5 * _unit(values, self.digits)
        if self.recorded and self.by_rounding and last_place(predicted.dtype) > SINGLE:
            lost += np.maximum(last_place(predicted.dtype) * np.abs(values), smallest(predicted.dtype) / 2)
        return np.where(np.equal(replayed, 0), 0.0, lost)

    def __str__(self) -> str:
        if self.by_rounding:
            recorded = "" if self.decimals is None else f" + ½·10^-{self.decimals} of recording"
            digits = "" if self.digits is None else f" + ½ unit of significant digit {self.digits} of recording"
            return f"|Δ| ≤ {self.sigmas:g}σ of rounding{recorded}{digits}"
        return f"|Δ| ≤ {self.atol or 0:g} + {self.rtol or 0:g}·|replayed|"

    def to_dict(self) -> dict[str, float | None]:
        """The tolerance as plain data."""
        recorded = {"decimals": self.decimals, "digits": self.digits}
        if self.by_rounding:
            return {"sigmas": self.sigmas, "atol": None, "rtol": None, **recorded}
        return {"sigmas": None, "atol": self.atol or 0.0, "rtol": self.rtol or 0.0, **recorded}


@dataclass(frozen=True)
class Scale:
    """The scale on which deviations of one output are measured."""

    tolerance: Tolerance
    sigma: Rows | None = None
    """σ of every element, (samples, ...)."""
    share: float = np.inf
    """How much of an output's size the tolerance may be, for the comparison to mean anything."""
    least: Array | None = None
    """(samples, units) float64: how large the output is at least, besides the values of the sample itself."""

    def of(self, rows: slice, predicted: Array, replayed: Array) -> Array:
        """Return σ of the elements, (samples, elements); NaN if it is not known.

        No less than half a unit in the last place of what was predicted, which was rounded at least once; of float16
        no more than for float32, since σ has the precision of the model in it already.
        """
        if self.sigma is None:
            return np.full(predicted.shape, np.nan)
        known, held = self.sigma[rows].reshape(predicted.shape), np.isfinite(replayed)
        known = np.where(held | ~np.isfinite(predicted), known, 0.0)  # a number where not even float64 holds one
        return np.maximum(known, min(last_place(predicted.dtype), SINGLE) * np.abs(np.where(held, replayed, 0.0)))

    def is_wide(self, rows: slice, replayed: Array, units: int, budget: Array, lost: Array) -> Array:
        """Return whether the tolerance of each element would let anything pass, (samples, elements).

        Args:
            rows: which samples those are.
            replayed: (samples, elements) float64.
            units: the length of the last axis of the output.
            budget: (samples, elements), what rounding may do.
            lost: (samples, elements), what recording may do besides.
        """
        steps = replayed.reshape(len(replayed), -1, units)
        unit, whole = (
            np.broadcast_to(size[:, None], steps.shape).reshape(replayed.shape) for size in self._sizes(rows, steps)
        )
        recorded = budget + lost > max(self.share, RECORDED) * unit
        wide: Array = (budget > self.share * whole) | (budget > max(self.share, OF_A_UNIT) * unit) | recorded
        return wide

    def judged_up_to(self, rows: slice, replayed: Array, units: int, sigma: Array, lost: Array) -> Array:
        """Return the most σ that the tolerance of each element may be without letting anything pass.

        It is `is_wide` solved for the number of σ, (samples, elements): infinite where σ is 0, and -1 where nothing can
        be judged, since σ is infinite or too much was lost.
        """
        steps = replayed.reshape(len(replayed), -1, units)
        unit, whole = (
            np.broadcast_to(size[:, None], steps.shape).reshape(replayed.shape) for size in self._sizes(rows, steps)
        )
        most = np.minimum(self.share * whole, max(self.share, OF_A_UNIT) * unit)
        most = np.minimum(most, max(self.share, RECORDED) * unit - lost)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = np.where(np.isinf(sigma) | (most < 0), -1.0, np.where(sigma == 0, np.inf, most / sigma))
        return found

    def _sizes(self, rows: slice, steps: Array) -> tuple[Array, Array]:
        """How large each unit of an output is for each sample, and the largest of them, both (samples, units).

        A unit that is 0, whatever the input, has no size: it is judged if it is 0 within less than the last place of
        the largest. In narrow formats the digits are too few to ask for some in small units of ordinary models.
        """
        least = NOTHING if self.least is None else np.maximum(self.least[rows], NOTHING)
        found = np.maximum(largest(steps), least)
        whole = np.broadcast_to(found.max(axis=1, keepdims=True), found.shape)
        if self.share > FINE:
            return whole, whole
        return np.where(found <= NOTHING, np.maximum(found, whole * SINGLE / OF_A_UNIT), found), whole


def largest(values: Array) -> Array:
    """Return the largest finite absolute value of each sample and unit: (samples, ..., units) to (samples, units)."""
    each = values.reshape(len(values), -1, values.shape[-1] if values.ndim > 1 else 1)
    found: Array = np.abs(np.where(np.isfinite(each), each, 0.0)).max(axis=1, initial=0)
    return found


def _has_decimals(values: Array, decimals: int, place: float) -> Array:
    """Whether each number is one with so many decimals, as nearly as its format holds that."""
    units = values * 10.0**decimals
    near: Array = np.abs(units - np.round(units)) <= 4 * max(place, 2.0**-53) * np.abs(units)
    return near


def _unit(values: Array, digits: int) -> Array:
    """One in the last of so many significant digits of each number; 0 of 0, which has none."""
    size = np.abs(np.where(values == 0, 1.0, values))
    # a power of ten belongs to the larger numbers, whatever its logarithm was rounded to
    leading = np.floor(np.log10(size) + 1e-12)
    unit: Array = np.where(values == 0, 0.0, 10.0 ** (leading - digits + 1))
    return unit


def smallest(dtype: np.dtype[Any]) -> float:
    """Return the smallest positive number of a format in which underflow is within reach; 0 for all others."""
    return 2.0**-24 if dtype == np.float16 else 0.0


def last_place(dtype: np.dtype[Any]) -> float:
    """Return half a unit in the last place, relative to the number; 0 if it is not a floating-point type."""
    if dtype.name == "bfloat16":
        return 2.0**-9
    return float(np.finfo(dtype).eps) / 2 if dtype.kind == "f" else 0.0
