"""Numbers in words: deviations, how many σ they are, and where."""

from __future__ import annotations

from math import isnan

ENDLESS = 1e12
"""σ that a deviation is only where rounding makes no error to speak of."""


def in_sigmas(value: float) -> str:
    """Format a deviation in standard deviations of rounding; a dash if unknown, ∞ where rounding makes no error."""
    if isnan(value) or value >= ENDLESS:
        return "-" if isnan(value) else "∞"
    return f"{value:.1f}σ" if value < 1000 else f"{value:.1e}σ"


def number(value: float) -> str:
    """Format a deviation; a dash if there is none."""
    return f"{value:.2e}" if value == value else "-"


def place(index: tuple[int, ...]) -> str:
    """Format an index such as `(3, 0)`."""
    return f"({', '.join(str(i) for i in index)})"
