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
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import lstm_verify
from lstm_verify.cli import cli
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]\d+)?")


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run_examples(text: str, name: str) -> doctest.TestResults:
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    return runner.run(test)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_pages(page: Path) -> None:
    fences = re.compile(r"^```.*$", re.MULTILINE)
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


TRANSCRIPTS = [(page, *found) for page in PAGES for found in transcripts(page) if found[0].startswith("lstm-verify")]


@pytest.mark.parametrize(("page", "command", "output"), TRANSCRIPTS, ids=[command for _, command, _ in TRANSCRIPTS])
def test_commands_in_pages(page: Path, command: str, output: str) -> None:
    """Numbers may differ in their last digits from one machine to the next, so they count by their presence."""
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "lstm_verify", *words[1:]], capture_output=True, text=True, env=_plain_terminal()
    )
    assert _shape_of(done.stdout + done.stderr) == _shape_of(output), page


def _plain_terminal() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}


def _shape_of(text: str) -> list[str]:
    """Lines with every number replaced, and without the widths of columns, which depend on the numbers."""
    lines = (re.sub(r"\s+|─+", " ", NUMBER.sub("#", line)).strip() for line in text.splitlines())
    return [line for line in lines if line]


def options_of(command: click.Command) -> set[str]:
    return {name for option in command.params for name in option.opts if name.startswith("--")}


def test_the_readme_names_every_option() -> None:
    text = (ROOT / "README.md").read_text()
    named = {option for command in cli.commands.values() for option in options_of(command)}
    assert not {option for option in named if option not in text}
