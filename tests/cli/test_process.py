"""The command as a process: what it imports, what it prints to whom, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import FIXTURES, arguments, inputs, model, recorded

ORIGIN = "origin_tanh_sigmoid"
FRAMEWORKS = ("tensorflow", "keras", "tf_keras", "jax", "torch", "onnxruntime")
COMMAND = Path(sys.executable).with_name("lstm-verify")


def call(*command: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, env={**os.environ, **environment}, timeout=600, check=False)


def imported(code: str) -> set[str]:
    """The modules that are there after some lines of Python, in a process of its own."""
    result = call(sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))")
    assert result.returncode == 0, result.stderr.decode()
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_importing_it_loads_nothing_before_it_is_used() -> None:
    modules = imported("import lstm_verify")
    assert "lstm_verify" in modules
    assert not {module for module in modules if module.startswith("lstm_verify.")}
    assert not modules & {*FRAMEWORKS, "numpy", "click", "rich"}


def test_every_name_of_it_is_there() -> None:
    modules = imported("import lstm_verify\nassert all(getattr(lstm_verify, name) for name in lstm_verify.__all__)")
    assert {"lstm_verify._replay", "numpy"} <= modules
    assert not modules & {*FRAMEWORKS, "click", "rich"}


def test_verifying_recorded_predictions_imports_no_framework() -> None:
    file, _, x, _, y = (str(argument) for argument in arguments(ORIGIN))
    modules = imported(
        f"import lstm_verify\nassert lstm_verify.verify({file!r}, {x!r}, expected={y!r}).verdict == 'match'"
    )
    assert not modules & set(FRAMEWORKS)


@pytest.mark.parametrize("command", ["verify", "inspect", "extract"])
def test_no_command_imports_a_framework(command: str, tmp_path: Path) -> None:
    options = {
        "verify": arguments(ORIGIN)[1:],
        "inspect": (),
        "extract": ("-o", tmp_path / "weights.npz"),
    }[command]
    result = call(sys.executable, "-X", "importtime", "-m", "lstm_verify", command, model(ORIGIN), *options)
    assert result.returncode == 0
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.decode().splitlines()}
    assert "lstm_verify.formats" in modules
    assert not {module for module in modules if module.split(".")[0] in FRAMEWORKS}


def test_the_command_and_the_module_are_the_same() -> None:
    results = [call(*start, "inspect", model(ORIGIN)) for start in ((COMMAND,), (sys.executable, "-m", "lstm_verify"))]
    assert results[0].returncode == results[1].returncode == 0
    assert results[0].stdout == results[1].stdout
    assert b"lstm-verify" in call(sys.executable, "-m", "lstm_verify", "--help").stdout


def test_exit_codes_of_the_process() -> None:
    other = model("origin_relu_sigmoid")
    options = ("-i", inputs(ORIGIN), "-e", recorded(ORIGIN))
    results = [call(COMMAND, file, *options, "--quiet") for file in (model(ORIGIN), other, "missing.h5")]
    assert [result.returncode for result in results] == [0, 1, 2]
    assert [result.stdout for result in results] == [b"", b"", b""]
    assert [result.stderr.count(b"\n") for result in results] == [0, 0, 1]


def test_without_arguments_it_shows_its_help() -> None:
    result = call(COMMAND)
    assert result.returncode == 2
    assert b"Usage: lstm-verify" in result.stdout + result.stderr


@pytest.mark.parametrize("output", [(), ("--json", "-")])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_an_output_that_lacks_some_letters(encoding: str, output: tuple[str, ...]) -> None:
    result = call(COMMAND, *arguments(ORIGIN), *output, PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"match" in result.stdout.lower()


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{COMMAND} {' '.join(map(str, arguments(ORIGIN)))} --json - | head -c 1"
    result = call("/bin/sh", "-c", command)
    assert (result.stdout, result.stderr) == (b"{", b"")


def test_relative_paths_and_files_next_to_them_are_data_not_code(tmp_path: Path) -> None:
    """A folder with files called like modules is no place to import from."""
    for name in ("numpy.py", "h5py.py", "tensorflow.py", "click.py"):
        (tmp_path / name).write_text("raise SystemExit('code of the folder was run')")
    (tmp_path / "model.h5").write_bytes(model(ORIGIN).read_bytes())
    command = [COMMAND, "model.h5", "-i", FIXTURES / "origin.x.npy", "-e", recorded(ORIGIN)]
    result = subprocess.run(
        [str(word) for word in command], cwd=tmp_path, capture_output=True, check=False, timeout=600
    )
    assert (result.returncode, result.stderr) == (0, b"")
