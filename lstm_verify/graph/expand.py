"""Composite operations: a node is replaced by several that together compute the same.

    Reverse(x, marked)  →  ReverseV2(x, Where(marked))

The steps are nodes of the same framework, and go through its table like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lstm_verify.errors import UnsupportedError
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref
from lstm_verify.graph.translate import Building, Entry, Made, Table


def step(op: str, *inputs: str, **attributes: Any) -> Node:
    """Make a node for a step of a composite operation.

    Args:
        op: what it is, as the framework has it.
        inputs: those of the whole by number, such as "0", outputs of other steps by name, such as "top:1", or "" for
            one that is left out.
        attributes: those that are None are left out.
    """
    given = {key: value for key, value in attributes.items() if value is not None}
    return Node("", op, tuple(map(Ref.parse, inputs)), attributes=given)


@dataclass(frozen=True)
class Expand(Entry):
    """A composite operation, as several operations of the framework.

    Example:
        >>> distance = Expand(lambda node: {"difference": step("Sub", "0", "1"), "": step("Abs", "difference")})
        >>> nodes = distance.steps(Node("d", "Distance", (Ref("x"), Ref("y"))))
        >>> [(node.name, node.op, *map(str, node.inputs)) for node in nodes]
        [('d/difference', 'Sub', 'x:0', 'y:0'), ('d', 'Abs', 'd/difference:0')]
    """

    into: Callable[[Node], Mapping[str, Node]]
    """From a node to its steps by name. The one without a name takes the node's, and its outputs are the node's."""
    elsewhere: Mapping[int, str] = field(default_factory=dict)
    """The outputs that another step has, by number: which output of which step each is."""

    known: frozenset[str] = frozenset()
    """The attributes that it may have: that the steps are made of, or that change no result."""

    def make(self, node: Node, graph: Building) -> Made:
        raise UnsupportedError(f"node '{node.name}': {self.refused(node, graph.table)}")

    def refused(self, node: Node, table: Table) -> str:
        """Return why a node cannot be expanded without dropping an attribute; nothing if it can."""
        try:
            table.check(node.op, node.attributes, self.known)
        except UnsupportedError as error:
            return str(error)
        return ""

    def steps(self, node: Node) -> Iterator[Node]:
        """Return the nodes that replace one."""
        for name, inner in self.into(node).items():
            inputs = tuple(self._ref(node, ref) for ref in inner.inputs)
            yield replace(inner, name=_name(node, name), inputs=inputs, controls=node.controls)

    def moved(self, node: Node) -> dict[Ref, Ref]:
        """Return the outputs of a node that have moved to another step, and where they are."""
        return {Ref(node.name, number): self._ref(node, Ref.parse(at)) for number, at in self.elsewhere.items()}

    def _ref(self, node: Node, inner: Ref) -> Ref:
        if inner == ABSENT:
            return ABSENT
        if inner.node.isdecimal():
            place = int(inner.node)
            return node.inputs[place] if place < len(node.inputs) else ABSENT
        return Ref(_name(node, inner.node), inner.output)


def _name(node: Node, step: str) -> str:
    return f"{node.name}/{step}" if step else node.name


def expanded(graph: Graph, table: Table) -> tuple[Graph, dict[Ref, Ref]]:
    """Return the graph with all composite nodes replaced, and the outputs that have moved."""
    pending, nodes, moved = list(graph.nodes.values()), dict[str, Node](), dict[Ref, Ref]()
    for node in pending:  # which grows by steps that are several in one themselves
        entry = table.entry(node.op)
        if isinstance(entry, Expand) and not entry.refused(node, table):
            pending += entry.steps(node)
            moved |= entry.moved(node)
        else:
            nodes[node.name] = node
    return graph.of(nodes), moved
