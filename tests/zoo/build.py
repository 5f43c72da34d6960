"""Build the zoo with one framework: ``python -m tests.zoo.build --framework keras|tf_keras --out DIR``.

Every entry becomes ``NAME.h5``, ``NAME.keras``, ``NAME.x.npz`` (arrays by input name, in model order) and
``NAME.y.npz`` (predictions by output name, in model order; a repeated output name gets ``_1``, ``_2``, …). A stateful
model is predicted batch after batch from a zero state. ``zoo.json`` says what was written, and why something was not.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import sys
import zlib
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.make import (
    GENERATIONS,
    SUFFIXES,
    NamedArrays,
    import_framework,
    name_inputs,
    predict,
    randomise,
    reload_deviation,
    versions,
    write_arrays,
)
from tests.zoo.entry import Entry
from tests.zoo.models import entries_of

Record = dict[str, Any]


def build_zoo(framework_name: str, folder: Path, patterns: list[str], check: bool) -> Record:
    """Write every entry whose name matches a pattern, then ``zoo.json``, and return what is in it."""
    framework = prepare(framework_name)
    folder.mkdir(parents=True, exist_ok=True)
    records = {
        name: build_entry(framework, name, entry, folder, check)
        for name, entry in entries_of(framework_name).items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    zoo = {"framework": framework_name, "versions": versions(), "entries": records}
    (folder / "zoo.json").write_text(json.dumps(zoo, indent=1) + "\n")
    return zoo


def prepare(framework_name: str) -> Any:
    """Import a framework and spare it costs that change no result."""
    framework = import_framework(framework_name)
    if framework_name == "tf_keras":
        # It traces a GPU variant of every LSTM and GRU that it only registers, more than half of the building time.
        recurrent: Any = importlib.import_module("tf_keras.src.layers.rnn.gru_lstm_utils")
        recurrent.function_register = lambda *_, **__: None
    gc.collect()
    gc.freeze()  # Collecting garbage would walk through all of TensorFlow every time.
    gc.set_threshold(300_000)
    return framework


def build_entry(framework: Any, name: str, entry: Entry, folder: Path, check: bool) -> Record:
    """Write the files of one entry and return its record."""
    framework.backend.clear_session()
    framework.utils.set_random_seed(0)
    record: Record = {"files": [], "batch_size": entry.batch_size, "failed": {}}
    try:
        model, inputs = entry.build(framework)
        randomise(model, zlib.crc32(name.encode()), entry.scale)
    except Exception as error:  # Whatever a framework cannot build is a fact about it, to be recorded.
        record["failed"]["build"] = one_line(error)
        return record
    for suffix in SUFFIXES:  # Before predicting: a stateful model is saved in its zero state.
        attempt(record, f"{name}{suffix}", suffix, folder, model.save)
    attempt(record, f"{name}.x.npz", "x", folder, lambda path: write_arrays(path, name_inputs(model, inputs)))
    attempt(record, f"{name}.y.npz", "y", folder, lambda path: record_outputs(framework, entry, model, inputs, path))
    if check:
        record["reload"] = {suffix: reloaded(framework, entry, name, suffix, inputs, folder) for suffix in SUFFIXES}
    return record


def attempt(record: Record, file: str, what: str, folder: Path, write: Callable[[Path], None]) -> None:
    """Write one file; record its name, or the reason why it does not exist."""
    path = folder / file
    try:
        write(path)
        record["files"].append(file)
    except Exception as error:  # As above: the reason is the result.
        path.unlink(missing_ok=True)
        record["failed"][what] = one_line(error)


def record_outputs(framework: Any, entry: Entry, model: Any, inputs: Any, path: Path) -> None:
    """Write a model's predictions, or those of its twin with the weights of the saved ``.h5``."""
    if entry.twin is not None:
        model, inputs = entry.twin(framework)
        model.load_weights(str(path).replace(".y.npz", ".h5"))
    write_arrays(path, widened(predict(model, inputs, entry.batch_size)))


def widened(outputs: NamedArrays) -> NamedArrays:
    """Return outputs in dtypes that NumPy can store: bfloat16 becomes float32, which is exact."""
    return {name: array if array.dtype.kind in "biuf" else array.astype(np.float32) for name, array in outputs.items()}


def reloaded(framework: Any, entry: Entry, name: str, suffix: str, inputs: Any, folder: Path) -> float | str:
    """Return how far a saved file's predictions are from the recorded ones, or why that cannot be told."""
    try:
        framework.backend.clear_session()
        with np.load(folder / f"{name}.y.npz") as expected:
            return reload_deviation(framework, folder / f"{name}{suffix}", inputs, entry.batch_size, dict(expected))
    except Exception as error:  # As above.
        return one_line(error)


def one_line(error: Exception) -> str:
    """Return an error's type and its first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


def main() -> None:
    """Build the zoo of one framework."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--framework", choices=GENERATIONS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="names of entries, or patterns")
    parser.add_argument("--check", action="store_true", help="also reload every file and record how far it is off")
    arguments = parser.parse_args()
    zoo = build_zoo(arguments.framework, arguments.out, arguments.only, arguments.check)
    failed = {name: record["failed"] for name, record in zoo["entries"].items() if record["failed"]}
    for name, reasons in failed.items():
        print(f"{name}: {reasons}", file=sys.stderr)
    print(f"{arguments.framework}: {len(zoo['entries'])} entries, {len(failed)} of them incomplete")


if __name__ == "__main__":
    main()
