"""Cells that an exporter wrote out step by step are recognised: kind, units, steps, order of the gates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstm_verify import load
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


def cells(path: Path) -> Cells:
    """Return the cells that are told of a file."""
    return [
        (found.cell.kind, found.cell.units, found.steps, found.recovered.gate_order) for found in load(path).unrolled
    ]


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


def by_hand(path: Path, steps: int, weights: int = 1) -> None:
    """Write h' = tanh(x W + h U + b) for some steps, the first from zeros that nobody multiplied, in a file."""
    rng = np.random.default_rng(5)
    shapes = {"W": (3, 4), "b": (4,), **{f"U{number}": (4, 4) for number in range(weights)}}
    kept = [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), name) for name, s in shapes.items()]
    kept += [numpy_helper.from_array(np.asarray(t), f"t{t}") for t in range(steps)]
    nodes = [helper.make_node("MatMul", ["x", "W"], ["xW"]), helper.make_node("Add", ["xW", "b"], ["z"])]
    for t in range(steps):
        nodes.append(helper.make_node("Gather", ["z", f"t{t}"], [f"z{t}"], axis=1))
        if t:
            nodes.append(helper.make_node("MatMul", [f"h{t - 1}", f"U{t % weights}"], [f"hU{t}"]))
            nodes.append(helper.make_node("Add", [f"hU{t}", f"z{t}"], [f"sum{t}"]))
        nodes.append(helper.make_node("Tanh", [f"sum{t}" if t else "z0"], [f"h{t}"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", steps, 3])
    y = helper.make_tensor_value_info(f"h{steps - 1}", TensorProto.FLOAT, ["batch", 4])
    graph = helper.make_graph(nodes, "by hand", [x], [y], kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def test_a_first_step_without_a_product_counts(tmp_path: Path) -> None:
    by_hand(path := tmp_path / "model.onnx", 5)
    assert cells(path) == [("SimpleRNN", 4, 5, "h")]


def test_layers_with_weights_of_their_own_are_no_recurrence(tmp_path: Path) -> None:
    by_hand(path := tmp_path / "model.onnx", 5, weights=5)
    assert cells(path) == []
