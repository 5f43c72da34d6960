"""Cells that an exporter wrote out step by step are recognised, and recurrent layers put in their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstm_verify import Verdict, load, verify
from lstm_verify.graph.lift.rolled import MOST_STEPS
from lstm_verify.inspection import recurrences
from tests.building import RECIPES, Build

Cells = list[tuple[str, int, int, str]]

LSTM: Cells = [("LSTM", 4, 7, "i, f, c, o")]
GRU: Cells = [("GRU", 4, 7, "z, r, h")]
RNN: Cells = [("SimpleRNN", 4, 7, "h")]
TORCH_GRU: Cells = [("GRU", 4, 7, "r, z, h")]
WITHOUT = "any_length_export"
"""One that the exporter wrote with a single step, in which nothing recurs."""
KERAS: dict[str, Cells] = {
    WITHOUT: [],
    **dict.fromkeys(("bidirectional_export", "bidirectional_last_export", "bidirectional_sum_export"), LSTM * 2),
    "bidirectional_gru_export": GRU * 2,
    "conv_lstm_export": [("LSTM", 4, 4, "i, f, c, o")],
    "images_export": [("LSTM", 3, 4, "i, f, c, o")],
    "pooled_export": GRU,
    "repeated_export": [*LSTM, ("GRU", 3, 6, "z, r, h")],
    "seq2seq_export": [*LSTM, ("LSTM", 4, 6, "i, f, c, o")],
    "stacked_export": [*LSTM, ("LSTM", 6, 7, "i, f, c, o")],
    "simple_rnn_export": RNN,
    "hard_sigmoid_gru_export": GRU,
}
"""What models of Keras are made of that are not one LSTM, nor, where they are called so, one GRU."""
TORCH: dict[str, Cells] = {
    **dict.fromkeys(("gru_cells_dynamo", "gru_cells_torchscript"), TORCH_GRU),
    **dict.fromkeys(("gru_reset_before_dynamo", "gru_reset_before_torchscript"), GRU),
    **dict.fromkeys(("simple_rnn_dynamo", "simple_rnn_relu_dynamo"), RNN),
    **{
        f"{name}_{exporter}": LSTM
        for name in ("hard_sigmoid", "masked", "relu_gates", "relu")
        for exporter in ("dynamo", "torchscript")
    },
}


STAY = {"relu_gates_export"}
"""Those of which a step cannot be told from another, since most of their numbers are zero."""


def cells(path: Path) -> Cells:
    """Return the cells that are told of a file, and check which of them layers stand in the places of."""
    model = load(path)
    assert bool(model.unrolled) == (path.stem in STAY)
    settings = [(item["type"], item["settings"]) for item in recurrences(model)]
    return [(kind, each["units"], each["unrolled"], each["gates in the graph"]) for kind, each in settings]


def test_every_model_that_keras_exports_by_way_of_torch(build: Build) -> None:
    folder = build(RECIPES["onnx_exports_keras_torch"])
    names = sorted(path.stem for path in folder.glob("*.onnx"))
    assert len(names) > 30
    for name in names:
        assert cells(folder / f"{name}.onnx") == KERAS.get(name, GRU if name.startswith("gru") else LSTM), name


@pytest.mark.parametrize("name", TORCH)
def test_cells_of_torch(build: Build, name: str) -> None:
    assert cells(build(RECIPES["onnx_exports_torch"]) / f"{name}.onnx") == TORCH[name]


@pytest.mark.parametrize(("name", "found"), [("lstm", "LSTM"), ("gru", "GRU"), ("rnn", "SimpleRNN")])
def test_cells_by_hand(build: Build, name: str, found: str) -> None:
    assert [cell[::2] for cell in cells(build(RECIPES["onnx_structures"]) / f"unrolled_{name}.onnx")] == [(found, 7)]


def by_hand(path: Path, steps: int, weights: int = 1, limit: float | None = None, dtype: Any = np.float32) -> None:
    """Write h' = tanh(x W + h U + b) for some steps, the first from zeros that nobody multiplied, in a file.

    Args:
        path: where to.
        steps: how many.
        weights: after how many the recurrent weights are the same again.
        limit: what the pre-activation of the last step is clipped to.
        dtype: what everything is stored and computed in.
    """
    rng = np.random.default_rng(5)
    shapes = {"W": (3, 4), "b": (4,), **{f"U{number}": (4, 4) for number in range(weights)}}
    kept = [numpy_helper.from_array(rng.normal(size=s).astype(dtype), name) for name, s in shapes.items()]
    kept += [numpy_helper.from_array(np.asarray(t), f"t{t}") for t in range(steps)]
    nodes = [helper.make_node("MatMul", ["x", "W"], ["xW"]), helper.make_node("Add", ["xW", "b"], ["z"])]
    for t in range(steps):
        nodes.append(helper.make_node("Gather", ["z", f"t{t}"], [f"z{t}"], axis=1))
        if t:
            nodes.append(helper.make_node("MatMul", [f"h{t - 1}", f"U{t % weights}"], [f"hU{t}"]))
            nodes.append(helper.make_node("Add", [f"hU{t}", f"z{t}"], [f"sum{t}"]))
        before = f"sum{t}" if t else "z0"
        if limit is not None and t == steps - 1:
            kept += [
                numpy_helper.from_array(np.float32(side), name) for side, name in ((-limit, "low"), (limit, "high"))
            ]
            nodes.append(helper.make_node("Clip", [before, "low", "high"], ["clipped"]))
            before = "clipped"
        nodes.append(helper.make_node("Tanh", [before], [f"h{t}"]))
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x = helper.make_tensor_value_info("x", kind, ["batch", steps, 3])
    y = helper.make_tensor_value_info(f"h{steps - 1}", kind, ["batch", 4])
    graph = helper.make_graph(nodes, "by hand", [x], [y], kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def test_a_first_step_without_a_product_counts(tmp_path: Path) -> None:
    by_hand(path := tmp_path / "model.onnx", 5)
    assert cells(path) == [("SimpleRNN", 4, 5, "h")]


def test_layers_with_weights_of_their_own_are_no_recurrence(tmp_path: Path) -> None:
    by_hand(path := tmp_path / "model.onnx", 5, weights=5)
    assert cells(path) == []


def test_a_cell_in_float16_is_found_though_its_run_is_coarse(tmp_path: Path) -> None:
    by_hand(path := tmp_path / "model.onnx", 5, dtype=np.float16)
    assert cells(path) == [("SimpleRNN", 4, 5, "h")]
    x = X.astype(np.float16)
    assert verify(path, x, expected=equations(path, x), blind_spots=False).verdict is Verdict.MATCH
    assert verify(path, x, expected=0.9 * equations(path, x), diagnose=False).verdict is Verdict.MISMATCH


def test_a_long_cell_is_told_and_stays(tmp_path: Path) -> None:
    """Looking for its steps takes as long as their number squared."""
    by_hand(path := tmp_path / "model.onnx", MOST_STEPS + 1)
    model = load(path)
    assert [item["settings"]["unrolled"] for item in recurrences(model)] == [MOST_STEPS + 1]
    assert model.unrolled


def equations(path: Path, x: np.ndarray, *, activation: Any = np.tanh) -> np.ndarray:
    """What a file of `by_hand` computes, in float64."""
    stored = {each.name: numpy_helper.to_array(each).astype(np.float64) for each in onnx.load(path).graph.initializer}
    h = np.zeros((len(x), 4))
    for step in x.transpose(1, 0, 2).astype(np.float64):
        h = activation(step @ stored["W"] + h @ stored["U0"] + stored["b"])
    return h


X = np.random.default_rng(7).normal(size=(8, 5, 3)).astype(np.float32)


def test_a_fault_of_a_cell_that_is_written_out_is_named(tmp_path: Path) -> None:
    by_hand(path := tmp_path / "model.onnx", 5)
    assert verify(path, X, expected=equations(path, X), blind_spots=False).verdict is Verdict.MATCH
    wrong = equations(path, X, activation=lambda z: np.maximum(z, 0))
    report = verify(path, X, expected=wrong, blind_spots=False)
    assert report.verdict is Verdict.MISMATCH
    assert report.diagnosis is not None
    changes = [found.change for found in report.diagnosis.explanations]
    assert [(change.fault, change.layers, change.behaves_as) for change in changes] == [
        ("activation", ("cell",), "relu")
    ]


@pytest.mark.parametrize("limit", [8.0, 40.0])
def test_a_step_with_a_limit_that_is_not_met_stays(limit: float, tmp_path: Path) -> None:
    """Ordinary inputs do not show it, and a layer would not have it."""
    by_hand(path := tmp_path / "model.onnx", 5, limit=limit)
    assert [item["type"] for item in recurrences(load(path))] == ["SimpleRNN"]
    x = 100 * X
    assert verify(path, x, blind_spots=False).verdict is Verdict.MATCH


def test_a_mask_of_a_cell_that_is_written_out_is_kept(build: Build) -> None:
    """Steps of zeros, which no made input has, are passed over."""
    folder = build(RECIPES["onnx_exports_keras_torch"])
    with np.load(folder / "masked_export.x.npz") as stored:
        x = {name: np.array(array) for name, array in stored.items()}
    assert any((array == 0).all(axis=-1).any() for array in x.values())
    assert verify(folder / "masked_export.onnx", x, blind_spots=False).verdict is Verdict.MATCH


def test_two_cells_that_share_their_weights_are_told(tmp_path: Path) -> None:
    """The second takes what the first returns, so that the steps of one look like a recurrence of the other."""
    rng = np.random.default_rng(9)
    kept = [numpy_helper.from_array(rng.normal(size=(3, 3)).astype(np.float32), name) for name in "WU"]
    kept += [numpy_helper.from_array(np.asarray(t), f"t{t}") for t in range(5)]
    nodes = []
    for t in range(5):
        nodes.append(helper.make_node("Gather", ["x", f"t{t}"], [f"x{t}"], axis=1))
        for state, given in (("h", f"x{t}"), ("g", f"h{t + 1}")):
            nodes.append(helper.make_node("MatMul", [given, "W"], [f"{state}W{t}"]))
            if t:
                nodes.append(helper.make_node("MatMul", [f"{state}{t}", "U"], [f"{state}U{t}"]))
                nodes.append(helper.make_node("Add", [f"{state}W{t}", f"{state}U{t}"], [f"{state}z{t}"]))
            nodes.append(helper.make_node("Tanh", [f"{state}{'z' if t else 'W'}{t}"], [f"{state}{t + 1}"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 5, 3])
    y = helper.make_tensor_value_info("g5", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "shared", [x], [y], kept)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    found = [(item["type"], item["settings"]["unrolled"]) for item in recurrences(load(path))]
    assert ("SimpleRNN", 5) in found
    assert verify(path, X, blind_spots=False).verdict is Verdict.MATCH


@pytest.mark.parametrize("place", ["output", "input"])
@pytest.mark.parametrize("kind", ["factor", "mask"])
def test_what_is_done_to_states_and_inputs_is_kept(kind: str, place: str, tmp_path: Path) -> None:
    """A factor that is fed, and a mask of a value that no made input has, leave everything as it is in a made run."""
    by_hand(path := tmp_path / "model.onnx", 5)
    proto, inputs = onnx.load(path), {"x": X.copy()}
    if kind == "factor":
        proto.graph.input.append(helper.make_tensor_value_info("k", TensorProto.FLOAT, []))
        inputs["k"] = np.asarray(0.5, np.float32)
        nodes, factor = [], np.full((8, 1), 0.5)
    else:
        kept = {"all": np.array([1, 2]), "marked": np.float32(3 * 5 * -7), "one": np.float32(1)}
        proto.graph.initializer.extend(numpy_helper.from_array(np.asarray(a), name) for name, a in kept.items())
        inputs["x"][1] = -7
        nodes = [
            helper.make_node("ReduceSum", ["x", "all"], ["sum"], keepdims=1 if place == "input" else 0),
            helper.make_node("Equal", ["sum", "marked"], ["is"]),
            helper.make_node("Cast", ["is"], ["hides"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["one", "hides"], ["k3" if place == "input" else "k1"]),
        ]
        if place == "output":
            proto.graph.initializer.append(numpy_helper.from_array(np.array([1]), "last"))
            nodes.append(helper.make_node("Unsqueeze", ["k1", "last"], ["k3"]))
        nodes.append(helper.make_node("Identity", ["k3"], ["k"]))
        factor = np.ones((8, 1))
        factor[1] = 0
    if place == "input":
        nodes.append(helper.make_node("Mul", ["x", "k"], ["changed"]))
        for node in proto.graph.node:
            node.input[:] = ["changed" if name == "x" else name for name in node.input]
        wanted = equations(path, inputs["x"] * factor[..., None].astype(np.float32))
    else:
        nodes.append(helper.make_node("Mul", ["h4", "k"], ["y"]))
        proto.graph.output[0].name = "y"
        wanted = equations(path, inputs["x"]) * factor
    own = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*nodes, *own] if place == "input" else [*own, *nodes])
    onnx.save(proto, path)
    forgotten = equations(tmp_path / "model.onnx", inputs["x"])
    for expected, verdict in ((wanted, Verdict.MATCH), (forgotten, Verdict.MISMATCH)):
        report = verify(path, inputs, expected=expected, blind_spots=False, diagnose=False)
        assert report.verdict is verdict, report.summary()


def test_what_is_done_to_a_state_between_two_steps_is_kept(tmp_path: Path) -> None:
    """States are set to zero after a step with a mark, which no made input has."""
    by_hand(path := tmp_path / "model.onnx", 5)
    proto, x = onnx.load(path), X.copy()
    x[1, 2] = x[4, 0] = -7
    kept = {"features": np.array([1]), "marked": np.float32(3 * -7), "one": np.float32(1)}
    proto.graph.initializer.extend(numpy_helper.from_array(np.asarray(a), name) for name, a in kept.items())
    nodes = []
    for node in proto.graph.node:
        if node.op_type == "MatMul" and node.input[0].startswith("h"):
            t = node.input[0][1:]
            nodes += [
                helper.make_node("Gather", ["x", f"t{t}"], [f"x{t}"], axis=1),
                helper.make_node("ReduceSum", [f"x{t}", "features"], [f"s{t}"], keepdims=1),
                helper.make_node("Equal", [f"s{t}", "marked"], [f"e{t}"]),
                helper.make_node("Cast", [f"e{t}"], [f"f{t}"], to=TensorProto.FLOAT),
                helper.make_node("Sub", ["one", f"f{t}"], [f"k{t}"]),
                helper.make_node("Mul", [f"h{t}", f"k{t}"], [f"kept{t}"]),
            ]
            node.input[0] = f"kept{t}"
        nodes.append(node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.save(proto, path)
    forgotten = equations(path, x)
    wanted = forgotten.copy()
    wanted[1], wanted[4] = equations(path, x[1:2, 3:])[0], equations(path, x[4:5, 1:])[0]
    for expected, verdict in ((wanted, Verdict.MATCH), (forgotten, Verdict.MISMATCH)):
        assert verify(path, x, expected=expected, blind_spots=False, diagnose=False).verdict is verdict
