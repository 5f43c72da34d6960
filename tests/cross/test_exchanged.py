"""A file in which something is exchanged does not pass for the same: outputs, inputs, axes, names that are alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from lstm_verify import InputError, Verdict
from lstm_verify.cross import against
from tests.onnx_files import FEATURES, model_of, save, weights_of

RANDOM = np.random.default_rng(7)
AXES = np.array([0])


def arrays(*shape: int) -> Any:
    return RANDOM.normal(size=shape).astype(np.float32)


def lstm(path: Path, outputs: tuple[str, str], *, is_exchanged: bool = False) -> Path:
    """An LSTM that returns its last h and c, or c and h, whatever they are called."""
    first, second = ("Yc", "Yh") if is_exchanged else ("Yh", "Yc")
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R", "B"], ["", "Yh", "Yc"], hidden_size=4),
        helper.make_node("Squeeze", [first, "axes"], [outputs[0]]),
        helper.make_node("Squeeze", [second, "axes"], [outputs[1]]),
    ]
    inputs = {"x": [None, None, FEATURES]}
    return Path(save(model_of(nodes, inputs, outputs, {**weights_of("LSTM"), "axes": AXES}), path))


def sequences(path: Path, order: list[int] | None = None, input_order: list[int] | None = None) -> Path:
    """An LSTM that returns all steps, with axes of its input and output in another order."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["given"], perm=input_order or [0, 1, 2]),
        helper.make_node("LSTM", ["given", "W", "R", "B"], ["Y"], hidden_size=4),
        helper.make_node("Squeeze", ["Y", "axes"], ["steps"]),
        helper.make_node("Transpose", ["steps"], ["y"], perm=order or [0, 1, 2]),
    ]
    constants = {**weights_of("LSTM"), "axes": np.array([1])}
    return Path(save(model_of(nodes, {"x": [None, None, FEATURES]}, ["y"], constants), path))


def difference(path: Path, inputs: tuple[str, str], *, is_exchanged: bool = False) -> Path:
    taken = list(inputs)[::-1] if is_exchanged else list(inputs)
    nodes = [helper.make_node("Sub", taken, ["y"])]
    return Path(save(model_of(nodes, {name: [None, 3] for name in inputs}, ["y"], {}), path))


def two_outputs(path: Path, *nodes: tuple[str, str]) -> Path:
    made = [helper.make_node(op, ["x"], [name]) for op, name in nodes]
    return Path(save(model_of(made, {"x": [None, 3]}, [name for _, name in nodes], {}), path))


def compared(first: Path, other: Path, x: Any, **options: Any) -> Any:
    return against(first, other, x, predict=False, diagnose=False, **options)


def test_outputs_of_other_names_in_another_order_are_refused(tmp_path: Path) -> None:
    first = lstm(tmp_path / "a.onnx", ("h", "c"))
    right = lstm(tmp_path / "b.onnx", ("o1", "o2"))
    wrong = lstm(tmp_path / "c.onnx", ("o1", "o2"), is_exchanged=True)
    x = arrays(5, 2, FEATURES)
    assert compared(first, right, x).verdict is Verdict.MATCH
    with pytest.raises(InputError, match=r"say so: --map h=o2 --map c=o1"):
        compared(first, wrong, x)
    assert compared(first, wrong, x, names={"h": "o2", "c": "o1"}).verdict is Verdict.MATCH
    assert compared(first, wrong, x, names={"h": "o1", "c": "o2"}).verdict is Verdict.MISMATCH


def test_inputs_of_other_names_in_another_order_are_refused(tmp_path: Path) -> None:
    first = difference(tmp_path / "a.onnx", ("p", "q"))
    wrong = difference(tmp_path / "b.onnx", ("r", "s"), is_exchanged=True)
    x = {"p": arrays(4, 3), "q": arrays(4, 3)}
    with pytest.raises(InputError, match=r"say so: --map p=s --map q=r"):
        compared(first, wrong, x)
    assert compared(first, wrong, x, names={"p": "s", "q": "r"}).verdict is Verdict.MATCH


def test_an_output_that_is_left_out_is_not_passed_over(tmp_path: Path) -> None:
    first = two_outputs(tmp_path / "a.onnx", ("Relu", "y"))
    wrong = two_outputs(tmp_path / "b.onnx", ("Abs", "main"), ("Relu", "more"))
    with pytest.raises(InputError, match=r"main comes before it in the file.*--map y=more"):
        compared(first, wrong, arrays(4, 3))


def test_names_that_differ_in_case_alone_are_told_apart(tmp_path: Path) -> None:
    first = two_outputs(tmp_path / "a.onnx", ("Relu", "Y"), ("Neg", "y"))
    wrong = two_outputs(tmp_path / "b.onnx", ("Relu", "Y"), ("Abs", "y"))
    x = arrays(4, 3)
    assert compared(first, first, x).verdict is Verdict.MATCH
    report = compared(first, wrong, x)
    assert report.verdict is Verdict.MISMATCH
    assert [output.name for output in report.others[0].function.outputs if output.max_abs_deviation > 0] == ["y"]


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 1, 0]])
def test_axes_of_equal_lengths_are_not_exchanged_back(tmp_path: Path, order: list[int]) -> None:
    first, wrong = sequences(tmp_path / "a.onnx"), sequences(tmp_path / "b.onnx", order)
    assert compared(first, wrong, arrays(4, 4, FEATURES)).verdict is Verdict.MISMATCH


def test_axes_in_another_order_are_said(tmp_path: Path) -> None:
    first, other = sequences(tmp_path / "a.onnx"), sequences(tmp_path / "b.onnx", [1, 0, 2])
    report = compared(first, other, arrays(5, 2, FEATURES))
    assert report.verdict is Verdict.MATCH
    assert report.summary() == "b.onnx computes what a.onnx does, with the axes of b.onnx in another order"
    assert report.others[0].notes == ("output y there has the axes of y in the order (1, 0, 2)",)


@pytest.mark.parametrize("samples", [4, 5])
def test_a_file_with_the_samples_first_is_the_same_and_says_so(tmp_path: Path, samples: int) -> None:
    first = sequences(tmp_path / "a.onnx")
    other = sequences(tmp_path / "b.onnx", [1, 0, 2], [1, 0, 2])
    report = compared(first, other, arrays(4, samples, FEATURES))
    assert report.verdict is Verdict.MATCH
    assert "in another order" in report.summary()


def test_outputs_that_are_missing_are_named(tmp_path: Path) -> None:
    first = two_outputs(tmp_path / "a.onnx", ("Relu", "y"), ("Neg", "z"))
    other = two_outputs(tmp_path / "b.onnx", ("Relu", "y"))
    with pytest.raises(InputError, match=r"b\.onnx: it has y, and nothing is left for z\. .*--output-tensor"):
        compared(first, other, arrays(4, 3))


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    first = two_outputs(tmp_path / "a.onnx", ("Relu", "y"), ("Neg", "z"))
    other = two_outputs(tmp_path / "b.onnx", ("Relu", "v"), ("Neg", "w"))
    with pytest.raises(InputError, match=r"v of b\.onnx is given twice"):
        compared(first, other, arrays(4, 3), names={"y": "v", "z": "v"})


def test_outputs_that_are_the_same_for_every_sample_are_noted(tmp_path: Path) -> None:
    first = two_outputs(tmp_path / "a.onnx", ("Relu", "y"))
    x = -np.abs(arrays(4, 3))
    assert "output y is the same for every sample" in "".join(compared(first, first, x).others[0].notes)
    assert not compared(first, first, -x).others[0].notes
