"""`lstm-verify check` of many small models against as many single commands: time, and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from command_line import COMMAND, seconds
from tables import Table, at_least
from worker import QUIET, SEED, Worker, _keras

GOAL = 5.0
MODELS, SINGLES = 200, 12
TITLE = "Many models"


class Builder:
    """Keras, in a process of its own, which builds small models."""

    def build(self, folder: Path, count: int) -> None:
        """Build models that differ in their cell, sizes and weights."""
        keras = _keras()
        keras.utils.set_random_seed(SEED)
        for number in range(count):
            cell = (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)[number % 3]
            shape = (5 + number % 7, 2 + number % 4)
            layers = [keras.layers.Input(shape), cell(4 + number % 13), keras.layers.Dense(1 + number % 3)]
            keras.Sequential(layers).save(folder / f"model-{number:03}.keras")


def measure() -> Table:
    """Check all models once, and some of them one by one."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        with Worker(Builder) as builder:
            builder.call("build", folder, MODELS)
        files = sorted(folder.glob("*.keras"))
        chosen = files[:: MODELS // SINGLES][:SINGLES]
        seconds([*COMMAND, str(chosen[0]), "--random", "32"])  # which finds its files on disk
        single = median(seconds([*COMMAND, str(file), "--random", "32"]) for file in chosen)
        together, peak = _checked(folder)
        again, _ = _checked(folder)
    jobs = os.cpu_count() or 1
    text = (
        f"{MODELS} models of Keras with a recurrent and a Dense layer, 32 generated samples each, by one "
        f"`lstm-verify check`, {jobs} at a time, against single commands, one after the other. {SINGLES} of those were "
        f"measured, each {MODELS // SINGLES}th model: the time of all is {MODELS} times their median. A ratio of "
        f"{GOAL:g} or more is the goal. Memory is the peak of all processes together, what they share counted once "
        "(Linux: PSS)."
    )
    row = [
        f"{single:.2f}",
        f"{MODELS * single:.0f}",
        f"{together:.0f}",
        at_least(MODELS * single / together, GOAL),
        f"{again:.1f}",
        f"{peak / 1e9:.2f}",
    ]
    headings = [
        "one command, s",
        f"{MODELS} of them, s",
        "`check`, s",
        "ratio",
        "unchanged, from the cache, s",
        "peak, GB",
    ]
    return Table(TITLE, text, headings, [row])


def _checked(folder: Path) -> tuple[float, float]:
    """Check all models of a folder: seconds, and the most bytes in memory.

    Raises:
        RuntimeError: one is no match.
    """
    command = [
        *COMMAND,
        "check",
        str(folder),
        "--cache-dir",
        str(folder / "cache"),
        "--json",
        str(folder / "out.jsonl"),
    ]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **QUIET}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peaks = [0.0]
    watch = threading.Thread(target=_watch, args=(process, peaks))
    watch.start()
    process.wait()
    taken = time.perf_counter() - started
    watch.join()
    *_, summary = (json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines())
    if (summary["match"], summary["exit_code"]) != (MODELS, 0):
        raise RuntimeError(f"{summary}: expected {MODELS} matches")
    return taken, max(peaks)


def _watch(process: subprocess.Popen[bytes], peaks: list[float]) -> None:
    while process.poll() is None:
        peaks.append(sum(map(_memory, _family(process.pid))))
        time.sleep(0.5)


def _family(root: int) -> list[int]:
    """A process and all that it started, by their numbers."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += parents.get(found[-1], [])
    return found


def _memory(number: int) -> float:
    """Bytes of a process, its share of what it shares with others; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return 1024 * sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    print(measure())
