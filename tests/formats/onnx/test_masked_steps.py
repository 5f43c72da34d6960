"""Cells written out step by step, whose steps do not count for every sample: a masked layer, or what is no mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from lstm_verify import Verdict, load, verify
from lstm_verify.layers.recurrent.written_out import WrittenOut
from tests.onnx_files import model_of, save

STEPS, FEATURES, UNITS = 4, 2, 3
RNG = np.random.default_rng(29)
W, U = RNG.normal(size=(FEATURES, UNITS)), RNG.normal(size=(UNITS, UNITS))
MARK = -7.0
"""The first feature of a step that does not count; no made input has it."""
X = RNG.normal(size=(6, STEPS, FEATURES))
X[0, 2:, 0] = X[1, :2, 0] = X[2, 1, 0] = X[3, :, 0] = MARK


def equations(kind: str) -> Any:
    """All outputs and the last state, (samples, timesteps + 1, units) float64."""
    w, u = (weights.astype(np.float32).astype(np.float64) for weights in (W, U))
    h, before, outputs = np.zeros((len(X), UNITS)), np.zeros((len(X), UNITS)), []
    for step in X.astype(np.float32).astype(np.float64).transpose(1, 0, 2):
        new = np.tanh(step @ w + h @ u)
        counts = np.broadcast_to(step[:, :1] != MARK, new.shape)
        if kind == "a mask for one unit":
            counts = counts | (np.arange(UNITS) > 0)
        if kind == "none":
            counts = np.ones_like(counts)
        old = {"what was there two steps ago": before, "zeros": np.zeros_like(h)}.get(kind, h)
        h, before = np.where(counts, new, old), h
        outputs.append(new if kind == "outputs that are not masked" else h)
    return np.stack([*outputs, h], axis=1)


def written(path: Path, kind: str) -> Path:
    """Write h = where(x_0 != mark, tanh(x W + h U), h) for all steps, or something like it, in a file."""
    value = helper.make_node
    nodes = [value("Split", ["x"], [f"x3_{t}" for t in range(STEPS)], axis=1)]
    for t in range(STEPS):
        nodes += [
            value("Squeeze", [f"x3_{t}", "one"], [f"x_{t}"]),
            value("MatMul", [f"x_{t}", "W"], [f"xW_{t}"]),
            value("MatMul", [f"h_{t}", "U"], [f"hU_{t}"]),
            value("Add", [f"xW_{t}", f"hU_{t}"], [f"z_{t}"]),
            value("Tanh", [f"z_{t}"], [f"new_{t}"]),
            value("Gather", [f"x_{t}", "first"], [f"mark_{t}"], axis=1),
            value("Equal", [f"mark_{t}", "mark"], [f"hides_{t}"]),
            value("Not", [f"hides_{t}"], [f"some_{t}"]),
            value("Or", [f"some_{t}", "others"], [f"counts_{t}"])
            if kind == "a mask for one unit"
            else value("Identity", [f"some_{t}"], [f"counts_{t}"]),
        ]
        old = {"what was there two steps ago": f"h_{max(t - 1, 0)}", "zeros": "h_0"}.get(kind, f"h_{t}")
        nodes.append(value("Where", [f"counts_{t}", f"new_{t}", old], [f"h_{t + 1}"]))
        source = f"new_{t}" if kind == "outputs that are not masked" else f"h_{t + 1}"
        nodes.append(value("Unsqueeze", [source, "one"], [f"y_{t}"]))
    nodes += [
        value("Shape", ["x"], ["shape"]),
        value("Gather", ["shape", "zero"], ["samples"]),
        value("Concat", ["samples", "units"], ["of_states"], axis=0),
        value("ConstantOfShape", ["of_states"], ["h_0"]),
        value("Unsqueeze", [f"h_{STEPS}", "one"], ["last"]),
        value("Concat", [*(f"y_{t}" for t in range(STEPS)), "last"], ["y"], axis=1),
    ]
    nodes = [*nodes[-6:-2], *nodes[:-6], *nodes[-2:]]
    constants = {"W": np.float32(W), "U": np.float32(U), "mark": np.float32(MARK)}
    constants |= {"one": np.array([1]), "first": np.array([0]), "zero": np.array([0]), "units": np.array([UNITS])}
    constants["others"] = np.arange(UNITS) > 0
    return Path(save(model_of(nodes, {"x": ["n", STEPS, FEATURES]}, ["y"], constants), path))


OTHERS = ["outputs that are not masked", "a mask for one unit", "what was there two steps ago", "zeros"]


def test_masked_steps_become_a_masked_layer(tmp_path: Path) -> None:
    path, x = written(tmp_path / "model.onnx", "a mask"), X.astype(np.float32)
    (layer,) = (layer for layer in load(path).layers.values() if layer.recurrences())
    assert isinstance(layer, WrittenOut)
    assert layer.masked
    wanted = equations("a mask")
    assert verify(path, x, expected=wanted, blind_spots=False).verdict is Verdict.MATCH
    for kind in OTHERS:
        assert verify(path, x, expected=equations(kind), diagnose=False).verdict is Verdict.MISMATCH, kind


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_mask_stays_as_it_is(kind: str, tmp_path: Path) -> None:
    """In a made run, which has no marks, each of them does what a mask does."""
    path, x = written(tmp_path / "model.onnx", kind), X.astype(np.float32)
    assert not any(getattr(layer, "masked", False) for layer in load(path).layers.values())
    assert verify(path, x, expected=equations(kind), blind_spots=False).verdict is Verdict.MATCH
    assert verify(path, x, expected=equations("a mask"), diagnose=False).verdict is Verdict.MISMATCH


def test_an_ignored_mask_is_named(tmp_path: Path) -> None:
    path, x = written(tmp_path / "model.onnx", "a mask"), X.astype(np.float32)
    report = verify(path, x, expected=equations("none"), blind_spots=False)
    assert report.diagnosis is not None
    assert [found.change.fault for found in report.diagnosis.explanations] == ["mask"]
