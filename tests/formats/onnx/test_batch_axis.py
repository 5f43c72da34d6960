"""Where the samples are is not decided by outputs that are the same for all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstm_verify import Verdict, load, verify

RNG = np.random.default_rng(11)
W, R = (RNG.normal(size=(1, 16, n)).astype(np.float32) for n in (3, 4))
X = RNG.normal(size=(6, 5, 3)).astype(np.float32)


def compared(path: Path, limit: float, every_step: bool, score: bool = False) -> None:
    """Write whether an LSTM, time first, is above a limit, in its last step or in all, and perhaps how much it is."""
    kept = [numpy_helper.from_array(array, name) for name, array in (("W", W), ("R", R), ("limit", np.float32(limit)))]
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R"], ["Y", "H"], hidden_size=4),
        helper.make_node("Greater", ["Y" if every_step else "H", "limit"], ["above"]),
    ]
    shapes = {"Y": ["time", 1, "batch", 4], "H": [1, "batch", 4]}
    outputs = [helper.make_tensor_value_info("above", TensorProto.BOOL, shapes["Y" if every_step else "H"])]
    outputs += [helper.make_tensor_value_info("H", TensorProto.FLOAT, shapes["H"])] * score
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", 3])
    graph = helper.make_graph(nodes, "compared", [x], outputs, kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)


NEVER, OFTEN = 2.0, 0.1
"""What the states of an LSTM are above."""


@pytest.mark.parametrize("score", [False, True])
@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("limit", [NEVER, OFTEN])
def test_the_axis_of_a_comparison(tmp_path: Path, limit: float, every_step: bool, score: bool) -> None:
    compared(path := tmp_path / "model.onnx", limit, every_step, score)
    model = load(path)
    known = limit == OFTEN or score or not every_step
    assert model.divisible == known
    assert [spec.axis for spec in model.inputs] == [1 if known else 0]


@pytest.mark.parametrize("limit", [NEVER, OFTEN])
@pytest.mark.parametrize("every_step", [False, True])
def test_a_lone_comparison_is_verified(tmp_path: Path, limit: float, every_step: bool) -> None:
    compared(path := tmp_path / "model.onnx", limit, every_step)
    assert verify(path, X).verdict is Verdict.MATCH
