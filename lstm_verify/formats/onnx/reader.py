"""Reading ONNX files, without running anything in them: from protobufs to a `Graph`.

    initializer     a node `Constant`, as are all constants, of whatever form
    body            a graph of its own, with what it takes from outside as its last inputs, and as those of its node
    function        its nodes in the place of its call, by `onnx.inliner`
    tensor name     the output of a node; names of nodes need not be there, nor be unique, and get to be

Source: `onnx/onnx.proto`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.onnx.values import End, Values
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref

INSTALL = "ONNX files are read with the package onnx. Install it: pip install 'lstm-verify[onnx]'"
OUTPUTS = "_outputs"
"""The attribute for how many outputs a node has, on which it depends what some operators do."""
IN_ITS_FOLDER = "Are they in its folder?"
SHAPES = "shapes"
"""The attribute for the shapes of the outputs of a graph, as far as the file says."""
ONNX = ("", "ai.onnx")
"""The two names of the domain of ONNX itself."""


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
    parsed = _parsed(onnx, path)
    _check_names(parsed)
    proto = _inlined(onnx, parsed)
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
        way_out = "Copy the file with its data, and not links to them: cp -L" if " link" in first else IN_ITS_FOLDER
        raise ModelFileError(f"its external data cannot be read ({first.rstrip('.')}). {way_out}") from None


def _check_names(proto: Any) -> None:
    """Check that all names are text, which protobuf leaves to who reads it.

    Raises:
        ModelFileError: one is not.
    """
    graphs = [proto.graph, *(a.g for node in _nodes(proto.graph.node) for a in node.attribute if a.HasField("g"))]
    nodes = [*_nodes(proto.graph.node), *(node for f in proto.functions for node in _nodes(f.node))]
    names = [name for node in nodes for name in (node.name, node.op_type, node.domain, *node.input, *node.output)]
    names += [attribute.name for node in nodes for attribute in node.attribute]
    names += [each.name for graph in graphs for each in (*graph.input, *graph.output, *graph.initializer)]
    names += [each.name for graph in graphs for each in graph.value_info]
    if not all(isinstance(name, str) for name in names):
        raise ModelFileError("a name in it is not text. Was it copied completely?")


def _inlined(onnx: Any, proto: Any) -> Any:
    """The model without functions of its own; those of another opset than the model's are converted to it.

    Raises:
        ModelFileError: a function calls itself.
        UnsupportedError: one is of another opset, and cannot be converted.
    """
    if not proto.functions:
        return proto
    calls = {(f.domain, f.name): {(node.domain, node.op_type) for node in _nodes(f.node)} for f in proto.functions}
    names = set(calls)
    while leaves := [name for name, called in calls.items() if not called & set(calls)]:
        for name in leaves:
            del calls[name]
    if calls:
        raise ModelFileError(f"function '{next(iter(calls))[1]}' calls itself. Who wrote the file?")
    from onnx import inliner

    inlined = inliner.inline_local_functions(proto)
    if not _called(inlined, names):
        return inlined
    with contextlib.suppress(RuntimeError):
        inlined = inliner.inline_local_functions(proto, convert_version=True)
    left = _called(inlined, names)
    if left:
        raise UnsupportedError(
            f"function '{left[0]}' is of another opset than the model, and cannot be converted. Export it anew "
            "with one opset"
        )
    return inlined


def _called(proto: Any, names: Collection[tuple[str, str]]) -> list[str]:
    """The functions of a model that are still called."""
    return [node.op_type for node in _nodes(proto.graph.node) if (node.domain, node.op_type) in names]


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
        self.onnx, self.values = onnx, Values(onnx)

    def file(self, proto: Any) -> OnnxFile:
        """Read everything in the file."""
        scope = _Scope()
        graph = self.graph(proto.graph, scope)
        values = {value.name: self.values.end(value) for value in (*proto.graph.value_info, *proto.graph.output)}
        inputs = {value.name: self.values.end(value) for value in proto.graph.input if value.name in graph.inputs}
        opset = max((entry.version for entry in proto.opset_import if entry.domain in ONNX), default=1)
        self.check_opset(opset)
        return OnnxFile(
            graph,
            inputs,
            {value.name: scope.find(value.name) for value in proto.graph.output},
            scope.tensors,
            values | inputs,
            opset,
            _writer(proto),
        )

    def check_opset(self, opset: int) -> None:
        """Check that the operators of a version are known.

        Raises:
            UnsupportedError: they are not.
        """
        newest = self.onnx.defs.onnx_opset_version()
        if opset > newest:
            raise UnsupportedError(
                f"it is of opset {opset}, expected {newest} or earlier, the newest that onnx {self.onnx.__version__} "
                "knows. Install a newer one: pip install --upgrade onnx"
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
            node = self.values.constant(scope.own(name), tensor)
            nodes[node.name] = node
            scope.tensors[name] = Ref(node.name)
        # nodes need not come after those whose outputs they take, though the text says so: runtimes sort them too
        names = [self._name(each, scope) for each in proto.node]
        for node_name, each in zip(names, proto.node, strict=True):
            scope.define(node_name, each.output)
        nodes |= {name: self.node(name, each, scope) for name, each in zip(names, proto.node, strict=True)}
        outputs = tuple(scope.find(value.name) for value in proto.output)
        shapes = tuple(self.values.end(value).shape for value in proto.output)
        captured = (ref.node for ref in scope.captured.values())
        return Graph(nodes, (*inputs, *captured), outputs, attributes={SHAPES: shapes})

    def _name(self, proto: Any, scope: _Scope) -> str:
        """A name for a node: its own if it has one that no other has, or that of what it computes."""
        return scope.own(proto.name or next(filter(None, proto.output), proto.op_type))

    def node(self, name: str, proto: Any, scope: _Scope) -> Node:
        """Read a node; values that its subgraphs capture become its last inputs."""
        op = proto.op_type if proto.domain in ONNX else f"{proto.domain}.{proto.op_type}"
        inputs = tuple(scope.find(each) for each in proto.input)
        if op == "Constant":
            return self.values.constant(name, self._constant_of(proto))
        attributes: dict[str, Any] = {OUTPUTS: len(proto.output)}
        bodies: dict[str, tuple[Graph, _Scope]] = {}
        for attribute in proto.attribute:
            if attribute.type == attribute.GRAPH:
                inner = _Scope(scope)
                bodies[attribute.name] = self.graph(attribute.g, inner), inner
            else:
                attributes[attribute.name] = self.values.value(attribute)
        captured, subgraphs = _with_captured(bodies)
        more = tuple(scope.find(each) for each in captured)
        return Node(name, op, inputs + more, attributes=attributes, subgraphs=subgraphs)

    def _constant_of(self, proto: Any) -> Any:
        """The only attribute of a `Constant`."""
        if len(proto.attribute) != 1:
            raise ModelFileError(f"node '{proto.name}': a constant of {len(proto.attribute)} values, expected one")
        return self.values.value(proto.attribute[0])


def _writer(proto: Any) -> str:
    """The exporter and its version, behind which tf2onnx puts its commit: `None` for a release."""
    version = proto.producer_version.removesuffix(" None")
    return f"{proto.producer_name} {version}".strip() or "an unnamed writer"


def _with_captured(bodies: Mapping[str, tuple[Graph, _Scope]]) -> tuple[list[str], dict[str, Graph]]:
    """What the bodies of a node take from outside, and the bodies, each with an input for all of it."""
    captured = list(dict.fromkeys(name for _, scope in bodies.values() for name in scope.captured))
    found = {}
    for key, (graph, scope) in bodies.items():
        own = graph.inputs[: len(graph.inputs) - len(scope.captured)]
        more = [scope.captured[name].node if name in scope.captured else scope.own(name) for name in captured]
        found[key] = Graph(
            graph.nodes, (*own, *more), graph.outputs, attributes={**graph.attributes, "captured": len(more)}
        )
    return captured, found
