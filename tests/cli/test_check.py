"""`lstm-verify check`: one table, one exit code, JSON and JUnit of many models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lstm_verify import check
from lstm_verify import checking as package
from lstm_verify.checking import jobs
from tests.checking.tasks import Here, here
from tests.command import assert_refused, assert_usage_error, inputs, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """Run in a folder of its own, without processes; what they do is tested in tests/checking."""
    executor = Here()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(package, "processes", here(executor))
    monkeypatch.setattr(jobs, "processes", here(executor))
    for name, path in {"m.h5": model(ORIGIN), "x.npz": inputs(ORIGIN), "y.npz": recorded(ORIGIN)}.items():
        shutil.copy(path, name)
    with np.load("y.npz") as archive:
        np.savez("wrong.npz", **{name: array + np.float32(0.1) for name, array in archive.items()})
    Path("bad.h5").write_text("nothing")
    return executor


MODEL = '[[model]]\npath = "m.h5"\nname = "NAME"\ninput = "x.npz"\nexpected = "EXPECTED"\n'
MATCH = MODEL.replace("NAME", "right").replace("EXPECTED", "y.npz")
MISMATCH = MODEL.replace("NAME", "wrong").replace("EXPECTED", "wrong.npz") + "diagnose = false\n"
ERROR = '[[model]]\npath = "bad.h5"\n'
INCONCLUSIVE = '[[model]]\nname = "nothing"\npath = "m.h5"\ninput = "nan.npy"\nexpected = "nan_y.npy"\n'


def manifest(*parts: str) -> Path:
    np.save("nan.npy", np.full((2, 3, 2), np.nan, np.float32))
    np.save("nan_y.npy", np.full((2, 2), np.nan, np.float32))
    Path("models.toml").write_text("\n".join(parts))
    return Path("models.toml")


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((MATCH,), 0),
        ((MATCH, INCONCLUSIVE), 3),
        ((INCONCLUSIVE, MISMATCH, MATCH), 1),
        ((MISMATCH, ERROR, INCONCLUSIVE, MATCH), 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(parts: tuple[str, ...], code: int) -> None:
    assert run("check", "-m", manifest(*parts), "--no-cache", "-q").exit_code == code


def test_a_broken_model_does_not_stop_the_others() -> None:
    done = run("check", "-m", manifest(ERROR, MATCH, MISMATCH), "--no-cache")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.split()[:1] in (["bad.h5"], ["right"], ["wrong"])] == [
        *("bad.h5", "right", "wrong")
    ]
    assert lines[-1].startswith("ERROR  3 models: 1 match, 1 mismatch, 1 error, ")


def lines_of(file: Path | str) -> list[dict[str, Any]]:
    text = file if isinstance(file, str) else file.read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_json_is_a_line_for_each_model_and_one_for_all(tmp_path: Path) -> None:
    run("check", "-m", manifest(MATCH, MISMATCH, ERROR), "--no-cache", "--json", "out.jsonl")
    *models, summary = lines_of(tmp_path / "out.jsonl")
    assert [(line["name"], line["verdict"], line["exit_code"]) for line in models] == [
        ("right", "match", 0),
        ("wrong", "mismatch", 1),
        ("bad.h5", "error", 2),
    ]
    assert models[1]["report"]["outputs"][0]["samples_beyond"] > 0
    assert (summary["models"], summary["match"], summary["mismatch"], summary["error"]) == (3, 1, 1, 1)
    assert summary["exit_code"] == 2


def test_json_on_standard_output_has_nothing_else() -> None:
    done = run("check", "-m", manifest(MATCH), "--no-cache", "--json", "-")
    assert len(lines_of(done.stdout)) == 2


def test_lines_are_there_while_the_others_are_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    really = package.checks

    def and_look(*given: Any, **options: Any) -> Iterator[Any]:
        for outcome in really(*given, **options):
            seen.append(len((tmp_path / "out.jsonl").read_text().splitlines()))
            yield outcome

    monkeypatch.setattr(package, "checks", and_look)
    run("check", "-m", manifest(MATCH, MISMATCH, ERROR), "--no-cache", "--json", "out.jsonl")
    assert seen == [0, 1, 2]
    assert len(lines_of(tmp_path / "out.jsonl")) == 4


def test_junit_is_a_suite_for_each_model(tmp_path: Path) -> None:
    run("check", "-m", manifest(MATCH, MISMATCH, ERROR, INCONCLUSIVE), "--no-cache", "--junit", "out.xml")
    root = ET.parse(tmp_path / "out.xml").getroot()
    found = {suite.attrib["name"]: suite.attrib for suite in root}
    counts = {name: (a["tests"], a["failures"], a["errors"]) for name, a in found.items()}
    assert counts == {
        "right": ("1", "0", "0"),
        "wrong": ("1", "1", "0"),
        "bad.h5": ("1", "0", "1"),
        "nothing": ("1", "0", "1"),
    }
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("4", "1", "2")


def test_blind_spots_that_are_not_allowed_are_a_failure(tmp_path: Path) -> None:
    done = run("check", "-m", manifest(MATCH + "allowed-blind-spots = []\n"), "--no-cache", "--junit", "out.xml")
    assert done.exit_code == 1
    assert "1 of them with blind spots that are not allowed" in done.stdout
    assert ET.parse(tmp_path / "out.xml").getroot().attrib["failures"] == "1"


def test_what_was_not_changed_comes_from_the_cache(place: Here, tmp_path: Path) -> None:
    one, other = (run("check", "-m", manifest(MATCH), "--json", f"{n}.jsonl") for n in range(2))
    assert len(place.done) == 1
    assert (one.exit_code, other.exit_code) == (0, 0)
    assert "cached" not in one.stdout
    assert "cached" in other.stdout
    first, again = (lines_of(tmp_path / f"{n}.jsonl")[0] for n in range(2))
    assert again == {**first, "cached": True}
    assert (tmp_path / ".lstm-verify-cache").is_dir()


def test_it_is_not_asked_with_no_cache(place: Here, tmp_path: Path) -> None:
    for _ in range(2):
        run("check", "-m", manifest(MATCH), "--no-cache", "-q")
    assert len(place.done) == 2
    assert not (tmp_path / ".lstm-verify-cache").exists()


def test_a_cache_elsewhere(place: Here, tmp_path: Path) -> None:
    for _ in range(2):
        run("check", "-m", manifest(MATCH), "--cache-dir", "elsewhere", "-q")
    assert len(place.done) == 1
    assert (tmp_path / "elsewhere").is_dir()


def test_paths_use_the_golden_folder_beside_them() -> None:
    run("record", "m.h5", "-i", "x.npz", "-e", "y.npz", "-q")
    done = run("check", "m.h5", "--no-cache", "--json", "-")
    assert (lines_of(done.stdout)[0]["compared_with"], done.exit_code, done.stderr) == ("golden", 0, "")


def test_generated_inputs_are_told() -> None:
    done = run("check", "bad.h5", "--random", "5", "--no-cache")
    assert done.stderr == "note: 1 model is checked on generated inputs, 5 samples from seed 0\n"
    assert done.exit_code == 2


def test_pyproject_upwards_is_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.lstm-verify]\n" + MATCH.replace("[[model]]", "[[tool.lstm-verify.model]]")
    )
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert run("check").exit_code == 0
    assert (tmp_path / ".lstm-verify-cache").is_dir(), "the cache is beside it, too"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "nothing to check"),
        (("missing.h5",), "missing.h5: cannot be read"),
        (("*.tflite",), "no file fits this pattern"),
        (("m.h5", "m.h5"), "is there twice"),
        (("m.h5", "-m", "models.toml"), "exclude each other"),
        (("-m", "none.toml"), "none.toml: cannot be read"),
        (("-m", "models.toml", "--random", "3"), "are for paths"),
        (("m.h5", "--json", "m.h5", "--no-cache"), "already used"),
    ],
)
def test_nothing_is_checked_if_something_is_wrong(given: tuple[str, ...], said: str, place: Here) -> None:
    manifest(MATCH)
    assert_refused(run("check", *given), said)
    assert not place.done


def test_a_cluster_has_its_own_workers() -> None:
    assert_usage_error(run("check", "m.h5", "--dask", "tcp://here:1", "--jobs", "2"), "exclude each other")


def test_what_was_done_elsewhere_is_told(place: Here) -> None:
    do = place.do
    place.do = lambda task: replace(do(task), circumstances="elsewhere")
    for _ in range(2):
        done = run("check", "-m", manifest(MATCH))
        assert done.stderr.startswith("note: 1 of 1 models checked with other versions")
    assert len(place.done) == 2, "and not kept"


def test_every_problem_has_its_line(tmp_path: Path) -> None:
    done = run("check", "missing.h5", "*.tflite", "--json", "out.json", "--junit", "out.xml")
    assert done.exit_code == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "error"]
    (line,) = lines_of(tmp_path / "out.json")
    assert (line["verdict"], line["exit_code"]) == ("error", 2)
    assert "missing.h5: cannot be read" in line["reason"]
    assert ET.parse(tmp_path / "out.xml").getroot().attrib["errors"] == "1"


def test_the_library_does_the_same() -> None:
    told: list[str] = []
    report = check(manifest=manifest(MATCH, MISMATCH), jobs=1, on_outcome=lambda outcome: told.append(outcome.name))
    assert (report.exit_code, told) == (1, ["right", "wrong"])
    assert repr(report) == "<CheckReport 2 models: 1 match, 1 mismatch>"
    with pytest.raises(TypeError, match="no truth value"):
        bool(report)
    with pytest.raises(Exception, match=r"1 mismatch; wrong: dense: "):
        report.raise_for_mismatch()


def test_no_models_are_no_match() -> None:
    assert package.CheckReport(()).exit_code == 2
