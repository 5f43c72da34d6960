"""The reports that the command line writes: JSON, JUnit, sample by sample, the replayed predictions; and inspect."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lstm_verify import load, replay
from tests.command import arguments, assert_refused, inputs, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"
REPORT_KEYS = {
    *("schema_version", "verdict", "exit_code", "reason", "model", "runtime", "tolerance", "outputs"),
    *("samples_with_own_sigma", "sigma_is_lower_bound", "diagnosis", "blind_spots", "blind_spots_complete"),
    *("recurrences", "notes", "golden", "timings"),
}


@pytest.fixture
def off_by(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """Predictions of the encoder and decoder with known errors in `decoder`, sample by sample."""
    errors = np.array([0.0, 0.3, 0.1, 0.0, 0.2, 0.05])
    with np.load(recorded("encoder_decoder")) as archive:
        arrays = dict(archive)
    arrays["decoder"][:, 2] += errors.astype(np.float32)
    np.savez(tmp_path / "off.npz", **arrays)
    return tmp_path / "off.npz", errors


def mismatch(off_by: tuple[Path, np.ndarray], *options: object) -> Any:
    result = run(model("encoder_decoder"), "-i", inputs("encoder_decoder"), "-e", off_by[0], *options)
    assert result.exit_code == 1
    return result


# --- JSON


def test_json_on_stdout_is_one_document_and_nothing_else() -> None:
    result = run(*arguments(ORIGIN), "--json", "-")
    report = json.loads(result.stdout)
    assert set(report) == REPORT_KEYS
    assert (report["schema_version"], report["verdict"], report["exit_code"]) == (1, "match", 0)
    assert report["runtime"]["name"] == "recorded"
    assert report["model"]["path"] == str(model(ORIGIN))
    assert {"load", "replay", "compare", "total"} <= set(report["timings"])
    assert result.stderr == ""


def test_json_in_a_file_leaves_the_report_on_stdout(tmp_path: Path) -> None:
    result = run(*arguments(ORIGIN), "--json", tmp_path / "report.json")
    assert "MATCH" in result.stdout
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "match"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_json_of_a_mismatch(off_by: tuple[Path, np.ndarray]) -> None:
    report = json.loads(mismatch(off_by, "--json", "-").stdout)
    assert (report["verdict"], report["exit_code"]) == ("mismatch", 1)
    outputs = {output["name"]: output for output in report["outputs"]}
    assert [outputs[name]["verdict"] for name in ("dense", "decoder", "decoder_1")] == ["match", "mismatch", "match"]
    decoder = outputs["decoder"]
    assert (decoder["shape"], decoder["samples"], decoder["samples_beyond"]) == ([6, 5], 6, 4)
    assert (decoder["worst_sample"], decoder["worst_index"]) == (1, [1, 2])
    assert decoder["deviations"] == pytest.approx(off_by[1], abs=1e-6)
    assert decoder["max_abs_deviation"] == max(decoder["deviations"])
    assert decoder["max_sigmas"] == max(decoder["sigmas"])
    assert [sigmas > 8 for sigmas in decoder["sigmas"]] == [error > 0 for error in off_by[1]]
    assert decoder["sigmas"][1] == pytest.approx(decoder["deviations"][1] / decoder["worst_sigma"])
    assert (report["samples_with_own_sigma"], decoder["unjudged"]) == (6, 0)
    assert decoder["worst_predicted"] - decoder["worst_replayed"] == pytest.approx(0.3, abs=1e-6)
    assert "decoder: 4 of 6 samples" in report["reason"]


def test_json_has_null_for_what_is_not_finite(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.full((4, 2), np.inf))
    result = run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", tmp_path / "y.npy", "--json", "-")
    report = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert report["verdict"] == "mismatch"
    assert report["outputs"][0]["deviations"] == [None] * 4


@pytest.mark.parametrize(("samples", "listed"), [("none", []), ("worst", [1, 4]), ("all", None)])
def test_json_lists_as_many_samples_as_it_is_to(
    samples: str, listed: list[int] | None, off_by: tuple[Path, np.ndarray]
) -> None:
    options = ("--json-samples", samples, "--top", 2, "--no-diagnose")
    decoder = json.loads(mismatch(off_by, "--json", "-", *options).stdout)["outputs"][1]
    assert decoder["samples_listed"] == listed
    errors = off_by[1] if listed is None else off_by[1][listed]
    assert decoder["deviations"] == pytest.approx(errors, abs=1e-6)
    assert len(decoder["sigmas"]) == len(decoder["unjudged_by_sample"]) == len(errors)
    assert (decoder["samples"], decoder["samples_beyond"]) == (6, 4)


def test_a_path_that_is_not_in_utf8(tmp_path: Path) -> None:
    """Linux has such file names; JSON can have them escaped."""
    path = tmp_path / "\udc80.h5"
    path.write_bytes(model(ORIGIN).read_bytes())
    files = tmp_path / "report.json", tmp_path / "report.sarif", tmp_path / "report.xml"
    options = ("--json", files[0], "--sarif", files[1], "--junit", files[2])
    assert run(path, "-i", inputs(ORIGIN), "-e", recorded(ORIGIN), *options).exit_code == 0
    assert json.loads(files[0].read_text())["model"]["path"] == str(path)
    assert json.loads(files[1].read_text())["runs"][0]["results"] == []
    assert ET.parse(files[2]).getroot()[0].get("name") == f"{tmp_path}/\\udc80.h5"


def test_sarif(off_by: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    mismatch(off_by, "--sarif", tmp_path / "report.sarif", "--no-diagnose", "-q")
    (found,) = json.loads((tmp_path / "report.sarif").read_text())["runs"]
    (result,) = found["results"]
    assert result["message"]["text"].startswith("decoder: 4 of 6 samples beyond what rounding explains\n")
    assert [artifact["location"]["uri"] for artifact in found["artifacts"]] == [model("encoder_decoder").as_uri()]


# --- JUnit


def test_junit_of_a_match(tmp_path: Path) -> None:
    assert run(*arguments("encoder_decoder"), "--junit", tmp_path / "junit.xml").exit_code == 0
    suite = ET.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.tag, suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("testsuite", "3", "0", "0")
    assert [case.get("name") for case in suite.iter("testcase")] == ["dense", "decoder", "decoder_1"]
    began = datetime.fromisoformat(suite.get("timestamp") or "")
    assert timedelta(0) <= datetime.now(UTC) - began < timedelta(minutes=10)
    assert not suite.findall("testcase/failure") + suite.findall("testcase/error")


def test_junit_of_a_mismatch(off_by: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    mismatch(off_by, "--junit", tmp_path / "junit.xml", "--no-diagnose")
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    problems = {
        case.get("name"): [(problem.tag, problem.get("message")) for problem in case.iterfind("failure")]
        for case in suite.iter("testcase")
    }
    assert problems == {
        "dense": [],
        "decoder": [("failure", "4 of 6 samples beyond what rounding explains")],
        "decoder_1": [],
    }


def test_junit_of_blind_spots_that_were_not_to_be(tmp_path: Path) -> None:
    command = (*arguments(ORIGIN), "--fail-on-blind-spots", "--junit", tmp_path / "junit.xml")
    assert run(*command).exit_code == 1
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [len(case.findall("failure")) for case in suite.iter("testcase")] == [0, 1]


def test_junit_of_an_inconclusive_verdict_is_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((4, 3, 2), np.nan))
    np.save(tmp_path / "y.npy", np.full((4, 2), np.nan))
    junit = tmp_path / "junit.xml"
    assert run(model(ORIGIN), "-i", tmp_path / "x.npy", "-e", tmp_path / "y.npy", "--junit", junit).exit_code == 3
    suite = ET.parse(junit).getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")
    assert len(suite.findall("testsuite/testcase/error")) == 1


def test_json_of_a_sequence_that_is_not_a_number_in_part(tmp_path: Path) -> None:
    """JSON has no NaN: what is told of each time step and layer is null then."""
    name = "encoder_decoder"
    y = dict(np.load(recorded(name, "keras2.h5")))
    y["dense"] = np.array(y["dense"])
    y["dense"][0, 2] = np.nan
    np.savez(tmp_path / "y.npz", **y)
    path = tmp_path / "report.json"
    assert run(model(name, "keras2.h5"), "-i", inputs(name), "-e", tmp_path / "y.npz", "--json", path).exit_code == 1
    steps = dict(json.loads(path.read_text())["diagnosis"]["over_time"])
    assert steps[2] is None
    assert steps[1] < 1e-5


# --- sample by sample, and the replayed predictions


def test_per_sample_csv(off_by: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    mismatch(off_by, "--per-sample", tmp_path / "deviations.csv", "--no-diagnose")
    with (tmp_path / "deviations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["output"] for row in rows] == ["dense"] * 6 + ["decoder"] * 6 + ["decoder_1"] * 6
    decoder = rows[6:12]
    assert [int(row["sample"]) for row in decoder] == list(range(6))
    assert [float(row["abs_deviation"]) for row in decoder] == pytest.approx(off_by[1], abs=1e-6)
    assert [row["within"] for row in decoder] == ["1", "0", "0", "1", "0", "0"]
    assert [row["index"] for row in decoder if row["within"] == "0"] == ["2"] * 4
    assert all(len(row["index"].split()) == 2 for row in rows[:6])  # a time step and a unit
    assert [float(row["sigmas"]) > 8 for row in decoder] == [row["within"] == "0" for row in decoder]


def test_per_sample_npy(off_by: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    mismatch(off_by, "--per-sample", tmp_path / "deviations.npy", "--no-diagnose")
    deviations = np.load(tmp_path / "deviations.npy")
    assert (deviations.shape, deviations.dtype) == ((6, 3), np.float64)
    np.testing.assert_allclose(deviations[:, 1], off_by[1], atol=1e-6)
    assert deviations[:, [0, 2]].max() < 1e-6


def test_output_is_what_replay_gives(tmp_path: Path) -> None:
    assert run(*arguments("encoder_decoder"), "--output", tmp_path / "replayed.npz").exit_code == 0
    with np.load(inputs("encoder_decoder")) as x, np.load(tmp_path / "replayed.npz") as found:
        outputs = replay(load(model("encoder_decoder")), dict(x))
        assert found.files == list(outputs) == ["dense", "decoder", "decoder_1"]
        for name in found.files:
            assert found[name].dtype == np.float64
            np.testing.assert_array_equal(found[name], outputs[name])


def test_an_output_file_that_is_there_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    run(*arguments(ORIGIN), "--json", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "match"


# --- what is shown


@pytest.mark.parametrize(("top", "shown"), [(0, []), (2, ["1", "4"]), (100, ["1", "4", "2", "5", "0", "3"])])
def test_top(off_by: tuple[Path, np.ndarray], top: int, shown: list[str]) -> None:
    with np.load(off_by[0]) as archive:
        arrays = dict(archive)
    arrays["decoder"][3, 2] += 1e-4  # so that no two samples are equally wrong
    arrays["decoder"][0, 2] += 2e-4
    np.savez(off_by[0], **arrays)
    text = mismatch(off_by, "--top", top, "--no-diagnose").stdout
    table = text.partition("worst samples of decoder\n")[2].partition("worst samples of decoder_1")[0]
    rows = [line.split() for line in table.splitlines() if "(2)" in line]
    assert [row[0] for row in rows] == shown


def test_quiet_prints_nothing(off_by: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    wrong = mismatch(off_by, "-q", "--no-diagnose", "--json", tmp_path / "report.json")
    for result in (run(*arguments(ORIGIN), "--quiet"), wrong):
        assert result.output == ""
    assert json.loads((tmp_path / "report.json").read_text())["exit_code"] == 1


def test_quiet_keeps_notes_to_itself_but_not_errors(tmp_path: Path) -> None:
    with np.load(inputs(ORIGIN)) as archive:
        np.savez(tmp_path / "x.npz", unknown=archive["input"])
    assert run(model(ORIGIN), "-i", tmp_path / "x.npz", "-e", recorded(ORIGIN), "-q").output == ""
    assert_refused(run(tmp_path / "missing.h5", "--random", "2", "-q"), "missing.h5")


def test_names_that_look_like_markup_are_shown_as_they_are(tmp_path: Path) -> None:
    with np.load(inputs(ORIGIN)) as archive:
        np.save(tmp_path / "[bold].npy", archive["input"])
    (tmp_path / "[red].h5").write_bytes(model(ORIGIN).read_bytes())
    result = run(tmp_path / "[red].h5", "-i", tmp_path / "[bold].npy", "-e", recorded(ORIGIN))
    assert "[red].h5" in result.stdout.replace("\n", "").replace(" ", "")


# --- inspect


def test_inspect_shows_layers_gates_activations_shapes_and_the_writer() -> None:
    result = run("inspect", model("bidirectional_masked", "keras2.h5"))
    assert result.exit_code == 0
    words = ("Keras 2.", "Keras HDF5", "words", "Embedding", "Bidirectional", "LSTM", "gates=i, f, c, o")
    for word in (*words, "activation=tanh", "recurrent_activation=sigmoid", "kernel (4, 20) float32", "softmax"):
        assert word in result.stdout, word
    assert result.stderr == ""


def test_inspect_tells_the_two_hard_sigmoids_apart() -> None:
    shown = {kind: run("inspect", model("hard_sigmoid", kind)).stdout for kind in ("keras2.h5", "keras3.h5")}
    assert "0.2" in shown["keras2.h5"]
    assert "0.2" not in shown["keras3.h5"]


def test_inspect_as_json(tmp_path: Path) -> None:
    on_stdout = run("inspect", model("stacked_gru", "keras2.keras"), "--json", "-")
    found = json.loads(on_stdout.stdout)
    assert found["writer"].startswith("Keras 2.")
    assert [layer["type"] for layer in found["layers"]] == ["GRU", "GRU", "Dense"]
    assert [layer["settings"].get("reset_after") for layer in found["layers"]] == [True, False, None]
    assert found["layers"][0]["weights"]["kernel"] == {"shape": [3, 15], "dtype": "float32"}
    in_file = run("inspect", model("stacked_gru", "keras2.keras"), "--json", tmp_path / "found.json")
    assert "reset_before" in in_file.stdout
    assert json.loads((tmp_path / "found.json").read_text()) == found


@pytest.mark.parametrize("kind", ["keras2.h5", "keras2.keras", "keras3.h5", "keras3.keras"])
def test_inspect_every_fixture(kind: str) -> None:
    for path in sorted(model("*", kind).parent.glob(f"*.{kind}")):
        result = run("inspect", path, "--json", "-")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["parameters"] > 0
