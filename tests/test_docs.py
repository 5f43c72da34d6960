"""The documents tell the truth: their Python is run, and their commands print what they show."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import lstm_verify
from tests.command import run
from tests.conftest import FIXTURES, ROOT
from tests.graph_files import reading
from tests.without_frameworks.sitecustomize import NOTES

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_FRAMEWORKS = {"generation.md", "rollout.md", "states.md", "tensorflow-1.md", "tutorial.md"}
"""The pages whose Python lets a framework predict, or reads TensorFlow files."""
GRAPHS = (".pb", ".ckpt", ".ckpt.meta", ".export")
NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]\d+)?")


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run_examples(text: str, name: str) -> doctest.TestResults:
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    return runner.run(test)


def marked(value: Any, name: str, needs_framework: bool) -> Any:
    return pytest.param(*value, id=name, marks=[pytest.mark.framework] if needs_framework else [])


@pytest.mark.parametrize("page", [marked((page,), page.name, page.name in WITH_FRAMEWORKS) for page in PAGES])
def test_python_in_pages(page: Path) -> None:
    fences = re.compile(r"^```.*$", re.MULTILINE)
    with graphs_read():
        assert run_examples(fences.sub("", page.read_text()), page.name).failed == 0


def modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(lstm_verify.__path__, "lstm_verify."):
        if not module.name.endswith(("__main__", "child")):
            yield module.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples_in_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    tests = doctest.DocTestFinder().find(module, name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    assert sum(runner.run(test).failed for test in tests) == 0


def transcripts(page: Path) -> Iterator[tuple[str, str]]:
    """Each command of a page's console blocks, with the output that the page shows for it."""
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def starts_framework(command: str) -> bool:
    """Whether a command reads a TensorFlow file, or lets a framework predict."""
    words = shlex.split(command)
    alone = ("inspect", "extract", "judge", "check")
    recorded = {"-e", "--expected", "--golden"} & set(words) or words[1] in alone
    return not recorded or any(word.endswith(GRAPHS) for word in words)


TRANSCRIPTS = [(page, *found) for page in PAGES for found in transcripts(page) if found[0].startswith("lstm-verify")]


@pytest.mark.parametrize(
    ("page", "command", "output"), [marked(found, found[1], starts_framework(found[1])) for found in TRANSCRIPTS]
)
def test_commands_in_pages(page: Path, command: str, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers may differ in their last digits from one machine to the next, so they count by their presence."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    words = shlex.split(command)[1:]
    if starts_framework(command):
        with graphs_read():
            result = run(*words)
        shown = result.stdout + result.stderr
    else:
        done = subprocess.run([sys.executable, "-m", "lstm_verify", *words], capture_output=True, text=True)
        shown = done.stdout + done.stderr
    assert _shape_of(shown) == _shape_of(output), page


@cache
def _graphs() -> Callable[[], AbstractContextManager[None]]:
    """The TensorFlow files that pages are about, read by one child process; their paths are as in the pages."""
    paths = [Path("fixtures") / path.name for path in FIXTURES.iterdir() if path.name.endswith(GRAPHS)]
    checkpoints = [Path("fixtures") / path.stem for path in FIXTURES.glob("*.ckpt.index")]
    return reading([*paths, *checkpoints], Path(tempfile.mkdtemp()))


def graphs_read() -> AbstractContextManager[None]:
    """Inside, they are not read again."""
    return nullcontext() if NOTES in os.environ else _graphs()()


def _shape_of(text: str) -> list[str]:
    """Lines with every number replaced, and without the widths of columns, which depend on the numbers."""
    lines = (re.sub(r"\s+|─+", " ", NUMBER.sub("#", line)).strip() for line in text.splitlines())
    return [line for line in lines if line]
