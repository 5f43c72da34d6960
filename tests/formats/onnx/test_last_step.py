"""The last step of what an operator returns of all steps is its final state, where it is that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from lstm_verify import Verdict, load, verify
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.time_first import TimeFirst
from tests.onnx_files import FEATURES, UNITS, model_of, save, weights_of

STEPS = 5
X = np.random.default_rng(41).normal(size=(STEPS, 6, FEATURES)).astype(np.float32)
END = 2**31 - 1


def written(
    path: Path,
    op: str,
    start: int,
    end: int = END,
    outputs: tuple[str, ...] = ("y",),
    lengths: bool = False,
    **more: Any,
) -> Path:
    """Write an operator of whose outputs one step is taken, as tf2onnx writes it, in a file."""
    given = ["x", "W", "R", "B", *(["lengths"] if lengths else [])]
    nodes = [
        helper.make_node(op, given, ["Y"], hidden_size=UNITS, **more),
        helper.make_node("Squeeze", ["Y", "one"], ["sequence"]),
        helper.make_node("Slice", ["sequence", "start", "end", "zero"], ["step"]),
        helper.make_node("Squeeze", ["step", "zero"], ["y"]),
    ]
    constants = {**weights_of(op), "start": np.array([start]), "end": np.array([end])}
    constants |= {"zero": np.array([0]), "one": np.array([1]), "lengths": np.int32([5, 3, 1, 5, 2, 4])}
    return Path(save(model_of(nodes, {"x": [STEPS, 6, FEATURES]}, outputs, constants), path))


def keeps_sequences(path: Path) -> bool:
    (layer,) = (layer for layer in load(path).layers.values() if isinstance(layer, TimeFirst))
    assert isinstance(layer.rnn, RNN)
    return layer.rnn.return_sequences


@pytest.mark.framework
@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_the_last_step_is_the_final_state(op: str, tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", op, -1)
    assert not keeps_sequences(path)
    assert verify(path, X, runtime="onnxruntime", blind_spots=False).verdict is Verdict.MATCH


@pytest.mark.framework
@pytest.mark.parametrize(
    "options",
    [
        {"start": 0, "end": 1},
        {"start": -2, "end": -1},
        {"start": -1, "outputs": ("y", "Y")},
        {"start": -1, "direction": "reverse"},
        {"start": -1, "lengths": True},
    ],
)
def test_any_other_step_is_taken_of_all(options: dict[str, Any], tmp_path: Path) -> None:
    """The last in time of a backward operator is its first; samples that end before have zeros there."""
    path = written(tmp_path / "model.onnx", "LSTM", **options)
    assert keeps_sequences(path)
    assert verify(path, X, runtime="onnxruntime", blind_spots=False).verdict is Verdict.MATCH
