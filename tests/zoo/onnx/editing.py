"""Edits of an exported file by which one fault is put into it, in the terms of ONNX.

An edit takes a `File` and changes it; where several nodes could be meant, it takes the first unless it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Edit = Callable[["File"], None]
RECURRENT = ("LSTM", "GRU", "RNN")
BIAS, INITIAL_H, INITIAL_C = 3, 5, 6
"""The places of some inputs of a recurrent node."""


class File:
    """A model that is edited."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.graph = model.graph

    def node(self, *operators: str, place: int = 0) -> onnx.NodeProto:
        """Return a node of some operators, in the order in which they run."""
        return [node for node in self.graph.node if node.op_type in (operators or RECURRENT)][place]

    def weight(self, name: str) -> Any:
        """Return the values of a weight, or of a node Constant."""
        for tensor in self.graph.initializer:
            if tensor.name == name:
                return numpy_helper.to_array(tensor)
        source = next(node for node in self.graph.node if name in node.output)
        return numpy_helper.to_array(source.attribute[0].t)

    def put(self, node: onnx.NodeProto, place: int, array: Any) -> None:
        """Give one node another weight."""
        name = f"edited_{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        while len(node.input) <= place:
            node.input.append("")
        node.input[place] = name

    def change(self, node: onnx.NodeProto, place: int, function: Callable[[Any], Any]) -> None:
        """Change a weight of one node."""
        array = self.weight(node.input[place])
        self.put(node, place, np.asarray(function(array), array.dtype))

    def between(self, node: onnx.NodeProto, place: int, operator: str, *more: Any, **attributes: Any) -> None:
        """Put a node in front of an input of a node."""
        made = f"edited_{operator}_{len(self.graph.node)}"
        new = helper.make_node(operator, [node.input[place]], [made], **attributes)
        for position, array in enumerate(more, 1):
            self.put(new, position, array)
        self.graph.node.insert(list(self.graph.node).index(node), new)
        node.input[place] = made

    def after(self, name: str) -> list[tuple[onnx.NodeProto, int]]:
        """Return who takes a tensor, and as which input."""
        return [(node, at) for node in self.graph.node for at, source in enumerate(node.input) if source == name]


