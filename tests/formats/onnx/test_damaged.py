"""Damaged ONNX files, of kinds that fuzzing has found, are refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from lstm_verify import LstmVerifyError, ModelFileError, UnsupportedError, load, verify
from tests.onnx_files import UNITS, model_of, one_operator, save


@pytest.mark.parametrize("name", ["lstm", "Y_h", "hidden_size", "timesteps"])
def test_a_name_that_is_no_text(tmp_path: Path, name: str) -> None:
    """Protobuf hands out bytes for what is not UTF-8."""
    path = save(one_operator("LSTM"), tmp_path / "lstm.onnx")
    content = path.read_bytes()
    assert name.encode() in content
    path.write_bytes(content.replace(name.encode(), b"\xff" + name.encode()[1:]))
    if name == "timesteps":  # the name of a length, which nothing refers to
        assert load(path).inputs[0].shape is not None
        return
    with pytest.raises(ModelFileError, match="a name in it is not text"):
        load(path)


@pytest.mark.parametrize("kind", [TensorProto.STRING, TensorProto.COMPLEX64, 99])
def test_an_input_that_holds_no_numbers(tmp_path: Path, kind: int) -> None:
    model = one_operator("LSTM")
    model.graph.input[0].type.tensor_type.elem_type = kind
    with pytest.raises(UnsupportedError, match="input 'X' is no tensor of numbers that NumPy has"):
        load(save(model, tmp_path / "lstm.onnx"))


def test_more_axes_than_numpy_has(tmp_path: Path) -> None:
    node = helper.make_node("Expand", ["X", "shape"], ["Y"])
    model = model_of([node], {"X": ["samples", UNITS]}, ["Y"], {"shape": np.ones(70, np.int64)})
    path = save(model, tmp_path / "expand.onnx")
    x = np.zeros((2, UNITS), np.float32)
    with pytest.raises(LstmVerifyError, match=r"expand\.onnx|do not fit"):
        verify(load(path), x, expected=x)
