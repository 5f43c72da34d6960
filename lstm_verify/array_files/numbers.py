"""Numbers in decimal, read strictly: no other number than the one that is written, and no error without its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from lstm_verify.array_files.written import NUMBER
from lstm_verify.arrays import Array
from lstm_verify.errors import InputError

INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
NOT_FINITE = {f"{sign}{word}" for sign in ("", "+", "-") for word in ("nan", "inf", "infinity")}
BOOLEANS = {"true": True, "false": False}
LONGEST = 1000
"""The characters that a number may have; float64 never needs more than 770."""
EXACT_IN_FLOAT64 = 2**53
"""Below it float64 holds every whole number."""

Where = Callable[[int], str]
"""Says where in its file a number is, by its place in order."""


def numbers_in(texts: Sequence[str], where: Where) -> Array:
    """Read numbers, or booleans if all are.

    Args:
        texts: one number each.
        where: says where each of them is, for errors.

    Returns:
        (numbers,) float64; int64 or uint64 if all are written as integers; bool if all are `true` or `false`.

    Raises:
        InputError: one is no number, or larger than its type can hold.

    Example:
        >>> numbers_in(["0.125", "-3e-2", "nan"], lambda place: f"line {place + 1}")
        array([ 0.125, -0.03 ,    nan])
    """
    if texts and all(text.lower() in BOOLEANS for text in texts):
        return np.array([BOOLEANS[text.lower()] for text in texts])
    for place, text in enumerate(texts):
        if len(text) > LONGEST or not is_number(text):
            raise InputError(f"{where(place)}: {_shortened(text)}, expected a number{_hint(text)}")
    if all(map(INTEGER.fullmatch, texts)):
        return _integers(texts, where)
    values = np.array([float(text) for text in texts])
    _check_range(texts, values, where)
    return values


def is_number(text: str) -> bool:
    """Whether a text is a number, finite or not."""
    return NUMBER.fullmatch(text) is not None or text.lower() in NOT_FINITE


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…") if text else "an empty cell"


def _hint(text: str) -> str:
    if not text:
        return "; write nan where one is missing"
    if re.fullmatch(r"[+-]?\d*,\d+", text):
        return ". Decimals behind a comma are read where cells are separated by ; or tabs"
    return ". Write 1 and 0" if text.lower() in BOOLEANS else ""


def _integers(texts: Sequence[str], where: Where) -> Array:
    numbers = [int(text) for text in texts]
    low, high = min(numbers, default=0), max(numbers, default=0)
    for dtype in (np.int64, np.uint64):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return np.array(numbers, dtype)
    place = max(range(len(numbers)), key=lambda n: abs(numbers[n]))
    raise InputError(f"{where(place)}: {_shortened(texts[place])}, expected integers that 64 bits can hold")


def _check_range(texts: Sequence[str], values: Array, where: Where) -> None:
    """Refuse what would silently become another number."""
    for place in np.flatnonzero(np.isinf(values) | (np.abs(values) >= EXACT_IN_FLOAT64)).tolist():
        text = texts[place]
        if np.isinf(values[place]) and text.lower() not in NOT_FINITE:
            raise InputError(f"{where(place)}: {_shortened(text)} is larger than float64 can hold")
        if INTEGER.fullmatch(text) and int(text) != int(values[place]):
            raise InputError(f"{where(place)}: {_shortened(text)} has more digits than float64 can hold")
