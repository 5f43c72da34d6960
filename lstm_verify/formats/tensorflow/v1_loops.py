"""Control flow v1, loops: frames of Switch, Merge and NextIteration become `While` nodes with subgraphs.

A loop is a *frame*: its values come in through Enter, meet the value of the round before in a Merge, go on through a
Switch while LoopCond holds, and leave by Exit. It becomes one `While` node with a condition and a body, as TensorFlow 2
has it. The Switch and Merge of branches are gone before: `branches` has made them functions.

Source: "Implementation of Control Flow in TensorFlow", 2017, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lstm_verify.errors import ModelFileError
from lstm_verify.graph.ir import Graph, Node, Ref

ENTER, EXIT, MERGE, SWITCH, NEXT, CONDITION = (
    {name, f"Ref{name}"} for name in ("Enter", "Exit", "Merge", "Switch", "NextIteration", "LoopCond")
)


def functional(graph: Graph, wanted: Collection[str]) -> Graph:
    """Replace every frame by a `While` node with its condition and body as subgraphs.

    Args:
        graph: a graph.
        wanted: the nodes that it is for; of others only what these need is left.
    """
    for frame in _innermost_first(graph):
        graph = _replace(graph, frame).reachable(wanted)
    return graph


def is_inside(graph: Graph, name: str) -> bool:
    """Whether a node is inside a loop, and so has a value for every iteration: no Exit separates it from the loop."""
    before = graph.backwards([Ref(name)], lambda _, node: () if node.op in EXIT | ENTER else node.inputs)
    return any(node.op in ENTER for _, node in before)


def _innermost_first(graph: Graph) -> list[str]:
    """The frames of a graph, each after those inside it: a frame is inside another if what enters it is there."""
    entering = {name: str(node.attributes["frame_name"]) for name, node in graph.nodes.items() if node.op in ENTER}
    parents = {frame: _frame_around(graph, frame, entering) for frame in sorted(set(entering.values()))}

    def depth(frame: str | None) -> int:
        seen = 0
        while frame is not None:
            frame, seen = parents[frame], seen + 1
            if seen > len(parents):
                raise ModelFileError("loops that contain each other. Was the graph made by TensorFlow?")
        return seen

    return sorted(parents, key=depth, reverse=True)


def _frame_around(graph: Graph, frame: str, entering: Mapping[str, str]) -> str | None:
    """The frame in which the values that enter a frame are computed: the first one met on the way back from them."""

    def entered(frame: str) -> list[Ref]:
        return [ref for name, of in entering.items() if of == frame for ref in graph.nodes[name].inputs]

    def further(_: Ref, node: Node) -> Iterable[Ref]:
        if node.op in EXIT:  # jump over the loop that ends here, to what enters it
            return entered(next(entering[name] for name in _enters_behind(graph, node.name)))
        return (*node.inputs, *map(Ref, node.controls))

    met = (entering[node.name] for _, node in graph.backwards(entered(frame), further) if node.op in ENTER)
    return next(met, None)


def _enters_behind(graph: Graph, name: str) -> Iterator[str]:
    """The Enter of the loop variable that an Exit ends: Exit ← Switch ← Merge ← Enter."""
    nodes = graph.nodes
    merge = nodes[nodes[nodes[name].inputs[0].node].inputs[0].node]
    yield from (ref.node for ref in merge.inputs if nodes[ref.node].op in ENTER)


@dataclass(frozen=True)
class _Variable:
    """A loop variable: where it comes in, and the nodes that carry it."""

    start: Ref
    merge: str
    switch: str | None
    next: Ref


def _replace(graph: Graph, frame: str) -> Graph:
    """The graph with a `While` node in place of a frame."""
    nodes = graph.nodes
    enters = [node for node in nodes.values() if node.op in ENTER and node.attributes["frame_name"] == frame]
    variables = list(_variables(nodes, {node.name for node in enters}))
    merged = {ref.node for node in nodes.values() if node.op in MERGE for ref in node.inputs}
    invariants = [node for node in enters if node.name not in merged]
    condition = _condition(nodes, {variable.merge for variable in variables}, frame)
    arguments = (*(v.merge for v in variables), *(node.name for node in invariants))

    seen_by_condition = {Ref(name): Ref(name) for name in arguments}
    seen_by_body = {Ref(v.switch, 1): Ref(v.merge) for v in variables if v.switch} | seen_by_condition
    kept = tuple(Ref(node.name) for node in invariants)
    loop = Node(
        frame,
        "While",
        (*(v.start for v in variables), *(node.inputs[0] for node in invariants)),
        subgraphs={
            "cond": _cut_out(graph, arguments, (condition.inputs[0],), seen_by_condition),
            "body": _cut_out(graph, arguments, (*(v.next for v in variables), *kept), seen_by_body),
        },
    )
    exits = {
        name: replace(nodes[name], op="Identity", inputs=(Ref(frame, number),))
        for name, number in _exits(nodes, variables).items()
    }
    return graph.of({name: node for name, node in nodes.items() if node not in enters} | exits | {frame: loop})


def _variables(nodes: Mapping[str, Node], enters: set[str]) -> Iterator[_Variable]:
    for node in nodes.values():
        if node.op not in MERGE or len(node.inputs) != 2:
            continue
        start, last = sorted(node.inputs, key=lambda ref: nodes[ref.node].op in NEXT)
        if start.node in enters and nodes[last.node].op in NEXT:
            switches = [n.name for n in nodes.values() if n.op in SWITCH and n.inputs[0].node == node.name]
            yield _Variable(
                nodes[start.node].inputs[0], node.name, switches[0] if switches else None, nodes[last.node].inputs[0]
            )


def _condition(nodes: Mapping[str, Node], merges: set[str], frame: str) -> Node:
    """The LoopCond that a frame's Switches listen to."""
    for node in nodes.values():
        if node.op in SWITCH and node.inputs[0].node in merges:
            condition = nodes[node.inputs[1].node]
            if condition.op in CONDITION:
                return condition
    raise ModelFileError(f"loop '{frame}': it has no condition. Is the graph complete?")


def _exits(nodes: Mapping[str, Node], variables: list[_Variable]) -> dict[str, int]:
    """The Exit nodes of a loop, and the number of the variable that each hands out."""
    numbers = {variable.switch: number for number, variable in enumerate(variables)}
    return {
        node.name: numbers[node.inputs[0].node]
        for node in nodes.values()
        if node.op in EXIT and node.inputs[0].node in numbers
    }


def _cut_out(graph: Graph, inputs: tuple[str, ...], outputs: tuple[Ref, ...], seen: Mapping[Ref, Ref]) -> Graph:
    """A graph of its own for some outputs: what they need, up to its inputs; `seen` has the names of tensors there."""

    def inside(refs: Iterable[Ref]) -> tuple[Ref, ...]:
        return tuple(seen.get(ref, ref) for ref in refs)

    def further(ref: Ref, node: Node) -> Iterable[Ref]:
        return () if ref.node in inputs else inside(node.inputs)

    found = {ref.node: node for ref, node in graph.backwards(inside(outputs), further) if ref.node not in inputs}
    nodes = {name: replace(node, inputs=inside(node.inputs), controls=()) for name, node in found.items()}
    return Graph(nodes, inputs, inside(outputs))
