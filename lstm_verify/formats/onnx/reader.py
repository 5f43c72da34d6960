"""Reading ONNX files, without running anything in them: from protobufs to a `Graph`.

    initializer     a node `Constant`, as are all constants, of whatever form
    body            a graph of its own, with what it takes from outside as its last inputs, and as those of its node
    function        its nodes in the place of its call, by `onnx.inliner`
    tensor name     the output of a node; names of nodes need not be there, nor be unique, and get to be

Source: `onnx/onnx.proto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.onnx.attributes import dtype_name
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref, Shape

INSTALL = "ONNX files are read with the package onnx. Install it: pip install 'lstm-verify[onnx]'"
OUTPUTS = "_outputs"
"""The attribute for how many outputs a node has, on which it depends what some operators do."""
ONNX = ("", "ai.onnx")
"""The two names of the domain of ONNX itself."""


@dataclass(frozen=True)
class End:
    """An input or output as the file declares it."""

    dtype: str
    shape: Shape


@dataclass(frozen=True)
class OnnxFile:
    """The content of an ONNX file."""

    graph: Graph
    inputs: Mapping[str, End]
    """Those that are fed: an initializer of the same name makes an input a constant."""
    outputs: Mapping[str, Ref]
    tensors: Mapping[str, Ref]
    """All tensors outside of bodies, by their names."""
    known: Mapping[str, End]
    """What the file says of tensors inside."""
    opset: int
    writer: str
    findings: tuple[str, ...] = ()
    """What a user should know of it."""


def read_graph(path: Path) -> OnnxFile:
    """Read a file, and external data stored beside it.

    Raises:
        ModelFileError: it is damaged, is no model, or asks for data outside of its folder.
        UnsupportedError: the package `onnx` is not installed, or the file holds what is not supported.
    """
    try:
        import onnx
    except ImportError:
        raise UnsupportedError(INSTALL) from None
    proto = _inlined(onnx, _parsed(onnx, path))
    if not proto.graph.node and not proto.graph.output:
        raise ModelFileError("it holds no graph. Was it copied completely?")
    return _Reading(onnx).file(proto)


def _parsed(onnx: Any, path: Path) -> Any:
    """The protobuf with all its data."""
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(str(path))
    except DecodeError:
        raise ModelFileError("it is no whole ONNX file. Was it copied completely?") from None
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        (first, *_) = str(error).splitlines() or [type(error).__name__]
        raise ModelFileError(f"its external data cannot be read ({first}). Are they in its folder?") from None


def _inlined(onnx: Any, proto: Any) -> Any:
    """The model without functions of its own.

    Raises:
        ModelFileError: a function calls itself.
    """
    if not proto.functions:
        return proto
    calls = {(f.domain, f.name): {(node.domain, node.op_type) for node in _nodes(f.node)} for f in proto.functions}
    while leaves := [name for name, called in calls.items() if not called & set(calls)]:
        for name in leaves:
            del calls[name]
    from onnx import inliner

    if calls:
        raise ModelFileError(f"function '{next(iter(calls))[1]}' calls itself. Who wrote the file?")
    return inliner.inline_local_functions(proto)


def _nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """Some nodes, and those in their bodies."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from _nodes(attribute.g.node)


