"""Replay against `model.predict`, both warm, in turn."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tables import Table, at_least
from worker import SEED, Framework, Replay, Worker

FLOAT64_GOAL, FLOAT32_GOAL = 1.0, 2.5
TITLE = "Replay against `model.predict`"


class Case(NamedTuple):
    """The sizes of an input, and the units of the LSTM that gets it."""

    batch: int
    steps: int
    features: int
    units: int

    def __str__(self) -> str:
        return f"({', '.join(map(str, self))})"


CASES = [
    Case(1024, 100, 32, 128),
    Case(4096, 50, 16, 64),
    Case(256, 200, 64, 512),
    Case(32, 1000, 8, 32),
    Case(1, 1000, 8, 32),
]


def measure(repeat: int) -> Table:
    """Time every case `repeat` times on each side, and take the best of each."""
    with Worker(Framework) as framework, Worker(Replay) as replay, tempfile.TemporaryDirectory() as directory:
        rows = [_row(case, framework, replay, Path(directory), repeat) for case in CASES]
    text = (
        f"LSTM(units) and Dense(1), (batch, steps, features, units); warm, in turn, best of {repeat}. A ratio is the "
        f"time of `model.predict` with its default batch size over the time of the replay: {FLOAT64_GOAL:g} or more "
        f"is the goal in float64, {FLOAT32_GOAL:g} or more in float32. The ceiling is the ratio that a program would "
        "have which did nothing but the matrix products of the replay, with the same NumPy on the same cores: where it "
        "is below the goal, NumPy cannot multiply fast enough."
    )
    columns = [
        *("case", "predict, s", "float64 ratio", "ceiling", "float32 ratio", "ceiling"),
        *("float64 max abs Δ", "float32 max abs Δ"),
    ]
    return Table(TITLE, text, columns, rows)


def make(case: Case, framework: Worker, directory: Path) -> tuple[Path, Path]:
    """Make a model and an input for a case; returns their paths."""
    name = "-".join(map(str, case))
    model, x = directory / f"{name}.h5", directory / f"{name}.npy"
    framework.call("make", model, *case[1:])
    np.save(x, np.random.default_rng(SEED).standard_normal(case[:3]).astype(np.float32))
    return model, x


def _row(case: Case, framework: Worker, replay: Worker, directory: Path, repeat: int) -> list[str]:
    model, x = make(case, framework, directory)
    framework.call("load", model, x)
    replay.call("load", model, x)
    sides = [(framework, "predict"), (replay, "replay", "float64"), (replay, "replay", "float32")]
    for dtype in ("float64", "float32"):
        sides.append((replay, "products", dtype, *case[1:]))
    runs = [[worker.call(*call) for worker, *call in sides] for _ in range(repeat)]
    predict, float64, float32, products64, products32 = (min(run[n][0] for run in runs) for n in range(len(sides)))
    y, y64, y32, *_ = (y for _, y in runs[-1])
    return [
        str(case),
        f"{predict:.3f}",
        at_least(predict / float64, FLOAT64_GOAL),
        f"{predict / products64:.2f}",
        at_least(predict / float32, FLOAT32_GOAL),
        f"{predict / products32:.2f}",
        *(f"{np.abs(replayed - y.astype(float)).max():.1e}" for replayed in (y64, y32)),
    ]
