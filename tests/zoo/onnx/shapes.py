"""Versions, axes and ends of files: a small recurrent network in every opset, batch and time free, named or fixed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from onnx import helper

from tests.zoo.onnx.made import BATCH, FEATURES, STEPS, UNITS, Cell, Entries, Made, sequence
from tests.zoo.onnx.writing import LATEST, Graph, Shape, seeded

FREE: Shape = ("batch", "time", FEATURES)
NEWEST = 28
"""The newest opset that ONNX Runtime 1.32 runs."""


def dense(seed: str, features: int = UNITS, units: int = 2) -> tuple[Any, Any]:
    """Return kernel and bias."""
    rng = seeded(f"dense {seed}")
    shapes = (features, units), (units,)
    kernel, bias = ((0.6 * rng.standard_normal(shape)).astype(np.float32) for shape in shapes)
    return kernel, bias


def multiplied(y: Any, kernel: Any, bias: Any) -> Any:
    """Return a Dense layer's values in float64."""
    return np.float64(y) @ np.float64(kernel) + np.float64(bias)


def network(
    opset: int = LATEST,
    shape: Shape | None = FREE,
    ir_version: int | None = None,
    kind: str = "LSTM",
    x: Any = None,
    y_shape: Shape | None = None,
    **said: Any,
) -> Made:
    """Return a recurrent layer, batch first, and a Dense layer on its last step."""
    cell, (kernel, bias), graph = Cell.drawn("network", kind), dense("network"), Graph(opset)
    turned = graph.node("Transpose", graph.input("x", shape), perm=[1, 0, 2])
    last = graph.axes("Squeeze", cell.node(graph, turned)[1], [0])
    product = graph.node("MatMul", last, graph.initializer(kernel, "dense/kernel"))
    graph.node("Add", product, graph.initializer(bias, "dense/bias"), outputs=["y"])
    graph.output("y", y_shape)
    if ir_version == 3:  # Every weight is an input as well, with a default.
        for tensor in graph.initializers:
            graph.inputs.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    array = sequence("network", BATCH, STEPS, FEATURES) if x is None else x
    text = multiplied(cell.text(np.swapaxes(array, 0, 1))["Y_h"], kernel, bias)
    return Made(graph.model(ir_version), {"x": array}, {"y": text}, said=said)


def time_major() -> Made:
    """Return an LSTM on (time, batch, features), with Y as it comes: (time, directions, batch, units)."""
    cell, graph = Cell.drawn("time_major"), Graph()
    y, h, c = cell.node(graph, graph.input("x", ("time", "batch", FEATURES)))
    for name, tensor in {"y": y, "h": h, "c": c}.items():
        graph.node("Identity", tensor, outputs=[name])
        graph.output(name)
    text = cell.text(array := sequence("time_major"))
    expected = {"y": text["Y"][:, None], "h": text["Y_h"][None], "c": text["Y_c"][None]}
    return Made(graph.model(), {"x": array}, expected)


def states(batch: int | str = "batch", names: Sequence[str] = ("h", "c", "hn", "cn"), kind: str = "LSTM") -> Made:
    """Return a layer with its states as inputs and outputs, (1, batch, units)."""
    cell, graph = Cell.drawn("states", kind), Graph()
    x = graph.input("x", ("time", batch, FEATURES))
    count = 2 if kind == "LSTM" else 1
    given = [graph.input(name, (1, batch, UNITS)) for name in names[:count]]
    found = cell.node(graph, x, tuple(given))
    for name, tensor in zip(("y", *names[2 : 2 + count]), found, strict=True):
        graph.node("Identity", tensor, outputs=[name])
        graph.output(name)
    size = batch if isinstance(batch, int) else BATCH
    array = sequence("states", STEPS, size, FEATURES)
    values = {name: sequence(name, 1, size, UNITS) for name in given}
    text = cell.text(array, **dict(zip(("initial_h", "initial_c"), values.values(), strict=False)))
    ends = dict(zip(names[2:], (text[key][None] for key in ("Y_h", "Y_c") if key in text), strict=False))
    pairs = dict(zip(names[2:], given, strict=False))
    return Made(graph.model(), {"x": array, **values}, {"y": text["Y"][:, None], **ends}, said={"states": pairs})


