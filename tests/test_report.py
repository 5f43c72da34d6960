"""Reports: a verdict that cannot be mistaken for another, as data that every JSON reader takes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from lstm_verify import Verdict
from lstm_verify.arrays import finite
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.errors import MismatchError
from tests import reports
from tests.reports import REPORTS

KEYS = {
    "golden",
    "schema_version",
    "verdict",
    "exit_code",
    "reason",
    "model",
    "runtime",
    "tolerance",
    "samples_with_own_sigma",
    "sigma_is_lower_bound",
    "outputs",
    "diagnosis",
    "blind_spots",
    "blind_spots_complete",
    "notes",
    "recurrences",
    "timings",
}
OUTPUT_KEYS = {
    "name",
    "verdict",
    "reason",
    "shape",
    "samples",
    "samples_beyond",
    "non_finite",
    "max_abs_deviation",
    "max_rel_deviation",
    "max_sigmas",
    "unjudged",
    "worst_sample",
    "worst_index",
    "worst_predicted",
    "worst_replayed",
    "worst_sigma",
    "samples_listed",
    "deviations",
    "sigmas",
    "unjudged_by_sample",
    "beyond_by_sample",
    "sigma_is_known",
    "sigmas_needed",
    "judged_up_to_sigmas",
    "sigmas_are_at_most",
}
VERDICTS = {
    "match": (Verdict.MATCH, 0),
    "mismatch": (Verdict.MISMATCH, 1),
    "not_finite": (Verdict.MISMATCH, 1),
    "nan_on_both_sides": (Verdict.INCONCLUSIVE, 3),
    "no_outputs": (Verdict.INCONCLUSIVE, 3),
    "no_samples": (Verdict.INCONCLUSIVE, 3),
    "missing_output": (Verdict.MISMATCH, 1),
    "other_shape": (Verdict.MISMATCH, 1),
    "of_no_file": (Verdict.MATCH, 0),
    "several_axes": (Verdict.MISMATCH, 1),
    "strange_names": (Verdict.MISMATCH, 1),
    "strange_names_and_no_outputs": (Verdict.INCONCLUSIVE, 3),
    "match_by_rounding": (Verdict.MATCH, 0),
    "mismatch_by_rounding": (Verdict.MISMATCH, 1),
    "unjudged": (Verdict.INCONCLUSIVE, 3),
    "explained": (Verdict.MISMATCH, 1),
    "ambiguous": (Verdict.MISMATCH, 1),
    "unexplained": (Verdict.MISMATCH, 1),
    "with_blind_spots": (Verdict.MATCH, 0),
    "without_blind_spots": (Verdict.MATCH, 0),
    "fails_on_blind_spots": (Verdict.MATCH, 1),
    "not_all_blind_spots": (Verdict.MATCH, 0),
}
every_report = pytest.mark.parametrize("name", REPORTS)


def plain(name: str) -> dict[str, Any]:
    """A report as a JSON reader sees it, which knows no NaN."""
    text = json.dumps(REPORTS[name]().to_dict(), allow_nan=False)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@every_report
def test_a_report_has_no_truth_value(name: str) -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(REPORTS[name]())


@every_report
def test_verdicts_and_exit_codes(name: str) -> None:
    report = REPORTS[name]()
    assert (report.verdict, report.exit_code) == VERDICTS[name]


@every_report
def test_raise_for_mismatch_raises_for_all_that_the_command_fails_on(name: str) -> None:
    report = REPORTS[name]()
    if VERDICTS[name][1] == 0:
        report.raise_for_mismatch()
        return
    with pytest.raises(MismatchError) as raised:
        report.raise_for_mismatch()
    assert str(raised.value) == f"{report.verdict}: {report.summary()}"
    assert report.summary()


def test_summaries() -> None:
    assert reports.match().summary() == "all 4 samples agree"
    assert reports.mismatch().summary() == "dense: 2 of 4 samples beyond the tolerance"
    assert reports.no_outputs().summary() == "tf_keras: gave up after 600 s"
    assert reports.missing_output().summary() == "states: output 'states' was not predicted"


@every_report
def test_the_keys_are_those_documented(name: str) -> None:
    data = plain(name)
    assert set(data) == KEYS
    assert set(data["model"]) == {"name", "path", "format", "writer", "layers", "parameters"}
    assert set(data["runtime"]) == {"name", "description", "products", "device", "again"}
    assert set(data["tolerance"]) == {"sigmas", "atol", "rtol", "decimals"}
    assert all(set(output) == OUTPUT_KEYS for output in data["outputs"])
    assert data["schema_version"] == 1


@every_report
def test_verdict_and_exit_code_as_data(name: str) -> None:
    data = plain(name)
    assert (data["verdict"], data["exit_code"]) == (str(VERDICTS[name][0]), VERDICTS[name][1])
    assert (data["reason"] == "") == (VERDICTS[name][1] == 0)


def test_the_numbers_of_a_mismatch() -> None:
    data = plain("mismatch")
    (output,) = data["outputs"]
    assert output == {
        "name": "dense",
        "verdict": "mismatch",
        "reason": "2 of 4 samples beyond the tolerance",
        "shape": [4, 3],
        "samples": 4,
        "samples_beyond": 2,
        "non_finite": 0,
        "max_abs_deviation": 0.5,
        "max_rel_deviation": 1.0,  # of sample 0, where 0 is predicted for 0.25
        "max_sigmas": None,  # σ is not known
        "unjudged": 0,
        "worst_sample": 3,
        "worst_index": [3, 1],
        "worst_predicted": 10 / 8 + 0.5,
        "worst_replayed": 10 / 8,
        "worst_sigma": None,
        "samples_listed": None,
        "deviations": [0.25, 0.0, 0.0, 0.5],
        "sigmas": [None] * 4,
        "unjudged_by_sample": [False] * 4,
        "beyond_by_sample": [True, False, False, True],
        "sigma_is_known": False,
        "sigmas_needed": [None] * 4,
        "judged_up_to_sigmas": [None] * 4,
        "sigmas_are_at_most": [False] * 4,
    }
    assert data["tolerance"] == {"sigmas": None, "atol": 1e-5, "rtol": 1e-4, "decimals": None}
    assert data["samples_with_own_sigma"] == 0
    assert data["diagnosis"] is data["blind_spots"] is None
    assert data["timings"] == {"load": 0.01, "replay": 0.1235, "total": 1.5}


def test_the_numbers_of_a_mismatch_by_rounding() -> None:
    """The worst sample is the one of most σ, not the one that deviates most."""
    data = plain("mismatch_by_rounding")
    (output,) = data["outputs"]
    assert output == {
        "name": "dense",
        "verdict": "mismatch",
        "reason": "1 of 4 samples beyond what rounding explains",
        "shape": [4, 3],
        "samples": 4,
        "samples_beyond": 1,
        "non_finite": 0,
        "max_abs_deviation": 6 * 2**-20,
        "max_rel_deviation": 6 * 2**-20 / (7 / 8 + 6 * 2**-20),
        "max_sigmas": 20.0,
        "unjudged": 0,
        "worst_sample": 1,
        "worst_index": [1, 0],
        "worst_predicted": 3 / 8 + 2.5 * 2**-20,
        "worst_replayed": 3 / 8,
        "worst_sigma": 2**-23,
        "samples_listed": None,
        "deviations": [0.0, 2.5 * 2**-20, 6 * 2**-20, 0.0],
        "sigmas": [0.0, 20.0, 6.0, 0.0],
        "unjudged_by_sample": [False] * 4,
        "beyond_by_sample": [False, True, False, False],
        "sigma_is_known": True,
        "sigmas_needed": [0.0, 20.0, 6.0, 0.0],
        "judged_up_to_sigmas": [None] * 4,
        "sigmas_are_at_most": [False] * 4,
    }
    assert data["tolerance"] == {"sigmas": 8.0, "atol": None, "rtol": None, "decimals": None}
    assert data["samples_with_own_sigma"] == 4


def test_what_cannot_be_judged_is_counted() -> None:
    data = plain("unjudged")
    (output,) = data["outputs"]
    assert (output["unjudged"], output["non_finite"]) == (1, 0)
    assert output["unjudged_by_sample"] == [False, True, False, False]
    assert data["reason"].startswith("dense: 1 value cannot be judged")


def test_a_diagnosis_as_data() -> None:
    data = plain("explained")["diagnosis"]
    assert (data["status"], data["tried"], data["complete"]) == ("explained", 7, True)
    (fault,) = data["faults"]
    assert fault == {
        "explanation": 0,
        "fault": "recurrent_activation",
        "layer": "lstm",
        "parameter": "recurrent_activation",
        "file_says": "sigmoid",
        "behaves_as": "hard_sigmoid(slope=0.2)",
        "max_abs_deviation_before": 0.25,
        "max_abs_deviation_after": 1e-7,
        "sigmas_after": 0.5,
        "samples": 4,
        "also": [{"fault": "bias", "layer": "lstm"}],
    }
    both = plain("ambiguous")["diagnosis"]
    assert [(fault["explanation"], fault["fault"]) for fault in both["faults"]] == [
        (0, "recurrent_activation"),
        (1, "bias"),
    ]
    assert both["separating_input"] == {"random": 16, "seed": 3}
    none = plain("unexplained")["diagnosis"]
    assert (none["status"], none["faults"], none["complete"]) == ("unexplained", [], False)


def test_blind_spots_as_data() -> None:
    found = plain("with_blind_spots")["blind_spots"]
    assert [(spot["fault"], spot["layer"], spot["effect_sigmas"]) for spot in found] == [
        ("initial_state", "lstm", 0.0),
        ("clip", "lstm", 2.5e-7),
        ("gelu_approximation", "dense", 4.0),
    ]
    assert set(found[0]) == {"fault", "layer", "parameter", "file_says", "behaves_as", "effect_sigmas"}
    assert plain("without_blind_spots")["blind_spots"] == []


def test_possible_blind_spots_are_a_failure_as_well() -> None:
    """Of what was not tried nobody knows whether it is one."""
    report = replace(REPORTS["not_all_blind_spots"](), blind_spots=BlindSpots((), 12, complete=False))
    assert report.exit_code == 0
    failing = replace(report, fails_on_blind_spots=True)
    assert failing.exit_code == 1
    assert "12 possible blind spots" in failing.summary()
    assert failing.to_dict()["blind_spots_complete"] is False
    assert replace(failing, blind_spots=BlindSpots((), 12, complete=True)).exit_code == 0


def test_blind_spots_are_the_reason_of_a_failure() -> None:
    data = plain("fails_on_blind_spots")
    assert data["reason"].startswith("this input could not have shown: initial_state, clip in lstm")


def test_the_model_as_data() -> None:
    model = plain("match")["model"]
    parameters = 3 * 16 + 4 * 16 + 16 + 4 * 2 + 2
    assert model == {
        "name": "model",
        "path": "model.h5",
        "format": "Keras HDF5",
        "writer": "Keras 2.4.0",
        "layers": 2,
        "parameters": parameters,
    }
    assert plain("of_no_file")["model"]["path"] is None


def test_what_is_not_finite_is_null() -> None:
    (output,) = plain("not_finite")["outputs"]
    assert output["deviations"] == [0.0, None, 0.0, 0.0]
    assert output["max_abs_deviation"] is output["max_rel_deviation"] is output["worst_predicted"] is None
    assert (output["worst_sample"], output["worst_index"], output["worst_replayed"]) == (1, [1, 0], 3 / 8)
    assert plain("nan_on_both_sides")["outputs"][0]["non_finite"] == 2


def test_an_output_that_was_not_compared_has_no_numbers() -> None:
    output = plain("missing_output")["outputs"][1]
    assert (output["shape"], output["samples"], output["deviations"]) == ([4, 3], 4, [])
    assert output["max_abs_deviation"] is output["worst_sample"] is output["worst_index"] is None


def test_an_extra_output_is_reported_with_its_shape() -> None:
    report = reports.report_of({"dense": reports.REPLAYED, "more": reports.REPLAYED}, {"dense": reports.REPLAYED})
    assert [output["name"] for output in report.to_dict()["outputs"]] == ["dense", "more"]
    assert report.verdict is Verdict.MISMATCH


def test_notes_are_kept() -> None:
    report = replace(reports.match(), notes=("inputs taken in order",))
    assert report.to_dict()["notes"] == ["inputs taken in order"]


def test_finite() -> None:
    assert finite(1.5) == 1.5
    assert finite(math.inf) is finite(-math.inf) is finite(math.nan) is None
