"""`DynamicQuantizeLSTM`: every file of the zoo, what ONNX Runtime computes in every direction, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstm_verify import LstmVerifyError, Report, Verdict, load, replay, verify
from tests.building import RECIPES, Build

OPERATOR = "DynamicQuantizeLSTM"
STEPS, BATCH, FEATURES, UNITS = 7, 5, 3, 4
X = np.random.default_rng(1).standard_normal((STEPS, BATCH, FEATURES)).astype(np.float32)


def test_every_file_of_the_zoo(build: Build) -> None:
    folder = build(RECIPES["onnx_quantised"])
    names = [
        name
        for name in json.loads((folder / "index.json").read_text())["entries"]
        if any(node.op_type == OPERATOR for node in onnx.load(folder / f"{name}.onnx").graph.node)
    ]
    assert len(names) == 16
    for name in names:
        with np.load(folder / f"{name}.x.npz") as x, np.load(folder / f"{name}.y.npz") as y:
            given, expected = dict(x), {key: array.astype(np.float32) for key, array in y.items()}
        report = verify(folder / f"{name}.onnx", given, expected=expected, diagnose=False, blind_spots=False)
        assert report.verdict is Verdict.MATCH, name


def written(path: Path, direction: str = "forward", changed: bool = False, **attributes: Any) -> Path:
    """Write a file of one operator, perhaps with one weight changed by as little as can be."""
    rng, count = np.random.default_rng(2), 2 if direction == "bidirectional" else 1
    W, R = (rng.integers(-128, 127, (count, rows, 4 * UNITS)).astype(np.int8) for rows in (FEATURES, UNITS))
    W[-1, 0, 0] += changed
    weights = {
        "W": W,
        "R": R,
        "B": rng.normal(size=(count, 8 * UNITS)).astype(np.float32),
        "W_scale": rng.uniform(0.003, 0.006, (count, 4 * UNITS)).astype(np.float32),
        "W_zero": np.zeros((count, 4 * UNITS), np.int8),
        "R_scale": rng.uniform(0.003, 0.006, count).astype(np.float32),
        "R_zero": rng.integers(-9, 9, count).astype(np.int8),
    }
    inputs = ["X", "W", "R", "B", *[""] * 4, "W_scale", "W_zero", "R_scale", "R_zero"]
    said = {"direction": direction, "hidden_size": UNITS, **attributes}
    node = helper.make_node(OPERATOR, inputs, ["Y", "Y_h", "Y_c"], domain="com.microsoft", **said)
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["time", "batch", FEATURES])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("Y", "Y_h", "Y_c")]
    kept = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph([node], "quantised", [x], outputs, kept)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


def judged(path: Path, expected: Any = None) -> Report:
    """The report on a file, run by ONNX Runtime with one thread."""
    return verify(path, X, expected=expected, diagnose=False, blind_spots=False)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_every_direction_as_onnxruntime_has_it(tmp_path: Path, direction: str) -> None:
    path = written(tmp_path / "model.onnx", direction)
    assert judged(path).verdict is Verdict.MATCH
    assert any("With more threads" in finding for finding in load(path).findings)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_another_weight_is_no_match(tmp_path: Path, direction: str) -> None:
    path = written(tmp_path / "model.onnx", direction)
    other = load(written(tmp_path / "other.onnx", direction, changed=True))
    assert judged(path, expected=replay(other, {"X": X})).verdict is Verdict.MISMATCH


@pytest.mark.parametrize(
    "attributes",
    [{"clip": 0.5}, {"input_forget": 1}, {"activations": ["Sigmoid", "Relu", "Tanh"]}, {"no_such": 1}],
    ids=lambda attributes: next(iter(attributes)),
)
def test_what_is_not_supported_is_named(tmp_path: Path, attributes: dict[str, Any]) -> None:
    path = written(tmp_path / "model.onnx", **attributes)
    with pytest.raises(LstmVerifyError, match=f"with {next(iter(attributes))} is not supported"):
        load(path)


def test_the_usual_functions_may_be_named(tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", input_forget=0, activations=["Sigmoid", "Tanh", "Tanh"])
    assert judged(path).verdict is Verdict.MATCH