def encoder() -> Made:
    """Return the encoder of a pair: its outputs are the states that the decoder starts from."""
    cell, graph = Cell.drawn("encoder"), Graph()
    _, h, c = cell.node(graph, graph.input("x", ("time", "batch", FEATURES)))
    for name, tensor in {"h": h, "c": c}.items():
        graph.node("Identity", tensor, outputs=[name])
        graph.output(name)
    text = cell.text(array := sequence("encoder"))
    return Made(graph.model(), {"x": array}, {"h": text["Y_h"][None], "c": text["Y_c"][None]})


def decoder() -> Made:
    """Return one step of the decoder of the pair, on words: from a word and states to scores and states."""
    cell, (kernel, bias), graph = Cell.drawn("decoder"), dense("decoder", units=11), Graph()
    table = seeded("decoder words").standard_normal((11, FEATURES)).astype(np.float32)
    word = graph.input("word", ("batch",), np.int64)
    given = [graph.input(name, (1, "batch", UNITS)) for name in "hc"]
    row = graph.axes("Unsqueeze", graph.node("Gather", graph.initializer(table), word, axis=0), [0])
    _, h, c = cell.node(graph, row, tuple(given))
    scores = graph.node("Gemm", graph.axes("Squeeze", h, [0]), graph.initializer(kernel), graph.initializer(bias))
    for name, tensor in {"scores": scores, "hn": h, "cn": c}.items():
        graph.node("Identity", tensor, outputs=[name])
        graph.output(name)
    start, words = encoder(), np.int64([3, 0, 10, 7, 7])
    assert start.text is not None
    first = {name: array.astype(np.float32) for name, array in start.text.items()}
    text = cell.text(table[words][None], initial_h=first["h"], initial_c=first["c"])
    expected = {"scores": multiplied(text["Y_h"], kernel, bias), "hn": text["Y_h"][None], "cn": text["Y_c"][None]}
    said = {"states": {"hn": "h", "cn": "c"}, "encoder": "encoder"}
    return Made(graph.model(), {"word": words, **first}, expected, said=said)


def baked(what: str) -> Made:
    """Return a file that declares a free batch and time, and has one of them fixed inside."""
    cell, (kernel, bias), graph = Cell.drawn("baked"), dense("baked"), Graph()
    x = graph.input("x", ("time", "batch", FEATURES))
    size = 1 if what == "state" else BATCH
    zeros = [graph.initializer(np.full((1, size, UNITS), 0.25, np.float32)) for _ in range(2)]
    y = graph.axes("Squeeze", cell.node(graph, x, tuple(zeros) if what == "state" else ())[0], [1])
    rows = {"batch": [-1, BATCH, UNITS], "time": [STEPS, -1, UNITS], "state": [0, 0, UNITS]}[what]
    flat = graph.node("Reshape", y, graph.constant(np.int64([-1, UNITS])))
    scores = graph.node("Gemm", flat, graph.initializer(np.eye(UNITS, dtype=np.float32)))
    if what == "state":
        back = graph.node("Reshape", scores, graph.node("Shape", y))
    else:
        back = graph.node("Reshape", scores, graph.constant(np.int64(rows)))
    graph.node("Add", graph.node("MatMul", back, graph.initializer(kernel)), graph.initializer(bias), outputs=["y"])
    graph.output("y")
    array = sequence("baked", STEPS, size, FEATURES)
    first = {key: np.full((1, size, UNITS), 0.25) for key in ("initial_h", "initial_c")} if what == "state" else {}
    text = multiplied(cell.text(array, **first)["Y"], kernel, bias)
    return Made(graph.model(), {"x": array}, {"y": text}, said={"baked": what})


