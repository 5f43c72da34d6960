"""Variables: which checkpoint tensor each is restored from, according to the graph's own saver.

The saver is part of the graph: `RestoreV2` reads tensors by key, and each goes to the variable that an assignment
names. Where no saver is found, a variable is looked up under its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.tensorflow.flatten import flatten_function
from lstm_verify.formats.tensorflow.graph_file import Array
from lstm_verify.graph.ir import Graph, Node, Ref

Nodes = Mapping[str, Node]

HANDLES = ("VarHandleOp", "VariableV2", "Variable")
ASSIGNMENTS = ("AssignVariableOp", "Assign")
READS = ("ReadVariableOp",)
LOOPS = ("While",)
"""Those that may assign variables; a StatelessWhile does not."""
ASSIGNED = ":assigned"
"""How the names of nodes end that assign what a loop hands on; no graph has such names."""
HANDED_ON = "_handed_on"
"""The attribute of a loop that has the numbers of the variables that it assigns."""


Key = tuple[str, str]
"""The key of a tensor in the checkpoint, and which part of it: `7 16 0,3:0,16`, all if empty."""


def checkpoint_keys(nodes: Nodes) -> dict[str, Key]:
    """Return the checkpoint key of each variable, by the name of its node."""
    return dict(_restored(nodes))


def _restored(nodes: Nodes) -> Iterator[tuple[str, Key]]:
    for node in nodes.values():
        if node.op not in ASSIGNMENTS:
            continue
        target, value = (_origin(nodes, ref) for ref in node.inputs[:2])
        restore = nodes.get(value.node)
        if restore is not None and restore.op == "RestoreV2" and nodes[target.node].op in HANDLES:
            keys, parts = (nodes[_origin(nodes, ref).node].attributes.get("value") for ref in restore.inputs[1:3])
            if keys is not None and parts is not None and value.output < len(keys):
                yield target.node, (str(keys[value.output]), str(parts[value.output]))


def _origin(nodes: Nodes, ref: Ref) -> Ref:
    while ref.node in nodes and nodes[ref.node].op == "Identity":
        ref = nodes[ref.node].inputs[0]
    return ref


def settled(graph: Graph) -> Graph:
    """Let reads that wait for an assignment take the assigned value; keep the last assignment of each variable.

    A layer with states that is called twice in one run reads, the second time, what it assigned the first time. The
    graph tells by what waits for what; a read that waits for no assignment has the value of the run before. A loop
    that takes a variable reads it; one that hands it on assigned (`carried`) assigns it.
    """
    found, left = _settled(graph)
    for name, assignments in left.items():
        for number, one in enumerate(assignments):
            if graph.nodes[one.node].op in LOOPS:
                place = f"{name}:{number}{ASSIGNED}"
                found[place] = Node(place, ASSIGNMENTS[0], (Ref(name), one.value))
    return graph.of(found)


def _settled(graph: Graph) -> tuple[dict[str, Node], dict[str, list[_Assignment]]]:
    """The graph with settled reads, and the assignments to each variable that no other comes after."""
    nodes = graph.nodes
    found, left = dict(nodes), dict[str, list[_Assignment]]()
    for name, assignments in _assignments(nodes).items():
        before = {one.node: _behind(graph, one.node) for one in assignments}
        for node in nodes.values():
            places = [place for place, ref in enumerate(node.inputs) if _origin(nodes, ref).node == name]
            if not places or node.op not in (*READS, *LOOPS):
                continue
            seen = _behind(graph, node.name)
            last = _last([one for one in assignments if one.node in seen], before)
            if last is not None and node.op in READS:
                found[node.name] = replace(node, op="Identity", inputs=(last.value,), controls=())
            elif last is not None:
                inputs = enumerate(found[node.name].inputs)
                settled_inputs = tuple(last.value if place in places else ref for place, ref in inputs)
                found[node.name] = replace(found[node.name], inputs=settled_inputs)
        left[name] = [one for one in assignments if not any(one.node in seen for seen in before.values())]
        for one in assignments:
            if one not in left[name] and nodes[one.node].op in ASSIGNMENTS:
                found[one.node] = replace(nodes[one.node], op="Identity", inputs=(one.value,))
    return found, left


def carried(graph: Graph, functions: Mapping[str, Graph]) -> Graph:
    """Turn variables that a loop assigns into loop variables.

    The handle of a variable comes into a loop and goes out of it as one of its variables. What is read from it is that
    variable's value, and what is assigned to it becomes the one of the next round.

    Raises:
        UnsupportedError: which assignment is the last one in a round is not known.
    """
    found = dict(graph.nodes)
    for node in graph.nodes.values():
        name = node.subgraphs.get("body") if node.op in LOOPS else None
        if isinstance(name, str) and name in functions:
            body, places = _handing_on(flatten_function(functions[name], functions), functions)
            if places:
                attributes, subgraphs = {**node.attributes, HANDED_ON: places}, {**node.subgraphs, "body": body}
                found[node.name] = replace(node, attributes=attributes, subgraphs=subgraphs)
    return graph.of(found)


def _handing_on(body: Graph, functions: Mapping[str, Graph]) -> tuple[Graph, tuple[int, ...]]:
    """The body of a loop that returns what it assigns to its arguments, and the places of these."""
    run = body.reachable([*(ref.node for ref in body.outputs), *body.controls])
    nodes, left = _settled(carried(run, functions))
    outputs = list(body.outputs)
    for name, assignments in left.items():
        if name not in body.inputs:
            continue  # which is refused where the function is built
        if len(assignments) > 1:
            raise UnsupportedError(f"node '{assignments[0].node}': one of several assignments to a variable in a loop")
        (last,) = assignments
        outputs[body.inputs.index(name)] = last.value
        if nodes[last.node].op in ASSIGNMENTS:
            nodes[last.node] = replace(nodes[last.node], op="Identity", inputs=(last.value,))
    places = tuple(place for place, ref in enumerate(body.outputs) if outputs[place] != ref)
    return replace(body, nodes=nodes, outputs=tuple(outputs)), places


@dataclass(frozen=True)
class _Assignment:
    node: str
    """The assignment itself, or a loop that assigns."""
    value: Ref


def _assignments(nodes: Nodes) -> dict[str, list[_Assignment]]:
    """The assignments to each variable."""
    found: dict[str, list[_Assignment]] = {}
    for node in nodes.values():
        if node.op in ASSIGNMENTS:
            found.setdefault(_origin(nodes, node.inputs[0]).node, []).append(_Assignment(node.name, node.inputs[1]))
        for place in node.attributes.get(HANDED_ON, ()):
            target = _origin(nodes, node.inputs[place]).node
            found.setdefault(target, []).append(_Assignment(node.name, Ref(node.name, place)))
    return found


def _behind(graph: Graph, name: str) -> set[str]:
    """The nodes that run before one."""
    node = graph.nodes[name]
    return set(graph.reachable([*(ref.node for ref in node.inputs), *node.controls]).nodes)


def _last(assignments: list[_Assignment], before: Mapping[str, set[str]]) -> _Assignment | None:
    """The assignment that runs after all others; None if there is none, or no order among them."""
    for one in assignments:
        if all(other is one or other.node in before[one.node] for other in assignments):
            return one
    return None


def initial_value(node: Node, keys: Mapping[str, Key], values: Mapping[str, Array] | None) -> Array:
    """Return the value of a variable in the checkpoint.

    Raises:
        ModelFileError: the checkpoint has none, or one of another shape.
    """
    if values is None:
        raise ModelFileError(
            f"variable '{node.name}': its value is not in the graph, and there is no checkpoint. "
            "Is a folder variables/ missing, or was the graph not frozen?"
        )
    own = str(node.attributes.get("shared_name") or node.name)
    key, part = keys.get(node.name) or (own if own in values else node.name, "")
    if key not in values:
        raise ModelFileError(f"variable '{node.name}': the checkpoint has no tensor '{key}'")
    value = values[key][_slices(part)]
    shape = node.attributes.get("shape")
    if shape is not None and None not in shape and value.shape != tuple(shape):
        raise ModelFileError(f"variable '{node.name}': tensor '{key}' has shape {value.shape}, expected {tuple(shape)}")
    return value


def _slices(part: str) -> tuple[slice, ...]:
    """Which part of a tensor a piece of a divided variable is: after the whole shape, `start,length` for each axis."""
    if not part:
        return ()
    pieces = part.split(" ")[-1].split(":")
    bounds = [None if piece == "-" else [int(number) for number in piece.split(",")] for piece in pieces]
    return tuple(slice(None) if b is None else slice(b[0], b[0] + b[1]) for b in bounds)
