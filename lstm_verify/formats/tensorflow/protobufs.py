"""TensorFlow's protobufs as plain JSON, for the child process that reads them; nothing else imports this.

Attribute values become: dtypes NumPy's names, shapes lists (null for an unknown length, or for the whole if the rank is
unknown), tensors `{"tensor": key}`, functions `{"function": name}`.
"""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

Json = dict[str, Any]


class Unreadable(Exception):
    """The file is not what it should be; the message says what is wrong."""


class Tensors:
    """Collects the tensors of one file under unique keys."""

    def __init__(self) -> None:
        self.kept: dict[str, np.ndarray[Any, Any]] = {}

    def keep(self, value: Any) -> Json:
        """Keep a tensor and return how the JSON refers to it; strings are written out instead."""
        array = np.asarray(value)
        if array.dtype.kind in "OSU":
            return {"strings": [text.decode(errors="replace") for text in array.ravel().tolist()]}
        if array.dtype.name == "bfloat16":  # no NumPy dtype; every value of it is a float32
            array = array.astype(np.float32)
        key = str(len(self.kept))
        self.kept[key] = array
        return {"tensor": key}


def parse(path: str, kind: Any) -> Any:
    """Parse a protobuf file, binary or text."""
    from google.protobuf import message, text_format

    if not os.path.exists(path) and os.path.exists(path + "txt"):
        path += "txt"
    with open(path, "rb") as file:
        content = file.read()
    try:
        return kind.FromString(content)
    except message.DecodeError as error:
        try:
            return text_format.Parse(content.decode(), kind())
        except (UnicodeDecodeError, text_format.ParseError):
            raise Unreadable(
                f"{os.path.basename(path)} is not a {kind.__name__} ({error}). Was it copied completely?"
            ) from None


def meta_graph(meta: Any, tensors: Tensors) -> Json:
    """Return a graph with its signatures, except for TensorFlow's own, which begin with `__`."""
    return {
        "writer": f"TensorFlow {meta.meta_info_def.tensorflow_version}".strip(),
        "tags": list(meta.meta_info_def.tags),
        "signatures": {
            name: {"inputs": ends(signature.inputs), "outputs": ends(signature.outputs)}
            for name, signature in sorted(meta.signature_def.items())
            if not name.startswith("__")
        },
        **graph_def(meta.graph_def, tensors),
    }


def ends(tensors: Any) -> Json:
    """Return the inputs or outputs of a signature by key."""
    return {
        key: {"tensor": info.name, "dtype": dtype(info.dtype), "shape": shape(info.tensor_shape)}
        for key, info in sorted(tensors.items())
    }


def graph_def(graph: Any, tensors: Tensors) -> Json:
    signatures = {function.signature.name: function.signature for function in graph.library.function}
    return {
        "nodes": [node(item, tensors, flat_main) | outputs(item, signatures) for item in graph.node],
        "functions": {
            function.signature.name: library_function(function, signatures, tensors)
            for function in graph.library.function
        },
    }


def library_function(function: Any, signatures: Json, tensors: Tensors) -> Json:
    """Return a library function with references as in a graph: `node:output index`."""
    nodes = {item.name: item for item in function.node_def}

    def flat(reference: str) -> str:
        name, *rest = reference.split(":")
        if not rest:  # an argument of the function
            return f"{name}:0"
        output, number = rest
        return f"{name}:{first_output(nodes[name], output, signatures) + int(number)}"

    return {
        "arguments": [argument.name for argument in function.signature.input_arg],
        "returns": [flat(function.ret[output.name]) for output in function.signature.output_arg],
        "controls": sorted(function.control_ret.values()),
        "attributes": attributes(function.attr, tensors),
        "nodes": [node(item, tensors, flat) for item in function.node_def],
    }


def first_output(item: Any, output: str, signatures: Json) -> int:
    """Return the index of the first tensor of a named output of a node."""
    definition = defined(item, signatures)
    if definition is None:
        raise Unreadable(f"node '{item.name}': operation {item.op} is not known to this TensorFlow")
    count = 0
    for argument in definition.output_arg:
        if argument.name == output:
            return count
        count += len(types(item, definition, argument))
    raise Unreadable(f"node '{item.name}': operation {item.op} has no output '{output}'")


def defined(item: Any, signatures: Json) -> Any:
    """Return the definition of a node's operation, or of the function it calls; None if there is none."""
    from tensorflow.python.framework import op_def_registry

    return signatures.get(item.op) or op_def_registry.get(item.op)


def types(item: Any, definition: Any, argument: Any) -> list[str]:
    """Return the dtypes of the tensors of a named output of a node."""
    values = {one.name: one.default_value for one in definition.attr} | dict(item.attr)
    if argument.type_list_attr:
        return [dtype(one) for one in values[argument.type_list_attr].list.type]
    count = values[argument.number_attr].i if argument.number_attr else 1
    return [dtype(values[argument.type_attr].type if argument.type_attr else argument.type)] * count


def outputs(item: Any, signatures: Json) -> Json:
    """Return the dtypes of a node's outputs, null for an unknown operation, and the shapes recorded in the file."""
    definition = defined(item, signatures)
    arguments = definition.output_arg if definition else ()
    found = [one for argument in arguments for one in types(item, definition, argument)]
    shapes = item.attr["_output_shapes"].list.shape if "_output_shapes" in item.attr else ()
    return {"types": found if definition else None, "shapes": [shape(one) for one in shapes]}


def flat_main(reference: str) -> str:
    return reference if ":" in reference else f"{reference}:0"


def node(item: Any, tensors: Tensors, flat: Any) -> Json:
    return {
        "name": item.name,
        "op": item.op,
        "inputs": [flat(reference) for reference in item.input if not reference.startswith("^")],
        "controls": [reference[1:] for reference in item.input if reference.startswith("^")],
        "attributes": attributes(item.attr, tensors),
    }


def attributes(values: Any, tensors: Tensors) -> Json:
    return {key: attribute(value, tensors) for key, value in values.items() if key != "_output_shapes"}


def attribute(value: Any, tensors: Tensors) -> Any:
    field = value.WhichOneof("value")
    if field == "list":
        return items(value.list, tensors)
    return scalar(field, getattr(value, field), tensors) if field else None


def items(values: Any, tensors: Tensors) -> list[Any]:
    for field in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
        found: Iterable[Any] = getattr(values, field)
        if found:
            return [scalar(field, value, tensors) for value in found]
    return []


def scalar(field: str, value: Any, tensors: Tensors) -> Any:
    if field == "s":
        return value.decode(errors="replace")
    if field == "type":
        return dtype(value)
    if field == "shape":
        return shape(value)
    if field == "tensor":
        import tensorflow

        return tensors.keep(tensorflow.make_ndarray(value))
    if field == "func":
        return {"function": value.name}
    return value


def shape(value: Any) -> list[int | None] | None:
    return None if value.unknown_rank else [None if side.size < 0 else side.size for side in value.dim]


def dtype(number: int) -> str:
    """Return NumPy's name of a dtype."""
    from tensorflow.core.framework import types_pb2

    name: str = types_pb2.DataType.Name(number).removeprefix("DT_").removesuffix("_REF").lower()
    return {"float": "float32", "double": "float64", "half": "float16"}.get(name, name)
