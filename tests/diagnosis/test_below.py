"""Tolerances below rounding: nothing is diagnosed where the unchanged model is within rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify import Report, Tolerance, verify
from lstm_verify.cli.option_groups import grouped
from lstm_verify.diagnosis.explain import diagnosis_lines
from tests.conftest import FIXTURES

MODELS = ("origin_tanh_sigmoid", "bidirectional_masked", "stacked_gru", "encoder_decoder", "stateful")


def report_of(name: str, **options: Any) -> Report:
    x = FIXTURES / ("origin.x.npy" if name.startswith("origin") else f"{name}.x.npz")
    return verify(FIXTURES / f"{name}.keras3.keras", x, expected=FIXTURES / f"{name}.keras3.y.npz", **grouped(options))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("asked", [{"atol": 1e-12}, {"rtol": 1e-12}, {"atol": 1e-13, "rtol": 1e-12}, {"sigmas": 1e-3}])
def test_a_tolerance_below_rounding_blames_no_fault(name: str, asked: dict[str, float]) -> None:
    report = report_of(name, **asked)
    assert report.verdict == "mismatch"
    found = report.diagnosis
    assert found is not None
    assert (found.status, found.explanations, found.closest, found.tried) == ("within_rounding", (), None, 0)
    (line,) = diagnosis_lines(found, "")
    assert "the tolerance asked for is below what float32 can do" in line
    assert found.to_dict()["faults"] == []


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rtol", [None, 1e-12])
def test_the_smallest_tolerance_that_is_not_below_rounding_passes(name: str, rtol: float | None) -> None:
    found = report_of(name, atol=1e-12, rtol=rtol).diagnosis
    assert found is not None
    assert found.below is not None
    smallest = found.to_dict()["smallest_tolerance"]
    assert f"--atol {smallest['atol']:.1e}" in next(diagnosis_lines(found, ""))
    assert report_of(name, atol=smallest["atol"], rtol=smallest["rtol"]).verdict == "match"
    assert smallest["atol"] < 1e-4


def test_too_few_sigmas_are_told_by_how_many_are_not() -> None:
    found = report_of("stacked_gru", sigmas=1e-3).diagnosis
    assert found is not None
    assert "`--sigmas 8`" in next(diagnosis_lines(found, ""))
    assert found.to_dict()["smallest_tolerance"] == {"sigmas": 8.0, "atol": None, "rtol": None}


def test_a_deviation_beyond_rounding_is_diagnosed_whatever_was_asked_for() -> None:
    """A recorded value that is a thousandth off, with a tolerance below rounding."""
    with np.load(FIXTURES / "stacked_gru.keras3.y.npz") as file:
        arrays = dict(file)
    name = next(iter(arrays))
    arrays[name] = arrays[name].copy()
    arrays[name].flat[0] += 1e-3
    x = FIXTURES / "stacked_gru.x.npz"
    model = FIXTURES / "stacked_gru.keras3.keras"
    report = verify(model, x, expected=arrays, tolerance=Tolerance(atol=1e-12), seconds=0)
    assert report.diagnosis is not None
    assert (report.diagnosis.status, report.diagnosis.below) == ("unexplained", None)
