"""How many digits numbers were written with in decimal, and whether that rounded them.

Most text that programs write holds as many digits as the numbers have: `repr`, JSON and CSV writers choose the shortest
decimal from which the same float32 or float64 can be read again. Its last digit says nothing of how far the number is
from what was computed, and 0.1 may be short since it is just what a float32 held. So numbers count as rounded only if
there is evidence of it in all of them together: most have as many decimals, or significant digits, as any has, as where
zeros at the end are left out; and either zeros at the end are written, which the shortest decimal never has, or so many
numbers are so short as those of float32 are by accident once in ten thousand times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lstm_verify.arrays import Array

NUMBER = re.compile(r"[+-]?(?=\.?\d)(\d*)(\.\d*)?(?:[eE]([+-]?\d{1,9}))?", re.ASCII)
"""A finite number in decimal: the digits before the point, those behind it with the point, and the exponent."""
USUAL_DIGITS = 7.4
"""Of float32, one number in 10 to the power of this less D has D digits or fewer in its shortest decimal; D up to 7."""
BY_ACCIDENT = 4.0
"""How seldom float32 must have as few digits by accident, for that to be evidence: once in 10 to this power times."""
MOST = 0.5
"""How many of the numbers must have as many digits as any has; of rounded ones, 9 of 10 do."""
ALL_DIGITS = 17
"""The significant digits that determine a float64."""
MOST_DECIMALS = 30
"""The decimals that numbers can be rounded to, for any that they have."""
TOO_MUCH = 0.001
"""How much of the largest number half a unit of the last digit may be, for it to be allowed for unasked."""


@dataclass(frozen=True)
class Written:
    """How many digits numbers were written with: so many decimals, or so many significant digits.

    Example:
        >>> print(Written(decimals=4), "or", Written(digits=6))
        4 decimals or 6 significant digits
    """

    decimals: int | None = None
    digits: int | None = None
    is_doubtful: bool = False
    """Whether only a user can say that numbers were rounded so: evidence is little, or half a unit is too much."""

    def __str__(self) -> str:
        count, what = (self.decimals, "decimal") if self.digits is None else (self.digits, "significant digit")
        return f"{count} {what}{'' if count == 1 else 's'}"


class _Digits(NamedTuple):
    """How one number was written."""

    value: float
    decimals: int
    significant: int
    is_whole: bool
    """Whether it has no decimals, or only one that is 0."""
    is_padded: bool
    """Whether there are zeros at its end that nobody needs."""


def written_in(texts: Sequence[str], values: Array) -> Written | None:
    """Find out how numbers were rounded when they were written; None if there is no evidence that they were.

    Args:
        texts: one number each, in decimal.
        values: (numbers,) float64, the same.

    Example:
        >>> print(written_in(["0.1250", "-3.1416"], np.array([0.125, -3.1416])))
        4 decimals
        >>> print(written_in(["0.125", "-3.1415927"], np.array([0.125, -3.1415927])))
        None
    """
    every = [_digits(text, value) for text, value in zip(texts, values.tolist(), strict=True)]
    numbers = [one for one in every if one and one.value]
    telling = [one for one in numbers if one.is_padded or not one.is_whole]
    if not telling:
        return None
    decimals = np.array([one.decimals for one in telling])
    significant = np.array([one.significant for one in telling])
    by_decimals = float(np.mean(decimals == decimals.max()))
    by_digits = float(np.mean(significant == significant.max()))
    if max(by_decimals, by_digits) < MOST or significant.min() >= ALL_DIGITS:
        return None
    is_padded = any(one.is_padded for one in every if one)
    if by_decimals < by_digits:
        count = int(significant.max())
        is_known = is_padded or _is_evidence(telling, np.full(len(telling), count))
        return _unless_all(Written(None, count, not is_known or 0.5 * 10.0 ** (1 - count) > TOO_MUCH), count)
    count = max(int(decimals.max()), 0)
    if count > MOST_DECIMALS:
        return None
    possible = significant + count - decimals
    is_known = is_padded or _is_evidence(telling, possible)
    largest = max(abs(one.value) for one in numbers)
    found = Written(count, None, not is_known or 0.5 * 10.0**-count > TOO_MUCH * largest)
    return _unless_all(found, int(possible.max()))


def _unless_all(written: Written, digits: int) -> Written | None:
    """How numbers were rounded; None if it is only suspected, and they have as many digits as float32 needs anyway."""
    return None if written.is_doubtful and digits > USUAL_DIGITS else written


def _digits(text: str, value: float) -> _Digits | None:
    """How a number was written; None if it is not finite."""
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    whole, fraction, exponent = found[1], (found[2] or "")[1:], found[3]
    return _Digits(
        value,
        decimals=len(fraction) - int(exponent or 0),
        significant=len((whole + fraction).lstrip("0")),
        is_whole=exponent is None and fraction in ("", "0"),
        is_padded=len(fraction) > 1 and fraction.endswith("0"),
    )


def _is_evidence(numbers: list[_Digits], possible: Array) -> bool:
    """Whether it is no accident that numbers have no more digits than they can have if they were rounded.

    Those that a float32 holds exactly are short anyway.
    """
    with np.errstate(over="ignore"):
        is_exact = np.array([float(np.float32(one.value)) == one.value for one in numbers])
    unlikely = np.maximum(USUAL_DIGITS - possible, 0.0)
    return bool(unlikely[~is_exact].sum() >= BY_ACCIDENT)
