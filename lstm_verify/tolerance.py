"""Tolerance: how far a prediction may lie from the replay, and what that is measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows

SINGLE = 2.0**-24
"""Half a unit in the last place of float32."""
RECORDED = 0.25
"""How much of an output's size may be lost where predictions were recorded with few digits."""
NOTHING = 1e-30
"""An output of no more than that is 0, and to be so within what the smallest numbers of a format are."""


SIGMAS = 8.0
"""How many standard deviations of the rounding error are allowed unless something else is asked for."""


@dataclass(frozen=True)
class Tolerance:
    """How far a prediction may lie from the replay: 8 σ of rounding, or what is given in its stead."""

    atol: float | None = None
    """Absolute, in units of the output."""
    rtol: float | None = None
    """Relative to the replayed value."""
    sigmas: float = SIGMAS
    """In standard deviations of the rounding error; without effect if `atol` or `rtol` is given."""
    decimals: int | None = None
    """To how many decimals the predictions were rounded when they were recorded; None if they were not."""

    @property
    def by_rounding(self) -> bool:
        """Whether it goes by σ."""
        return self.atol is None and self.rtol is None

    def allowed(self, replayed: Array, sigma: Array) -> Array:
        """How far each element may lie from its replayed value."""
        return self.sigmas * sigma if self.by_rounding else (self.atol or 0.0) + (self.rtol or 0.0) * np.abs(replayed)

    def lost(self, predicted: Array) -> Array:
        """How far each prediction may lie from what was computed since it was recorded with fewer digits."""
        decimals = 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals
        place = last_place(predicted.dtype)
        held = place if self.by_rounding and place > SINGLE else 0.0
        lost: Array = decimals + held * np.abs(predicted.astype(np.float64))
        return lost

    def __str__(self) -> str:
        if self.by_rounding:
            recorded = "" if self.decimals is None else f" + ½·10^-{self.decimals} of recording"
            return f"|Δ| ≤ {self.sigmas:g}σ of rounding{recorded}"
        return f"|Δ| ≤ {self.atol or 0:g} + {self.rtol or 0:g}·|replayed|"

    def to_dict(self) -> dict[str, float | None]:
        """What decides, as plain data."""
        if self.by_rounding:
            return {"sigmas": self.sigmas, "atol": None, "rtol": None, "decimals": self.decimals}
        return {"sigmas": None, "atol": self.atol or 0.0, "rtol": self.rtol or 0.0, "decimals": self.decimals}


@dataclass(frozen=True)
class Scale:
    """What deviations of one output are measured by."""

    tolerance: Tolerance
    sigma: Rows | None = None
    """σ of every element, (samples, ...)."""
    share: float = np.inf
    """How much of an output's size the tolerance may be, for the comparison to mean anything."""
    least: Array | None = None
    """(samples,) float64: how large the output is at least, besides the values of the sample itself."""

    def of(self, rows: slice, predicted: Array, replayed: Array) -> Array:
        """σ of the elements, (samples, elements); NaN if it is not known.

        No less than half a unit in the last place of what was predicted, which was rounded at least once; of float16
        no more than for float32, since σ has the precision of the model in it already.
        """
        if self.sigma is None:
            return np.full(predicted.shape, np.nan)
        known, held = self.sigma[rows].reshape(predicted.shape), np.isfinite(replayed)
        known = np.where(held | ~np.isfinite(predicted), known, 0.0)  # a number where not even float64 holds one
        return np.maximum(known, min(last_place(predicted.dtype), SINGLE) * np.abs(np.where(held, replayed, 0.0)))

    def size(self, rows: slice, replayed: Array) -> Array:
        """How large the output is for each sample, (samples, 1)."""
        largest = np.abs(np.where(np.isfinite(replayed), replayed, 0.0)).max(axis=1, initial=0, keepdims=True)
        least = NOTHING if self.least is None else np.maximum(self.least[rows, None], NOTHING)
        found: Array = np.maximum(largest, least)
        return found


def last_place(dtype: np.dtype[Any]) -> float:
    """Half a unit in the last place of a number, relative to it; 0 of what is no floating-point type."""
    if dtype.name == "bfloat16":
        return 2.0**-9
    return float(np.finfo(dtype).eps) / 2 if dtype.kind == "f" else 0.0