@dataclass
class _Scope:
    """The tensors of a graph by name, and those of the graphs around it."""

    around: _Scope | None = None
    tensors: dict[str, Ref] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """The names of nodes and inputs."""
    captured: dict[str, Ref] = field(default_factory=dict)
    """What is taken from outside, as inputs of this graph."""

    def find(self, name: str) -> Ref:
        """Return the tensor with a name, from this graph or an enclosing one.

        Raises:
            ModelFileError: there is none.
        """
        if not name:
            return ABSENT
        if name in self.tensors:
            return self.tensors[name]
        if self.around is None:
            raise ModelFileError(f"tensor '{name}' is used but nothing computes it. Is the file complete?")
        self.around.find(name)
        self.tensors[name] = self.captured[name] = Ref(self.own(name))
        return self.tensors[name]

    def define(self, node: str, outputs: Iterable[str]) -> None:
        """Register the tensors that a node computes.

        Raises:
            ModelFileError: one has been computed before.
        """
        for number, name in enumerate(outputs):
            if name and name in self.tensors:
                raise ModelFileError(f"tensor '{name}' is computed twice. Who wrote the file?")
            if name:
                self.tensors[name] = Ref(node, number)

    def own(self, name: str) -> str:
        """Return a unique node name, as close to the proposed one as possible."""
        found, number = name, 1
        while not found or found in self.names:
            number += 1
            found = f"{name}_{number}"
        self.names.add(found)
        return found


