"""Recurrent cells in the bodies of Scan and Loop, in branches of If, and in local functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests.zoo.onnx.made import BATCH, FEATURES, STEPS, UNITS, Cell, Entries, Made, sequence
from tests.zoo.onnx.writing import Graph

STATES = {"LSTM": ["h", "c"], "GRU": ["h"], "RNN": ["h"]}


def weights_of(graph: Graph, cell: Cell) -> list[str]:
    """Add the weights of a cell."""
    return [graph.initializer(array) for array in (cell.kernel, cell.recurrent_kernel, cell.bias)]


def state_inputs(graph: Graph, cell: Cell) -> tuple[list[str], dict[str, Any]]:
    """Declare the first states as inputs; return their names and their values, (batch, units)."""
    keys = [f"initial_{state}" for state in STATES[cell.kind]]
    values = {key: sequence(key, BATCH, UNITS) for key in keys}
    return [graph.input(key, ("batch", UNITS)) for key in keys], values


def named(graph: Graph, found: dict[str, str]) -> None:
    """Give tensors their names as outputs."""
    for name, tensor in found.items():
        graph.node("Identity", tensor, outputs=[name])
        graph.output(name)


def text_of(cell: Cell, x: Any, first: dict[str, Any]) -> dict[str, Any]:
    """Return what the cell computes for (steps, batch, features) from given states."""
    return cell.text(x, **{key: array[None] for key, array in first.items()})


# --- Scan --------------------------------------------------------------------------------------------------------


def scan(
    kind: str = "LSTM", opset: int = 11, axis: int = 0, backwards: bool = False, y_backwards: bool = False
) -> Made:
    """Return a cell in the body of Scan 9 or later."""
    cell, graph, body = Cell.drawn("scan", kind), Graph(opset), Graph(opset, "body")
    x = graph.input("X", (None, None, FEATURES))
    first, values = state_inputs(graph, cell)
    weights = weights_of(graph, cell)  # The body captures them.
    states = [body.input(f"{state}_before", (BATCH, UNITS)) for state in STATES[kind]]
    after = cell.step(body, body.input("x_t", (BATCH, FEATURES)), states, weights)
    named(body, dict(zip([f"{state}_after" for state in STATES[kind]], after, strict=True)))
    named(body, {"y_t": after[0]})
    outputs = [*(f"last_{state}" for state in STATES[kind]), "ys"]
    attributes = {"scan_input_directions": [1]} if backwards else {}
    attributes |= {"scan_output_directions": [1]} if y_backwards else {}
    attributes |= {"scan_input_axes": [axis], "scan_output_axes": [axis]} if axis else {}
    graph.node("Scan", *first, x, outputs=outputs, body=body.proto(), num_scan_inputs=1, **attributes)
    for name in outputs:
        graph.output(name)
    array = sequence("scan")
    text = text_of(cell, array[::-1] if backwards else array, values)
    ys = text["Y"][::-1] if y_backwards else text["Y"]
    expected = {f"last_{state}": text[f"Y_{state}"] for state in STATES[kind]}
    expected["ys"] = np.moveaxis(ys, 0, axis)
    return Made(graph.model(), {"X": np.moveaxis(array, 0, axis), **values}, expected)


def scan_8(lengths: tuple[int, ...] = (), backwards: bool = False) -> Made:
    """Return an LSTM cell in Scan 8, which has the batch first and a body for one sample."""
    cell, graph, body = Cell.drawn("scan_8"), Graph(8), Graph(8, "body")
    x = graph.input("X", (BATCH, STEPS, FEATURES))
    first, values = state_inputs(graph, cell)
    weights = weights_of(graph, cell)
    states = [body.input(f"{state}_before", (UNITS,)) for state in "hc"]
    after = cell.step(body, body.input("x_t", (FEATURES,)), states, weights)
    named(body, {"h_after": after[0], "c_after": after[1], "y_t": after[0]})
    given = graph.initializer(np.int64(lengths)) if lengths else ""
    attributes = {"directions": [1]} if backwards else {}
    outputs = ["last_h", "last_c", "ys"]
    graph.node("Scan", given, *first, x, outputs=outputs, body=body.proto(), num_scan_inputs=1, **attributes)
    for name in outputs:
        graph.output(name)
    array = sequence("scan_8")
    inputs = {**values} | ({"sequence_lens": np.int64(lengths)} if lengths else {})
    turned = array[::-1] if backwards else array
    text = cell.text(turned, **{key: (v if key == "sequence_lens" else v[None]) for key, v in inputs.items()})
    expected = {"last_h": text["Y_h"], "last_c": text["Y_c"], "ys": np.swapaxes(text["Y"], 0, 1)}
    return Made(graph.model(), {"X": np.swapaxes(array, 0, 1), **values}, expected)


# --- Loop --------------------------------------------------------------------------------------------------------


def loop(
    kind: str = "LSTM",
    opset: int = 13,
    backwards: bool = False,
    trips: str = "count",
    captured: bool = True,
    stop: int = STEPS,
) -> Made:
    """Return a cell in the body of Loop, which gathers the steps of X.

    `trips` says how it ends: by a `count`, by the `shape` of X, by a `condition` alone, or by `both`.
    """
    cell, graph, body = Cell.drawn("loop", kind), Graph(opset), Graph(opset, "body")
    x = graph.input("X", (None, None, FEATURES))
    first, values = state_inputs(graph, cell)
    weights = weights_of(graph if captured else body, cell)
    count, true = loop_bounds(graph, x, trips)
    i = body.input("i", (), np.int64)
    before = body.input("condition", (), bool)
    states = [body.input(f"{state}_before", (BATCH, UNITS)) for state in STATES[kind]]
    place = body.node("Sub", body.constant(np.int64(STEPS - 1)), i) if backwards else i
    after = cell.step(body, body.node("Gather", x, place, axis=0), states, weights)
    named(body, {"go_on": going_on(body, i, before, stop if trips in ("condition", "both") else None)})
    body.outputs[0].type.tensor_type.elem_type = TensorProto.BOOL
    named(body, dict(zip([f"{state}_after" for state in STATES[kind]], after, strict=True)))
    named(body, {"y_t": after[0]})
    outputs = [*(f"last_{state}" for state in STATES[kind]), "ys"]
    graph.node("Loop", count, true, *first, outputs=outputs, body=body.proto())
    for name in outputs:
        graph.output(name)
    array = sequence("loop")
    turned = (array[::-1] if backwards else array)[:stop]
    text = text_of(cell, turned, values)
    expected = {f"last_{state}": text[f"Y_{state}"] for state in STATES[kind]} | {"ys": text["Y"]}
    return Made(graph.model(), {"X": array, **values}, expected)


def loop_bounds(graph: Graph, x: str, trips: str) -> tuple[str, str]:
    """Return the names of the number of steps and of the first condition, each empty if there is none."""
    true = graph.constant(np.bool_(True))
    if trips == "condition":
        return "", true
    if trips == "shape":
        length = graph.node("Gather", graph.node("Shape", x), graph.constant(np.int64(0)), axis=0)
        return length, ""
    return graph.constant(np.int64(STEPS)), true if trips == "both" else ""


def going_on(body: Graph, i: str, before: str, stop: int | None) -> str:
    """Return the name of the condition after a step: the one before, or whether step `stop` is not reached."""
    if stop is None:
        return before
    return body.node("Less", body.node("Add", i, body.constant(np.int64(1))), body.constant(np.int64(stop)))


def loop_masked() -> Made:
    """Return an LSTM that keeps its states at masked steps, with the mask as a second input that is gathered."""
    cell, graph, body = Cell.drawn("loop_masked"), Graph(13), Graph(13, "body")
    x, mask = graph.input("X", (STEPS, "batch", FEATURES)), graph.input("mask", (STEPS, "batch"), bool)
    first, values = state_inputs(graph, cell)
    weights = weights_of(graph, cell)
    i, before = body.input("i", (), np.int64), body.input("condition", (), bool)
    states = [body.input(f"{state}_before", (BATCH, UNITS)) for state in "hc"]
    new = cell.step(body, body.node("Gather", x, i, axis=0), states, weights)
    there = body.axes("Unsqueeze", body.node("Gather", mask, i, axis=0), [1])
    after = [body.node("Where", there, *pair) for pair in zip(new, states, strict=True)]
    named(body, {"go_on": before, "h_after": after[0], "c_after": after[1]})
    body.outputs[0].type.tensor_type.elem_type = TensorProto.BOOL
    outputs = ["last_h", "last_c"]
    graph.node("Loop", graph.constant(np.int64(STEPS)), "", *first, outputs=outputs, body=body.proto())
    for name in outputs:
        graph.output(name)
    lengths = np.int64([7, 3, 5, 1, 6])
    array, valid = sequence("loop_masked"), np.arange(STEPS)[:, None] < lengths
    text = cell.text(array, sequence_lens=lengths, **{key: value[None] for key, value in values.items()})
    return Made(graph.model(), {"X": array, "mask": valid, **values}, {"last_h": text["Y_h"], "last_c": text["Y_c"]})


def loop_in_loop() -> Made:
    """Return a loop over halves of a sequence around a loop over the steps of each half."""
    cell, graph, outer, inner = Cell.drawn("nested"), Graph(13), Graph(13, "outer"), Graph(13, "inner")
    x = graph.input("X", (6, "batch", FEATURES))
    first, values = state_inputs(graph, cell)
    weights = weights_of(graph, cell)
    half, condition = outer.input("half", (), np.int64), outer.input("condition", (), bool)
    outside = [outer.input(f"{state}_outside", (BATCH, UNITS)) for state in "hc"]
    begin = outer.node("Mul", half, outer.constant(np.int64(3)))
    i, also = inner.input("i", (), np.int64), inner.input("also", (), bool)
    inside = [inner.input(f"{state}_inside", (BATCH, UNITS)) for state in "hc"]
    step = inner.node("Gather", x, inner.node("Add", begin, i), axis=0)
    after = cell.step(inner, step, inside, weights)
    named(inner, {"also_after": also, "h_inner": after[0], "c_inner": after[1]})
    inner.outputs[0].type.tensor_type.elem_type = TensorProto.BOOL
    three = outer.constant(np.int64(3))
    outer.node("Loop", three, "", *outside, outputs=["h_of_half", "c_of_half"], body=inner.proto())
    named(outer, {"go_on": condition, "h_after": "h_of_half", "c_after": "c_of_half"})
    outer.outputs[0].type.tensor_type.elem_type = TensorProto.BOOL
    outputs = ["last_h", "last_c"]
    graph.node("Loop", graph.constant(np.int64(2)), "", *first, outputs=outputs, body=outer.proto())
    for name in outputs:
        graph.output(name)
    array = sequence("nested", 6, BATCH, FEATURES)
    text = text_of(cell, array, values)
    return Made(graph.model(), {"X": array, **values}, {"last_h": text["Y_h"], "last_c": text["Y_c"]})


def unrolled(kind: str = "LSTM") -> Made:
    """Return a cell that is written out step by step."""
    cell, graph = Cell.drawn("unrolled", kind), Graph(17)
    x = graph.input("X", (STEPS, "batch", FEATURES))
    states, values = state_inputs(graph, cell)
    weights, ys = weights_of(graph, cell), []
    for step in graph.split(x, [1] * STEPS, axis=0):
        states = cell.step(graph, graph.axes("Squeeze", step, [0]), states, weights)
        ys.append(graph.axes("Unsqueeze", states[0], [0]))
    named(graph, {"ys": graph.node("Concat", *ys, axis=0), "last_h": states[0]})
    text = text_of(cell, array := sequence("unrolled"), values)
    return Made(graph.model(), {"X": array, **values}, {"ys": text["Y"], "last_h": text["Y_h"]})


# --- If ----------------------------------------------------------------------------------------------------------


def branch(one: Cell, x: str, name: str) -> Graph:
    """Return the branch of an If with an LSTM on a tensor from outside."""
    graph = Graph(13, name)
    y = one.node(graph, x)[0]
    named(graph, {f"{name}_y": graph.axes("Squeeze", y, [1])})
    return graph


def if_fed(flag: bool) -> Made:
    """Return one LSTM or the other, as an input says."""
    one, other = Cell.drawn("if_one"), Cell.drawn("if_other")
    graph = Graph(13)
    x, condition = graph.input("X", (None, None, FEATURES)), graph.input("flag", (), bool)
    scaled = graph.node("Mul", x, graph.constant(np.float32(2)))  # a tensor that only the branches use
    then, otherwise = branch(one, scaled, "then").proto(), branch(other, scaled, "otherwise").proto()
    graph.node("If", condition, outputs=["y"], then_branch=then, else_branch=otherwise)
    graph.output("y")
    array = sequence("if")
    text = (one if flag else other).text(2 * array)
    return Made(graph.model(), {"X": array, "flag": np.bool_(flag)}, {"y": text["Y"]})


def if_nested(flag: bool) -> Made:
    """Return an If in an If, on tensors from two levels up; the outer one depends on the shape of X."""
    one, other, third = (Cell.drawn(f"if_nested_{place}") for place in range(3))
    graph, outer = Graph(13), Graph(13, "outer")
    x, condition = graph.input("X", (None, None, FEATURES)), graph.input("flag", (), bool)
    then, otherwise = branch(one, x, "then").proto(), branch(other, x, "otherwise").proto()
    outer.node("If", condition, outputs=["chosen"], then_branch=then, else_branch=otherwise)
    named(outer, {"outer_y": "chosen"})
    length = graph.node("Gather", graph.node("Shape", x), graph.constant(np.int64(0)), axis=0)
    long = graph.node("Greater", length, graph.constant(np.int64(2)))
    never = branch(third, x, "never").proto()
    graph.node("If", long, outputs=["y"], then_branch=outer.proto(), else_branch=never)
    graph.output("y")
    array = sequence("if_nested")
    return Made(graph.model(), {"X": array, "flag": np.bool_(flag)}, {"y": (one if flag else other).text(array)["Y"]})


# --- local functions -----------------------------------------------------------------------------------------------

DOMAIN = "own.layers"


def function(name: str, inputs: list[str], body: Graph, outputs: list[str], *attributes: str, **defaults: Any) -> Any:
    """Return a local function."""
    imports = [helper.make_opsetid("", body.opset), helper.make_opsetid(DOMAIN, 1)]
    given = [helper.make_attribute(key, value) for key, value in defaults.items()]
    return helper.make_function(DOMAIN, name, inputs, outputs, body.nodes, imports, list(attributes), given)


def reference(node: Any, attribute: str, source: str, kind: int) -> None:
    """Let an attribute of a node be one of the function that it is in."""
    node.attribute.add(name=attribute, ref_attr_name=source, type=kind)


def lstm_function() -> Any:
    """Return a function around LSTM, batch first, with its size and its direction as attributes."""
    body = Graph(17, "layer")
    turned = body.node("Transpose", "x", perm=[1, 0, 2])
    body.node("LSTM", turned, "W", "R", "B", outputs=["Y"])
    reference(body.nodes[-1], "hidden_size", "units", 2)
    reference(body.nodes[-1], "direction", "direction", 3)
    steps = body.axes("Squeeze", "Y", [1])
    body.node("Transpose", steps, outputs=["y"], perm=[1, 0, 2])
    return function("Layer", ["x", "W", "R", "B"], body, ["y"], "units", direction="forward")


def calling(direction: str | None, nested: bool) -> Made:
    """Return a call of the function, or of a function that calls it twice."""
    cells = [Cell.drawn("function_first"), Cell.drawn("function_second", features=UNITS)]
    graph = Graph(17)
    x = graph.input("X", ("batch", "time", FEATURES))
    weights = [[graph.initializer(array) for array in cell.weights().values()] for cell in cells]
    given = {} if direction is None else {"direction": direction}
    graph.functions.append(lstm_function())
    if nested:
        body = Graph(17, "stack")
        for place, (source, target) in enumerate([("x", "middle"), ("middle", "y")]):
            own = [f"{key}{place}" for key in "WRB"]
            body.node("Layer", source, *own, outputs=[target], domain=DOMAIN)
            reference(body.nodes[-1], "units", "size", 2)
            reference(body.nodes[-1], "direction", "way", 3)
        inputs = ["x", *(f"{key}{place}" for place in range(2) for key in "WRB")]
        graph.functions.append(function("Stack", inputs, body, ["y"], "size", "way"))
        graph.node("Stack", x, *weights[0], *weights[1], outputs=["y"], domain=DOMAIN, size=UNITS, way=direction)
    else:
        graph.node("Layer", x, *weights[0], outputs=["y"], domain=DOMAIN, units=UNITS, **given)
    graph.output("y")
    array = sequence("function", BATCH, STEPS, FEATURES)
    found = np.swapaxes(array, 0, 1)
    turn = -1 if direction == "reverse" else 1
    for cell in cells[: 2 if nested else 1]:
        found = cell.text(found[::turn])["Y"][::turn]
    return Made(graph.model(domains={DOMAIN: 1}), {"X": array}, {"y": np.swapaxes(found, 0, 1)})


def function_of_a_step() -> Made:
    """Return an unrolled cell whose every step is a call."""
    cell, graph, body = Cell.drawn("function_step"), Graph(17), Graph(17, "step")
    after = cell.step(body, "x", ["h", "c"], ["kernel", "recurrent_kernel", "bias"])
    named(body, {"h_after": after[0], "c_after": after[1]})
    names = ["x", "h", "c", "kernel", "recurrent_kernel", "bias"]
    graph.functions.append(function("Step", names, body, ["h_after", "c_after"]))
    x = graph.input("X", (STEPS, "batch", FEATURES))
    states, values = state_inputs(graph, cell)
    weights = weights_of(graph, cell)
    for t, step in enumerate(graph.split(x, [1] * STEPS, axis=0)):
        outputs = [f"h_{t}", f"c_{t}"]
        graph.node("Step", graph.axes("Squeeze", step, [0]), *states, *weights, outputs=outputs, domain=DOMAIN)
        states = outputs
    named(graph, {"last_h": states[0], "last_c": states[1]})
    text = text_of(cell, array := sequence("function_step"), values)
    expected = {"last_h": text["Y_h"], "last_c": text["Y_c"]}
    return Made(graph.model(domains={DOMAIN: 1}), {"X": array, **values}, expected)


KINDS = ("LSTM", "GRU", "RNN")
Make = Callable[[], Made]
ENTRIES: Entries = {
    **{f"scan_{kind.lower()}": partial(scan, kind) for kind in KINDS},
    "scan_opset_9": partial(scan, opset=9),
    "scan_opset_22": partial(scan, opset=22),
    "scan_axis_1": partial(scan, axis=1),
    "scan_backwards": partial(scan, backwards=True),
    "scan_backwards_both": partial(scan, backwards=True, y_backwards=True),
    "scan_y_backwards_axis_1": partial(scan, y_backwards=True, axis=1),
    "scan_8": scan_8,
    "scan_8_lengths": partial(scan_8, (3, 7, 1, 5, 2)),
    "scan_8_backwards": partial(scan_8, backwards=True),
    **{f"loop_{kind.lower()}": partial(loop, kind) for kind in KINDS},
    "loop_opset_8": partial(loop, "RNN", opset=8),
    "loop_opset_22": partial(loop, opset=22),
    "loop_backwards": partial(loop, backwards=True),
    "loop_own_weights": partial(loop, captured=False),
    "loop_as_long_as_x": partial(loop, trips="shape"),
    "loop_condition": partial(loop, trips="condition"),
    "loop_condition_gru": partial(loop, "GRU", trips="condition"),
    "loop_both": partial(loop, trips="both"),
    "loop_stops_early": partial(loop, trips="both", stop=4),
    "loop_masked": loop_masked,
    "loop_in_loop": loop_in_loop,
    **{f"unrolled_{kind.lower()}": partial(unrolled, kind) for kind in KINDS},
    "if_true": partial(if_fed, True),
    "if_false": partial(if_fed, False),
    "if_nested_true": partial(if_nested, True),
    "if_nested_false": partial(if_nested, False),
    "function": partial(calling, "reverse", False),
    "function_default": partial(calling, None, False),
    "function_nested": partial(calling, "reverse", True),
    "function_of_a_step": function_of_a_step,
}
