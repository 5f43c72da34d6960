"""Attempts to pass wrong predictions, by what is recorded and by what is accepted: none of them is a match."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import InputError, Report, Verdict, verify
from lstm_verify.cli.option_groups import grouped
from lstm_verify.layers import Array
from tests.conftest import FIXTURES

NAME = "origin_tanh_sigmoid.keras3"
X = np.load(FIXTURES / "origin.x.npy")
with np.load(FIXTURES / f"{NAME}.y.npz") as recorded:
    (Y,) = (recorded[name] for name in recorded.files)
WRONG = Y + np.float32(1e-3) * (np.arange(len(Y)) == len(Y) - 1)[:, None]
"""One sample is wrong."""


def judged(y: Any, x: Any = X, **options: Any) -> Report:
    return verify(FIXTURES / f"{NAME}.h5", x, expected=y, diagnose=False, blind_spots=False, **grouped(options))


def test_the_honest_predictions_match() -> None:
    assert judged(Y).verdict is Verdict.MATCH


ACCEPTED: list[dict[str, Any]] = [
    {"allow_unjudged": True},
    {"sigmas": 1e3},
    {"sigmas": 1e9},
    {"sigmas": 1e9, "allow_unjudged": True},
    {"decimals": 0},
    {"decimals": 0, "allow_unjudged": True},
    {"decimals": 5, "allow_unjudged": True},
    {"products": "tf32", "allow_unjudged": True},
    {"products": "bfloat16", "allow_unjudged": True},
    {"atol": 0.0},
    {"rtol": 1e-3},
]
RECORDED: dict[str, Callable[[Array], Any]] = {
    "zeros": np.zeros_like,
    "NaN": lambda y: np.full_like(y, np.nan),
    "infinite": lambda y: np.full_like(y, np.inf),
    "infinite in float16": lambda y: np.full_like(y, np.inf, np.float16),
    "negated": lambda y: -y,
    "of other samples": lambda y: y[::-1].copy(),
    "whole numbers": lambda y: y.astype(np.int64),
    "truth values": lambda y: y > 0.5,
    "one for all": lambda y: y[:1],
    "flat": np.ravel,
    "with another axis": lambda y: y[..., None],
    "masked": lambda y: np.ma.array(np.zeros_like(y), mask=True),
    "subnormal": lambda y: np.full_like(y, 1e-45),
}


@pytest.mark.parametrize("options", ACCEPTED, ids=str)
@pytest.mark.parametrize("name", RECORDED)
def test_no_option_makes_them_match(name: str, options: dict[str, Any]) -> None:
    assert judged(RECORDED[name](Y), **options).verdict is not Verdict.MATCH


@pytest.mark.parametrize("options", [{}, {"allow_unjudged": True}, {"decimals": 4}, {"products": "tf32"}], ids=str)
def test_one_wrong_sample_is_found(options: dict[str, Any]) -> None:
    assert judged(WRONG, **options).verdict is Verdict.MISMATCH


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_in_one_sample_excuses_no_other(value: float) -> None:
    x, y = X.copy(), WRONG.copy()
    x[0], y[0] = value, np.nan
    for options in ({}, {"allow_unjudged": True}):
        assert judged(y, x, **options).verdict is Verdict.MISMATCH
    assert judged(np.full_like(y, np.nan), np.full_like(x, np.nan), allow_unjudged=True).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "y",
    [Y.astype(complex), Y.astype(object), Y.astype(str), {}, [], [Y, Y], {"dense": Y, "other": WRONG}],
    ids=["complex", "objects", "words", "none by name", "none", "two", "one too many"],
)
def test_what_is_no_prediction_is_refused(y: Any) -> None:
    with pytest.raises(InputError):
        judged(y)


@pytest.mark.parametrize(
    "options", [{"sigmas": np.inf}, {"atol": np.nan}, {"rtol": np.inf}, {"decimals": 2.5}], ids=str
)
@pytest.mark.parametrize("predicted", [Y, WRONG], ids=["honest", "wrong"])
def test_a_tolerance_that_is_no_number_is_refused(predicted: Array, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected"):
        judged(predicted, **options)


def test_decimals_that_no_number_has_are_refused() -> None:
    with pytest.raises(InputError, match="decimals: 400, expected an integer from 0 to 30"):
        judged(Y, decimals=400)


@pytest.mark.parametrize("second", ["dense", "dense:0"])
def test_two_arrays_of_one_name_are_refused(tmp_path: Path, second: str) -> None:
    """Only the last of them would be compared."""
    path = tmp_path / "twice.npz"
    with zipfile.ZipFile(path, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, array in (("dense", WRONG), (second, Y)):
            content = BytesIO()
            np.save(content, array)
            file.writestr(f"{name}.npy", content.getvalue())
    with pytest.raises(InputError, match="more than one array is named 'dense'"):
        judged(path)
