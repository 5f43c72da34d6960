"""Control flow v1, branches: a Switch that sends a value one of two ways and the Merge that joins them become an `If`.

    Switch(value, predicate) → (value if not predicate, value if predicate)
    Merge(a, b) → whichever of the two came

What lies between the Switches of a predicate and a Merge becomes two functions, one for each side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.tensorflow.v1_loops import ENTER, MERGE, NEXT, SWITCH
from lstm_verify.graph.ir import Graph, Node, Ref

Nodes = Mapping[str, Node]
BEGINS = SWITCH | MERGE | ENTER
"""Where what is computed for one side of a branch begins."""


def choices(graph: Graph) -> Graph:
    """Replace the Merge of every branch by an `If`, innermost first; the Merges of loops stay.

    Raises:
        UnsupportedError: a Merge joins something else than the two sides of one predicate.
    """
    nodes = dict(graph.nodes)
    for node in graph.topological(but=lambda node: node.op in NEXT):
        if node.op in MERGE and not _is_loop(nodes, node):
            nodes[node.name] = _if(graph.of(nodes), node)
    return graph.of(nodes)


def _is_loop(nodes: Nodes, merge: Node) -> bool:
    return any(nodes[ref.node].op in (*NEXT, *ENTER) for ref in merge.inputs)


def _if(graph: Graph, merge: Node) -> Node:
    sides = [_sides(graph, ref) for ref in merge.inputs]
    if len(sides) == 2:
        first, second = sides
        for predicate, value in first.items():
            if predicate in second and {value, second[predicate]} == {0, 1}:
                if_false, if_true = merge.inputs if value == 0 else merge.inputs[::-1]
                return _built(graph, merge, predicate, if_true, if_false)
    raise UnsupportedError(f"node '{merge.name}': a Merge of {len(sides)} values that are not two sides of one branch")


def _built(graph: Graph, merge: Node, predicate: Ref, if_true: Ref, if_false: Ref) -> Node:
    """An `If` that takes what the Switches of its predicate take, and what comes to the branch in a loop around it."""
    taken: dict[Ref, Ref] = {}
    parts = {"then_branch": if_true, "else_branch": if_false}
    inner = {part: _between(graph, ref, predicate, taken) for part, ref in parts.items()}
    arguments = {ref: Ref(f"{merge.name}/{number}") for number, ref in enumerate(taken)}
    functions = {
        part: Graph(
            {
                node.name: replace(node, inputs=tuple(arguments.get(r, r) for r in node.inputs), controls=())
                for node in inner[part]
            },
            tuple(argument.node for argument in arguments.values()),
            (arguments.get(ref, ref),),
        )
        for part, ref in parts.items()
    }
    return Node(merge.name, "If", (predicate, *taken.values()), subgraphs=functions)


def _between(graph: Graph, start: Ref, predicate: Ref, taken: dict[Ref, Ref]) -> list[Node]:
    """The nodes that compute a value of a branch; `taken` gets where they begin, and what they are given there."""
    found: dict[str, Node] = {}
    for ref, node in graph.backwards([start], lambda _, node: () if node.op in BEGINS else node.inputs):
        if node.op in SWITCH:
            taken[ref] = node.inputs[0] if _source(graph.nodes, node.inputs[1]) == predicate else ref
        elif node.op in BEGINS:
            taken[ref] = ref
        else:
            found[node.name] = node
    return list(found.values())


def _sides(graph: Graph, start: Ref) -> dict[Ref, int]:
    """The predicates that a value waits for, with the side on which it does; not those that it sees both sides of."""

    def further(ref: Ref, node: Node) -> Iterable[Ref]:
        return node.inputs[:1] if node.op in SWITCH else (*node.inputs, *map(Ref, node.controls))

    found: dict[Ref, set[int]] = {}
    for ref, node in graph.backwards([start], further):
        if node.op in SWITCH:
            found.setdefault(_source(graph.nodes, node.inputs[1]), set()).add(ref.output)
    return {predicate: values.pop() for predicate, values in found.items() if len(values) == 1}


def _source(nodes: Nodes, ref: Ref) -> Ref:
    while nodes[ref.node].op == "Identity":
        ref = nodes[ref.node].inputs[0]
    return ref
