"""The program that runs in a runtime's child process: open a model file with its framework, and predict.

It shares nothing with the rest of the package but the protocol, so that no code of the replay can make the two
agree. One JSON request comes on standard input; replies go to the file descriptor that the request names, one JSON
object a line:

    {"stage": "predicting", "description": "Keras 3.15.1 on TensorFlow 2.21.0"}
    {"done": 128, "of": 4096}                       samples predicted so far
    {"outputs": [{"name": "dense", "path": ...}]}   the end: predictions as .npy files, float as they came
    {"error": "one line"}                           the end: the framework's own reason
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

CHUNK_BYTES = 64 * 2**20

Arrays = dict[str, np.ndarray[Any, Any]]


def main() -> int:
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
    """Load the model, predict chunk by chunk, and say where the outputs are."""
    framework = importlib.import_module(request["module"])
    tensorflow = importlib.import_module("tensorflow")
    model = framework.models.load_model(request["model"], compile=False, safe_mode=not request["unsafe"])
    description = f"{request['title']} {framework.__version__} on TensorFlow {tensorflow.__version__}"
    reply(stage="predicting", description=description)
    started = time.perf_counter()
    outputs = predict(model, named_inputs(model, request["inputs"]), request, reply)
    return {"outputs": outputs, "seconds": time.perf_counter() - started}


def named_inputs(model: Any, inputs: list[dict[str, str]]) -> dict[str, str]:
    """The files of the inputs by the model's own names: matched by name if the names are the same, else in order."""
    paths = {item["name"]: item["path"] for item in inputs}
    if len(paths) == 1:
        return paths
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    return paths if set(names) == set(paths) else dict(zip(names, paths.values(), strict=True))


def rows(path: str, start: int, stop: int) -> np.ndarray[Any, Any]:
    """Some rows of a `.npy` file, mapped anew each time, since the pages of one long-lived mapping would add up."""
    return np.array(np.load(path, mmap_mode="r")[start:stop])


def as_called(model: Any, part: Arrays) -> Any:
    """Arrays in the structure that the model was built with: one, a list, or (Keras 3) a dictionary."""
    if len(part) == 1:
        return next(iter(part.values()))
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return {key: part[tensor.name] for key, tensor in structure.items()}
    return [part[tensor.name.split(":")[0]] for tensor in model.inputs]


def predict(
    model: Any, inputs: dict[str, str], request: dict[str, Any], reply: Callable[..., None]
) -> list[dict[str, str]]:
    """Predict in chunks that are whole batches, so that a stateful model sees the batches it would see at once."""
    samples, batch_size = len(np.load(next(iter(inputs.values())), mmap_mode="r")), request["batch_size"]
    row_bytes = sum(rows(path, 0, 1).nbytes for path in inputs.values())
    chunk = max(1, CHUNK_BYTES // max(row_bytes, 1) // batch_size) * batch_size
    stores: list[np.memmap[Any, Any]] = []
    outputs: list[dict[str, str]] = []
    for start in range(0, samples, chunk):
        part = {name: rows(path, start, start + chunk) for name, path in inputs.items()}
        named = _named(model, model.predict(as_called(model, part), batch_size=batch_size, verbose=0))
        if not stores:
            for index, (name, values) in enumerate(named):
                path = os.path.join(request["directory"], f"predicted-{index}.npy")
                shape = (samples, *values.shape[1:])
                stores.append(np.lib.format.open_memmap(path, "w+", values.dtype, shape))
                outputs.append({"name": name, "path": path})
        count = min(chunk, samples - start)
        for store, (name, values) in zip(stores, named, strict=True):
            if values.shape != (count, *store.shape[1:]):
                raise ValueError(f"output '{name}' has shape {values.shape} for {count} samples of the input")
            store[start : start + count] = values
        reply(done=min(start + chunk, samples), of=samples)
    for store in stores:
        store.flush()
    return outputs


def _named(model: Any, predicted: Any) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """What `predict` returned as a list with names; a dictionary in the order of its keys."""
    if isinstance(predicted, dict):
        pairs = sorted(predicted.items())
    elif isinstance(predicted, list | tuple):
        pairs = list(zip(_output_names(model, len(predicted)), predicted, strict=True))
    else:
        pairs = [(_output_names(model, 1)[0], predicted)]
    return [(name, _as_numpy_float(values)) for name, values in pairs]


def _output_names(model: Any, count: int) -> list[str]:
    names = list(getattr(model, "output_names", None) or [])
    return names if len(names) == count else [f"#{index}" for index in range(count)]


def _as_numpy_float(values: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(values)
    # bfloat16 is no NumPy dtype; every value of it is a float32
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:600]}" if lines else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
