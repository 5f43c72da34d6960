"""Where weights are stored, beside a file and outside of its folder, and files that are damaged."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.zoo.onnx.made import FEATURES, STEPS, UNITS, Cell, Entries, Made, sequence
from tests.zoo.onnx.shapes import network
from tests.zoo.onnx.writing import Graph

# --- external data -----------------------------------------------------------------------------------------------


def external(
    location: str,
    refuse: str = "",
    each: bool = False,
    kept: float = 1.0,
    outside: bool = False,
    link: Path | None = None,
) -> Made:
    """Return the network with its weights in another file, one after another, or each in its own.

    Args:
        location: where the file says that they are.
        kept: the part of the data that is there.
        outside: do not write the data.
        link: what the other file is a link to.
    """
    made, data = network(), b""
    beside: dict[str, bytes | Path] = {} if link is None else {location: link}
    assert not isinstance(made.model, bytes)
    for number, tensor in enumerate(made.model.graph.initializer):
        own = f"{location}.{number}" if each else location
        offset = 0 if each else -(-len(data) // 64) * 64
        said = {"location": own, "offset": str(offset), "length": str(len(tensor.raw_data))}
        data = tensor.raw_data if each else data.ljust(offset, b"\0") + tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in said.items():
            if each and key != "location":  # Both may be left out: the whole file.
                continue
            tensor.external_data.add(key=key, value=value)
        if not (outside or link):
            beside[own] = data[: int(kept * len(data))]
    return Made(made.model, made.x, None if refuse else made.text, refuse, beside=beside)


# --- damage --------------------------------------------------------------------------------------------------------


def damaged(damage: Callable[[onnx.ModelProto], bytes | None], refuse: str) -> Made:
    """Return the network after something was done to it, or its bytes."""
    made = network()
    assert not isinstance(made.model, bytes)
    data = damage(made.model)
    return Made(made.model if data is None else data, made.x, refuse=refuse)


def cut(part: float) -> Callable[[onnx.ModelProto], bytes]:
    """Keep the first part of a file."""
    return lambda model: (data := model.SerializeToString())[: int(part * len(data))]


def node_of(model: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    """Return the first node of an operator."""
    return next(node for node in model.graph.node if node.op_type == operator)


def changed(operator: str, **attributes: object) -> Callable[[onnx.ModelProto], None]:
    """Set attributes of the first node of an operator."""

    def change(model: onnx.ModelProto) -> None:
        node = node_of(model, operator)
        kept = [attribute for attribute in node.attribute if attribute.name not in attributes]
        del node.attribute[:]
        node.attribute.extend([*kept, *(helper.make_attribute(*item) for item in attributes.items())])

    return change


def renamed(operator: str, name: str, domain: str = "") -> Callable[[onnx.ModelProto], None]:
    """Give the first node of an operator another operator."""

    def change(model: onnx.ModelProto) -> None:
        node = node_of(model, operator)
        node.op_type, node.domain = name, domain
        if domain:
            model.opset_import.append(helper.make_opsetid(domain, 1))

    return change


def rewired(operator: str, place: int, tensor: str) -> Callable[[onnx.ModelProto], None]:
    """Let an input of the first node of an operator be another tensor."""

    def change(model: onnx.ModelProto) -> None:
        node_of(model, operator).input[place] = tensor

    return change


def shortened(model: onnx.ModelProto) -> None:
    """Take bytes from a weight."""
    tensor = model.graph.initializer[0]
    tensor.raw_data = tensor.raw_data[:-6]


def negative_size(model: onnx.ModelProto) -> None:
    """Give a weight a negative size."""
    model.graph.initializer[0].dims[0] = -1


def of_unknown_dtype(model: onnx.ModelProto) -> None:
    """Give a weight a type that is none."""
    model.graph.initializer[0].data_type = 99


def enormous(model: onnx.ModelProto) -> None:
    """Let a weight say that it has more values than any memory."""
    model.graph.initializer[0].dims[:] = [1, 2**40, 2**20]


def written_twice(model: onnx.ModelProto) -> None:
    """Let two nodes have one output."""
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def of_opset(version: int | None) -> Callable[[onnx.ModelProto], None]:
    """Say another version of the operators, or none."""

    def change(model: onnx.ModelProto) -> None:
        del model.opset_import[:]
        if version is not None:
            model.opset_import.append(helper.make_opsetid("", version))

    return change


def without_graph(model: onnx.ModelProto) -> None:
    """Leave the graph out."""
    model.ClearField("graph")


def without_outputs(model: onnx.ModelProto) -> None:
    """Leave the outputs of the graph out."""
    del model.graph.output[:]


def calling_itself() -> Made:
    """Return a local function that calls itself."""
    graph, body = Graph(17), Graph(17, "body")
    body.node("Again", "x", outputs=["y"], domain="own")
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    graph.functions.append(helper.make_function("own", "Again", ["x"], ["y"], body.nodes, imports))
    graph.node("Again", graph.input("x", ("batch", FEATURES)), outputs=["y"], domain="own")
    graph.output("y")
    x = sequence("again", STEPS, FEATURES)
    return Made(graph.model(domains={"own": 1}), {"x": x}, refuse="a function calls itself")


def endless() -> Made:
    """Return a Loop that never ends."""
    cell, graph, body = Cell.drawn("endless", "RNN"), Graph(13), Graph(13, "body")
    x = graph.input("x", ("batch", FEATURES))
    weights = [graph.initializer(array) for array in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    body.input("i", (), np.int64)
    condition, h = body.input("condition", (), bool), body.input("h", ("batch", UNITS))
    body.node("Identity", condition, outputs=["go_on"])
    body.output("go_on", (), bool)
    body.node("Identity", *cell.step(body, x, [h], weights), outputs=["after"])
    body.output("after")
    first = graph.initializer(np.zeros((STEPS, UNITS), np.float32))
    graph.node("Loop", "", "", first, outputs=["y"], body=body.proto())
    graph.output("y")
    return Made(graph.model(), {}, refuse="a loop without an end", said={"never_run": True})


DAMAGES: dict[str, tuple[Callable[[onnx.ModelProto], bytes | None], str]] = {
    "empty": (lambda model: b"", "no bytes"),
    "cut_half": (cut(0.5), "cut"),
    "cut_near_the_end": (cut(0.99), "cut"),
    "cut_3_bytes": (lambda model: model.SerializeToString()[:3], "cut"),
    "words": (lambda model: b"This is a text, and no model.\n" * 40, "no protobuf"),
    "zeros": (lambda model: bytes(1000), "no protobuf"),
    "no_graph": (without_graph, "no graph"),
    "no_outputs": (without_outputs, "no outputs"),
    "opset_99": (of_opset(99), "a version that does not exist"),
    "no_opset": (of_opset(None), "no version"),
    "unknown_operator": (renamed("Add", "Plus"), "no such operator"),
    "unknown_domain": (renamed("Add", "Add", "com.example"), "no such domain"),
    "unknown_function": (changed("LSTM", activations=["Sigmoid", "Tanh", "Swish"]), "no such activation"),
    "two_functions": (changed("LSTM", activations=["Sigmoid", "Tanh"]), "two activations of three"),
    "unknown_direction": (changed("LSTM", direction="backward"), "no such direction"),
    "wrong_hidden_size": (changed("LSTM", hidden_size=5), "hidden_size is not that of the weights"),
    "wrong_directions": (changed("LSTM", direction="bidirectional"), "one direction of two"),
    "wrong_kernel": (rewired("LSTM", 1, "dense/kernel"), "a kernel of another shape"),
    "wrong_bias": (rewired("LSTM", 3, "dense/bias"), "a bias of another shape"),
    "no_such_tensor": (rewired("MatMul", 1, "nowhere"), "a tensor that does not exist"),
    "cycle": (rewired("Transpose", 0, "y"), "a cycle"),
    "written_twice": (written_twice, "two nodes of one output"),
    "short_weight": (shortened, "too few bytes"),
    "negative_size": (negative_size, "a negative size"),
    "unknown_dtype": (of_unknown_dtype, "no such type"),
    "enormous": (enormous, "more values than bytes"),
}
ENTRIES: Entries = {
    "external": partial(external, "external.bin"),
    "external_each": partial(external, "external_each.bin", each=True),
    "external_in_a_folder": partial(external, "external_in_a_folder/weights/all.bin"),
    "external_dot": partial(external, "./external_dot.bin"),
    "external_above": partial(external, "../external_above.bin", "data outside of the folder", outside=True),
    "external_by_a_detour": partial(external, "a/../../external.bin", "data outside of the folder", outside=True),
    "external_absolute": partial(external, "/etc/hostname", "data outside of the folder", outside=True),
    "external_link": partial(external, "external_link.bin", "data outside of the folder", link=Path(sys.executable)),
    "external_missing": partial(external, "external_missing.bin", "no data", outside=True),
    "external_cut": partial(external, "external_cut.bin", "too few data", kept=0.5),
    **{f"damaged_{name}": partial(damaged, *damage) for name, damage in DAMAGES.items()},
    "function_calls_itself": calling_itself,
    "endless": endless,
}
