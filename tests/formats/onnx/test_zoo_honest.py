"""The zoo of ONNX files says what is so: ONNX Runtime does what the text says wherever no departure is listed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.building import RECIPES, Build
from tests.zoo.onnx.operators import CASES
from tests.zoo.onnx.structures import ENTRIES
from tests.zoo.onnx.writing import deviation, run

ROUNDING = {"float32": 5e-6, "float16": 4e-3}


@pytest.fixture(scope="module")
def operators(build: Build) -> Path:
    return build(RECIPES["onnx_operators"])


@pytest.fixture(scope="module")
def entries(operators: Path) -> dict[str, Any]:
    return index_of(operators)


@cache
def index_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "index.json").read_text())["entries"]
    return found


def largest(folder: Path, name: str, kind: str) -> float:
    """How far ONNX Runtime is from what is expected, over all outputs; shapes must be equal."""
    with np.load(folder / f"{name}.y.npz") as y, np.load(folder / f"{name}.{kind}.npz") as expected:
        assert {key: array.shape for key, array in y.items()} == {key: expected[key].shape for key in expected}
        return max(float(np.max(np.abs(np.float64(y[key]) - np.float64(expected[key])))) for key in expected)


@pytest.mark.parametrize("name", CASES)
def test_onnxruntime_does_what_the_text_says_or_departs_as_listed(
    operators: Path, entries: dict[str, Any], name: str
) -> None:
    case, record = CASES[name], entries[name]
    if record["undefined"]:
        assert case.departure
        assert not (operators / f"{name}.text.npz").exists()
    elif record["onnxruntime"] != "ran":
        assert case.departure
    else:
        departs = largest(operators, name, "text") > ROUNDING[case.dtype]
        assert departs == bool(case.departure)


OF_TF2ONNX = {f"{model}_{exporter}" for model in ("qkeras_gate", "gelu") for exporter in ("export", "tf2onnx")}
"""maximum(minimum(x * 0.5 + 0.5, 1), 0) becomes a HardSigmoid of 0.2x + 0.5, gelu an operator that does not exist."""
LONGER = {"any_length_dynamo_longer", "any_length_gru_dynamo_longer"}
NOT_RIGHT: dict[str, set[str]] = {
    "keras": OF_TF2ONNX,
    "tf_keras": OF_TF2ONNX & {"qkeras_gate_tf2onnx", "gelu_tf2onnx"},
    "torch": {"projected_dynamo", *LONGER},  # a projection, which LSTM lacks; a length that is frozen
    "keras_torch": {"any_length_export"},  # computes the first step alone
}
NOT_WRITTEN = {
    "keras": set(),
    "tf_keras": set(),
    "torch": {"packed_dynamo", "projected_torchscript"},
    "keras_torch": {"normalised_export"},
}


@pytest.mark.parametrize("origin", NOT_RIGHT)
def test_exports_are_right_but_for_those_that_are_known(build: Build, origin: str) -> None:
    folder = build(RECIPES[f"onnx_exports_{origin}"])
    index = json.loads((folder / "index.json").read_text())
    assert set(index["failed"]) == NOT_WRITTEN[origin]
    ran = {name for name, record in index["entries"].items() if record["onnxruntime"] == "ran"}
    right = {name for name in ran if largest(folder, name, "origin") < ROUNDING["float32"]}
    assert set(index["entries"]) - right == NOT_RIGHT[origin]


REFUSED_THOUGH_RIGHT = {"with_node_names_twice"}
NEVER_RUN = {"endless"}


@pytest.mark.parametrize("name", ENTRIES)
def test_onnxruntime_runs_what_is_whole_and_refuses_what_is_damaged(build: Build, name: str) -> None:
    folder = build(RECIPES["onnx_structures"])
    record = index_of(folder)[name]
    if name in NEVER_RUN:
        return
    assert (record["onnxruntime"] != "ran") == (bool(record["refuse"]) or name in REFUSED_THOUGH_RIGHT)
    if record["onnxruntime"] == "ran":
        assert largest(folder, name, "text") < ROUNDING["float32"]


def test_quantised_operators_are_exact_and_networks_are_near(build: Build) -> None:
    folder = build(RECIPES["onnx_quantised"])
    for name, record in index_of(folder).items():
        assert record["onnxruntime"] == "ran"
        if "text" in record["deviation"]:
            exact = name.startswith("operator") and "lstm" not in name
            assert largest(folder, name, "text") <= (0 if exact else ROUNDING["float32"])
        else:
            assert ROUNDING["float32"] < largest(folder, name, "origin") < 0.03


def test_faults_show_and_what_is_honest_is_right(build: Build) -> None:
    folder = build(RECIPES["onnx_faults"])
    entries = index_of(folder)
    injected = {name: record for name, record in entries.items() if record["honest"]}
    assert len(injected) > 60
    assert {record["framework"] for record in injected.values()} == {"keras", "tf_keras", "torch"}
    for name, record in injected.items():
        assert largest(folder, name, "origin") > 10 * ROUNDING["float32"]
        with np.load(folder / f"{name}.x.npz") as x, np.load(folder / f"{name}.origin.npz") as origin:
            assert deviation(run(folder / record["honest"], x), origin) < ROUNDING["float32"]  # type: ignore[operator]


def test_onnxruntime_multiplies_otherwise_when_it_optimises(build: Build) -> None:
    folder = build(RECIPES["onnx_quantised"])
    found = {name: record for name, record in index_of(folder).items() if "float" in record}
    changed = {name for name in found if largest(folder, name, "unoptimised") > 1e-3}
    assert changed == {name for name, record in found.items() if record["way"] == "weights_int8"}


def test_a_function_without_defaults_is_constantly_zero(operators: Path, entries: dict[str, Any]) -> None:
    undefined = [name for name, record in entries.items() if record["undefined"]]
    assert len(undefined) == 6  # Affine and ScaledTanh in three operators
    for name in undefined:
        with np.load(operators / f"{name}.y.npz") as y:
            assert not np.any(y["Y"])
