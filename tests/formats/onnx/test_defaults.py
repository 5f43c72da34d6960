"""An initializer of the name of an input is its default, and what is fed takes its place, in the run too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper

from lstm_verify import Verdict, verify
from tests.onnx_files import model_of, save

X = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)


def test_an_initializer_is_the_default_of_an_input(tmp_path: Path) -> None:
    nodes = [helper.make_node("Mul", ["x", "k"], ["y"])]
    path = save(model_of(nodes, {"x": [None, 3], "k": []}, ["y"], {"k": np.float32(2)}), tmp_path / "a.onnx")
    for x, factor in ({"x": X}, 2), ({"x": X, "k": np.float32(3)}, 3):
        assert verify(path, x).verdict is Verdict.MATCH
        assert verify(path, x, expected=np.float32(factor) * X).verdict is Verdict.MATCH
        assert verify(path, x, expected=np.float32(factor + 1) * X).verdict is Verdict.MISMATCH
