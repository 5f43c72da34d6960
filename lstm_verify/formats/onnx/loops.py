"""`Loop` and `Scan` converted to one kind of loop: a body that runs while a condition on its variables holds.

    Loop(M, cond, v…)       while i < M and cond:      cond, v…, y… = body(i, cond, v…);       ys… ← y…
    Scan(v…, xs…)           while i < len(xs):         v…, y… = body(v…, xs[i]…);              ys… ← y…

The variables are the number of the round, what it must stay below, the condition, the states, a list for each output
of every round, and what does not change. Operations that ONNX has not have names in small letters, as no operator has.

Source: the operators' text, onnx.ai/onnx/operators/onnx__Loop.html and onnx__Scan.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.onnx import scan_8
from lstm_verify.formats.onnx.attributes import constant
from lstm_verify.formats.onnx.reader import SHAPES
from lstm_verify.graph.compute import Compute, Option
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref
from lstm_verify.graph.translate import Entry, While

ENTRIES: dict[str, Entry] = {
    "while": While("condition", "body"),
    "list_reserve": Compute("list_reserve", {name: Option(name) for name in ("dtype", "grows", "shape")}),
    "list_set": Compute("list_set"),
    "list_stack": Compute("list_stack"),
    "flip": Compute("flip", {"axis": Option("axis")}),
}
"""What loops are made of."""
ANY_NUMBER = np.iinfo(np.int64).max
"""Of rounds, if a loop goes on until its condition says otherwise."""


WITHOUT_BATCHES = 9
"""The first version in which a `Scan` knows of no batches."""


def functional(graph: Graph, opset: int) -> Graph:
    """Return a graph with one kind of loop, in its subgraphs too.

    Args:
        graph: nodes each after those whose outputs it takes.
        opset: the version of the operators.

    Raises:
        ModelFileError: a body has not the inputs and outputs that it should have.
        UnsupportedError: a `Scan` of opset 8 is one that is not supported.
    """
    nodes, moved = dict[str, Node](), dict[Ref, Ref]()
    for node in graph.nodes.values():
        if node.op == "Scan" and opset < WITHOUT_BATCHES:
            node = scan_8.over_samples(node)
        inputs = tuple(moved.get(ref, ref) for ref in node.inputs)
        bodies = {key: functional(body, opset) for key, body in node.subgraphs.items() if isinstance(body, Graph)}
        whole = replace(node, inputs=inputs, subgraphs=bodies)
        if node.op in PARTS:
            loop = PARTS[node.op](whole)
            nodes |= {each.name: each for each in loop.nodes()}
            moved |= loop.moved()
        else:
            nodes[node.name] = whole
    outputs = tuple(moved.get(ref, ref) for ref in graph.outputs)
    return Graph(nodes, graph.inputs, outputs, attributes=graph.attributes)


@dataclass
class _Loop:
    """A loop, from its parts."""

    node: Node
    rounds: Ref
    """How many there are at most."""
    goes_on: Ref
    """Whether there is a first one."""
    states: Sequence[Ref]
    kept: Sequence[Ref]
    """What does not change: what a body takes from outside, and what it takes step by step."""
    body: Graph
    """From the number of the round, the condition, the states and what is kept, to the condition, the states and the
    outputs of the round."""
    before: list[Node] = field(default_factory=list)
    """Nodes that the loop takes from."""
    axes: Mapping[int, tuple[int, bool]] = field(default_factory=dict)
    """Of the outputs of every round: along which axis they are put together, and whether the last comes first."""

    @property
    def count(self) -> int:
        """The number of outputs of every iteration."""
        return len(self.body.outputs) - 1 - len(self.states)

    def name(self, part: str) -> str:
        """The name of a node of the loop."""
        return f"{self.node.name}/{part}"

    def nodes(self) -> Iterable[Node]:
        """The nodes that replace the loop."""
        lists = [self.name(f"list {number}") for number in range(self.count)]
        start, nothing = self.name("start"), self.name("nothing")
        yield from self.before
        yield constant(start, np.zeros((), np.int64))
        yield constant(nothing, np.zeros((), np.int64))
        for number, name in enumerate(lists):
            attributes = {"dtype": self._dtypes()[number] or "float32", "grows": True, "shape": self._shapes()[number]}
            yield Node(name, "list_reserve", (Ref(nothing),), attributes=attributes)
        variables = (Ref(start), self.rounds, self.goes_on, *self.states, *map(Ref, lists), *self.kept)
        yield Node(
            self.node.name,
            "while",
            variables,
            subgraphs={"condition": self._condition(), "body": self._body()},
            types=self.node.types,
        )
        for number in range(self.count):
            yield from self._stacked(number)

    def _dtypes(self) -> tuple[str, ...]:
        """The dtypes of the outputs of every round."""
        known: tuple[str, ...] = self.node.types or ()
        return tuple((*known, *[""] * self.count)[len(self.states) : len(self.states) + self.count])

    def _shapes(self) -> list[tuple[int, ...] | None]:
        """The shapes of the outputs of every round, of which there may be none; unknown lengths are 0 then, as runtimes
        have it."""
        known = self.body.attributes.get(SHAPES) or (None,) * len(self.body.outputs)
        shapes = known[len(known) - self.count :]
        return [None if shape is None else tuple(length or 0 for length in shape) for shape in shapes]

    def moved(self) -> dict[Ref, Ref]:
        """Where the outputs of the loop are now."""
        states = {
            Ref(self.node.name, number): Ref(self.node.name, FIRST_STATE + number) for number in range(len(self.states))
        }
        first = len(self.states)
        outputs = {Ref(self.node.name, first + n): Ref(self.name(f"output {n}")) for n in range(self.count)}
        return states | outputs

    def _stacked(self, number: int) -> Iterable[Node]:
        """The outputs of all rounds together."""
        axis, backwards = self.axes.get(number, (0, False))
        steps: list[tuple[str, dict[str, Any]]] = [("list_stack", {})]
        if backwards:
            steps.append(("flip", {"axis": 0}))
        if axis:
            steps.append(("move_axis", {"source": 0, "destination": axis}))
        given = Ref(self.node.name, FIRST_STATE + len(self.states) + number)
        for place, (op, attributes) in enumerate(steps):
            last = place == len(steps) - 1
            name = self.name(f"output {number}" if last else f"{op} {number}")
            yield Node(name, op, (given,), attributes=attributes)
            given = Ref(name)

    def _variables(self) -> list[str]:
        """The names of the variables, inside."""
        own = self.body.inputs
        lists = [self.name(f"list {number}") for number in range(self.count)]
        states = 2 + len(self.states)
        return [own[0], self.name("rounds"), own[1], *own[2:states], *lists, *own[states:]]

    def _condition(self) -> Graph:
        names = self._variables()
        below, goes_on = self.name("below"), self.name("goes on")
        nodes = {
            below: Node(below, "Less", (Ref(names[0]), Ref(names[1]))),
            goes_on: Node(goes_on, "And", (Ref(below), Ref(names[2]))),
        }
        return Graph(nodes, tuple(names), (Ref(goes_on),))

    def _body(self) -> Graph:
        names, body = self._variables(), self.body
        counted, one = self.name("next"), self.name("one")
        nodes = dict(body.nodes)
        nodes[one] = constant(one, np.ones((), np.int64))
        nodes[counted] = Node(counted, "Add", (Ref(names[0]), Ref(one)))
        goes_on, *results = body.outputs
        states, rounds = results[: len(self.states)], results[len(self.states) :]
        lists = []
        for number, value in enumerate(rounds):
            name = self.name(f"set {number}")
            taken = Ref(self.name(f"list {number}"))
            nodes[name] = Node(name, "list_set", (taken, Ref(names[0]), value))
            lists.append(Ref(name))
        kept = [Ref(name) for name in names[FIRST_STATE + len(states) + len(lists) :]]
        outputs = (Ref(counted), Ref(names[1]), goes_on, *states, *lists, *kept)
        return Graph(nodes, tuple(names), outputs)


FIRST_STATE = 3
"""The place of the first state among the variables."""


def _of_loop(node: Node) -> _Loop:
    body = node.subgraphs["body"]
    assert isinstance(body, Graph)
    captured = body.attributes["captured"]
    own = len(node.inputs) - captured
    states = node.inputs[2:own]
    _expect(node, body, 2 + len(states) + captured, 1 + len(states))
    before = [
        constant(f"{node.name}/limit", np.asarray(ANY_NUMBER)),
        constant(f"{node.name}/always", np.asarray(True)),
    ]
    rounds, goes_on = (
        default if ref == ABSENT else ref
        for ref, default in zip(node.inputs[:2], (Ref(before[0].name), Ref(before[1].name)), strict=True)
    )
    return _Loop(node, rounds, goes_on, states, node.inputs[own:], body, before)


def _of_scan(node: Node) -> _Loop:
    body, attributes = node.subgraphs["body"], node.attributes
    assert isinstance(body, Graph)
    captured, scanned = body.attributes["captured"], int(attributes["num_scan_inputs"])
    own = len(node.inputs) - captured
    states, sequences = node.inputs[: own - scanned], node.inputs[own - scanned : own]
    if not scanned or own < scanned:
        raise ModelFileError(f"node '{node.name}': num_scan_inputs is {scanned}, of {own} inputs")
    _expect(node, body, own + captured, len(states))
    count = len(body.outputs) - len(states)
    input_axes, input_turned = (_each(node, f"scan_input_{what}", scanned) for what in ("axes", "directions"))
    output_axes, output_turned = (_each(node, f"scan_output_{what}", count) for what in ("axes", "directions"))

    before, lengths, taken = list[Node](), f"{node.name}/shape", list[Ref]()
    for number, (ref, turned) in enumerate(zip(sequences, input_turned, strict=True)):
        name = f"{node.name}/reversed {number}"
        if turned:
            before.append(Node(name, "flip", (ref,), attributes={"axis": input_axes[number]}))
        taken.append(Ref(name) if turned else ref)
    before += [
        Node(lengths, "Shape", (sequences[0],)),
        constant(f"{node.name}/axis", np.asarray(input_axes[0])),
        Node(f"{node.name}/length", "Gather", (Ref(lengths), Ref(f"{node.name}/axis"))),
        constant(f"{node.name}/always", np.asarray(True)),
    ]
    steps = body.inputs[len(states) : own]
    round_, condition, goes_on = (f"{node.name}/{part}" for part in ("round", "condition", "goes on"))
    nodes = {goes_on: Node(goes_on, "Identity", (Ref(condition),))}
    for name, axis in zip(steps, input_axes, strict=True):
        nodes[name] = Node(name, "Gather", (Ref(f"{name} of all"), Ref(round_)), attributes={"axis": axis})
    inputs = (
        round_,
        condition,
        *body.inputs[: len(states)],
        *(f"{name} of all" for name in steps),
        *body.inputs[own:],
    )
    loop_body = Graph({**nodes, **body.nodes}, inputs, (Ref(goes_on), *body.outputs), attributes=body.attributes)
    return _Loop(
        node,
        Ref(f"{node.name}/length"),
        Ref(f"{node.name}/always"),
        states,
        (*taken, *node.inputs[own:]),
        loop_body,
        before,
        {n: (axis, bool(turned)) for n, (axis, turned) in enumerate(zip(output_axes, output_turned, strict=True))},
    )


def _each(node: Node, attribute: str, count: int) -> list[int]:
    """A number for each of so many; 0 unless something else is said."""
    values = list(node.attributes.get(attribute) or [0] * count)
    if len(values) != count:
        raise ModelFileError(f"node '{node.name}': {attribute} has {len(values)} numbers, expected {count}")
    return values


def _expect(node: Node, body: Graph, inputs: int, outputs: int) -> None:
    """Check that a body takes so many inputs, and returns at least so many outputs."""
    if len(body.inputs) != inputs or len(body.outputs) < outputs:
        raise ModelFileError(
            f"node '{node.name}': its body takes {len(body.inputs)} and returns {len(body.outputs)}, "
            f"expected {inputs} and {outputs} or more"
        )


PARTS = {"Loop": _of_loop, "Scan": _of_scan, scan_8.OVER_STEPS: _of_scan}
