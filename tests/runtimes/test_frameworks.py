"""The real frameworks, each in its child process. A start takes seconds, so there are few of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lstm_verify import Model, Verdict, load, verify
from lstm_verify.layers import RNN
from lstm_verify.operations.activations import ActivationFunction
from tests.command import inputs, model

pytestmark = [pytest.mark.framework, pytest.mark.cold]

ORIGIN = "origin_tanh_sigmoid"


@pytest.mark.parametrize(
    ("name", "kind", "runtime"),
    [
        ("encoder_decoder", "keras3.keras", "keras"),
        ("stateful", "keras3.h5", "keras"),
        ("bidirectional_masked", "keras2.h5", "tf_keras"),
        ("hard_sigmoid", "keras2.keras", "tf_keras"),
    ],
)
def test_the_framework_that_wrote_a_file_predicts_what_is_replayed(name: str, kind: str, runtime: str) -> None:
    report = verify(model(name, kind), inputs(name))
    assert report.verdict is Verdict.MATCH, report.summary()
    assert report.predicted.name == runtime
    assert " on TensorFlow 2." in report.predicted.description
    assert report.outputs[0].max_abs_deviation > 0  # two computations, not one
    assert report.timings["predict"] > 0


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lstm_verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_a_framework_that_cannot_open_the_file_is_inconclusive() -> None:
    """Keras 3 does not know `time_major`, which Keras 2 writes."""
    result = run(model(ORIGIN, "keras2.h5"), "-i", inputs(ORIGIN), "--runtime", "keras", "--json", "-")
    report = json.loads(result.stdout)
    assert result.returncode == report["exit_code"] == 3
    assert report["verdict"] == "inconclusive"
    assert report["reason"].startswith("keras: ")
    assert "time_major" in report["reason"]
    assert report["reason"].isprintable()
    assert report["outputs"] == []
    assert result.stderr == ""


@pytest.mark.parametrize("kind", ["keras2.keras", "keras3.h5"])
def test_a_file_of_any_name_and_no_noise_on_stderr(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model(ORIGIN, kind).read_bytes())
    result = run(path, "--random", "5", "--seed", "7")
    assert result.stderr == ""
    assert result.returncode == 0, result.stdout
    assert "all 5 samples agree" in result.stdout


def with_hard_sigmoid(path: Path) -> Model:
    """The model as it would be read if its recurrent activation were taken for another."""
    read = load(path)
    lstm = read.layers["lstm"]
    assert isinstance(lstm, RNN)
    cell = replace(lstm.cell, recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=1 / 6))
    return replace(read, layers={**read.layers, "lstm": replace(lstm, cell=cell)})


def test_a_wrong_replay_is_a_mismatch() -> None:
    report = verify(with_hard_sigmoid(model(ORIGIN)), inputs(ORIGIN))
    assert report.verdict is Verdict.MISMATCH
    assert report.outputs[0].samples_beyond == 4
    assert report.outputs[0].max_abs_deviation > 1e-3
