"""The result of judging: the comparisons, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lstm_verify.arrays import Array, Rows
from lstm_verify.judging.compare import Comparison
from lstm_verify.judging.tolerance import Tolerance


@dataclass(frozen=True)
class Judgement:
    """The result of comparing all outputs."""

    outputs: tuple[Comparison, ...]
    tolerance: Tolerance
    own_sigma: int = 0
    """The number of samples whose σ was computed; it is never taken from others."""
    notes: tuple[str, ...] = ()
    is_lower_bound: bool = False
    """Whether σ of some samples is a part of the whole, which was enough for a verdict."""
    sigma: Mapping[str, Rows] = field(default_factory=dict)
    """By output name, (samples, ...) float64: σ of every element, as far as it was computed; empty if it is unknown."""
    least: Mapping[str, Array] = field(default_factory=dict)
    """By output name, (samples, units) float64: how large an output is at least, where that was measured."""
