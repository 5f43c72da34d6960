"""Other fields in ONNX files: operators, attributes, names, shapes and dtypes that are not what they should be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

WHOLE = (-(2**63), -(2**31), -2, -1, 0, 1, 2, 7, 255, 2**31 - 1, 2**31, 2**63 - 1)
REAL = (0.0, -1.0, 0.5, 1e-30, 1e30, float("inf"), float("nan"))
WORDS = ("", "x", "reverse", "bidirectional", "Tanh", "Relu", "Affine", "LSTM", "\u2028", "a" * 300)
OPERATORS = sorted({schema.name for schema in onnx.defs.get_all_schemas()})


def with_other_fields(source: Path, target: Path, chance: random.Random) -> None:
    """Write a file with one to three of its fields changed."""
    model = onnx.load(source)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        graph = chance.choice(list(graphs(model.graph)))
        chance.choice(CHANGES)(model, graph, chance)
    target.write_bytes(model.SerializeToString())


def graphs(graph: Any) -> Iterator[Any]:
    """A graph, and those in the bodies of its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs(attribute.g)


def names_in(graph: Any) -> list[str]:
    tensors = [name for node in graph.node for name in (*node.input, *node.output)]
    return [*tensors, *(each.name for each in (*graph.input, *graph.initializer)), "", "nothing"]


def operator(_: Any, graph: Any, chance: random.Random) -> None:
    """Another operator, or another domain."""
    if graph.node:
        node = chance.choice(graph.node)
        if chance.random() < 0.8:
            node.op_type = chance.choice((*OPERATORS, *WORDS))
        else:
            node.domain = chance.choice(("com.microsoft", "ai.onnx.ml", *WORDS))


def name(_: Any, graph: Any, chance: random.Random) -> None:
    """An input or output of a node with another name: of nothing, of something else, of itself."""
    if graph.node:
        node = chance.choice(graph.node)
        names = chance.choice((node.input, node.input, node.output))
        other = chance.choice(names_in(graph))
        if not names or chance.random() < 0.2:
            names.append(other)
        else:
            names[chance.randrange(len(names))] = other


def inputs(_: Any, graph: Any, chance: random.Random) -> None:
    """A node with an input less, or with two the other way round."""
    if graph.node:
        node = chance.choice(graph.node)
        kept = list(node.input)
        if chance.random() < 0.5:
            kept.pop() if kept else None
        else:
            chance.shuffle(kept)
        del node.input[:]
        node.input.extend(kept)


def attribute(_: Any, graph: Any, chance: random.Random) -> None:
    """An attribute that is gone, or has another name, type or value."""
    found = [(node, place) for node in graph.node for place in range(len(node.attribute))]
    if not found:
        return
    node, place = chance.choice(found)
    one = node.attribute[place]
    what = chance.random()
    if what < 0.15:
        del node.attribute[place]
    elif what < 0.25:
        one.name = chance.choice((*WORDS, "axis", "clip", "direction", "hidden_size", "activations"))
    elif what < 0.35:
        one.type = chance.choice(range(15))
    else:
        other_value(one, chance)


def other_value(one: Any, chance: random.Random) -> None:
    """Change the value of an attribute, whatever type it has."""
    whole, real, word = chance.choice(WHOLE), chance.choice(REAL), chance.choice(WORDS).encode()
    if one.ints and chance.random() < 0.7:
        one.ints[chance.randrange(len(one.ints))] = whole
    elif one.strings and chance.random() < 0.7:
        one.strings[chance.randrange(len(one.strings))] = word
    elif one.HasField("t"):
        stored(one.t, chance)
    else:
        one.CopyFrom(onnx.helper.make_attribute(one.name, chance.choice((whole, real, word, [whole], [real], [word]))))


def initializer(_: Any, graph: Any, chance: random.Random) -> None:
    """A weight with another shape, dtype, place or length, or none."""
    if graph.initializer:
        place = chance.randrange(len(graph.initializer))
        if chance.random() < 0.1:
            del graph.initializer[place]
        else:
            stored(graph.initializer[place], chance)


def stored(tensor: Any, chance: random.Random) -> None:
    what = chance.random()
    if what < 0.35:
        other_shape(tensor.dims, chance)
    elif what < 0.6:
        tensor.data_type = chance.choice((*range(27), -1, 1000))
    elif what < 0.7:
        tensor.name = chance.choice(WORDS)
    elif what < 0.8:
        tensor.data_location = onnx.TensorProto.EXTERNAL
        path = chance.choice(("../x", "/etc/hostname", "", "nothing.bin", "model.onnx"))
        tensor.external_data.add(key="location", value=path)
    else:
        tensor.raw_data = tensor.raw_data[: chance.randrange(len(tensor.raw_data) + 1)]


def other_shape(dims: Any, chance: random.Random) -> None:
    """Sizes that are exchanged, one more, one less, or of another number."""
    kept = list(dims)
    what = chance.random()
    if what < 0.3:
        chance.shuffle(kept)
    elif what < 0.5 or not kept:
        kept.insert(chance.randrange(len(kept) + 1), chance.choice(WHOLE))
    elif what < 0.7:
        kept.pop(chance.randrange(len(kept)))
    else:
        kept[chance.randrange(len(kept))] = chance.choice(WHOLE)
    del dims[:]
    dims.extend(kept)


def end(_: Any, graph: Any, chance: random.Random) -> None:
    """An input or output of a graph with another name, dtype or shape, or none."""
    values = chance.choice((graph.input, graph.output))
    if not values:
        return
    place = chance.randrange(len(values))
    tensor, what = values[place].type.tensor_type, chance.random()
    if what < 0.15:
        del values[place]
    elif what < 0.4:
        values[place].name = chance.choice(names_in(graph))
    elif what < 0.6:
        tensor.elem_type = chance.choice((*range(27), -1, 1000))
    elif tensor.shape.dim and what < 0.9:
        tensor.shape.dim[chance.randrange(len(tensor.shape.dim))].dim_value = chance.choice(WHOLE)
    else:
        tensor.ClearField("shape")


def order(_: Any, graph: Any, chance: random.Random) -> None:
    """A node that is gone, is there twice, or comes last."""
    if graph.node:
        place, what = chance.randrange(len(graph.node)), chance.random()
        if what < 0.6:
            graph.node.add().CopyFrom(graph.node[place])
        if what > 0.3:
            del graph.node[place]


def version(model: Any, _: Any, chance: random.Random) -> None:
    """Other versions of the operators or of the format."""
    if chance.random() < 0.7 and model.opset_import:
        chance.choice(model.opset_import).version = chance.choice((*range(30), *WHOLE))
    else:
        model.ir_version = chance.choice(WHOLE)


CHANGES = (operator, name, name, inputs, attribute, attribute, attribute, initializer, initializer, end, order, version)
