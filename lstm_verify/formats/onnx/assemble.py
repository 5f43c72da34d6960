"""Assembling the graph of an ONNX file into a `Model`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from lstm_verify.errors import InputError, ModelFileError, UnsupportedError
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.onnx.dtypes import with_dtypes
from lstm_verify.formats.onnx.dynamic_lstm import SHARED, written_out
from lstm_verify.formats.onnx.last_step import with_last_steps
from lstm_verify.formats.onnx.loops import functional
from lstm_verify.formats.onnx.reader import OnnxFile
from lstm_verify.formats.onnx.table import OLDEST, table_of
from lstm_verify.formats.onnx.values import UNKNOWN, End
from lstm_verify.graph.build import Builder
from lstm_verify.graph.ir import Graph, Ref
from lstm_verify.graph.lift import lift
from lstm_verify.graph.probe import with_samples_first
from lstm_verify.graph.samples_first import axes_for_runtime, elsewhere
from lstm_verify.model import Input, Model, Source

LISTED = 5
"""How many names an error shows."""


def build(path: Path, file: OnnxFile, endpoints: Endpoints | None = None) -> Model:
    """Build the model of a file.

    Args:
        path: where it lies.
        file: what it holds.
        endpoints: tensors, by their names in the file, that take the place of its inputs and outputs.

    Raises:
        InputError: one of these does not exist, or a signature is asked for.
        ModelFileError, UnsupportedError: the graph cannot be read or replayed.
    """
    endpoints = Endpoints() if endpoints is None else endpoints
    if endpoints.signature is not None:
        raise InputError(f"--signature {endpoints.signature}: an ONNX file has no signatures. Leave it out")
    if file.opset < OLDEST:
        raise UnsupportedError(
            f"it is of opset {file.opset}, expected {OLDEST} or later. onnx.version_converter makes it one"
        )
    outputs = _outputs(file, endpoints)
    inputs = _inputs(file, endpoints, outputs.values())
    for name, end in inputs.items():
        if end.dtype == UNKNOWN:
            raise UnsupportedError(f"input '{name}' is no tensor of numbers that NumPy has, and cannot be fed")
    whole, moved = written_out(file.graph)
    typed = with_dtypes(whole, {name: end.dtype for name, end in file.inputs.items()})
    wanted = tuple(moved.get(ref, ref) for ref in outputs.values())
    graph = functional(Graph(typed.nodes, typed.inputs, wanted), file.opset)
    refs = {name: file.tensors[name] for name in inputs}
    specs = {moved.get(refs[name], refs[name]): Input(name, end.shape, end.dtype) for name, end in inputs.items()}
    builder = Builder(table_of(file.opset), _no_function)
    model = builder.model(path.name, graph, specs, dict(zip(outputs, graph.outputs, strict=True)))
    model = with_samples_first(replace(with_last_steps(model), divisible=False), endpoints.shapes_for(list(inputs)))
    call = {
        "inputs": list(inputs),
        "outputs": list(outputs),
        "whole": set(inputs) == set(file.inputs) and set(outputs) <= set(file.outputs),
        "axes": axes_for_runtime(model),
        "threads": 1 if moved else 0,
    }
    lifted = lift(model)
    source = Source(str(path), "ONNX", file.writer, "onnxruntime", "", call)
    return replace(lifted, source=source, findings=(*([SHARED] if moved else []), *elsewhere(lifted)))


def _no_function(name: str) -> Graph:
    raise ModelFileError(f"function '{name}' is used but is not in the file")


def _outputs(file: OnnxFile, endpoints: Endpoints) -> dict[str, Ref]:
    """The tensors to compare, by name.

    Raises:
        InputError: one that is asked for does not exist.
        ModelFileError: the file has none.
    """
    if not endpoints.outputs and not file.outputs:
        raise ModelFileError("it has no outputs. Was it saved completely?")
    return {name: _tensor(file, name) for name in endpoints.outputs} or dict(file.outputs)


def _inputs(file: OnnxFile, endpoints: Endpoints, outputs: Iterable[Ref]) -> dict[str, End]:
    """The tensors that are fed: the inputs of the file; or those that a user names, and what is needed besides.

    Raises:
        InputError: one of them does not exist, or no output depends on it.
    """
    inner = [name for name in endpoints.given if name not in file.inputs and name in file.tensors]
    fed = list(dict.fromkeys((*endpoints.inputs, *inner)))
    if not fed and not endpoints.outputs:
        return dict(file.inputs)
    begins = {_tensor(file, name) for name in fed}
    needed = {Ref(name) for name in file.inputs} | begins
    found = {ref for ref, _ in file.graph.backwards(outputs, lambda ref, node: () if ref in begins else node.inputs)}
    taken = {given for ref in found if ref not in begins for given in file.graph.nodes[ref.node].inputs}
    used = needed & (found | taken | set(outputs))
    for name in fed:
        if _tensor(file, name) not in used:
            raise InputError(f"input '{name}': no output depends on this tensor")
    others = [name for name in file.inputs if name not in fed and Ref(name) in used]
    return {name: _end(file, endpoints, name) for name in (*fed, *others)}


def _end(file: OnnxFile, endpoints: Endpoints, name: str) -> End:
    """What is known of a tensor: what the file says, or how many axes an array for it has."""
    known, given = file.known.get(name), endpoints.given.get(name)
    if known is not None and known.shape is not None:
        return known
    return End(known.dtype if known else "float32", None if given is None else (None,) * len(given))


def _tensor(file: OnnxFile, name: str) -> Ref:
    """The tensor of a name.

    Raises:
        InputError: there is none.
    """
    if name not in file.tensors:
        near = get_close_matches(name, file.tensors, LISTED) or list(file.inputs)[:LISTED]
        raise InputError(f"tensor '{name}': the graph has none of that name. Near it: {', '.join(near)}")
    return file.tensors[name]
