"""ONNX files: the replay against that of the Keras layer, and the command against a bare script with ONNX Runtime."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from command_line import COMMAND, FIXTURES, seconds
from replay_speed import Case, make
from tables import Table, at_most
from worker import Framework, Replay, Worker

REPLAY_GOAL, COMMAND_GOAL = 1.05, 1.3
CASES = [Case(1024, 100, 32, 128), Case(32, 1000, 8, 32)]
BARE = """
import sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
session.run(None, {session.get_inputs()[0].name: np.load(sys.argv[2])})
"""


def measure(repeat: int) -> Table:
    """Time the replay of every case `repeat` times on each side, and take the best of each."""
    with (
        Worker(Framework) as framework,
        Worker(Replay) as layer,
        Worker(Replay) as operator,
        tempfile.TemporaryDirectory() as directory,
    ):
        rows = [_row(case, framework, layer, operator, Path(directory), repeat) for case in CASES]
    text = (
        "The same LSTM(units) and Dense(1), read from a Keras file and from the ONNX file that `model.export` made of "
        f"it, replayed in float64; warm, in turn, best of {repeat}. A ratio is the time of the ONNX file over that of "
        f"the layer: {REPLAY_GOAL:g} or less is the goal."
    )
    return Table(
        "An ONNX file against the Keras layer", text, ["case", "layer, s", "ONNX, s", "ratio", "max abs Δ"], rows
    )


def _row(case: Case, framework: Worker, layer: Worker, operator: Worker, directory: Path, repeat: int) -> list[str]:
    model, x = make(case, framework, directory)
    exported = model.with_suffix(".onnx")
    framework.call("export_onnx", model, exported, x)
    layer.call("load", model, x)
    operator.call("load", exported, x)
    runs = [[worker.call("replay", "float64") for worker in (layer, operator)] for _ in range(repeat)]
    of_layer, of_operator = (min(run[n][0] for run in runs) for n in range(2))
    (_, y), (_, found) = runs[-1]
    return [
        str(case),
        f"{of_layer:.3f}",
        f"{of_operator:.3f}",
        at_most(of_operator / of_layer, REPLAY_GOAL),
        f"{np.abs(found - y).max():.1e}",
    ]


def measure_command(repeat: int) -> Table:
    """Time the command and the script `repeat` times, in turn, and take the medians."""
    small = FIXTURES / "origin_tanh_sigmoid.keras3.onnx"
    with Worker(Framework) as framework, tempfile.TemporaryDirectory() as directory:
        model, x = make(CASES[0], framework, Path(directory))
        exported = model.with_suffix(".onnx")
        framework.call("export_onnx", model, exported, x)
        rows = [_command_row(small.name, small, FIXTURES / "origin.x.npy", repeat)]
        rows.append(_command_row(str(CASES[0]), exported, x, repeat))
    text = (
        f"Wall time of whole processes, in turn, median of {repeat}. A ratio is the time of `lstm-verify m.onnx -i "
        "x.npy` over the time of a script that imports ONNX Runtime, loads the model and predicts: "
        f"{COMMAND_GOAL:g} or less is the goal."
    )
    headings = ["model", "script, s", "ratio", "and `--no-blind-spots` ratio"]
    return Table("ONNX on the command line against a bare script", text, headings, rows)


def _command_row(name: str, model: Path, x: Path, repeat: int) -> list[str]:
    verify = [*COMMAND, str(model), "--input", str(x)]
    commands = [[sys.executable, "-c", BARE, str(model), str(x)], verify, [*verify, "--no-blind-spots"]]
    for command in commands:
        seconds(command)  # the first run of each finds its files on disk, the others in memory
    runs = [[seconds(command) for command in commands] for _ in range(repeat)]
    bare, whole, verdict = (median(side) for side in zip(*runs, strict=True))
    return [name, f"{bare:.2f}", at_most(whole / bare, COMMAND_GOAL), at_most(verdict / bare, COMMAND_GOAL)]
