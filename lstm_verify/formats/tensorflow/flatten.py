"""Inlining: replace every function call by the function's nodes; only loops and branches keep subgraphs.

A call (`PartitionedCall`, or a function's own name as the operation) is replaced by the nodes of the function. A node
keeps its name where no other has it, and is put under the name of the call where one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.graph.ir import Graph, Node, Ref

CALLS = ("PartitionedCall", "StatefulPartitionedCall", "TPUPartitionedCall")
CALLED = re.compile(r"(Stateful)?PartitionedCall(_\d+)?/")
"""A name that TensorFlow gave a call, which says nothing."""
DEPTH = 100
"""Calls inside calls; functions that call themselves have no end."""

MOST = 300_000
"""Calls that are inlined, and nodes; of functions that call each other twice it could be any number."""

Functions = Mapping[str, Graph]


def flatten(graph: Graph, functions: Functions) -> Scope:
    """Inline every call of a graph.

    Returns:
        The outermost scope: its `flat` has the nodes, and `resolve` says where a tensor of the graph went.

    Raises:
        UnsupportedError: functions call themselves, or each other far too often.
        ModelFileError: a function or a node is missing.
    """
    scope = Scope({}, graph.nodes, functions, {}, "", 0, count())
    scope.inline()
    return scope


def flatten_function(function: Graph, functions: Functions) -> Graph:
    """Inline every call in a function; its arguments keep their names."""
    arguments = {name: Ref(name) for name in function.inputs}
    scope = Scope({}, function.nodes, functions, arguments, "", 0, count())
    scope.inline()
    outputs = tuple(scope.resolve(ref) for ref in function.outputs)
    controls = tuple(name for control in function.controls for name in scope.resolve_control(control))
    return replace(function, outputs=outputs, nodes=scope.flat, controls=controls)


class Scope:
    """The nodes of one function being inlined into the graph `flat`."""

    def __init__(
        self,
        flat: dict[str, Node],
        nodes: Mapping[str, Node],
        functions: Functions,
        arguments: Mapping[str, Ref],
        prefix: str,
        depth: int,
        calls: Iterator[int],
    ) -> None:
        if depth > DEPTH or next(calls) + len(flat) > MOST:
            raise UnsupportedError(f"node '{prefix.split('/')[-2]}': functions call each other endlessly")
        self.flat, self._nodes, self._functions, self._arguments = flat, nodes, functions, arguments
        self._prefix, self._depth, self._count = prefix, depth, calls
        self._calls: dict[str, tuple[tuple[Ref, ...], tuple[str, ...]]] = {}
        self._names = {name: self._reserve(name) for name, node in nodes.items() if self._called(node) is None}

    def inline(self) -> None:
        """Put every node of the function into the graph."""
        for name, node in self._nodes.items():
            if self._called(node) is not None:
                self._call(name)
                continue
            self.flat[self._names[name]] = replace(
                node,
                name=self._names[name],
                inputs=tuple(self.resolve(ref) for ref in node.inputs),
                controls=tuple(new for control in node.controls for new in self.resolve_control(control)),
            )

    def resolve(self, ref: Ref) -> Ref:
        """Return where a tensor of this function is in the graph."""
        if ref.node in self._arguments:
            return self._arguments[ref.node]
        if ref.node in self._names:
            return Ref(self._names[ref.node], ref.output)
        returns, _ = self._call(ref.node)
        if ref.output >= len(returns):
            raise ModelFileError(f"node '{ref.node}': it has {len(returns)} outputs, output {ref.output} is used")
        return returns[ref.output]

    def resolve_control(self, name: str) -> tuple[str, ...]:
        """Return the nodes that stand for a control input."""
        if name in self._arguments:
            return (self._arguments[name].node,)
        if name in self._names:
            return (self._names[name],)
        returns, controls = self._call(name)
        return (*(ref.node for ref in returns), *controls)

    def _call(self, name: str) -> tuple[tuple[Ref, ...], tuple[str, ...]]:
        """Inline the function that a node calls, once."""
        if name in self._calls:
            return self._calls[name]
        if name not in self._nodes:
            raise ModelFileError(f"node '{name}' is used but is not in the graph. Is the file complete?")
        node = self._nodes[name]
        called = self._called(node)
        function = self._functions.get(called or "")
        if function is None:
            raise ModelFileError(f"node '{name}': it calls the function '{called}', which the file does not have")
        arguments = dict(zip(function.inputs, map(self.resolve, node.inputs), strict=True))
        prefix, depth = f"{self._prefix}{name}/", self._depth + 1
        inner = Scope(self.flat, function.nodes, self._functions, arguments, prefix, depth, self._count)
        inner.inline()
        returns = tuple(inner.resolve(ref) for ref in function.outputs)
        controls = tuple(new for control in function.controls for new in inner.resolve_control(control))
        self._calls[name] = returns, controls
        return self._calls[name]

    def _called(self, node: Node) -> str | None:
        """The name of the function that a node calls, if it is a call; of a GPU's variant, the one for the CPU."""
        if node.op in CALLS:
            name = str(node.subgraphs["f"])
        elif node.op in self._functions:
            name = node.op
        else:
            return None
        return _for_cpu(name, self._functions)

    def _reserve(self, name: str) -> str:
        """A name that no other node of the graph has: with the names of the calls around it that say anything."""
        short = CALLED.sub("", self._prefix) + name
        free = short if short not in self.flat else f"{self._prefix}{name}"
        number = 0
        while free in self.flat:
            number += 1
            free = f"{self._prefix}{name}_{number}"
        self.flat[free] = Node(free, "NoOp")  # holds the place until the node itself comes
        return free


def _for_cpu(name: str, functions: Functions) -> str:
    """The function itself, or the one that implements the same for the CPU if this one is for a GPU."""
    function = functions.get(name)
    if function is None or function.attributes.get("api_preferred_device") != "GPU":
        return name
    api = function.attributes.get("api_implements")
    for other, candidate in functions.items():
        attributes = candidate.attributes
        if attributes.get("api_implements") == api and attributes.get("api_preferred_device") == "CPU":
            return other
    return name
