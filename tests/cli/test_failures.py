"""An error is written where a report would be, so that a CI system shows it; and never over what was read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tests.command import run
from tests.conftest import FIXTURES

ORIGIN, X = FIXTURES / "origin_tanh_sigmoid.keras3.h5", FIXTURES / "origin.x.npy"


@pytest.mark.parametrize("more", [[], ["--against", ORIGIN, "--no-runtime"], ["--expected", X]])
def test_an_error_is_a_test_error(more: list[Any], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 5)))
    files = {name: tmp_path / f"report.{name}" for name in ("json", "xml", "sarif")}
    options = ["--json", files["json"], "--junit", files["xml"], "--sarif", files["sarif"]]
    done = run(ORIGIN, "--input", tmp_path / "x.npy", *more, *options)
    assert done.exit_code == 2
    found = json.loads(files["json"].read_text())
    assert (found["verdict"], found["exit_code"], found["model"]["path"]) == ("error", 2, str(ORIGIN))
    assert done.stderr.strip().endswith(found["reason"])
    (ended,) = json.loads(files["sarif"].read_text())["runs"][0]["invocations"]
    assert (ended["executionSuccessful"], ended["exitCode"]) == (False, 2)
    suite = ET.parse(files["xml"]).getroot()[0]
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("1", "0", "1")
    assert suite.find("testcase/error").attrib["message"] == found["reason"]  # type: ignore[union-attr]


@pytest.mark.parametrize("command", ["diagnose", "rollout"])
def test_every_command_with_a_report_writes_it(command: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = ["--expected", X] if command == "diagnose" else ["--steps", "3"]
    done = run(command, tmp_path / "missing.h5", "--input", X, *options, "--json", report)
    assert done.exit_code == 2
    assert json.loads(report.read_text())["verdict"] == "error"


def test_standard_output_has_nothing_else() -> None:
    done = run("missing.h5", "--input", X, "--expected", X, "--json", "-")
    assert json.loads(done.stdout)["reason"].startswith("missing.h5: cannot be read")


def test_what_is_read_is_never_written_over(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 5)))
    before = (tmp_path / "x.npy").read_bytes()
    for options in (["--json", tmp_path / "x.npy"], ["--junit", tmp_path / "x.npy"]):
        done = run(ORIGIN, "--input", tmp_path / "x.npy", "--expected", X, *options)
        assert done.exit_code == 2
        assert (tmp_path / "x.npy").read_bytes() == before
