"""`com.microsoft.DynamicQuantizeLSTM`, written out as a `Scan` over the steps, of operators for quantised numbers.

    a = Xq W · scale        all of X by one range                        z = a + hq R · scale + B
    c' = σ(f) c + σ(i) tanh(g)        h' = σ(o) tanh(c')                 the states of the batch by one range, each step

    W (directions, features, 4*units)   R (directions, units, 4*units)   B (directions, 8*units), gates i, o, f, c
    scales and zero points (directions,) or (directions, 4*units)

No text says how X and the states are quantised: this is what ONNX Runtime computes with one thread. More of them share
the batch out, and each part has a range of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.onnx.attributes import constant
from lstm_verify.formats.onnx.recurrent import DIRECTIONS, IOFC
from lstm_verify.graph.compute import Compute, Option
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref
from lstm_verify.graph.translate import Entry

NAME = "com.microsoft.DynamicQuantizeLSTM"
ENTRIES: dict[str, Entry] = {"put in an axis": Compute("expand_dims", {"axis": Option("axis")})}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
ENDS = ("W_scale", "W_zero_point", "R_scale", "R_zero_point")
SHARED = (
    "a DynamicQuantizeLSTM is replayed as ONNX Runtime computes it with one thread, which quantises the states of all "
    "samples together. With more threads it shares the samples out, and predicts something else"
)
"""What a user has to know who recorded predictions."""
NEEDED = ("X", "W", "R", *ENDS)
REFUSED_INPUTS = ("sequence_lens", "P")
ACTIVATIONS = ("sigmoid", "tanh", "tanh")
NOTHING = {"activation_alpha", "activation_beta", "clip", "input_forget"}
"""Attributes that must say nothing, or 0."""
KNOWN = {"direction", "hidden_size", "activations", *NOTHING}


def written_out(graph: Graph) -> tuple[Graph, dict[Ref, Ref]]:
    """A graph with steps in the place of every such node, in its bodies too, and where the outputs of those are now.

    Raises:
        ModelFileError: an input is missing, or the direction is none.
        UnsupportedError: something about a node is not supported.
    """
    nodes, moved = dict[str, Node](), dict[Ref, Ref]()
    for node in graph.nodes.values():
        bodies = {key: written_out(body)[0] for key, body in node.subgraphs.items() if isinstance(body, Graph)}
        if node.op == NAME:
            steps = _Steps(node.name)
            moved |= {Ref(node.name, number): ref for number, ref in enumerate(_outputs(node, steps))}
            nodes |= steps.nodes
        else:
            nodes[node.name] = replace(node, subgraphs=bodies)
    found = {
        name: replace(node, inputs=tuple(moved.get(ref, ref) for ref in node.inputs)) for name, node in nodes.items()
    }
    outputs = tuple(moved.get(ref, ref) for ref in graph.outputs)
    return Graph(found, graph.inputs, outputs, attributes=graph.attributes), moved


@dataclass
class _Steps:
    """Nodes in the place of one."""

    prefix: str
    nodes: dict[str, Node] = field(default_factory=dict)

    def add(self, name: str, op: str, *inputs: Ref, **attributes: Any) -> Ref:
        name = f"{self.prefix}/{name}"
        self.nodes[name] = Node(name, op, inputs, attributes=attributes)
        return Ref(name)

    def constant(self, name: str, value: Any) -> Ref:
        name = f"{self.prefix}/{name}"
        self.nodes[name] = constant(name, np.asarray(value))
        return Ref(name)

    def product(self, name: str, x: Ref, matrix: Ref, scale: Ref, zero: Ref) -> Ref:
        """A product of what is quantised by its range with a quantised matrix."""
        quantised = self.add(f"{name} quantised", "DynamicQuantizeLinear", x)
        its_scale, its_zero = (Ref(quantised.node, number) for number in (1, 2))
        whole = self.add(f"{name} in whole numbers", "MatMulInteger", quantised, matrix, its_zero, zero)
        numbers = self.add(f"{name} in floats", "Cast", whole, to=1)
        return self.add(name, "Mul", numbers, self.add(f"{name} scale", "Mul", its_scale, scale))


def _outputs(node: Node, steps: _Steps) -> tuple[Ref, Ref, Ref]:
    """Y (time, directions, batch, units), Y_h and Y_c (directions, batch, units)."""
    given = _given(node)
    name = str(node.attributes.get("direction", "forward"))
    if name.lower() not in DIRECTIONS:
        raise ModelFileError(f"node '{node.name}': direction '{name}', expected one of {', '.join(DIRECTIONS)}")
    backwards = DIRECTIONS[name.lower()]
    found = [_direction(node, _Steps(f"{node.name}/{n}", steps.nodes), given, n, r) for n, r in enumerate(backwards)]
    y, h, c = (
        steps.add(name, "Concat", *parts, axis=axis)
        for name, parts, axis in zip(("Y", "Y_h", "Y_c"), zip(*found, strict=True), (1, 0, 0), strict=True)
    )
    return y, h, c


def _given(node: Node) -> dict[str, Ref]:
    """The inputs by name, of a node that has nothing that is not supported."""
    given = {key: ref for key, ref in zip((*INPUTS, *ENDS), node.inputs, strict=False) if ref != ABSENT}
    for key in NEEDED:
        if key not in given:
            raise ModelFileError(f"node '{node.name}': it has no {key}. Was the file copied completely?")
    attributes = {key: value for key, value in node.attributes.items() if not key.startswith("_")}
    refused = [key for key in REFUSED_INPUTS if key in given]
    refused += [key for key, value in attributes.items() if key not in KNOWN or not _is_usual(key, value)]
    if refused:
        raise UnsupportedError(
            f"node '{node.name}': {NAME} with {refused[0]} is not supported. Verify the file from before quantisation"
        )
    if not node.attributes.get("hidden_size"):
        raise ModelFileError(f"node '{node.name}': it has no hidden_size, the number of units")
    return given


def _is_usual(key: str, value: Any) -> bool:
    if key == "activations":
        names = tuple(str(name).lower() for name in value)
        return names == ACTIVATIONS * (len(names) // len(ACTIVATIONS))
    return key not in NOTHING or not np.any(value)


def _direction(node: Node, steps: _Steps, given: Mapping[str, Ref], number: int, reverse: bool) -> tuple[Ref, Ref, Ref]:
    """The outputs of a direction, each with an axis for it."""
    units = int(node.attributes["hidden_size"])
    index = steps.constant("number", number)
    weights = {
        key: steps.add(key, "Gather", given[key], index, axis=0) for key in ("W", "R", "B", *ENDS) if key in given
    }
    z = steps.product("product", given["X"], weights["W"], weights["W_scale"], weights["W_zero_point"])
    if "B" in weights:
        halves = [steps.constant(f"columns {n}", np.arange(4 * units) + n * 4 * units) for n in range(2)]
        biases = [steps.add(f"bias {n}", "Gather", weights["B"], half, axis=0) for n, half in enumerate(halves)]
        z = steps.add("with bias", "Add", z, steps.add("bias", "Add", *biases))
    states = [
        steps.add(f"first {key}", "Gather", given[key], index, axis=0)
        if key in given
        else _zeros(steps, key, given["X"], units)
        for key in ("initial_h", "initial_c")
    ]
    of_state = [weights[key] for key in ("R", "R_scale", "R_zero_point")]
    name = f"{steps.prefix}/steps"
    steps.nodes[name] = Node(
        name,
        "Scan",
        (*states, z, *of_state),
        attributes={
            "num_scan_inputs": 1,
            "scan_input_directions": [int(reverse)],
            "scan_output_directions": [int(reverse)],
        },
        subgraphs={"body": _body(f"{name}/body", units)},
    )
    y, h, c = (
        steps.add(f"{key} of one", "put in an axis", Ref(name, output), axis=axis)
        for key, output, axis in (("Y", 2, 1), ("Y_h", 0, 0), ("Y_c", 1, 0))
    )
    return y, h, c


def _zeros(steps: _Steps, key: str, x: Ref, units: int) -> Ref:
    shape = steps.add(f"shape for {key}", "Shape", x)
    batch = steps.add(f"batch for {key}", "Gather", shape, steps.constant(f"axis for {key}", [1]), axis=0)
    both = steps.add(f"lengths for {key}", "Concat", batch, steps.constant(f"units for {key}", [units]), axis=0)
    return steps.add(f"zeros for {key}", "ConstantOfShape", both)


def _body(prefix: str, units: int) -> Graph:
    """A step: from h, c (batch, units) and a (batch, 4*units) to h', c' and h' once more."""
    names = tuple(f"{prefix}/{name}" for name in ("h", "c", "a", "R", "R_scale", "R_zero_point"))
    h, c, a, *of_state = map(Ref, names)
    steps = _Steps(prefix)
    z = steps.add("z", "Add", a, steps.product("product", h, of_state[0], of_state[1], of_state[2]))
    gates = {
        gate: steps.add(
            f"z_{gate}", "Gather", z, steps.constant(f"columns of {gate}", np.arange(units) + place * units), axis=1
        )
        for place, gate in enumerate(IOFC)
    }
    i, o, f = (steps.add(gate, "Sigmoid", gates[gate]) for gate in "iof")
    candidate = steps.add("candidate", "Tanh", gates["c"])
    kept, more = steps.add("kept", "Mul", f, c), steps.add("more", "Mul", i, candidate)
    new_c = steps.add("new c", "Add", kept, more)
    new_h = steps.add("new h", "Mul", o, steps.add("squashed", "Tanh", new_c))
    return Graph(steps.nodes, names, (new_h, new_c, new_h), attributes={"captured": len(of_state)})
