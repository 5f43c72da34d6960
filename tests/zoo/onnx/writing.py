"""What the builders of ONNX files share: a graph that is written node by node, and a folder with its index.

A builder is a script, ``python -m tests.zoo.onnx.NAME --out FOLDER``. An entry is ``NAME.onnx`` with its inputs
``NAME.x.npz`` and, if ONNX Runtime runs it, the outputs ``NAME.y.npz``, all by the names in the file; ``NAME.text.npz``
has the outputs by the operators' text, ``NAME.origin.npz`` those of the framework that the model comes from.
``index.json`` says of each entry what it is, how far ONNX Runtime is off, and why something is not there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import time
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import helper, numpy_helper

Arrays = dict[str, NDArray[Any]]
Record = dict[str, Any]
Shape = Sequence[int | str | None]
LATEST = 22
"""The version of the operators that is written unless an entry says otherwise."""


class Graph:
    """An ONNX graph in the making, for one version of the operators.

    Nodes with axes are written as their version wants them, as attributes or as inputs.
    """

    def __init__(self, opset: int = LATEST, name: str = "graph") -> None:
        self.opset = opset
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.functions: list[onnx.FunctionProto] = []

    def input(self, name: str, shape: Shape | None, dtype: DTypeLike = np.float32) -> str:
        """Declare an input."""
        self.inputs.append(helper.make_tensor_value_info(name, type_of(dtype), shape))
        return name

    def output(self, name: str, shape: Shape | None = None, dtype: DTypeLike = np.float32) -> str:
        """Declare an output."""
        self.outputs.append(helper.make_tensor_value_info(name, type_of(dtype), shape))
        return name

    def initializer(self, array: ArrayLike, name: str = "") -> str:
        """Add a weight."""
        name = name or f"{self.name}_initializer_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def constant(self, array: ArrayLike) -> str:
        """Add a node Constant."""
        return self.node("Constant", value=numpy_helper.from_array(np.asarray(array)))

    def node(self, operator: str, *inputs: str, outputs: Sequence[str] = (), **attributes: Any) -> str:
        """Add a node and return the name of its first output."""
        found = list(outputs) or [f"{self.name}_{operator.lower()}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(operator, inputs, found, **attributes))
        return next(filter(None, found))

    def axes(self, operator: str, tensor: str, axes: Sequence[int], **attributes: Any) -> str:
        """Add Unsqueeze, Squeeze or ReduceSum, whose axes have been an input since version 13."""
        if self.opset < 13:
            return self.node(operator, tensor, axes=list(axes), **attributes)
        return self.node(operator, tensor, self.constant(np.int64(axes)), **attributes)

    def slice(self, tensor: str, start: int, end: int, axis: int) -> str:
        """Add Slice, whose bounds have been inputs since version 10."""
        if self.opset < 10:
            return self.node("Slice", tensor, starts=[start], ends=[end], axes=[axis])
        return self.node("Slice", tensor, *(self.constant(np.int64([number])) for number in (start, end, axis)))

    def split(self, tensor: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Add Split, whose sizes have been an input since version 13, and return the names of its outputs."""
        parts = [f"{self.name}_part_{len(self.nodes)}_{place}" for place in range(len(sizes))]
        if self.opset < 13:
            self.node("Split", tensor, outputs=parts, axis=axis, split=list(sizes))
        else:
            self.node("Split", tensor, self.constant(np.int64(sizes)), outputs=parts, axis=axis)
        return parts

    def proto(self) -> onnx.GraphProto:
        """Return what has been written so far, as it is used for the body of a loop as well."""
        return helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.initializers)

    def model(self, ir_version: int | None = None, domains: Mapping[str, int] | None = None) -> onnx.ModelProto:
        """Return the file."""
        opsets = [helper.make_opsetid(domain, version) for domain, version in (domains or {}).items()]
        own = helper.make_opsetid("", self.opset)
        version = ir_version or max(helper.find_min_ir_version_for([own]), 8 if self.functions else 4)
        imports = [own, *opsets]
        return helper.make_model(self.proto(), opset_imports=imports, ir_version=version, functions=self.functions)