class _Reading:
    """A file being read."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx

    def file(self, proto: Any) -> OnnxFile:
        """Read everything in the file."""
        scope = _Scope()
        graph = self.graph(proto.graph, scope)
        values = {value.name: self.end(value) for value in (*proto.graph.value_info, *proto.graph.output)}
        inputs = {value.name: self.end(value) for value in proto.graph.input if value.name in graph.inputs}
        opsets = {entry.domain: entry.version for entry in proto.opset_import}
        return OnnxFile(
            graph,
            inputs,
            {value.name: scope.find(value.name) for value in proto.graph.output},
            scope.tensors,
            values | inputs,
            max((opsets[domain] for domain in ONNX if domain in opsets), default=1),
            f"{proto.producer_name} {proto.producer_version}".strip() or "an unnamed writer",
        )

    def graph(self, proto: Any, scope: _Scope) -> Graph:
        """Read a graph, with its constants before its other nodes."""
        nodes: dict[str, Node] = {}
        stored = [(tensor.name, tensor) for tensor in proto.initializer]
        stored += [(tensor.values.name, tensor) for tensor in proto.sparse_initializer]
        constants = {name for name, _ in stored}
        inputs = [scope.own(value.name) for value in proto.input if value.name not in constants]
        scope.tensors |= {name: Ref(name) for name in inputs}
        for name, tensor in stored:
            node = self.constant(scope.own(name), tensor)
            nodes[node.name] = node
            scope.tensors[name] = Ref(node.name)
        # nodes need not come after those whose outputs they take, though the text says so: runtimes sort them too
        names = [self._name(each, scope) for each in proto.node]
        for node_name, each in zip(names, proto.node, strict=True):
            scope.define(node_name, each.output)
        nodes |= {name: self.node(name, each, scope) for name, each in zip(names, proto.node, strict=True)}
        outputs = tuple(scope.find(value.name) for value in proto.output)
        return Graph(nodes, (*inputs, *(ref.node for ref in scope.captured.values())), outputs)

    def _name(self, proto: Any, scope: _Scope) -> str:
        """A name for a node: its own if it has one that no other has, or that of what it computes."""
        return scope.own(proto.name or next(filter(None, proto.output), proto.op_type))

    def node(self, name: str, proto: Any, scope: _Scope) -> Node:
        """Read a node; values that its subgraphs capture become its last inputs."""
        op = proto.op_type if proto.domain in ONNX else f"{proto.domain}.{proto.op_type}"
        inputs = tuple(scope.find(each) for each in proto.input)
        if op == "Constant":
            return self.constant(name, self._constant_of(proto))
        attributes: dict[str, Any] = {OUTPUTS: len(proto.output)}
        bodies: dict[str, tuple[Graph, _Scope]] = {}
        for attribute in proto.attribute:
            if attribute.type == attribute.GRAPH:
                inner = _Scope(scope)
                bodies[attribute.name] = self.graph(attribute.g, inner), inner
            else:
                attributes[attribute.name] = self.value(attribute)
        captured, subgraphs = _with_captured(bodies)
        more = tuple(scope.find(each) for each in captured)
        return Node(name, op, inputs + more, attributes=attributes, subgraphs=subgraphs)

    def _constant_of(self, proto: Any) -> Any:
        """The only attribute of a `Constant`."""
        if len(proto.attribute) != 1:
            raise ModelFileError(f"node '{proto.name}': a constant of {len(proto.attribute)} values, expected one")
        return self.value(proto.attribute[0])

    def constant(self, name: str, value: Any) -> Node:
        """Make a node for a value in the file; one that is not numeric gets an operation that no table has."""
        array = self.array(value) if isinstance(value, self._stored) else value
        if isinstance(array, list | float | int):
            array = np.asarray(array, np.float32 if np.asarray(array).dtype.kind == "f" else np.int64)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            return Node(name, "Constant of strings")
        dtype = dtype_name(value.data_type) if isinstance(value, self.onnx.TensorProto) else str(array.dtype)
        return Node(name, "Constant", attributes={"value": array, "dtype": dtype})

    @property
    def _stored(self) -> tuple[type, ...]:
        return (self.onnx.TensorProto, self.onnx.SparseTensorProto)

    def array(self, tensor: Any) -> Array | None:
        """Return the values of a tensor; None if they are not numbers.

        Raises:
            UnsupportedError: it is of a dtype that NumPy has not.
            ModelFileError: it has not as many numbers as its shape says.
        """
        if isinstance(tensor, self.onnx.SparseTensorProto):
            return self._dense(tensor)
        if tensor.data_type == tensor.STRING:
            return None
        try:
            dtype = dtype_name(tensor.data_type)
        except ValueError:
            raise UnsupportedError(
                f"tensor '{tensor.name}' has a dtype that is not supported, {tensor.data_type}"
            ) from None
        try:
            array: Array = self.onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise ModelFileError(
                f"tensor '{tensor.name}' is damaged ({error}). Was the file copied completely?"
            ) from None
        # every value of a bfloat16 is a float32
        return np.array(array.astype(np.float32) if dtype == "bfloat16" else array)

    def _dense(self, tensor: Any) -> Array:
        values, indices = self.array(tensor.values), self.array(tensor.indices)
        if values is None or indices is None:
            raise UnsupportedError(f"tensor '{tensor.values.name}': a sparse tensor without numbers")
        dense = np.zeros(tuple(tensor.dims), values.dtype)
        if indices.ndim == 1:
            dense.reshape(-1)[indices] = values
        else:
            dense[tuple(indices.T)] = values
        return dense

    def value(self, attribute: Any) -> Any:
        """Return an attribute as a plain Python value; tensors as arrays."""
        found = self.onnx.helper.get_attribute_value(attribute)
        if isinstance(found, bytes):
            return found.decode(errors="replace")
        if isinstance(found, self._stored):
            return self.array(found)
        if isinstance(found, int | float):
            return found
        return [each.decode(errors="replace") if isinstance(each, bytes) else each for each in found]

    def end(self, value: Any) -> End:
        """Read the declaration of a tensor."""
        tensor = value.type.tensor_type
        try:
            dtype = dtype_name(tensor.elem_type)
        except ValueError:
            dtype = "unknown"
        if not tensor.HasField("shape"):
            return End(dtype, None)
        return End(dtype, tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim))


def _with_captured(bodies: Mapping[str, tuple[Graph, _Scope]]) -> tuple[list[str], dict[str, Graph]]:
    """What the bodies of a node take from outside, and the bodies, each with an input for all of it."""
    captured = list(dict.fromkeys(name for _, scope in bodies.values() for name in scope.captured))
    found = {}
    for key, (graph, scope) in bodies.items():
        own = graph.inputs[: len(graph.inputs) - len(scope.captured)]
        more = [scope.captured[name].node if name in scope.captured else scope.own(name) for name in captured]
        found[key] = Graph(graph.nodes, (*own, *more), graph.outputs, attributes={"captured": len(more)})
    return captured, found
