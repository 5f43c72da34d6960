"""A loop whose inputs were multiplied with their kernel before it, as Keras on JAX writes a GRU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstm_verify import Verdict, load, verify
from lstm_verify.inspection import recurrences

UNITS, FEATURES, STEPS = 4, 3, 6
RNG = np.random.default_rng(17)
KERNEL, RECURRENT, BIASES = (RNG.normal(size=shape) for shape in ((FEATURES, 12), (UNITS, 12), (2, 12)))
X = RNG.normal(size=(5, STEPS, FEATURES)).astype(np.float32)


def gru(x: Any, *, bias: bool = True) -> Any:
    """The last state of a GRU with its reset gate after the product, in float64."""
    W, U = (weights.astype(np.float32).astype(np.float64) for weights in (KERNEL, RECURRENT))
    b, c = BIASES.astype(np.float32).astype(np.float64) * bias
    h = np.zeros((len(x), UNITS))
    for step in x.transpose(1, 0, 2).astype(np.float64):
        (x_z, x_r, x_h), (h_z, h_r, h_h) = np.split(step @ W + b, 3, axis=1), np.split(h @ U + c, 3, axis=1)
        z, r = (1 / (1 + np.exp(-gate)) for gate in (x_z + h_z, x_r + h_r))
        h = z * h + (1 - z) * np.tanh(x_h + r * h_h)
    return h


def body(read: list[Any]) -> Any:
    nodes = [
        *read,
        helper.make_node("MatMul", ["h", "U"], ["hU"]),
        helper.make_node("Add", ["hU", "c"], ["of_h"]),
        helper.make_node("Split", ["of_x", "sizes"], ["x_z", "x_r", "x_h"], axis=1),
        helper.make_node("Split", ["of_h", "sizes"], ["h_z", "h_r", "h_h"], axis=1),
        helper.make_node("Add", ["x_z", "h_z"], ["a_z"]),
        helper.make_node("Sigmoid", ["a_z"], ["z"]),
        helper.make_node("Add", ["x_r", "h_r"], ["a_r"]),
        helper.make_node("Sigmoid", ["a_r"], ["r"]),
        helper.make_node("Mul", ["r", "h_h"], ["reset"]),
        helper.make_node("Add", ["x_h", "reset"], ["a_h"]),
        helper.make_node("Tanh", ["a_h"], ["candidate"]),
        helper.make_node("Mul", ["z", "h"], ["kept"]),
        helper.make_node("Sub", ["one", "z"], ["rest"]),
        helper.make_node("Mul", ["rest", "candidate"], ["added"]),
        helper.make_node("Add", ["kept", "added"], ["new"]),
        helper.make_node("Identity", ["on"], ["goes_on"]),
        helper.make_node("Identity", ["products"], ["same"]),
    ]
    value = helper.make_tensor_value_info
    given = [
        value("t", TensorProto.INT64, []),
        value("on", TensorProto.BOOL, []),
        value("h", TensorProto.FLOAT, None),
        value("products", TensorProto.FLOAT, None),
    ]
    made = [value(name, TensorProto.FLOAT, None) for name in ("new", "same")]
    return helper.make_graph(nodes, "body", given, [value("goes_on", TensorProto.BOOL, []), *made])


def written(path: Path, *, bias: bool = True, read: tuple[Any, ...] = (), outputs: tuple[str, ...] = ("y",)) -> Path:
    """Write a GRU as a loop that reads one step after another of X W + b, in a file."""
    item = list(read) or [helper.make_node("Gather", ["products", "t"], ["of_x"], axis=0)]
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["xW"]),
        *(
            [helper.make_node("Add", ["xW", "b"], ["product"])]
            if bias
            else [helper.make_node("Identity", ["xW"], ["product"])]
        ),
        helper.make_node("Transpose", ["product"], ["by_time"], perm=[1, 0, 2]),
        helper.make_node("Loop", ["steps", "", "zeros", "by_time"], ["y", "unused"], body=body(item)),
    ]
    b, c = BIASES * bias
    constants = {"W": KERNEL, "U": RECURRENT, "b": b[None, None], "c": c, "one": np.ones(()), "zeros": np.zeros((5, 4))}
    kept = {name: array.astype(np.float32) for name, array in constants.items()}
    kept |= {"steps": np.array(STEPS), "sizes": np.array([4, 4, 4]), "last": np.array(STEPS - 1)}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, STEPS, FEATURES])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in kept.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("outputs", [("y",), ("y", "product")])
def test_the_product_belongs_to_the_cell(bias: bool, outputs: tuple[str, ...], tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", bias=bias, outputs=outputs)
    model = load(path)
    ((kind, settings),) = [(item["type"], item["settings"]) for item in recurrences(model)]
    assert (kind, settings["units"], settings["gates in the graph"]) == ("GRU", UNITS, "z, r, h")
    kernels = [array for name, array in model.weights() if name.endswith("/kernel")]
    np.testing.assert_array_equal(np.float32(kernels), np.float32([KERNEL]))
    wanted = {"y": gru(X, bias=bias)}
    products = X.astype(np.float64) @ KERNEL.astype(np.float32) + BIASES[0].astype(np.float32) * bias
    wanted |= {"product": products} if "product" in outputs else {}
    assert verify(path, X, expected=wanted, blind_spots=False).verdict is Verdict.MATCH
    wrong = {**wanted, "y": wanted["y"] * (1 + 1e-4)}
    assert verify(path, X, expected=wrong, diagnose=False).verdict is Verdict.MISMATCH


def test_a_fault_of_the_input_product_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx")
    report = verify(path, X, expected={"y": gru(X[:, ::-1])}, blind_spots=False)
    assert report.diagnosis is not None
    assert report.diagnosis.explanations[0].change.fault == "direction"


@pytest.mark.framework
@pytest.mark.parametrize(
    "read",
    [
        (helper.make_node("Gather", ["products", "last"], ["of_x"], axis=0),),  # the same step in every round
        (
            helper.make_node("Gather", ["products", "t"], ["now"], axis=0),
            helper.make_node("ReduceMean", ["products"], ["mean"], axes=[0], keepdims=0),
            helper.make_node("Add", ["now", "mean"], ["of_x"]),
        ),
    ],
)
def test_what_is_taken_in_another_way_too_stays_a_loop(read: tuple[Any, ...], tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", read=read)
    assert [item["type"] for item in recurrences(load(path))] == [None]
    assert verify(path, X, runtime="onnxruntime", blind_spots=False).verdict is Verdict.MATCH
