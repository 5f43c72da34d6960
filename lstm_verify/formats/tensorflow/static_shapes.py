"""Static shapes of tensors that are fed: recorded in the file, given by an array, or observed in a replay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lstm_verify.formats.tensorflow.graph_file import as_shape
from lstm_verify.graph.ir import Graph, Node, Ref, Shape


def completed(known: Shape, given: tuple[int, ...] | None) -> Shape:
    """Complete a partially known shape with the lengths of a given array.

    The first axis, which most likely is that of the samples, and the second, that of time, stay open if they are.
    """
    if given is None:
        return known
    if known is None:
        return (None, *given[1:])[: len(given)]
    if len(known) != len(given):
        return known
    return (
        known[:2] + tuple(ours if ours is not None else theirs for ours, theirs in zip(known, given, strict=True))[2:]
    )


def recorded(graph: Graph, ref: Ref) -> Shape:
    """Return the shape recorded in the file: with the graph, or as an attribute of the node."""
    nodes = graph.nodes
    node = nodes[ref.node]
    if ref.output < len(node.shapes) and node.shapes[ref.output] is not None:
        return node.shapes[ref.output]
    if node.op == "Reshape":
        return _reshaped(nodes[node.inputs[1].node])
    if node.op.startswith("QueueDequeue"):
        item = _listed(nodes[node.inputs[0].node], "shapes", ref.output)
        several = node.op not in ("QueueDequeue", "QueueDequeueV2")
        return (None, *item) if item is not None and several else item
    if node.op.startswith("Placeholder"):
        return as_shape(node.attributes.get("shape"))
    return _listed(node, "output_shapes", ref.output)


def _listed(node: Node, attribute: str, number: int) -> Shape:
    shapes = node.attributes.get(attribute)
    return as_shape(shapes[number]) if isinstance(shapes, list) and number < len(shapes) else None


def _reshaped(shape: Node) -> Shape:
    value = shape.attributes.get("value")
    return (
        tuple(int(n) if n >= 0 else None for n in value) if isinstance(value, np.ndarray) and value.ndim == 1 else None
    )


def observed(shape_of: Callable[[int], tuple[int, ...]]) -> Shape:
    """Infer the shape of a tensor for any number of samples from its shapes for two of them."""
    few, more = shape_of(3), shape_of(5)
    if len(few) != len(more):
        return None
    return tuple(one if one == other else None for one, other in zip(few, more, strict=True))
