"""The main program of a runtime's child process: let a framework open a model file and predict, and report progress.

It shares nothing with the rest of the package but the protocol, so that no code of the replay can make the two
agree; `programs` has what differs between frameworks. One JSON request comes on standard input; replies go to the
file descriptor that the request names, one JSON object a line:

    {"stage": "predicting", "description": "Keras 3.15.1 on TensorFlow 2.21.0", "device": "CPU", "products": "float32"}
    {"done": 128, "of": 4096}                       samples predicted so far
    {"outputs": [{"name": "dense", "path": ...}]}   the end: predictions as .npy files, float as they came
    {"error": "one line"}                           the end: the framework's own reason

With `rollout` in the request the model is called many times, its outputs being its next inputs
(`programs/closed_loop.py`). The end then has `fed` and `tokens` too: what its inputs were given from the second step
on, and the tokens chosen.
"""

import contextlib
import importlib.util
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

CHUNK_BYTES = 64 * 2**20
PROGRAMS = Path(__file__).with_name("programs") / "__init__.py"

Array = np.ndarray[Any, Any]


class Loaded(Protocol):
    """A model that a framework has loaded."""

    description: str
    batch_size: int | None
    """The samples of the batches into which it divides what it is given; None if it takes all at once."""

    def call(self, inputs: dict[str, Array]) -> list[tuple[str, Any]]:
        """Predict."""


def main() -> int:
    for module in sys.argv[1:]:  # which takes its time, in which the model is still being read
        with contextlib.suppress(Exception):  # the program imports it again, and says what is wrong
            importlib.import_module(module)
    request = json.loads(sys.stdin.readline())
    with os.fdopen(request["replies"], "w", buffering=1) as replies:

        def reply(**message: Any) -> None:
            replies.write(json.dumps(message) + "\n")

        try:
            reply(**run(request, reply))
        except Exception as error:
            reply(error=_one_line(error), kind=type(error).__name__)
            return 1
    return 0


def run(request: dict[str, Any], reply: Callable[..., None]) -> dict[str, Any]:
    """Load the model, predict, and say where the outputs are."""
    loaded, axes = program(request["program"]).load(request), request["call"].get("axes")
    model: Loaded = program("axes").samples_first(loaded, axes)
    reply(stage="predicting", description=model.description, **facts())
    started = time.perf_counter()
    ended = roll(model, request, reply) if "rollout" in request else {"outputs": predict(model, request, reply)}
    seconds = time.perf_counter() - started
    again = 0.0
    if request.get("again"):
        with contextlib.suppress(Exception):  # what was predicted is not lost for it
            again = repeated(model, request, ended["outputs"])
    return {**ended, "seconds": seconds, "again": again}


def facts() -> dict[str, str]:
    """Return the device and arithmetic of the framework, if it can report them."""
    with contextlib.suppress(Exception):
        return program("device").facts(sys.modules["tensorflow"])  # type: ignore[no-any-return]
    return {}


def repeated(model: Loaded, request: dict[str, Any], outputs: list[dict[str, str]]) -> float:
    """Predict the first samples again; return the largest difference between finite numbers."""
    paths = {item["name"]: item["path"] for item in request["inputs"]}
    samples = samples_of(paths, request["call"])
    if samples is None:
        return 0.0
    part = slice(0, min(samples, model.batch_size or request["batch_size"] or samples))
    largest = 0.0
    for item, (name, values) in zip(outputs, model.call({n: rows(p, part) for n, p in paths.items()}), strict=True):
        now, before = np.float64(_numbers(name, values)), np.float64(rows(item["path"], part))
        both = np.isfinite(now) & np.isfinite(before)
        largest = max(largest, float(np.max(np.abs(now - before), where=both, initial=0.0)))
    return largest


def program(name: str) -> Any:
    """Import a module of `programs` as a package of its own: its names must not shadow those of frameworks."""
    spec = importlib.util.spec_from_file_location("programs", PROGRAMS)
    assert spec
    assert spec.loader
    sys.modules["programs"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["programs"])
    return importlib.import_module(f"programs.{name}")


def predict(model: Loaded, request: dict[str, Any], reply: Callable[..., None]) -> list[dict[str, str]]:
    """Predict in parts, or all at once if there is no batch size or the inputs have no common number of samples."""
    paths = {item["name"]: item["path"] for item in request["inputs"]}
    samples, size = samples_of(paths, request["call"]), part_size(model, paths, request["batch_size"])
    outputs = Outputs(request["directory"], samples)
    if samples is None or size is None or (size >= samples and not model.batch_size):
        outputs.save(model.call({name: np.load(path) for name, path in paths.items()}))
        reply(done=samples or 1, of=samples or 1)
        return outputs.files
    for start in range(0, samples, size):
        part = slice(start, min(start + size, samples))
        outputs.put(part, model.call({name: rows(path, part) for name, path in paths.items()}))
        reply(done=part.stop, of=samples)
    outputs.flush()
    return outputs.files


