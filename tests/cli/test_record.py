"""`lstm-verify record`, and `--golden` with what it wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.command import arguments, assert_refused, assert_usage_error, inputs, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    assert run("record", *arguments(ORIGIN), "-o", tmp_path / "golden", "-q").exit_code == 0
    return tmp_path / "golden"


def test_says_where_it_recorded(tmp_path: Path) -> None:
    done = run("record", *arguments(ORIGIN), "-o", tmp_path / "golden")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"recorded in {tmp_path / 'golden'}"


def test_by_default_beside_the_model(tmp_path: Path) -> None:
    copy = shutil.copy(model(ORIGIN), tmp_path / "m.h5")
    assert run("record", copy, "-i", inputs(ORIGIN), "-e", recorded(ORIGIN), "-q").exit_code == 0
    assert run(copy, "--golden", tmp_path / "m.h5.golden", "-q").exit_code == 0


def test_checks_the_same_file_and_an_export(golden: Path) -> None:
    same = run(model(ORIGIN), "--golden", golden, "--json", "-")
    assert (same.exit_code, json.loads(same.stdout)["golden"]["same_file"]) == (0, True)
    export = run(model(ORIGIN, "keras3.keras"), "--golden", golden)
    assert export.exit_code == 0
    assert "another file than was recorded; its replay is the recorded one" in export.stdout


def test_a_tolerance_on_the_command_line_holds(golden: Path) -> None:
    assert run(model(ORIGIN), "--golden", golden, "--sigmas", "1e-6", "-q").exit_code == 1


def test_a_mismatch_has_its_exit_code_and_is_not_recorded(tmp_path: Path) -> None:
    with np.load(recorded(ORIGIN)) as archive:
        np.savez(tmp_path / "wrong.npz", **{name: array + 1 for name, array in archive.items()})
    given = ("record", model(ORIGIN), "-i", inputs(ORIGIN), "-e", tmp_path / "wrong.npz", "-o", tmp_path / "golden")
    done = run(*given)
    assert done.exit_code == 1
    assert done.stderr.endswith("--any-verdict records it all the same\n")
    assert not (tmp_path / "golden").exists()
    assert run(*given, "--any-verdict", "-q").exit_code == 1
    assert run(model(ORIGIN), "--golden", tmp_path / "golden", "-q").exit_code == 1


def test_a_record_that_is_there_is_kept(golden: Path) -> None:
    before = (golden / "golden.json").read_bytes()
    assert_refused(run("record", *arguments("origin_tanh_relu"), "-o", golden), golden, "--update")
    assert (golden / "golden.json").read_bytes() == before
    assert run("record", *arguments("origin_tanh_relu"), "-o", golden, "--update", "-q").exit_code == 0
    assert (golden / "golden.json").read_bytes() != before


def test_a_damaged_folder_is_refused(golden: Path) -> None:
    with (golden / "golden.npz").open("ab") as file:
        file.write(b"\0")
    assert_refused(run(model(ORIGIN), "--golden", golden), golden / "golden.npz", "is not the file")


def test_a_folder_that_cannot_be_made_is_refused_before_any_work(tmp_path: Path) -> None:
    assert_refused(run("record", "missing.h5", "-i", "missing.npy", "-o", tmp_path / "no" / "golden"), "no directory")


@pytest.mark.parametrize(
    "more", [["-i", "x.npy"], ["-e", "y.npy"], ["--random", "3"], ["--runtime", "keras"], ["--decimals", "3"]]
)
def test_what_the_folder_has_itself_is_refused(more: list[str], golden: Path) -> None:
    assert_usage_error(run(model(ORIGIN), "--golden", golden, *more), "has inputs, predictions")


def test_a_report_never_overwrites_the_folder(golden: Path) -> None:
    assert_refused(run(model(ORIGIN), "--golden", golden, "--json", golden / "golden.json"), "already used")
