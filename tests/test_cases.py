"""Small inputs on which the verdict, the cause or the message was wrong once, where the folder with them is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.command import run
from tests.conftest import CASES

pytestmark = [
    pytest.mark.framework,
    pytest.mark.skipif(not CASES.exists(), reason="the folder with the cases is not there"),
]

VERDICTS = {
    "masking_0.001.keras masking_0.001.y.npz": 0,
    "masking_0.001.keras masking_0.001.zeros.npz": 1,
    "relu_threshold_0.3.keras relu_threshold_0.3.y.npz": 0,
    "relu_threshold_0.3.keras relu_threshold_0.3.fault.npz": 1,
    "Softmax.mask_given.keras Softmax.mask_given.y.npz": 0,
    "Softmax.mask_given.keras Softmax.mask_given.ignored.npz": 1,
    "input.bool.Dense.keras input.bool.Dense.y.npz": 0,
    "op.cast16.keras op.cast16.y.npz": 0,
    "hand.keras hand.y_f16.npy": 0,
    "StackedRNNCells.nested.keras StackedRNNCells.nested.y.npz": 0,
    "tm_gru.pb tm_gru.y.npz": 0,
}
"""The exit code, by model and predictions."""
CAUSES = {
    "masking_0.001.keras masking_0.001.wrong.npz": ("predictions: offset", "plus 0.5"),
    "hand.keras hand.y_round3.npy": ("predictions: rounded", "3 decimals"),
    "hand.keras hand.y_scaled.npy": ("predictions: scaled", "times 37.5 plus 12"),
    "hand.keras hand.y_shuffled.npy": ("predictions: permuted", "row 0 is that of sample 2"),
    "hand.keras hand.y_flat.npy": ("predictions: reshaped", "shape (4,)"),
    "tf32.keras tf32.y.npy": ("product_precision", "tf32"),
    "full_mask.keras full_mask.bad.npy": ("mask", "ignored in samples that are all padding"),
    "ts.keras ts.bn_stats.npy": ("initial_weights", "as built: 0 and 1"),
    "ts.keras ts.norm_twice.npy": ("normalization", "applied twice"),
    "mask_ignored_masking_gru.keras mask_ignored_masking_gru.y.npz": ("mask", "ignored"),
}
"""The fault that is named, and what the model behaves as, by model and predictions."""
WEIGHTS = ("k3.weights.h5", "k2_weights.h5", "tf_ckpt", "tf_ckpt/my_weights")
"""Weights of one model, of three kinds."""
PREDICTED = {("k3.weights.h5", "model.json"), ("k2_weights.h5", "model2.json"), ("tf_ckpt", "model.json")}
"""Those that a framework is asked to predict with."""


def report_of(files: str) -> dict[str, Any]:
    """The report on a model and predictions, and its exit code."""
    model, predicted = (CASES / name for name in files.split())
    stem = model.stem.removesuffix(".keras")
    x = next(path for path in (CASES / f"{stem}.x.npz", CASES / f"{stem}.x.npy") if path.exists())
    result = run(model, "-i", x, "-e", predicted, "--no-blind-spots", "--json", "-")
    report: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == report["exit_code"]
    return report


@pytest.mark.parametrize("files", VERDICTS)
def test_the_verdict(files: str) -> None:
    assert report_of(files)["exit_code"] == VERDICTS[files]


@pytest.mark.parametrize("config", ["model.json", "model2.json"])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_with_the_architecture_given(weights: str, config: str) -> None:
    folder = CASES / "weights_only"
    given = (folder / weights, "--architecture", folder / config, "-i", folder / "x.npy", "--no-blind-spots")
    recorded = run(*given, "-e", folder / "y.npy")
    assert recorded.exit_code == 0, recorded.output
    if (weights, config) in PREDICTED:
        predicted = run(*given)
        assert predicted.exit_code == 0, predicted.output


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_without_an_architecture_are_shown_as_they_are(weights: str) -> None:
    path = CASES / "weights_only" / weights
    found = json.loads(run("inspect", path, "--json", "-").stdout)
    shapes = {layer["type"]: [weight["shape"] for weight in layer["weights"].values()] for layer in found["layers"]}
    assert shapes == {
        "tensors, by their shapes of LSTM of 4 units": [[3, 16], [4, 16], [16]],
        "tensors, by their shapes of Dense of 2 units": [[4, 2], [2]],
    }
    assert "TensorFlow 1" not in json.dumps(found)
    refused = run(path, "-i", CASES / "weights_only" / "x.npy")
    assert refused.exit_code == 2
    assert "--architecture model.json" in refused.stderr


@pytest.mark.parametrize("files", CAUSES)
def test_the_cause(files: str) -> None:
    report = report_of(files)
    faults = [(fault["fault"], fault["behaves_as"]) for fault in report["diagnosis"]["faults"]]
    name, value = CAUSES[files]
    assert report["verdict"] == "mismatch"
    assert faults[0][0] == name
    assert faults[0][1].startswith(value)
    assert {fault for fault, _ in faults} == {name}


def test_the_sample_that_is_wrong_is_found() -> None:
    (output,) = report_of("relu_threshold_0.3.keras relu_threshold_0.3.fault.npz")["outputs"]
    assert (output["samples_beyond"], output["worst_sample"]) == (1, 3)


def test_the_cells_of_a_graph_with_time_first_are_recognised() -> None:
    found = report_of("tm_gru.pb tm_gru.y.npz")["recurrences"]
    assert [entry["type"] for entry in found] == ["GRU", "GRU"]


@pytest.mark.parametrize("name", ["hangs_1.h5", "hangs_2.h5"])
def test_a_file_that_the_library_never_finishes_is_refused(name: str) -> None:
    result = run(CASES / name, "--random", "4")
    assert result.exit_code == 2
    assert "not a readable HDF5 file" in result.stderr
