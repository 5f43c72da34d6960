"""The peak memory of a verification whose input is larger than what it may take."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tables import Table, at_most
from worker import SEED, Framework, Worker

GOAL = 1.5
STEPS, FEATURES, UNITS = 8, 64, 4
SAMPLES = 2_000_000
TITLE = "Memory"


class Peak(NamedTuple):
    """What `verify` took, in GB, and what it said."""

    parent: float
    child: float
    verdict: str
    seconds: float


class Verify:
    """`verify`, in a process of its own."""

    def peak(self, model: Path, x: Path) -> Peak:
        """Verify, and tell how much memory this process and its largest child took at most."""
        from lstm_verify._verify import verify

        report = verify(model, x)
        parent, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return Peak(parent * 1024 / 1e9, child * 1024 / 1e9, str(report.verdict), report.timings["total"])


def measure() -> Table:
    """Verify a 4 GB input once."""
    with tempfile.TemporaryDirectory() as directory:
        model, x = Path(directory) / "model.h5", Path(directory) / "x.npy"
        with Worker(Framework) as framework:
            framework.call("make", model, STEPS, FEATURES, UNITS)
        _write(x)
        with Worker(Verify) as verify:
            peak = verify.call("peak", model, x)
        size = x.stat().st_size / 1e9
    text = (
        f"Peak resident memory of `verify` for a `.npy` of {size:.1f} GB, ({SAMPLES}, {STEPS}, {FEATURES}) float32, "
        f"and LSTM({UNITS}). The goal for the process that replays and compares is {GOAL:g} GB or less."
    )
    columns = ["verdict", "time, s", "parent, GB", "framework's process, GB"]
    row = [peak.verdict, f"{peak.seconds:.0f}", at_most(peak.parent, GOAL), f"{peak.child:.2f}"]
    return Table(TITLE, text, columns, [row])


def _write(path: Path, rows: int = 20_000) -> None:
    """Write the input a piece at a time."""
    random = np.random.default_rng(SEED)
    header = {"descr": "<f4", "fortran_order": False, "shape": (SAMPLES, STEPS, FEATURES)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(0, SAMPLES, rows):
            file.write(random.standard_normal((rows, STEPS, FEATURES), np.float32).tobytes())