def type_of(dtype: DTypeLike) -> int:
    """Return the number that a file has for a dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def seeded(name: str) -> np.random.Generator:
    """Return the random numbers of an entry."""
    return np.random.default_rng(zlib.crc32(name.encode()))


class Folder:
    """The folder of one builder, and what its index says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Record] = {}
        self.failed: dict[str, str] = {}
        path.mkdir(parents=True, exist_ok=True)

    def file(self, name: str, suffix: str = ".onnx") -> Path:
        """Return where a file of an entry is."""
        return self.path / f"{name}{suffix}"

    def add(
        self,
        name: str,
        model: onnx.ModelProto | bytes | None,
        x: Mapping[str, Any],
        text: Mapping[str, Any] | None = None,
        origin: Mapping[str, Any] | None = None,
        **said: Any,
    ) -> Record:
        """Write an entry, let ONNX Runtime run it, and return what the index says of it.

        Without a `model`, the file is there already.

        Raises:
            ValueError: there is an entry of this name.
        """
        if name in self.entries:
            raise ValueError(f"{name}: two entries of one name")
        if model is not None:
            self.file(name).write_bytes(
                model if isinstance(model, bytes) else model.SerializeToString(deterministic=True)
            )
        np.savez(self.file(name, ".x.npz"), **x)
        record: Record = {**said, "onnxruntime": "ran", "deviation": {}}
        self.entries[name] = record
        try:
            y = {} if said.get("never_run") else run(self.file(name), x)
            np.savez(self.file(name, ".y.npz"), **y)
        except Exception as error:  # What ONNX Runtime refuses is a fact about it, to be recorded.
            record["onnxruntime"], y = one_line(error), {}
        for kind, expected in (("text", text), ("origin", origin)):
            if expected is not None:
                np.savez(self.file(name, f".{kind}.npz"), **expected)
                record["deviation"][kind] = deviation(y, expected) if y else None
        return record

    def write_index(self, **said: Any) -> None:
        """Write what is known of the entries."""
        index = {"versions": versions(), **said, "failed": self.failed, "entries": self.entries}
        (self.path / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def run(path: Path, x: Mapping[str, Any], optimised: bool = True) -> Arrays:
    """Return what ONNX Runtime computes, by output name."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {name: np.asarray(array) for name, array in x.items()}), strict=True))


def deviation(y: Mapping[str, Any], expected: Mapping[str, Any]) -> float | str:
    """Return the largest absolute difference of outputs, or how their shapes differ."""
    found = 0.0
    for name, array in expected.items():
        if np.shape(y[name]) != np.shape(array):
            return f"{name}: {np.shape(y[name])} for {np.shape(array)}"
        wide = np.abs(np.float64(y[name]) - np.float64(array))
        found = max(found, float(np.max(wide, initial=0.0)))
    return found


def one_line(error: Exception) -> str:
    """Return the type of an error and the first lines of what it says."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}"[:300]


def versions() -> dict[str, str]:
    """Return the versions of what always takes part."""
    return {package.__name__: package.__version__ for package in (onnx, onnxruntime, np)}


def main(build: Callable[..., object], *arguments: str, **choices: Sequence[str]) -> None:
    """Run a builder from the command line; `choices` are more arguments of `build`, with their values."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    for choice, values in choices.items():
        parser.add_argument(f"--{choice}", choices=values, required=True)
    found = vars(parser.parse_args(arguments or None))
    quiet()
    started = time.perf_counter()
    folder = Folder(found.pop("out"))
    build(folder, **found)
    folder.write_index(**found)
    refused = sum(record["onnxruntime"] != "ran" for record in folder.entries.values())
    seconds = f"{time.perf_counter() - started:.0f} s"
    print(
        f"{len(folder.entries)} files, {refused} refused by ONNX Runtime, {len(folder.failed)} not written, {seconds}"
    )


def quiet() -> None:
    """Keep frameworks from printing what no test reads."""
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    importlib.import_module("onnxruntime").set_default_logger_severity(4)
