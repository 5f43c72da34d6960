"""Which float type every node computes in: ONNX declares those of inputs and constants, and the rest follows.

A node computes in the float type of its first input that has one, and so are its outputs, with few exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lstm_verify.formats.onnx.attributes import dtype_name
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref
from lstm_verify.layers.base import PRECISIONS

KEY = "_dtype"
"""The attribute for the float type that a node computes in; it is not there if it computes with none."""

Dtypes = Mapping[Ref, str]
"""The dtype of each tensor that is known."""

NO_FLOATS = {
    *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf"),
    *(
        "Shape",
        "Size",
        "NonZero",
        "ArgMax",
        "ArgMin",
        "QuantizeLinear",
        "MatMulInteger",
        "ConvInteger",
        "SequenceLength",
    ),
}
"""Operators whose outputs are no floats, though their inputs may be."""
SECOND = {"CastLike", "DequantizeLinear"}
"""Operators whose outputs have the type of the second input."""
NAMED = ("to", "dtype", "output_dtype")
"""Attributes that say the type of the outputs."""


def with_dtypes(graph: Graph, inputs: Mapping[str, str]) -> Graph:
    """Return a graph whose nodes, and those in its subgraphs, have the dtype they compute in, in topological order.

    Args:
        graph: nodes in any order.
        inputs: the dtypes of its inputs.

    Raises:
        ModelFileError: a node needs its own output.
    """
    known = {Ref(name): dtype for name, dtype in inputs.items()}
    nodes = {}
    for node in graph.topological():
        nodes[node.name] = typed = _typed(node, known)
        known |= {Ref(node.name, number): dtype for number, dtype in enumerate(typed.types or ())}
    outputs = {f"{number}": known.get(ref, "") for number, ref in enumerate(graph.outputs)}
    return Graph(nodes, graph.inputs, graph.outputs, attributes={**graph.attributes, "dtypes": tuple(outputs.values())})


def _typed(node: Node, known: Dtypes) -> Node:
    given = [known.get(ref, "") if ref != ABSENT else "" for ref in node.inputs]
    bodies = {
        key: with_dtypes(body, dict(zip(body.inputs[::-1], given[::-1], strict=False)))
        for key, body in node.subgraphs.items()
        if isinstance(body, Graph)
    }
    computed = next((dtype for dtype in given if dtype in PRECISIONS), "")
    types = _of_bodies(node, bodies) if bodies else (_output(node, given, computed),) * MOST_OUTPUTS
    attributes = {**node.attributes, KEY: computed or (types[0] if types[0] in PRECISIONS else "")}
    return replace(node, types=types, subgraphs=bodies, attributes=attributes)


MOST_OUTPUTS = 32
"""Of an operator; nobody asks for those that it has not."""


def _of_bodies(node: Node, bodies: Mapping[str, Graph]) -> tuple[str, ...]:
    """The dtypes of what bodies return; a loop's first output says whether it goes on."""
    (first, *_) = bodies.values()
    dtypes: tuple[str, ...] = first.attributes["dtypes"]
    return dtypes[1:] if node.op == "Loop" else dtypes


def _output(node: Node, given: list[str], computed: str) -> str:
    if node.op in RULES:
        return RULES[node.op](node)
    if node.op in NO_FLOATS:
        return ""
    named = next((node.attributes[name] for name in NAMED if node.attributes.get(name)), None)
    if named is not None:
        return _name(named)
    if node.op in SECOND and len(given) > 1:
        return given[1]
    return computed


def _name(code: int) -> str:
    try:
        return dtype_name(code)
    except ValueError:
        return ""


def _of_value(node: Node) -> str:
    value = node.attributes.get("value")
    return "" if value is None else str(value.dtype)


RULES: dict[str, Callable[[Node], str]] = {
    "Constant": lambda node: str(node.attributes["dtype"]),
    "ConstantOfShape": lambda node: _of_value(node) or "float32",
    "RandomNormal": lambda node: _name(node.attributes.get("dtype", 1)),
    "RandomUniform": lambda node: _name(node.attributes.get("dtype", 1)),
}
