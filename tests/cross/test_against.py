"""Files against each other: the library and the command, on files that exporters wrote, right and wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lstm_verify import InputError, Verdict, against, load
from tests.builders import FEATURES, TIMESTEPS, dense, random_array, sequential
from tests.building import RECIPES, Build
from tests.command import run
from tests.conftest import FIXTURES

ORIGIN = FIXTURES / "origin_tanh_sigmoid.keras3.h5"
SAME = FIXTURES / "origin_tanh_sigmoid.keras3.keras"
X = FIXTURES / "origin.x.npy"


@pytest.fixture(scope="module")
def exports(build: Build) -> Path:
    return build(RECIPES["onnx_exports_keras"])


@pytest.fixture(scope="module")
def of_torch(build: Build) -> Path:
    return build(RECIPES["onnx_exports_torch"])


@pytest.fixture(scope="module")
def of_keras_on_torch(build: Build) -> Path:
    return build(RECIPES["onnx_exports_keras_torch"])


@pytest.mark.parametrize(
    "name", ["lstm", "gru_reset_before", "bidirectional_sum", "masked", "states", "seq2seq", "conv_lstm", "backwards"]
)
def test_an_export_and_a_saved_model_are_what_they_were_made_of(exports: Path, name: str) -> None:
    others = [exports / f"{name}_export.onnx", exports / name]
    report = against(exports / f"{name}.keras", others, exports / f"{name}.x.npz", predict=False)
    assert report.verdict is Verdict.MATCH, report
    for other in report.others:
        assert other.weights.same or name == "conv_lstm", other.weights  # where normalisation became a part of it
        assert not other.differences


# ------------------------------------------------------------------------------------------------- mistakes


def test_a_hard_sigmoid_that_lost_its_slope_is_named(exports: Path) -> None:
    """tf2onnx takes `max(min(x·½ + ½, 1), 0)` for a HardSigmoid, and leaves out alpha, which is 1/5 then."""
    x = exports / "qkeras_gate.x.npz"
    report = against(exports / "qkeras_gate", exports / "qkeras_gate_export.onnx", x, predict=False)
    assert report.verdict is Verdict.MISMATCH
    (other,) = report.others
    assert other.weights.same
    assert other.function.diagnosis is not None
    change = other.function.diagnosis.explanations[0].change
    assert (change.fault, change.behaves_as) == ("recurrent_activation", "hard_sigmoid(slope=0.2)")
    assert [(d.setting, d.value, d.other_value) for d in other.differences] == [
        ("recurrent_activation", "hard_sigmoid(slope=0.5)", "hard_sigmoid(slope=0.2)")
    ]


def test_an_export_that_computes_the_first_step_alone_is_named(of_keras_on_torch: Path) -> None:
    folder = of_keras_on_torch
    report = against(
        folder / "any_length.keras", folder / "any_length_export.onnx", folder / "any_length.x.npz", predict=False
    )
    assert report.verdict is Verdict.MISMATCH
    assert report.others[0].weights.same
    diagnosis = report.others[0].function.diagnosis
    assert diagnosis is not None
    change = diagnosis.explanations[0].change
    assert (change.fault, change.behaves_as) == ("time_steps", "only the first")


def test_a_length_that_an_exporter_froze_is_said(of_torch: Path) -> None:
    files = of_torch / "any_length_torchscript.onnx", of_torch / "any_length_dynamo.onnx"
    with pytest.raises(InputError, match=r"\(any, 7, 3\) in the file, .* fix lengths \(7\)"):
        against(*files, of_torch / "any_length_dynamo_longer.x.npz", predict=False)


def test_two_exports_of_one_model_by_one_framework(of_torch: Path) -> None:
    files = of_torch / "lstm_sequences_torchscript.onnx", of_torch / "lstm_sequences_dynamo.onnx"
    report = against(*files, of_torch / "lstm_sequences_dynamo.x.npz", predict=False)
    assert report.verdict is Verdict.MATCH, report
    assert report.others[0].weights.same


# ------------------------------------------------------------------------------------------------- which is which


def test_outputs_of_one_shape_are_told_apart_by_experiment(exports: Path) -> None:
    """h and c have the same shape, and other names there."""
    report = against(exports / "states.keras", exports / "states_export.onnx", exports / "states.x.npz", predict=False)
    names = report.others[0].names
    assert len(set(names.values())) == len(names) == 3
    swapped = dict(zip(names, [*list(names.values())[:1], *list(names.values())[:0:-1]], strict=True))
    report = against(
        exports / "states.keras", exports / "states_export.onnx", exports / "states.x.npz", names=swapped, predict=False
    )
    assert report.verdict is Verdict.MISMATCH  # what a user says is done


def test_a_name_that_is_in_neither_file_is_an_error() -> None:
    with pytest.raises(
        InputError, match=r"--map dense=nothing: expected .* They have input → dense, and input → dense"
    ):
        against(ORIGIN, SAME, X, names={"dense": "nothing"}, predict=False)


def test_what_hard_sigmoid_is_differs_between_the_generations_of_keras() -> None:
    """The same weights, another function: slope 1/5 in Keras 2, 1/6 in Keras 3."""
    files = (FIXTURES / f"hard_sigmoid.{name}.h5" for name in ("keras2", "keras3"))
    report = against(*files, FIXTURES / "hard_sigmoid.x.npz", predict=False)
    (other,) = report.others
    assert other.weights.same
    assert report.verdict is Verdict.MISMATCH
    assert other.function.diagnosis is not None
    assert other.function.diagnosis.explanations[0].change.fault == "recurrent_activation"
    assert {d.other_value for d in other.differences} == {"hard_sigmoid(slope=0.166667)"}


# ------------------------------------------------------------------------------------------------- what a match shows


def test_two_replays_are_not_judged_by_the_rounding_of_a_narrow_format() -> None:
    """Weights that are off by 1 % are within what rounding to float16 does to predictions, and another function."""
    one = replace(dense(2, FEATURES), compute_dtype="float16")
    other = replace(one, kernel=one.kernel * np.float32(1.01))
    x = random_array(6, TIMESTEPS, FEATURES)
    source = load(ORIGIN).source
    models = [replace(sequential(layer), source=source) for layer in (one, other)]
    assert against(*models, x, predict=False, diagnose=False).verdict is Verdict.MISMATCH
    assert against(models[0], models[0], x, predict=False).verdict is Verdict.MATCH


def test_a_match_says_what_its_inputs_could_not_have_shown() -> None:
    """Nothing is masked and no state is given, so that much could be otherwise in the other file."""
    report = against(ORIGIN, SAME, X, predict=False)
    spots = report.others[0].function.blind_spots
    assert spots is not None
    assert spots.found
    assert "blind spots: this input could not have shown: " in str(report)


# ------------------------------------------------------------------------------------------------- the command


def test_the_command_says_it_in_a_table_and_a_sentence() -> None:
    done = run(ORIGIN, "--against", SAME, "--input", X, "--no-runtime")
    assert done.exit_code == 0
    assert "MATCH  origin_tanh_sigmoid.keras3.keras computes what origin_tanh_sigmoid.keras3.h5 does\n" in done.stdout
    assert "5 equal" in done.stdout


def test_the_command_writes_json_and_junit(tmp_path: Path) -> None:
    other = FIXTURES / "origin_relu_sigmoid.keras3.h5"
    files = tmp_path / "report.json", tmp_path / "report.xml"
    options = ["--no-runtime", "--no-diagnose", "--json", files[0], "--junit", files[1], "--quiet"]
    done = run(ORIGIN, "--against", SAME, "--against", other, "--input", X, *options)
    assert (done.exit_code, done.stdout) == (1, "")
    found = json.loads(files[0].read_text())
    assert found["verdict"] == "mismatch"
    assert [entry["function"]["verdict"] for entry in found["against"]] == ["match", "mismatch"]
    assert [entry["weights"]["same"] for entry in found["against"]] == [True, False]
    suite = ET.parse(files[1]).getroot()
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--expected", X], "--against and --expected exclude each other"),
        (["--runtime", "keras"], "--against and --runtime exclude each other"),
        (["--map", "x"], "--map x: expected A=B"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[object], says: str) -> None:
    done = run(ORIGIN, "--against", SAME, "--input", X, *options)
    assert done.exit_code == 2
    assert says in done.stderr


@pytest.mark.parametrize("option", [["--map", "a=b"], ["--no-runtime"]])
def test_options_of_a_comparison_need_one(option: list[str]) -> None:
    done = run(ORIGIN, "--input", X, *option)
    assert done.exit_code == 2
    assert "are for --against" in done.stderr


def test_a_comparison_with_itself_is_a_match_in_all_its_numbers() -> None:
    report = against(ORIGIN, ORIGIN, np.load(X), predict=False)
    assert report.verdict is Verdict.MATCH
    assert report.others[0].function.outputs[0].max_abs_deviation == 0
