"""LSTM, GRU and RNN with every attribute are replayed as the operators' text says; ONNX Runtime's departures are named.

The text is that of `tests/oracle_onnx.py`, plain loops that share nothing with the package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import LstmVerifyError, ModelFileError, UnsupportedError, Verdict, load, verify
from lstm_verify.faults import BY_NAME
from tests.building import RECIPES, Build
from tests.onnx_files import UNITS, model_of, one_operator, save, weights_of
from tests.zoo.onnx.operators import CASES

REFUSED = {"lstm_values_too_many": "activation_alpha has 2 numbers more than functions take"}
NAMES_OF_DEPARTURES = {
    "clip is not": "onnxruntime_clip",
    "a sequence of no steps": "onnxruntime_empty_sequences",
    "ThresholdedRelu's alpha": "onnxruntime_defaults",
    "Affine is 0": "onnxruntime_defaults",
    "ScaledTanh is 0": "onnxruntime_defaults",
}
"""How the departures begin that ONNX Runtime shows in what it returns, and the faults that they are."""
SHOWN = {
    name: fault
    for name, case in CASES.items()
    for begin, fault in NAMES_OF_DEPARTURES.items()
    if case.departure.startswith(begin)
}


@pytest.fixture(scope="module")
def operators(build: Build) -> Path:
    return build(RECIPES["onnx_operators"])


@pytest.fixture(scope="module")
def undefined(operators: Path) -> set[str]:
    """The cases for which the text has no answer."""
    entries = json.loads((operators / "index.json").read_text())["entries"]
    return {name for name, entry in entries.items() if entry["undefined"]}


def arrays(folder: Path, name: str, kind: str) -> dict[str, Any]:
    with np.load(folder / f"{name}.{kind}.npz") as found:
        return dict(found)


@pytest.mark.parametrize("name", [name for name in CASES if name not in REFUSED])
def test_an_operator_does_what_its_text_says(operators: Path, undefined: set[str], name: str) -> None:
    if name in undefined:
        return
    model, x, y = load(operators / f"{name}.onnx"), *(arrays(operators, name, kind) for kind in ("x", "text"))
    report = verify(model, x, expected=y, diagnose=False, blind_spots=False)
    assert report.verdict is Verdict.MATCH, report
    off = {key: value + np.float32(0.05) * np.max(np.abs(value), initial=0.1) for key, value in y.items()}
    report = verify(model, x, expected=off, diagnose=False, blind_spots=False)
    assert report.verdict is Verdict.MISMATCH, report


@pytest.mark.parametrize("name", SHOWN)
def test_a_departure_of_onnx_runtime_is_named(operators: Path, name: str) -> None:
    x, y = (arrays(operators, name, kind) for kind in ("x", "y"))
    report = verify(operators / f"{name}.onnx", x, expected=y, blind_spots=False)
    assert report.verdict is Verdict.MISMATCH
    assert report.diagnosis is not None
    explained = report.diagnosis.explanations[0].change
    assert explained.fault == SHOWN[name], report.diagnosis
    assert "The file is right" in BY_NAME[explained.fault].advice


@pytest.mark.parametrize("name", REFUSED)
def test_a_number_that_no_function_takes_is_refused(operators: Path, name: str) -> None:
    with pytest.raises(LstmVerifyError, match=REFUSED[name]):
        load(operators / f"{name}.onnx")


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"activations": ["Sigmoid", "Tanh"]}, "2 activations, expected 3 for each of 1 directions"),
        ({"activations": ["Sigmoid", "Tanh", "Swish"]}, "activation 'Swish' is not one that ONNX has"),
        ({"direction": "sideways"}, "direction 'sideways', expected one of forward, reverse, bidirectional"),
        ({"output_sequence": 1}, "operation LSTM with output_sequence=1 is not supported"),
    ],
)
def test_attributes_that_make_no_sense_are_named(tmp_path: Path, attributes: dict[str, Any], says: str) -> None:
    with pytest.raises((ModelFileError, UnsupportedError), match=says):
        load(save(one_operator("LSTM", **attributes), tmp_path / "lstm.onnx"))


@pytest.mark.parametrize("what", ["W", "R", "B"])
def test_weights_of_another_shape_are_named_with_the_shape_expected(tmp_path: Path, what: str) -> None:
    from onnx import helper

    weights = weights_of("LSTM")
    weights[what] = weights[what][:, :-1]
    node = helper.make_node("LSTM", ["X", "W", "R", "B"], ["Y"], name="lstm", hidden_size=UNITS)
    model = model_of([node], {"X": ["t", "n", 3]}, ["Y"], weights)
    with pytest.raises(ModelFileError, match=rf"node 'lstm': {what} has shape .*, expected \(1, "):
        load(save(model, tmp_path / "lstm.onnx"))


def test_states_of_another_size_are_an_error_and_not_broadcast(tmp_path: Path) -> None:
    """As PyTorch's exporter writes an LSTM with a projection, which ONNX has not."""
    from onnx import helper

    node = helper.make_node("LSTM", ["X", "W", "R", "B", "", "h"], ["Y"], name="lstm", hidden_size=UNITS)
    constants = weights_of("LSTM") | {"h": np.zeros((1, 2, 1), np.float32)}
    model = load(save(model_of([node], {"X": ["t", 2, 3]}, ["Y"], constants), tmp_path / "lstm.onnx"))
    x, y = np.zeros((5, 2, 3), np.float32), np.zeros((5, 1, 2, 4), np.float32)
    with pytest.raises(ModelFileError, match=r"'lstm': initial_h has shape \(1, 2, 1\), expected \(1, 2, 4\)"):
        verify(model, x, expected=y)
