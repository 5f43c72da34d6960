"""Every committed fixture: verified against its recorded predictions, and through the framework that wrote it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstm_verify import Verdict, against, load, replay, verify
from tests.conftest import FIXTURES

MODELS = sorted(path.name for path in FIXTURES.iterdir() if path.suffix in (".h5", ".keras"))
ONNX = sorted(path.name for path in FIXTURES.glob("*.keras3.onnx"))


def inputs_of(model: str) -> Path:
    return FIXTURES / f"{model.split('.')[0]}.x.npz"


def test_there_are_fixtures_of_both_generations_in_both_formats() -> None:
    kinds = {model.split(".", 1)[1] for model in MODELS}
    assert kinds == {"keras2.h5", "keras2.keras", "keras3.h5", "keras3.keras"}


@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_recorded_predictions(model: str) -> None:
    name, generation, _ = model.split(".")
    report = verify(FIXTURES / model, inputs_of(model), expected=FIXTURES / f"{name}.{generation}.y.npz")
    assert report.verdict is Verdict.MATCH, report.summary()


@pytest.mark.framework
@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_its_framework(model: str) -> None:
    report = verify(FIXTURES / model, inputs_of(model), blind_spots=False)
    assert report.verdict is Verdict.MATCH, report.summary()
    assert report.predicted.name == ("tf_keras" if "keras2" in model else "keras")


@pytest.mark.parametrize("model", ONNX)
def test_an_onnx_file_agrees_with_the_model_it_was_exported_from(model: str) -> None:
    name = model.partition(".")[0]
    expected = list(np.load(FIXTURES / f"{name}.keras3.y.npz").values())
    outputs = [output.name for output in load(FIXTURES / model).outputs]
    report = verify(FIXTURES / model, inputs_of(model), expected=dict(zip(outputs, expected, strict=True)))
    assert report.verdict is Verdict.MATCH, report.summary()


@pytest.mark.framework
@pytest.mark.parametrize("model", ONNX)
def test_an_onnx_file_agrees_with_onnx_runtime(model: str) -> None:
    report = verify(FIXTURES / model, inputs_of(model), blind_spots=False)
    assert report.verdict is Verdict.MATCH, report.summary()
    assert report.predicted.name == "onnxruntime"


def test_an_export_with_the_gates_of_keras_is_found_out() -> None:
    model = FIXTURES / "sine.keras3.keras"
    report = against(model, FIXTURES / "sine.mistaken.onnx", FIXTURES / "sine.x.npz", predict=False)
    (other,) = report.others
    assert report.verdict is Verdict.MISMATCH
    assert other.function.diagnosis is not None
    assert [found.change.fault for found in other.function.diagnosis.explanations] == ["gate_order"]
    assert {pair.relation for pair in other.weights.pairs} == {"equal", "rearranged"}


def test_hard_sigmoid_means_what_the_writer_meant() -> None:
    """The two generations have the same weights here, and another function under the same name."""
    x = dict(np.load(FIXTURES / "hard_sigmoid.x.npz"))
    models = {generation: load(FIXTURES / f"hard_sigmoid.{generation}.h5") for generation in ("keras2", "keras3")}
    for (_, a), (_, b) in zip(models["keras2"].weights(), models["keras3"].weights(), strict=True):
        assert np.array_equal(a, b)
    difference = np.asarray(replay(models["keras2"], x)) - np.asarray(replay(models["keras3"], x))
    assert np.abs(difference).max() > 1e-2
    crossed = verify(
        FIXTURES / "hard_sigmoid.keras2.h5",
        FIXTURES / "hard_sigmoid.x.npz",
        expected=FIXTURES / "hard_sigmoid.keras3.y.npz",
    )
    assert crossed.verdict is Verdict.MISMATCH