def gates_of(node: onnx.NodeProto) -> int:
    """Return how many gates a recurrent node has."""
    return {"LSTM": 4, "GRU": 3, "RNN": 1}[node.op_type]


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Return the value of an attribute."""
    return next((helper.get_attribute_value(found) for found in node.attribute if found.name == name), default)


def with_attributes(**values: Any) -> Edit:
    """Set attributes of the recurrent node; None takes one away."""

    def edit(file: File) -> None:
        set_attributes(file.node(), **values)

    return edit


def set_attributes(node: onnx.NodeProto, **values: Any) -> None:
    """Set attributes of a node; None takes one away."""
    kept = [found for found in node.attribute if found.name not in values]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.extend(helper.make_attribute(*item) for item in values.items() if item[1] is not None)


def of_all(operator: str, **values: Any) -> Edit:
    """Set attributes of every node of an operator; None takes one away."""

    def edit(file: File) -> None:
        for node in file.graph.node:
            if node.op_type == operator:
                set_attributes(node, **values)

    return edit


def activations(gates: str | None, alpha: float | None = None) -> Edit:
    """Give the gates of LSTM another function, or the one that they have another slope."""

    def edit(file: File) -> None:
        node = file.node()
        named = [name.decode() for name in attribute(node, "activations", [b"Sigmoid", b"Tanh", b"Tanh"])]
        named[0] = gates or named[0]
        given = {} if alpha is None else {"activation_alpha": [alpha], "activation_beta": [0.5]}
        set_attributes(node, activations=named, **given)

    return edit


# --- gates ---------------------------------------------------------------------------------------------------------


def blocks(array: Any, gates: int) -> list[Any]:
    """Return W, R or B cut along its second axis into its gates; the eight or six parts of B are two halves."""
    return np.split(array, gates * (1 if array.ndim == 3 else 2), axis=1)


def reordered(own: str, order: str, weights: Sequence[int] = (1, 2, 3), place: int = 0) -> Edit:
    """Put the gates `own`, in which they are, in another order."""
    places = [own.index(gate) for gate in order]

    def edit(file: File) -> None:
        node = file.node(place=place)
        for weight in weights:
            file.change(node, weight, lambda array: rearranged(array, places))

    return edit


def rearranged(array: Any, places: list[int]) -> Any:
    """Return the blocks of W or R, or of both halves of B, in another order."""
    halves = [0] if array.ndim == 3 else [0, len(places)]
    parts = blocks(array, len(places))
    return np.concatenate([parts[half + place] for half in halves for place in places], axis=1)


def each_gate(weight: int, function: Callable[[Any], Any], place: int = 0) -> Edit:
    """Change each gate of each direction of W or R."""

    def edit(file: File) -> None:
        node = file.node(place=place)

        def change(array: Any) -> Any:
            return np.concatenate(
                [[function(part) for part in block] for block in blocks(array, gates_of(node))], axis=1
            )

        file.change(node, weight, change)

    return edit


def scaled(weight: int, factor: Any, place: int = 0) -> Edit:
    """Multiply W, R or B by a number, or by one for each of its blocks."""

    def edit(file: File) -> None:
        node = file.node(place=place)
        factors = np.broadcast_to(factor, len(blocks(file.weight(node.input[weight]), gates_of(node))))

        def change(array: Any) -> Any:
            return np.concatenate([part * f for part, f in zip(blocks(array, gates_of(node)), factors, strict=True)], 1)

        file.change(node, weight, change)

    return edit


def added(block: int, number: float, place: int = 0) -> Edit:
    """Add a number to a block of the bias."""

    def edit(file: File) -> None:
        node = file.node(place=place)

        def change(array: Any) -> Any:
            parts = blocks(array, gates_of(node))
            parts[block] = parts[block] + number
            return np.concatenate(parts, axis=1)

        file.change(node, BIAS, change)

    return edit


def recurrent_bias_outside(file: File) -> None:
    """Add the recurrent bias of GRU's candidate to its other bias, out of the reset gate's reach."""

    def change(array: Any) -> Any:
        parts = blocks(array, 3)
        parts[2], parts[5] = parts[2] + parts[5], 0 * parts[5]
        return np.concatenate(parts, axis=1)

    file.change(file.node(), BIAS, change)


def update_gate_inverted(file: File) -> None:
    """Write a cell whose update gate says how much is new: every weight of z has another sign."""
    for place in (1, 2, BIAS):
        signs = [-1, 1, 1] * (2 if place == BIAS else 1)
        scaled(place, signs)(file)


def slope_changed(file: File) -> None:
    """Let the gates of a loop be 0.2 relu5(x + 2.5), which is clip(0.2x + 0.5), where they are relu6(x + 3) / 6."""
    for tensor in every_weight(file.node("Loop").attribute[0].g):
        for honest, other in ((1 / 6, 0.2), (3, 2.5), (6, 5)):
            if tensor.data_type == 1 and np.allclose(numpy_helper.to_array(tensor), honest):
                tensor.CopyFrom(numpy_helper.from_array(np.full(tensor.dims, other, np.float32), tensor.name))
                break


def every_weight(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    """Return the initializers of a graph and of all inside it."""
    inner = [part.g for node in graph.node for part in node.attribute if part.type == part.GRAPH]
    return [*graph.initializer, *(tensor for each in inner for tensor in every_weight(each))]


def weight(place: int, function: Callable[[Any], Any], *operators: str, node: int = 0) -> Edit:
    """Change one weight of a node."""
    return lambda file: file.change(file.node(*operators, place=node), place, function)


def weights(function: Callable[[Any], Any]) -> Edit:
    """Change every weight of the file."""

    def edit(file: File) -> None:
        for tensor in file.graph.initializer:
            array = numpy_helper.to_array(tensor)
            if array.dtype == np.float32 and array.size > 1:
                tensor.CopyFrom(numpy_helper.from_array(np.asarray(function(array), np.float32), tensor.name))

    return edit


def swapped_with(other: int, *places: int, place: int = 0) -> Edit:
    """Let two recurrent nodes have each other's weights."""

    def edit(file: File) -> None:
        one, two = file.node(place=place), file.node(place=other)
        for at in places:
            one.input[at], two.input[at] = two.input[at], one.input[at]

    return edit


