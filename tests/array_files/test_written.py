"""How many digits numbers were written with: what rounded them is found, and what did not is not taken for it.

The oracles are the writers themselves: `%` formats, `round` and `repr`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lstm_verify.array_files.written import Written, written_in
from lstm_verify.arrays import Array

Y = np.random.default_rng(8).standard_normal(60)
SMALL = Y[:9]


def of(texts: list[str]) -> Written | None:
    return written_in(texts, np.array([float(text) for text in texts]))


def formatted(format: str, values: Array = Y) -> list[str]:
    return [format % value for value in values]


def rounded(decimals: int, values: Array = Y) -> list[str]:
    return [repr(round(float(value), decimals)) for value in values]


def shortest(values: Array) -> list[str]:
    return [str(value) for value in values]


@pytest.mark.parametrize("decimals", [3, 4, 5, 6])
@pytest.mark.parametrize("values", [Y, SMALL, Y[:2], 40 * Y, np.tanh(Y)], ids=["all", "few", "two", "large", "tanh"])
def test_decimals_are_counted(decimals: int, values: Array) -> None:
    padded = np.append(values, 0.5)  # zeros at its end show that it was formatted
    assert of(formatted(f"%.{decimals}f", padded)) == Written(decimals=decimals)
    found = of(formatted(f"%.{decimals}f", values))
    assert found is not None
    assert (found.decimals, found.is_doubtful) == (decimals, len(values) == 2 and decimals > 4)


@pytest.mark.parametrize("decimals", [3, 4, 5])
def test_zeros_at_the_end_may_be_left_out(decimals: int) -> None:
    found = of(rounded(decimals))
    assert found is not None
    assert found.decimals == decimals


@pytest.mark.parametrize("digits", [4, 5, 6])
@pytest.mark.parametrize("letter", ["g", "e"])
def test_significant_digits_are_counted(digits: int, letter: str) -> None:
    precision = digits - (letter == "e")
    spread = Y * 10.0 ** np.arange(-3, 3).repeat(10)
    assert of(formatted(f"%.{precision}{letter}", spread)) == Written(digits=digits)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "change",
    [lambda y: y, np.tanh, lambda y: 1e-4 * y, lambda y: 1 / (1 + np.exp(-9 * y)), lambda y: y[:1], lambda y: y[:3]],
    ids=["plain", "tanh", "tiny", "saturated", "one", "three"],
)
def test_the_shortest_decimals_of_a_format_are_not_rounded(dtype: str, change: Callable[[Array], Array]) -> None:
    assert of(shortest(change(Y).astype(dtype))) is None


def test_float32_in_the_decimals_of_float64_is_not_rounded() -> None:
    assert of([repr(float(value)) for value in Y.astype("float32")]) is None


@pytest.mark.parametrize("format", ["%.18e", "%.17g", "%.20f"])
def test_all_digits_are_no_rounding(format: str) -> None:
    assert of(formatted(format, Y + 3 * np.sign(Y))) is None


@pytest.mark.parametrize(
    "texts",
    [
        ["0.5", "0.25", "0.125"],  # exact
        ["0.1"],
        ["0.3892"],
        ["0", "1", "1", "0"],
        ["0.0", "1.0", "1.0", "0.0"],
        ["3", "17", "-4"],
        ["0.38925898", "0.25", "0.5"],
        ["0.38925898", "0.4"],
        ["nan", "inf"],
        ["1e-45", "3e-45"],
        [],
    ],
)
def test_short_numbers_alone_are_no_evidence(texts: list[str]) -> None:
    found = of(texts)
    assert found is None or found.is_doubtful


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (["0.39", "0.61", "0.27"], Written(decimals=2, is_doubtful=True)),
        (["0.389", "0.611", "0.275"], Written(decimals=3)),
        (["0.0389", "0.0611", "0.0275"], Written(decimals=4)),
        (["0.0389", "0.0411", "0.0275"], Written(decimals=4, is_doubtful=True)),
        (["38.9", "0.6", "27.5"], Written(decimals=1, is_doubtful=True)),
        (["389.1", "0.6", "27.5"], Written(decimals=1)),
        (["1.0000", "0.0000"], Written(decimals=4)),
        (["1.50"], Written(decimals=2, is_doubtful=True)),
        (["3.89e-05", "6.11e+03", "2.75e-01"], Written(digits=3, is_doubtful=True)),
        (["3.891e-05", "6.112e+03", "2.753e-01"], Written(digits=4)),
        (["-3.891e-05", "+6.112E3", "nan", "2.753e-01"], Written(digits=4)),
    ],
)
def test_half_a_unit_must_be_little(texts: list[str], written: Written) -> None:
    assert of(texts) == written


def test_numbers_of_mixed_digits_are_not_rounded() -> None:
    assert of(rounded(3)[:30] + shortest(Y[30:].astype("float32"))) is None


def test_most_numbers_must_have_as_many_digits() -> None:
    assert of(["0.1234", "0.37", "1.9", "12.3", "0.123457", "0.777", "0.2", "0.61"]) is None


def test_numbers_that_float32_holds_exactly_are_no_evidence() -> None:
    assert of(["0.125", "0.375", "0.625", "0.875"]) == Written(decimals=3, is_doubtful=True)
    assert of(["0.126", "0.376", "0.626", "0.876"]) == Written(decimals=3)


def test_more_decimals_than_count_are_no_rounding() -> None:
    assert of(["1.2345e-40", "3.4567e-40"]) is None


def test_in_words() -> None:
    assert [str(Written(decimals=1)), str(Written(digits=6))] == ["1 decimal", "6 significant digits"]
