"""What of a Scan of opset 8 is refused; the zoo has those that are replayed."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from lstm_verify import UnsupportedError, load
from tests.building import RECIPES, Build


def test_samples_of_different_lengths_from_behind(build: Build, tmp_path: Path) -> None:
    model = onnx.load(build(RECIPES["onnx_structures"]) / "scan_8_lengths.onnx")
    (scan,) = (node for node in model.graph.node if node.op_type == "Scan")
    scan.attribute.append(helper.make_attribute("directions", [1]))
    onnx.save(model, path := tmp_path / "model.onnx")
    with pytest.raises(UnsupportedError, match="with sequence_lens and directions is not supported"):
        load(path)