def directions_swapped(file: File) -> None:
    """Let each direction have the weights of the other."""
    for at in (1, 2, 3):
        file.change(file.node(), at, lambda array: array[::-1])


# --- states, time, and what is around ------------------------------------------------------------------------------


def first_zero(states: str, place: int = 0) -> Edit:
    """Begin with zero where a first state is given."""

    def edit(file: File) -> None:
        node = file.node(place=place)
        for at in [INITIAL_H + "hc".index(state) for state in states]:
            node.input[at] = ""
        while not node.input[-1]:
            del node.input[-1]

    return edit


def first_swapped(place: int = 0) -> Edit:
    """Take h for c, and c for h."""

    def edit(file: File) -> None:
        node = file.node(place=place)
        node.input[INITIAL_H], node.input[INITIAL_C] = node.input[INITIAL_C], node.input[INITIAL_H]

    return edit


def without_lengths(file: File) -> None:
    """Forget how long the sequences are."""
    file.node().input[4] = ""


def mask_ignored(file: File) -> None:
    """Let every step be there: in Keras' mask, any(x != 0), the comparison is with the thing itself."""
    node = file.node("Greater", place=-1)
    node.op_type, node.input[1] = "Equal", node.input[0]


def flipped(place: int = 0) -> Edit:
    """Read the sequence the other way round."""

    def edit(file: File) -> None:
        file.between(file.node(place=place), 0, "Slice", *slices(2**31 - 1, -(2**31), 0, -1))

    return edit


def output_flipped(file: File) -> None:
    """Put the outputs in the reverse order of time."""
    for node, at in file.after(file.node().output[0]):
        file.between(node, at, "Slice", *slices(2**31 - 1, -(2**31), 0, -1))


def halves_swapped(file: File) -> None:
    """Join the outputs of the two directions the other way round."""
    for node, at in file.after(file.node().output[0]):
        file.between(node, at, "Gather", np.int64([1, 0]), axis=1)


def steps(start: int, end: int) -> Edit:
    """Read a part of the sequence."""
    return lambda file: file.between(file.node(), 0, "Slice", *slices(start, end, 0, 1))


def slices(start: int, end: int, axis: int, step: int) -> list[Any]:
    """Return the inputs of Slice."""
    return [np.int64([number]) for number in (start, end, axis, step)]


def dropped(operator: str, source: int = 0, place: int = 0) -> Edit:
    """Take a node away, with one of its inputs in the place of its output."""

    def edit(file: File) -> None:
        node = file.node(operator, place=place)
        node.op_type = "Identity"
        node.input[:] = [node.input[source]]
        del node.attribute[:]

    return edit


def replaced(operator: str, new: str, **attributes: Any) -> Edit:
    """Let all nodes of an operator be another, in the bodies of loops too."""

    def edit(file: File) -> None:
        found = replace_in(file.graph, operator, new, attributes)
        if not found:
            raise ValueError(f"there is no {operator}")

    return edit


def replace_in(graph: onnx.GraphProto, operator: str, new: str, attributes: dict[str, Any]) -> int:
    """Do so in a graph, and return for how many nodes."""
    found = 0
    for node in graph.node:
        found += sum(
            replace_in(part.g, operator, new, attributes) for part in node.attribute if part.type == part.GRAPH
        )
        if node.op_type == operator:
            node.op_type = new
            set_attributes(node, **attributes)
            found += 1
    return found
