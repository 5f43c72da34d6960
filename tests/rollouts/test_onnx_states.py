"""States of ONNX files are carried over without being named: by the operator that they begin and end in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from lstm_verify import load
from lstm_verify.rollouts.pairing import likely_states
from tests.conftest import REAL_MODELS
from tests.onnx_files import UNITS, model_of, save, weights_of

AXES = {"axes": np.zeros(1, np.int64)}


@pytest.mark.parametrize("around", ["directly", "without the axis of directions"])
def test_h_and_c_are_told_apart_by_the_operator(tmp_path: Path, around: str) -> None:
    inputs = {"x": [1, "samples", 3], "first": [1, "samples", UNITS], "second": [1, "samples", UNITS]}
    begins, ends, nodes = ["first", "second"], ["Y_h", "Y_c"], []
    if around != "directly":
        inputs |= {name: inputs[name][1:] for name in ("first", "second")}
        begins, ends = ["first_1", "second_1"], ["later", "last"]
        nodes = [
            helper.make_node("Unsqueeze", ["first", "axes"], ["first_1"]),
            helper.make_node("Unsqueeze", ["second", "axes"], ["second_1"]),
            helper.make_node("Squeeze", ["Y_h", "axes"], ["later"]),
            helper.make_node("Squeeze", ["Y_c", "axes"], ["last"]),
        ]
    # c comes first, so that their order does not help
    lstm = helper.make_node("LSTM", ["x", "W", "R", "B", "", *begins[::-1]], ["Y", "Y_h", "Y_c"], hidden_size=UNITS)
    outputs = ["Y", *ends]
    path = save(model_of([*nodes, lstm], inputs, outputs, weights_of("LSTM") | AXES), tmp_path / "lstm.onnx")
    assert likely_states(load(path)) == {ends[0]: "second", ends[1]: "first"}


@pytest.mark.skipif(not REAL_MODELS.exists(), reason="the file is not here")
def test_states_of_a_real_file() -> None:
    assert likely_states(load(REAL_MODELS / "silero_16k_sequence.onnx")) == {"hn": "h", "cn": "c"}
