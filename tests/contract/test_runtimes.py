"""What every runtime keeps to, by being in `RUNTIMES`: all facts are there, and its program stands alone."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import runtimes
from lstm_verify.errors import FrameworkError, UnsupportedError
from lstm_verify.runtimes import RUNTIMES, Request, Runtime, predicting

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
@pytest.mark.parametrize("content", [b"", b"\x00\x01 nonsense"], ids=["empty", "nonsense"])
def test_a_file_that_is_no_model_is_refused_in_one_line(runtime: Runtime, content: bytes, tmp_path: Path) -> None:
    """By a framework that is not there as by one that is: the reason is one line either way."""
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    environment = {**runtime.environment, "PYTHONPATH": os.fspath(tmp_path)}
    (tmp_path / f"{runtime.module}.py").write_text("raise ImportError('No module named numbers')")
    one = Runtime(**{**vars(runtime), "environment": environment})
    request = Request(path, {"x": np.zeros((2, 3, 4), np.float32)}, timeout=60)
    with predicting(one, request) as prediction, pytest.raises(FrameworkError) as caught:
        prediction.result()
    message = str(caught.value)
    assert message.startswith(f"{runtime.name}: ")
    assert "\n" not in message
    assert runtime.install in message