def ends(change: str) -> Made:
    """Return the network with something odd about its weights, inputs or outputs."""
    made = network()
    assert not isinstance(made.model, bytes)
    assert made.text is not None
    model, x, text = made.model, dict(made.x), dict(made.text)
    graph = model.graph
    array = np.float32([[1.5, 2.5]])
    if change == "unused_initializer":
        graph.initializer.append(helper.make_tensor("unused", 1, (1, 2), array.ravel()))
    elif change == "unused_input":
        graph.input.append(helper.make_tensor_value_info("unused", 1, (1, 2)))
        x["unused"] = array
    elif change == "unused_node":
        graph.node.append(helper.make_node("Relu", ["y"], ["nobody_asks"]))
    elif change == "input_is_output":
        graph.output.append(helper.make_tensor_value_info("x", 1, FREE))
        text["x"] = x["x"]
    elif change == "initializer_is_output":
        graph.output.append(helper.make_tensor_value_info("dense/bias", 1, (2,)))
        text["dense/bias"] = dense("network")[1]
    elif change == "odd_names":
        names = {"x": "serving_default_x:0", "y": "StatefulPartitionedCall/sequential/dense/Biäs Add:0"}
        graph.node[0].input[0] = graph.input[0].name = names["x"]
        graph.node[-1].output[0] = graph.output[0].name = names["y"]
        x, text = {names["x"]: x["x"]}, {names["y"]: text["y"]}
    elif change == "node_names_twice":
        for node in graph.node:
            node.name = "same"
    elif change == "float_data":  # values in a list of floats, and not as bytes
        for tensor in graph.initializer:
            values = np.frombuffer(tensor.raw_data, np.float32)
            tensor.ClearField("raw_data")
            tensor.float_data.extend(values)
    return Made(model, x, text)


def optional() -> Made:
    """Return operators with optional inputs left out in the middle: Clip without a minimum, Slice without axes."""
    cell, graph = Cell.drawn("optional"), Graph()
    x = graph.input("x", ("time", "batch", FEATURES))
    clipped = graph.node("Clip", x, "", graph.constant(np.float32(0.5)))
    begin, end = graph.constant(np.int64([1])), graph.constant(np.int64([6]))
    steps = graph.constant(np.int64([2]))
    later = graph.node("Slice", graph.node("Slice", clipped, begin, end), begin, end, "", steps)
    graph.node("Identity", cell.node(graph, later)[1], outputs=["h"])
    graph.output("h")
    array = sequence("optional")
    return Made(graph.model(), {"x": array}, {"h": cell.text(np.minimum(array, 0.5)[1:6][1:6:2])["Y_h"][None]})


ODD = (
    *("unused_initializer", "unused_input", "unused_node", "input_is_output", "initializer_is_output"),
    *("odd_names", "node_names_twice", "float_data"),
)
ONE = sequence("one", 1, STEPS, FEATURES)
ENTRIES: Entries = {
    **{f"opset_{opset}": partial(network, opset) for opset in range(7, NEWEST + 1)},
    "opset_7_gru": partial(network, 7, kind="GRU"),
    "opset_newest_gru": partial(network, NEWEST, kind="GRU"),
    "ir_version_3": partial(network, 7, ir_version=3),
    "ir_version_4": partial(network, 9, ir_version=4),
    "axes_named": network,
    "axes_unnamed": partial(network, shape=(None, None, FEATURES)),
    "axes_of_no_name": partial(network, shape=("", "", FEATURES)),
    "no_shape": partial(network, shape=None),
    "y_has_a_shape": partial(network, y_shape=("batch", 2)),
    "static_batch_1": partial(network, shape=(1, "time", FEATURES), x=ONE, static="batch"),
    "static_batch_5": partial(network, shape=(BATCH, "time", FEATURES), static="batch"),
    "static_time": partial(network, shape=("batch", STEPS, FEATURES), static="time"),
    "static_both": partial(network, shape=(1, STEPS, FEATURES), x=ONE, static="batch, time"),
    "time_major": time_major,
    "states": states,
    "states_gru": partial(states, names=("h", "", "hn"), kind="GRU"),
    "states_batch_1": partial(states, 1),
    "states_other_names": partial(states, names=("state_1", "state_2", "StateOut_1", "StateOut_2")),
    "encoder": encoder,
    "decoder": decoder,
    **{f"baked_{what}": partial(baked, what) for what in ("batch", "time", "state")},
    "optional": optional,
    **{f"with_{change}": partial(ends, change) for change in ODD},
}
