"""The command `lstm-verify` against a bare script that imports the framework, loads the model and predicts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from replay_speed import CASES, make
from tables import Table, at_most
from worker import QUIET, Framework, Worker

RUNTIME_GOAL, EXPECTED_GOAL = 1.2, 0.15
TITLE = "Command line against a bare script"
FIXTURES = Path(__file__).parents[1] / "fixtures"
COMMAND = [sys.executable, "-m", "lstm_verify"]
BARE = """
import sys
import keras
import numpy as np

model = keras.models.load_model(sys.argv[1], compile=False)
model.predict(np.load(sys.argv[2]), verbose=0)
"""


class Files(NamedTuple):
    """A model, an input, and what the framework predicted."""

    name: str
    model: Path
    x: Path
    expected: Path


def measure(repeat: int) -> Table:
    """Time every command `repeat` times, in turn, and take the medians."""
    with tempfile.TemporaryDirectory() as directory:
        rows = [_row(files, repeat) for files in _files(Path(directory))]
    text = (
        f"Wall time of whole processes, in turn, median of {repeat}. A ratio is the time of `lstm-verify` over the "
        "time of a script that imports Keras, loads the model and predicts: "
        f"{RUNTIME_GOAL:g} or less is the goal, and {EXPECTED_GOAL:g} or less with `--expected`. Python finds the "
        "bytecode of every module, as it does for what is installed."
    )
    headings = ["model", "script, s", "`--input` ratio", "`--input --expected` ratio", "and `--no-blind-spots` ratio"]
    return Table(TITLE, text, headings, rows)


def _files(directory: Path) -> list[Files]:
    small = FIXTURES / "origin_tanh_sigmoid.keras3.h5"
    with Worker(Framework) as framework:
        model, x = make(CASES[0], framework, directory)
        framework.call("load", model, x)
        expected = directory / "expected.npy"
        np.save(expected, framework.call("predict")[1])
    return [
        Files(small.name, small, FIXTURES / "origin.x.npy", FIXTURES / "origin_tanh_sigmoid.keras3.y.npz"),
        Files(str(CASES[0]), model, x, expected),
    ]


def _row(files: Files, repeat: int) -> list[str]:
    verify = [*COMMAND, str(files.model), "--input", str(files.x)]
    commands = [
        [sys.executable, "-c", BARE, str(files.model), str(files.x)],
        verify,
        [*verify, "--expected", str(files.expected)],
        [*verify, "--expected", str(files.expected), "--no-blind-spots"],
    ]
    for command in commands:
        seconds(command)  # the first run of each finds its files on disk, the others in memory
    runs = [[seconds(command) for command in commands] for _ in range(repeat)]
    bare, runtime, expected, verdict = (median(side) for side in zip(*runs, strict=True))
    return [
        files.name,
        f"{bare:.2f}",
        at_most(runtime / bare, RUNTIME_GOAL),
        at_most(expected / bare, EXPECTED_GOAL),
        at_most(verdict / bare, EXPECTED_GOAL),
    ]


def seconds(command: list[str]) -> float:
    """Run a command, and return the time it takes."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**environment, **QUIET})
    return time.perf_counter() - started
