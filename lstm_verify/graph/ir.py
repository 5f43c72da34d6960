"""The one representation of graphs of operations, of any framework: nodes that take tensors of other nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple, Self

from lstm_verify.errors import ModelFileError

Shape = tuple[int | None, ...] | None
"""The lengths of a tensor, None where they are open, or for the whole if not even their number is known."""


class Ref(NamedTuple):
    """A tensor: which output of which node; of an input of a graph, output 0 of its name."""

    node: str
    output: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `node:1`; a bare `node` is its first output."""
        name, colon, number = text.rpartition(":")
        return cls(name, int(number)) if colon and number.isdecimal() else cls(text)

    def __str__(self) -> str:
        return f"{self.node}:{self.output}"


ABSENT = Ref("")
"""An optional input that is left out."""


@dataclass(frozen=True, eq=False)
class Node:
    """An operation of a graph."""

    name: str
    op: str
    inputs: tuple[Ref, ...] = ()
    controls: tuple[str, ...] = ()
    """Nodes that run before this one."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    subgraphs: Mapping[str, Graph | str] = field(default_factory=dict)
    """Bodies of loops and branches, and functions that are called, by attribute; a name is that of a function."""
    types: tuple[str, ...] | None = None
    """The dtypes of its outputs; None if they are not known."""
    shapes: tuple[Shape, ...] = ()
    """The shapes of its outputs, where the file has them."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes by name, and where they begin and end.

    Example:
        >>> double = Graph({"y": Node("y", "Add", (Ref("x"), Ref("x")))}, inputs=("x",), outputs=(Ref("y"),))
        >>> [node.op for node in double.topological()]
        ['Add']
    """

    nodes: Mapping[str, Node]
    inputs: tuple[str, ...] = ()
    outputs: tuple[Ref, ...] = ()
    controls: tuple[str, ...] = ()
    """Nodes that run although no output depends on them."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def node(self, name: str) -> Node:
        """The node of a name.

        Raises:
            ModelFileError: there is none.
        """
        if name not in self.nodes:
            raise ModelFileError(f"node '{name}' is used but is not in the graph. Is the file complete?")
        return self.nodes[name]

    def backwards(
        self, starts: Iterable[Ref], further: Callable[[Ref, Node], Iterable[Ref]] = lambda ref, node: node.inputs
    ) -> Iterator[tuple[Ref, Node]]:
        """The tensors that some are computed from, these included, each once with its node; inputs of the graph end it.

        Args:
            starts: where to begin.
            further: the tensors to go on to from one; its node's inputs unless something else is said.
        """
        pending, seen = list(starts), set[Ref]()
        while pending:
            ref = pending.pop()
            node = self.nodes.get(ref.node)
            if node is None or ref in seen:
                continue
            seen.add(ref)
            yield ref, node
            pending += further(ref, node)

    def reachable(self, names: Iterable[str], controls: bool = True) -> Graph:
        """Return all nodes that some nodes depend on, through inputs, and through control inputs if `controls`."""

        def further(ref: Ref, node: Node) -> Iterable[Ref]:
            return (*node.inputs, *map(Ref, node.controls)) if controls else node.inputs

        found = {node.name for _, node in self.backwards(map(Ref, names), further)}
        return self.of({name: node for name, node in self.nodes.items() if name in found})

    def topological(self, but: Callable[[Node], bool] = lambda node: False) -> list[Node]:
        """All nodes, each after those whose outputs it takes.

        Args:
            but: nodes whose inputs come later, such as those that a loop goes back by.

        Raises:
            ModelFileError: a node needs its own output.
        """
        before = {
            name: () if but(node) else [ref.node for ref in node.inputs if ref.node in self.nodes]
            for name, node in self.nodes.items()
        }
        try:
            return [self.nodes[name] for name in TopologicalSorter(before).static_order()]
        except CycleError as error:
            raise ModelFileError(
                f"node '{error.args[1][0]}': it depends on its own output. Is the graph complete?"
            ) from None

    def consumers(self) -> dict[Ref, list[Node]]:
        """Return the nodes that consume each tensor."""
        found: dict[Ref, list[Node]] = {}
        for node in self.nodes.values():
            for ref in dict.fromkeys(node.inputs):
                found.setdefault(ref, []).append(node)
        return found

    def of(self, nodes: Mapping[str, Node]) -> Graph:
        """Return a graph of other nodes with the same inputs and outputs."""
        return Graph(nodes, self.inputs, self.outputs, self.controls, self.attributes)
