"""An ONNX file in ONNX Runtime, on the CPU.

A file may be made for one sample, or for a number of them; then it is called with so many at a time. Tensors inside
are reached by cutting the graph there, which needs the package `onnx`.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]

DTYPES = {
    "float": "float32",
    "double": "float64",
    **{name: name for name in ("float16", "bool", "int8", "int16", "int32", "int64")},
    **{name: name for name in ("uint8", "uint16", "uint32", "uint64")},
}
"""NumPy's names for the types of ONNX Runtime."""
LEVELS = {True: "ORT_ENABLE_ALL", False: "ORT_DISABLE_ALL"}


def load(request: dict[str, Any]) -> Session:
    """Open a file.

    Raises:
        LookupError: an input or output does not exist.
    """
    runtime, call = importlib.import_module(request["module"]), request["call"]
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    optimize = bool(call.get("optimize", True))
    options.graph_optimization_level = getattr(runtime.GraphOptimizationLevel, LEVELS[optimize])
    options.intra_op_num_threads = int(call.get("threads", 0))  # 0: as many as it likes
    path = request["model"] if call.get("whole", True) else cut(request["model"], call)
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    how = "" if optimize else ", without optimisation"
    how += ", with one thread" if call.get("threads") == 1 else ""
    return Session(session, call, f"{request['title']} {runtime.__version__} (CPU{how})")


def cut(path: str, call: dict[str, Any]) -> str:
    """A file with the part of the graph between some tensors."""
    onnx = importlib.import_module("onnx")
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    part = onnx.utils.Extractor(model).extract_model(call["inputs"], call["outputs"])
    found = os.path.join(os.environ["TMPDIR"], "part.onnx")
    onnx.save(part, found)
    return found


class Session:
    """A graph that is run from its inputs to its outputs."""

    batch_size = None

    def __init__(self, session: Any, call: dict[str, Any], description: str) -> None:
        self.session, self.description = session, description
        self.needs = [value.name for value in session.get_inputs()]
        # an initializer of the name of an input is its default, and may be fed too
        values = (*session.get_inputs(), *session.get_overridable_initializers())
        self.takes: dict[str, str] = {value.name: value.type for value in values}
        there = [value.name for value in session.get_outputs()]
        self.outputs = list(call.get("outputs") or there)
        for name in self.outputs:
            if name not in there:
                raise LookupError(f"no output '{name}'; there: {', '.join(there)}")

    def call(self, inputs: Arrays) -> list[tuple[str, Any]]:
        """Run the graph; the outputs by their names in the file."""
        given = {self._name(name, inputs): values for name, values in inputs.items()}
        feed = {name: self._fitted(name, values) for name, values in given.items()}
        return list(zip(self.outputs, self.session.run(self.outputs, feed), strict=True))

    def _name(self, name: str, inputs: Arrays) -> str:
        """The file's name for an input; of one input to a file that takes one, whatever it is called."""
        if name not in self.takes and len(inputs) == len(self.needs) == 1:
            return str(self.needs[0])
        if name not in self.takes:
            raise LookupError(f"no input '{name}'; there: {', '.join(self.takes)}")
        return name

    def _fitted(self, name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Values in the dtype that an input takes, as long as that keeps whole numbers what they are.

        Raises:
            ValueError: the input takes no numbers, or whole numbers or booleans, and some of the values are none.
        """
        kind = self.takes[name].removeprefix("tensor(").removesuffix(")")
        if kind not in DTYPES:
            raise ValueError(f"input '{name}' takes {kind}, expected numbers")
        wanted = np.dtype(DTYPES[kind])
        with np.errstate(invalid="ignore", over="ignore"):
            converted = np.ascontiguousarray(values, wanted)
        if wanted.kind in "iub" and not np.array_equal(converted, values):
            raise ValueError(f"input '{name}' takes {kind}, and not every value given is one")
        return converted
