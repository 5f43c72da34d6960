"""A recurrent layer that a loop was recognised as is judged by the precision that the loop computes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from lstm_verify import Verdict, load, replay, verify

RNG = np.random.default_rng(31)
W, U, X = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 4)) / 2, RNG.normal(size=(7, 5, 3))


def scan(path: Path, dtype: Any) -> Path:
    """h' = tanh(x W + h U), time first, from zeros."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def value(name: str, shape: Any) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "W"], ["xW"]),
            helper.make_node("MatMul", ["h", "U"], ["hU"]),
            helper.make_node("Add", ["xW", "hU"], ["z"]),
            helper.make_node("Tanh", ["z"], ["new"]),
            helper.make_node("Identity", ["new"], ["y"]),
        ],
        "body",
        [value("h", [5, 4]), value("x", [5, 3])],
        [value("new", [5, 4]), value("y", [5, 4])],
    )
    stored = {"W": W, "U": U, "zero": np.zeros((5, 4))}
    graph = helper.make_graph(
        [helper.make_node("Scan", ["zero", "X"], ["last", "all"], body=body, num_scan_inputs=1)],
        "graph",
        [value("X", [7, 5, 3])],
        [value("all", [7, 5, 4])],
        [numpy_helper.from_array(array.astype(dtype), name) for name, array in stored.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def by_the_equations(dtype: Any) -> Any:
    """The same in float64, with everything stored in a format."""
    w, u, x = (array.astype(dtype).astype(np.float64) for array in (W, U, X))
    states = [np.zeros((5, 4))]
    for step in x:
        states.append(np.tanh(step @ w + states[-1] @ u))
    return np.stack(states[1:])


@pytest.mark.parametrize(("dtype", "unit"), [("float64", 2.0**-53), ("float32", 2.0**-24), ("float16", 2.0**-11)])
def test_a_loop_is_judged_in_its_own_precision(dtype: str, unit: float, tmp_path: Path) -> None:
    path, y = scan(tmp_path / "model.onnx", dtype), by_the_equations(dtype)
    assert [layer.kind for layer in load(path).layers.values() if layer.recurrences()] == ["SimpleRNN"]
    given = X.astype(dtype)
    for off, verdict in ((unit / 4, Verdict.MATCH), (200 * unit, Verdict.MISMATCH)):
        report = verify(path, given, expected=y * (1 + off), blind_spots=False, diagnose=False)
        assert report.verdict is verdict, (off, report.summary())


def gated(path: Path, dtype: Any) -> Path:
    """y = σ(x W) tanh(x U)"""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [("MatMul", ["x", "W"], "a"), ("MatMul", ["x", "U"], "b"), ("Sigmoid", ["a"], "i"), ("Tanh", ["b"], "g")]
    graph = helper.make_graph(
        [helper.make_node(op, given, [name]) for op, given, name in [*nodes, ("Mul", ["i", "g"], "y")]],
        "graph",
        [helper.make_tensor_value_info("x", kind, ["batch", 3])],
        [helper.make_tensor_value_info("y", kind, ["batch", 4])],
        [numpy_helper.from_array(array.astype(dtype), name) for name, array in (("W", W), ("U", W[::-1].copy()))],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.framework
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_onnx_runtime_is_honest_where_gates_are_shut(dtype: str, tmp_path: Path) -> None:
    """A sigmoid of -30 is 1e-13 in float64: ONNX Runtime is off by 1e-16, however small the result is."""
    x = (np.random.default_rng(5).normal(size=(500, 3)) * 15).astype(dtype)
    path = gated(tmp_path / "m.onnx", dtype)
    report = verify(path, x, runtime="onnxruntime", blind_spots=False)
    assert report.verdict is Verdict.MATCH, report
    replayed = replay(load(path), x)["y"]
    off = replayed + 100 * np.finfo(dtype).eps
    assert verify(path, x, expected={"y": off}, diagnose=False).verdict is Verdict.MISMATCH