def roll(model: Loaded, request: dict[str, Any], reply: Callable[..., None]) -> dict[str, list[dict[str, str]]]:
    """Call the model step after step; results are stacked along a first axis of steps."""
    plan, module = request["rollout"], program("closed_loop")
    inputs = {item["name"]: np.load(item["path"]) for item in request["inputs"]}
    loop = module.ClosedLoop(model.call, inputs, plan, np.load(plan["draws"]) if plan["draws"] else None)
    loop.run(lambda step: reply(done=step, of=plan["steps"]))
    ended = {}
    for kind in ("outputs", "fed", "tokens"):
        files = Outputs(request["directory"], None, kind)
        files.save((name, module.stacked(values)) for name, values in getattr(loop, kind).items())
        ended[kind] = files.files
    return ended


def samples_of(paths: dict[str, str], call: dict[str, Any]) -> int | None:
    """Return the number of samples: the length of the first axis, if it is the same for every input.

    Lone numbers do not matter where it is known which axes the samples are along.
    """
    shapes = [opened(path).shape for path in paths.values()]
    lengths = {shape[0] if shape else None for shape in shapes if shape or "axes" not in call}
    return lengths.pop() if len(lengths) == 1 else None


def part_size(model: Loaded, paths: dict[str, str], batch_size: int | None) -> int | None:
    """Return the samples per call: one batch, or, if the model makes batches itself, as many whole ones as fit."""
    if not model.batch_size:
        return batch_size
    row_bytes = sum(rows(path, slice(0, 1)).nbytes for path in paths.values())
    return max(1, CHUNK_BYTES // max(row_bytes, 1) // model.batch_size) * model.batch_size


def rows(path: str, part: slice) -> Array:
    """Read some rows of a `.npy` file, mapped anew each time: the pages of one long-lived mapping would add up."""
    array = opened(path)
    return np.array(array[part] if array.shape else array)


def opened(path: str) -> Array:
    try:
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]
    except ValueError:  # an array of no elements cannot be mapped, and needs no mapping
        return np.load(path)  # type: ignore[no-any-return]


class Outputs:
    """Predictions, in a `.npy` file for each output."""

    def __init__(self, directory: str, samples: int | None, kind: str = "predicted") -> None:
        self.files: list[dict[str, str]] = []
        self._directory, self._samples, self._kind = directory, samples, kind
        self._stores: list[np.memmap[Any, Any]] = []

    def save(self, named: Iterable[tuple[str, Any]]) -> None:
        """Write the results of one call, whatever their shape."""
        for name, values in named:
            np.save(self._new_file(name), _numbers(name, values), allow_pickle=False)

    def put(self, part: slice, named: Iterable[tuple[str, Any]]) -> None:
        """Write the results of some of the samples.

        Raises:
            ValueError: an output does not have a row for each of them, or not the shape of the part before.
        """
        arrays = [(name, _numbers(name, values)) for name, values in named]
        if not self.files:
            for name, values in arrays:
                shape, file = (self._samples, *values.shape[1:]), self._new_file(name)
                self._stores.append(np.lib.format.open_memmap(file, "w+", values.dtype, shape))
        count = part.stop - part.start
        for store, (name, values) in zip(self._stores, arrays, strict=True):
            if values.shape != (count, *store.shape[1:]):
                raise ValueError(
                    f"output '{name}' has shape {values.shape} for {count} samples of the input, "
                    f"expected {(count, *store.shape[1:])}"
                )
            store[part] = values

    def flush(self) -> None:
        for store in self._stores:
            store.flush()

    def _new_file(self, name: str) -> str:
        path = os.path.join(self._directory, f"{self._kind}-{len(self.files)}.npy")
        self.files.append({"name": name, "path": path})
        return path


def _numbers(name: str, values: Any) -> Array:
    array = np.asarray(values)
    if array.dtype.hasobject:
        raise TypeError(f"output '{name}' has dtype {array.dtype}, expected numbers")
    # bfloat16 is no NumPy dtype; every value of it is a float32
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


NOISE = re.compile(r"Graph execution error|Detected at node|Node: '|<stack traces|\[\[|\[Op:")
"""How lines begin in which TensorFlow says where a graph was built, which a file does not know."""


def _one_line(error: BaseException) -> str:
    text = re.split(r"Original stack trace|\s\[Op:", str(error))[0]
    lines = [line.strip() for line in text.splitlines() if line.strip() and not NOISE.match(line.strip())]
    return f"{type(error).__name__}: {' '.join(lines)[:600]}" if lines else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
