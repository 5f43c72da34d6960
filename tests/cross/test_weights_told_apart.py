"""Weights that differ are not said to be the same, and those that do not are not said to differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from lstm_verify import load
from lstm_verify.cross import against
from lstm_verify.cross.weights import WeightComparison, compare_weights
from tests.onnx_files import FEATURES, model_of, save, weights_of

RANDOM = np.random.default_rng(11)
U, V = (RANDOM.normal(size=(6, 6)).astype(np.float32) for _ in range(2))


def comparison(folder: Path, ours: dict[str, Any], theirs: dict[str, Any]) -> WeightComparison:
    """Of two files, products with u and v, and a sum with b, one after the other."""
    nodes = [
        helper.make_node("MatMul", ["x", "u"], ["ux"]),
        helper.make_node("Tanh", ["ux"], ["h"]),
        helper.make_node("MatMul", ["h", "v"], ["vh"]),
        helper.make_node("Add", ["vh", "b"], ["y"]),
    ]
    usual = {"u": U, "v": V, "b": np.float32([0.5])}
    models = [
        load(save(model_of(nodes, {"x": [None, 6]}, ["y"], {**usual, **weights}), folder / f"{number}.onnx"))
        for number, weights in enumerate((ours, theirs))
    ]
    return compare_weights(*models)


def test_tensors_of_equal_shapes_that_are_exchanged_are_named(tmp_path: Path) -> None:
    found = comparison(tmp_path, {}, {"u": V, "v": U})
    assert not found.same
    assert set(found.exchanged) == {"u/value", "v/value"}
    assert "exchanged" in found.words


def test_tensors_of_equal_numbers_are_not_exchanged(tmp_path: Path) -> None:
    assert comparison(tmp_path, {"v": U}, {"v": U}).same
    found = comparison(tmp_path, {"v": U}, {})
    assert [(pair.name, pair.relation) for pair in found.pairs if pair.relation != "equal"] == [
        ("v/value", "different")
    ]


def test_a_bias_of_one_number_counts(tmp_path: Path) -> None:
    assert comparison(tmp_path, {}, {}).same
    found = comparison(tmp_path, {}, {"b": np.float32([0.7])})
    assert [pair.name for pair in found.of("different")] == ["b/value"]


def test_zeros_of_either_sign_and_nan_are_equal(tmp_path: Path) -> None:
    ours, theirs = U.copy(), U.copy()
    ours[0, 0], theirs[0, 0] = 0.0, -0.0
    ours[1, 1] = theirs[1, 1] = np.nan
    assert {pair.relation for pair in comparison(tmp_path, {"u": ours}, {"u": theirs}).pairs} == {"equal"}


def test_few_values_far_apart_are_not_8_bits(tmp_path: Path) -> None:
    step = np.float32(np.max(np.abs(U)) / 127)
    eight_bits = comparison(tmp_path, {}, {"u": np.round(U / step) * step})
    assert eight_bits.of("rounded")[0].words == "to 8 bits"
    signs = comparison(tmp_path, {}, {"u": 9 * np.sign(U)})
    assert [pair.name for pair in signs.of("different")] == ["u/value"]


@pytest.mark.parametrize("features", [None, FEATURES])
def test_weights_that_became_a_layer_are_there_once(tmp_path: Path, features: int | None) -> None:
    """Whether the file says how many features there are or not."""
    node = helper.make_node("LSTM", ["x", "W", "R", "B"], ["y"], hidden_size=4)
    model = model_of([node], {"x": [None, None, features]}, ["y"], weights_of("LSTM"))
    path = save(model, tmp_path / "a.onnx")
    x = RANDOM.normal(size=(5, 2, FEATURES)).astype(np.float32)
    (other,) = against(path, path, x, predict=False).others
    assert other.weights.words == "3 equal"
