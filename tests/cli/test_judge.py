"""`lstm-verify judge`: the exit codes of a verification, without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import arguments, assert_refused, assert_usage_error, run

ORIGIN = "origin_tanh_sigmoid"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    run(*arguments(ORIGIN), "--json", tmp_path / "report.json", "-q")
    return tmp_path / "report.json"


def test_a_report(report: Path) -> None:
    done = run("judge", report)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "MATCH  all samples agree"
    assert "nothing was computed again" in done.stdout


def test_another_tolerance(report: Path) -> None:
    assert run("judge", report, "--sigmas", "4", "-q").exit_code == 0
    assert run("judge", report, "--sigmas", "0.001", "-q").exit_code == 3
    assert run("judge", report, "--atol", "1e-12", "-q").exit_code == 1
    assert run("judge", report, "--atol", "1e-3", "-q").exit_code == 0


def test_a_golden_folder(tmp_path: Path) -> None:
    run("record", *arguments(ORIGIN), "-o", tmp_path / "golden", "-q")
    assert run("judge", tmp_path / "golden", "-q").exit_code == 0
    assert run("judge", tmp_path / "golden", "--sigmas", "0.001", "-q").exit_code == 1
    assert run("judge", tmp_path / "golden", "--rtol", "1e-3", "-q").exit_code == 0


def test_json(report: Path) -> None:
    found = json.loads(run("judge", report, "--atol", "1e-12", "--json", "-").stdout)
    assert (found["verdict"], found["verdict_before"], found["exit_code"]) == ("mismatch", "match", 1)
    assert found["tolerance"] == {"sigmas": None, "atol": 1e-12, "rtol": 0.0, "decimals": None}
    assert found["outputs"][0]["samples_beyond"] > 0


def test_what_is_refused(report: Path, tmp_path: Path) -> None:
    assert_refused(run("judge", tmp_path / "none.json"), "cannot be read")
    assert_refused(run("judge", report, "--rtol", "1e-3"), "--rtol needs every value")
    assert_refused(run("judge", report, "--json", report), "already used")
    assert_usage_error(run("judge", report, "--sigmas", "4", "--atol", "1"), "exclude each other")
