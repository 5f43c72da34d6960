"""Results that have no place to go: found before any work, and nothing else is written."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path

import pytest

from tests.command import arguments, assert_refused, model, run

ORIGIN = "origin_tanh_sigmoid"
OPTIONS = {
    "--json": "report.json",
    "--junit": "junit.xml",
    "--per-sample": "deviations.csv",
    "--output": "replayed.npz",
}


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to read a model fail the test."""

    def load(path: Path) -> None:
        raise AssertionError("the model is read before it is known that the result has a place to go")

    for module in ("lstm_verify.case", "lstm_verify.formats"):  # a string would find the function `verify`
        monkeypatch.setattr(importlib.import_module(module), "load", load)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("option", OPTIONS)
def test_output_is_a_directory(option: str, tmp_path: Path) -> None:
    target = tmp_path / OPTIONS[option]
    target.mkdir()
    others = [f"{other}={tmp_path / name}" for other, name in OPTIONS.items() if other != option]
    assert_refused(run(*arguments(ORIGIN), *others, option, target), target, "a directory, expected a file")
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("option", OPTIONS)
def test_output_in_a_directory_that_is_not_there(option: str, tmp_path: Path) -> None:
    target = tmp_path / "missing" / OPTIONS[option]
    assert_refused(run(*arguments(ORIGIN), option, target), target, f"no directory {tmp_path / 'missing'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", [("extract", "-o"), ("inspect", "--json")])
@pytest.mark.parametrize("where", ["", "missing/found"])
def test_extract_and_inspect_look_first_as_well(command: tuple[str, str], where: str, tmp_path: Path) -> None:
    assert_refused(run(command[0], model(ORIGIN), command[1], tmp_path / where), tmp_path / where, "directory")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", ["verify", "diagnose"])
@pytest.mark.parametrize("given", [("--input", "input_layer={}"), ("--expected", "dense={}"), ("--state-from", "{}")])
def test_a_result_never_takes_the_place_of_what_is_read(command: str, given: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    file.write_bytes(b"as it was")
    inputs = () if given[0] == "--input" else ("--input", tmp_path / "other.npy")
    result = run(command, model(ORIGIN), *inputs, given[0], given[1].format(file), "--json", file)
    assert_refused(result, file, "is already used by this command")
    assert file.read_bytes() == b"as it was"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("no_work")
def test_output_in_a_directory_that_must_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert_refused(run(*arguments(ORIGIN), "--json", tmp_path / "report.json"), tmp_path / "report.json")


def test_output_that_fails_while_it_is_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    (tmp_path / "report.json").write_text("of last time")
    monkeypatch.setattr(Path, "write_bytes", full)
    result = run(*arguments(ORIGIN), "--json", tmp_path / "report.json")
    assert_refused(result, tmp_path / "report.json", "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "of last time"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "report.json").symlink_to(tmp_path / "kept" / "report.json")
    assert run(*arguments(ORIGIN), "--json", tmp_path / "report.json").exit_code == 0
    assert (tmp_path / "report.json").is_symlink()
    assert (tmp_path / "kept" / "report.json").stat().st_size > 100


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """As root, `--json /dev/null` must not make a plain file of it; a named pipe stands in for it here."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        run(*arguments(ORIGIN), "--json", pipe)
        assert pipe.is_fifo()
        assert os.read(reader, 1) == b"{"
    finally:
        os.close(reader)


@pytest.mark.parametrize("option", ["--junit", "--output"])
def test_two_results_in_one_file(option: str, tmp_path: Path) -> None:
    target = tmp_path / "result"
    result = run(*arguments(ORIGIN), option, target, "--json", target)
    assert result.exit_code == 2
    assert str(target) in result.stderr
    assert not target.exists()


@pytest.mark.parametrize("option", ["--json", "--output"])
def test_a_result_never_replaces_what_was_read(option: str, tmp_path: Path) -> None:
    file, *options = arguments(ORIGIN)
    copy = shutil.copyfile(str(file), tmp_path / "model.h5")
    result = run(copy, *options, option, copy)
    assert result.exit_code == 2
    assert copy.read_bytes() == model(ORIGIN).read_bytes()
