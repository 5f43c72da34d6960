"""What every runtime keeps to, by being in `RUNTIMES`: all facts are there, and its program stands alone."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import runtimes
from lstm_verify.errors import FrameworkError, UnsupportedError
from lstm_verify.runtimes import RUNTIMES, Request, Runtime, predicting

ASK = Path(__file__).parents[1] / "runtimes" / "ask_child.py"
PROGRAMS = Path(runtimes.__file__).parent / "programs"
every = pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.name)


@every
def test_all_that_is_known_of_a_runtime_is_there(runtime: Runtime) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", runtime.name)
    assert runtimes.find(runtime.name) is runtime
    assert [one.name for one in RUNTIMES].count(runtime.name) == 1
    assert runtime.title
    assert runtime.install.startswith("pip install ")
    assert runtime.module.isidentifier()
    assert runtime.batch_size is None or runtime.batch_size > 0
    assert all(isinstance(value, str) for value in runtime.environment.values())


def test_a_runtime_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnsupportedError, match=", ".join(one.name for one in RUNTIMES)):
        runtimes.find("pytorch")


@every
def test_a_program_loads_and_imports_nothing_of_the_package(runtime: Runtime) -> None:
    tree = ast.parse((PROGRAMS / f"{runtime.program}.py").read_text())
    assert ast.get_docstring(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [argument.arg for argument in functions["load"].args.args] == ["request"]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 or (node.level == 1 and (PROGRAMS / f"{node.module}.py").exists())
            assert not (node.module or "").startswith("lstm_verify")
        elif isinstance(node, ast.Import):
            assert not any(name.name.startswith("lstm_verify") for name in node.names)


@every
def test_a_framework_that_is_not_installed_is_named_with_what_installs_it(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / f"{runtime.module}.py").write_text(f"import no_such_part_of_{runtime.module}")
    one = replace(runtime, environment={**runtime.environment, "PYTHONPATH": str(tmp_path)})
    request = Request(tmp_path, {"x": np.zeros((2, 3, 4), np.float32)}, timeout=60)
    with predicting(one, request) as prediction, pytest.raises(FrameworkError) as caught:
        prediction.result()
    message = str(caught.value)
    assert message.startswith(f"{runtime.name}: ")
    assert message.endswith(f"No module named 'no_such_part_of_{runtime.module}'. Install it with: {runtime.install}")


NONSENSE = {"empty": b"", "nonsense": b"\x00\x01 nonsense"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the programs answer to files that are no models, all in one process, since a start takes seconds."""
    folder = tmp_path_factory.mktemp("nonsense")
    requests = {}
    for runtime in RUNTIMES:
        for name, content in NONSENSE.items():
            path = folder / f"{name}.h5"
            path.write_bytes(content)
            requests[f"{runtime.name}-{name}"] = _request(runtime, path, folder)
    (folder / "requests.json").write_text(json.dumps(list(requests.values())))
    command = [sys.executable, str(ASK), str(folder / "requests.json"), str(folder / "answers.json")]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **{k: v for one in RUNTIMES for k, v in one.environment.items()}}
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
    return dict(zip(requests, json.loads((folder / "answers.json").read_text()), strict=True))


def _request(runtime: Runtime, path: Path, folder: Path) -> dict[str, Any]:
    facts = {"program": runtime.program, "module": runtime.module, "title": runtime.title}
    options = {"unsafe": False, "again": False, "taps": False, "architecture": None, "call": {}}
    return {**facts, **options, "model": str(path), "inputs": [], "directory": str(folder), "batch_size": None}


@pytest.mark.framework
@every
@pytest.mark.parametrize("name", NONSENSE)
def test_a_file_that_is_no_model_is_refused_in_one_line(
    answers: dict[str, list[dict[str, Any]]], runtime: Runtime, name: str
) -> None:
    (answer,) = answers[f"{runtime.name}-{name}"]
    assert answer["error"].strip()
    assert "\n" not in answer["error"]
