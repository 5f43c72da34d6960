"""Every file of the ONNX zoo is read and replayed: it computes what its origin predicts, or it is refused."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import LstmVerifyError, Report, Verdict, load, replay, verify
from tests.building import RECIPES, Build
from tests.zoo.onnx.structures import ENTRIES

ORIGINS = {"keras": 60, "tf_keras": 30, "torch": 60, "keras_torch": 30}
"""How many exports there are, at least."""
MISTAKEN = {
    "keras": {"qkeras_gate_export", "qkeras_gate_tf2onnx"},  # tf2onnx takes one hard sigmoid for another
    "tf_keras": {"qkeras_gate_tf2onnx"},
    "torch": set[str](),
    "keras_torch": {"any_length_export"},  # the first step alone
}
"""Exports that exporters write wrongly; they do what they say, which is not what the origin does."""
ERFC = "node '.*': tf2onnx writes Erfc for an exact gelu, but ONNX has no such operator"
FROZEN = r"shape \(5, 9, 3\), expected \(samples, 7, 3\)"
UNREADABLE: dict[str, dict[str, str]] = {
    "keras": {"gelu_export": ERFC, "gelu_tf2onnx": ERFC},
    "tf_keras": {"gelu_tf2onnx": ERFC},
    "torch": {
        "projected_dynamo": "Was it exported from a layer with a projection",
        "any_length_dynamo_longer": FROZEN,
        "any_length_gru_dynamo_longer": FROZEN,
    },
    "keras_torch": {},
}
ENDLESS = "endless"


def entries(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "index.json").read_text())["entries"]
    return found


@cache
def arrays(path: Path) -> dict[str, Any]:
    """What was recorded, in float32 where it was computed in float64."""
    with np.load(path) as found:
        return {name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in found.items()}


def report(folder: Path, name: str, kind: str) -> Report:
    """What becomes of an entry, given what it should compute."""
    x, y = arrays(folder / f"{name}.x.npz"), arrays(folder / f"{name}.{kind}.npz")
    return verify(folder / f"{name}.onnx", x, expected=y, diagnose=False, blind_spots=False)


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_export_does_what_its_origin_does(build: Build, origin: str) -> None:
    folder = build(RECIPES[f"onnx_exports_{origin}"])
    found = entries(folder)
    assert len(found) >= ORIGINS[origin]
    for name in found:
        if name in UNREADABLE[origin]:
            with pytest.raises(LstmVerifyError, match=UNREADABLE[origin][name]):
                report(folder, name, "origin")
        elif name in MISTAKEN[origin]:
            assert report(folder, name, "origin").verdict is Verdict.MISMATCH, name
            assert report(folder, name, "y").verdict is Verdict.MATCH, name
        else:
            assert report(folder, name, "origin").verdict is Verdict.MATCH, name
            assert report(folder, name, "y").verdict is Verdict.MATCH, name


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != ENDLESS])
def test_what_is_made_by_hand_is_replayed_or_refused(build: Build, name: str) -> None:
    folder = build(RECIPES["onnx_structures"])
    if entries(folder)[name]["refuse"]:
        with pytest.raises(LstmVerifyError, match=f"{name}.onnx: "):
            load(folder / f"{name}.onnx")
    else:
        assert report(folder, name, "text").verdict is Verdict.MATCH


def test_a_loop_without_an_end_is_stopped(build: Build) -> None:
    folder = build(RECIPES["onnx_structures"])
    with pytest.raises(LstmVerifyError, match="it did not end after 250,000 rounds"):
        replay(load(folder / f"{ENDLESS}.onnx"), {"x": np.zeros((7, 3), np.float32)})


CLIPPED = {"clip_lstm_keras_tf2onnx"}
"""Where ONNX Runtime does not do what the file says."""


def test_a_faulty_export_does_what_it_says_and_that_is_wrong(build: Build) -> None:
    folder = build(RECIPES["onnx_faults"])
    for name, record in entries(folder).items():
        if record["onnxruntime"] == "ran":
            assert report(folder, name, "origin").verdict is Verdict.MISMATCH, name
            assert (report(folder, name, "y").verdict is Verdict.MATCH) == (name not in CLIPPED), name


TIES = {
    *("operator_quantize_linear_uint8", "operator_quantize_linear_int8", "operator_quantize_linear_per_axis"),
    "operator_dynamic_quantize_linear_halves",
}
"""Halves, of which rounding alone decides what they become."""


def test_what_is_quantised_is_replayed(build: Build) -> None:
    folder = build(RECIPES["onnx_quantised"])
    for name, record in entries(folder).items():
        if "dynamic_quantize_lstm" in name or name.startswith(("lstm_dynamic", "stacked_dynamic")):
            continue
        found = report(folder, name, "unoptimised" if "float" in record else "y").verdict
        assert found is (Verdict.INCONCLUSIVE if name in TIES else Verdict.MATCH), name


@pytest.mark.xfail(strict=True, reason="DynamicQuantizeLSTM is not replayed yet")
@pytest.mark.parametrize("name", ["operator_dynamic_quantize_lstm_int8", "lstm_dynamic_int8", "stacked_dynamic_int8"])
def test_a_layer_that_is_quantised_as_it_runs_is_replayed(build: Build, name: str) -> None:
    assert report(build(RECIPES["onnx_quantised"]), name, "y").verdict is Verdict.MATCH
