"""`Scan` as opset 8 has it, over batches: a scan over the samples, in whose body is a scan over the steps of each.

    Scan(lengths, v…, xs…)          for each sample:  Scan(v[sample]…, xs[sample]…)

A sample that is shorter keeps its states from its end on, and its outputs are zeros there.

Source: the operator's text, github.com/onnx/onnx/blob/main/docs/Changelog.md#Scan-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.onnx.attributes import constant
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref

OVER_STEPS = "scan"
"""What becomes of it: a scan as later versions have it."""


def over_samples(node: Node) -> Node:
    """The scan over samples that a scan over batches is.

    Raises:
        UnsupportedError: samples of lengths of their own are read from behind.
    """
    steps, (lengths, *given) = node.subgraphs["body"], node.inputs
    assert isinstance(steps, Graph)
    directions, captured = node.attributes.get("directions"), steps.attributes["captured"]
    shorter = lengths != ABSENT
    if shorter and any(directions or ()):
        raise UnsupportedError(
            f"node '{node.name}': a Scan of opset 8 with sequence_lens and directions is not supported"
        )
    own = len(given) - captured
    inputs = (*given[:own], *([lengths] if shorter else []), *given[own:])
    names = tuple(f"{node.name}/input {number}" for number in range(len(inputs)))
    refs = tuple(map(Ref, names))
    inner = Node(
        f"{node.name}/steps",
        OVER_STEPS,
        (*refs[:own], *refs[own + shorter :]),
        attributes={"num_scan_inputs": node.attributes["num_scan_inputs"], "scan_input_directions": directions},
        subgraphs={"body": steps},
        types=node.types,
    )
    nodes = dict[str, Node]()
    if shorter:
        start = f"{node.name}/first step"
        nodes[start] = constant(start, np.zeros((), np.int64))
        inner = _until(inner, own, refs[own], Ref(start))
    nodes[inner.name] = inner
    outputs = tuple(Ref(inner.name, number + shorter) for number in range(len(steps.outputs)))
    body = Graph(nodes, names, outputs, attributes={"captured": captured})
    attributes = {"num_scan_inputs": own + shorter}
    return replace(node, op=OVER_STEPS, inputs=inputs, attributes=attributes, subgraphs={"body": body})


def _until(node: Node, own: int, length: Ref, start: Ref) -> Node:
    """A scan that changes nothing any more after so many steps; how many there were is one more state, the first."""
    body = node.subgraphs["body"]
    assert isinstance(body, Graph)
    nodes, states = dict(body.nodes), own - int(node.attributes["num_scan_inputs"])

    def add(name: str, op: str, *inputs: Ref, **attributes: Any) -> Ref:
        name = f"{node.name}/own {name}"  # the loop has nodes of its own under the name of the scan
        nodes[name] = Node(name, op, inputs, attributes=attributes)
        return Ref(name)

    step, stop, one = (f"{node.name}/own {name}" for name in ("step", "stop", "one"))
    nodes[one] = constant(one, np.ones((), np.int64))
    counted, goes_on = add("next step", "Add", Ref(step), Ref(one)), add("goes on", "Less", Ref(step), Ref(stop))
    results = []
    for number, result in enumerate(body.outputs):
        before = Ref(body.inputs[number]) if number < states else _nothing(add, number, result, node.types)
        results.append(add(f"chosen {number}", "Where", goes_on, result, before))
    inputs = (step, *body.inputs[:own], stop, *body.inputs[own:])
    captured = body.attributes["captured"] + 1
    longer = Graph(nodes, inputs, (counted, *results), attributes={**body.attributes, "captured": captured})
    given = (start, *node.inputs[:own], length, *node.inputs[own:])
    return replace(node, inputs=given, subgraphs={"body": longer}, types=("int64", *(node.types or ())))


def _nothing(add: Any, number: int, like: Ref, types: Sequence[str] | None) -> Ref:
    """Zeros in the place of an output."""
    dtype = (types or ())[number] or "float32"
    shape = add(f"shape {number}", "Shape", like)
    zeros: Ref = add(f"zeros {number}", "ConstantOfShape", shape, value=np.zeros(1, dtype))
    return zeros
