"""SARIF: what version 2.1.0 requires, a result for each output that does not match, and its rule."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lstm_verify.diagnosis.arrays.seen import input_not_finite
from lstm_verify.faults import BY_NAME
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import Failure
from lstm_verify.reporters import sarif
from tests import reports
from tests.contract.test_reporters import COMPARISONS
from tests.reports import REPORTS, report_of


def run_of(text: str) -> Any:
    """The only run of a log, which has what the standard requires."""
    log = json.loads(text)
    assert (log["version"], set(log)) == ("2.1.0", {"$schema", "version", "runs"})
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    rules = driver["rules"]
    assert driver["name"] == "lstm-verify"
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        for key in ("shortDescription", "fullDescription", "help"):  # which GitHub requires
            assert rule[key]["text"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning")
        assert result["message"]["text"]
        assert len(result["partialFingerprints"]["lstmVerify/v1"]) == 64
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert uri in [artifact["location"]["uri"] for artifact in run["artifacts"]]
        assert uri.isascii()
        assert not set(uri) & set(' "<>\\^`{|}')
    (invocation,) = run["invocations"]
    assert isinstance(invocation["executionSuccessful"], bool)
    return run


@pytest.mark.parametrize("name", REPORTS)
def test_a_result_for_each_output_that_does_not_match(name: str) -> None:
    report = REPORTS[name]()
    run = run_of(sarif.render(report))
    failing = [output.name for output in report.outputs if output.verdict is not Verdict.MATCH]
    assert len(run["results"]) == (len(failing) or int(report.exit_code != 0))
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["exitCode"] == report.exit_code


@pytest.mark.parametrize("name", COMPARISONS)
def test_files_against_each_other(name: str) -> None:
    report = COMPARISONS[name]()
    run = run_of(sarif.render_against(report))
    assert len(run["results"]) == sum(bool(one.verdict is not Verdict.MATCH) for one in report.reports)
    assert [artifact["location"]["uri"] for artifact in run["artifacts"]][-1] == "two"


@pytest.mark.parametrize(
    ("name", "rule", "level"),
    [
        ("explained", "recurrent_activation", "error"),
        ("ambiguous", "recurrent_activation", "error"),
        ("unexplained", "unexplained", "error"),
        ("mismatch", "mismatch", "error"),
        ("other_shape", "mismatch", "error"),
        ("no_outputs", "inconclusive", "warning"),
        ("unjudged", "inconclusive", "warning"),
        ("fails_on_blind_spots", "blind_spots", "error"),
    ],
)
def test_the_rule_is_what_explains_it(name: str, rule: str, level: str) -> None:
    run = run_of(sarif.render(REPORTS[name]()))
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [(rule, level)]


def test_an_output_may_be_called_anything() -> None:
    report = report_of({"blind spots": reports.REPLAYED + 1}, {"blind spots": reports.REPLAYED})
    (result,) = run_of(sarif.render(report))["results"]
    assert result["ruleId"] == "mismatch"


def test_the_help_of_a_rule_is_the_advice_on_its_fault() -> None:
    (rule,) = run_of(sarif.render(reports.explained()))["tool"]["driver"]["rules"]
    assert rule["help"]["text"] == BY_NAME["recurrent_activation"].advice


def test_what_was_done_to_arrays_is_a_rule_too() -> None:
    report = reports.explained()
    assert report.diagnosis
    seen = input_not_finite("x", "NaN", "The input `x` is not finite")
    first = replace(report.diagnosis.explanations[0], change=seen, also=())
    diagnosis = replace(report.diagnosis, explanations=(first,))
    (rule,) = run_of(sarif.render(replace(report, diagnosis=diagnosis)))["tool"]["driver"]["rules"]
    assert (rule["id"], rule["help"]["text"]) == ("input/not_finite", seen.advice)


def test_the_place_is_the_file_and_the_output() -> None:
    (result,) = run_of(sarif.render(reports.mismatch()))["results"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "model.h5"}
    assert [one["name"] for one in place["logicalLocations"]] == ["dense"]
    assert result["message"]["text"].startswith("dense: 2 of 4 samples beyond the tolerance\nmax |Δ| = 5.00e-01")


def at(path: str, **changes: Any) -> Any:
    """The run of a mismatch of a model at some path."""
    report = replace(reports.mismatch(), **changes)
    source = replace(reports.SOURCE, path=path)
    return run_of(sarif.render(replace(report, model=replace(report.model, source=source))))


def test_a_fingerprint_is_the_same_in_every_folder_and_differs_by_output_and_fault() -> None:
    def prints(run: Any) -> list[str]:
        return [result["partialFingerprints"]["lstmVerify/v1"] for result in run["results"]]

    assert prints(at("a/model.h5")) == prints(at("/b/model.h5", samples=7)) != prints(at("a/other.h5"))
    assert prints(at("model.h5")) != prints(run_of(sarif.render(reports.explained())))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a folder/model.h5", "a%20folder/model.h5"),
        ("c:model.h5", "c%3Amodel.h5"),
        ("/model 1.h5", "file:///model%201.h5"),
        ("50%.h5", "50%25.h5"),
        ("über.h5", "%C3%BCber.h5"),
        ("\udc80.h5", "%80.h5"),
    ],
)
def test_a_path_becomes_a_uri(path: str, uri: str) -> None:
    assert at(path)["artifacts"][0]["location"]["uri"] == uri


def test_a_file_has_its_hash(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"weights")
    (artifact,) = at(str(tmp_path / "model.h5"))["artifacts"]
    assert artifact["hashes"] == {"sha-256": hashlib.sha256(b"weights").hexdigest()}


def test_when_it_was() -> None:
    (invocation,) = at("model.h5", started=datetime(2026, 1, 2, 3, 4, 5, 6, UTC))["invocations"]
    assert invocation["startTimeUtc"] == "2026-01-02T03:04:05Z"


def test_notes_are_notifications() -> None:
    (invocation,) = at("model.h5", notes=("arrays were matched by order",))["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification == {"level": "note", "message": {"text": "note: arrays were matched by order"}}


def test_an_error_is_an_execution_that_was_not_successful() -> None:
    run = run_of(sarif.render_failure(Failure("model.h5", "model.h5: not a model")))
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"], run["results"]) == (False, 2, [])
    (notification,) = invocation["toolExecutionNotifications"]
    assert (notification["level"], notification["message"]["text"]) == ("error", "model.h5: not a model")


@pytest.mark.parametrize(
    ("name", "written"), [("{0}", "{{0}}"), ("[a](1)", "[a] (1)"), ("a\nb", "a\\nb"), ("\udc80", "\\udc80")]
)
def test_a_name_is_neither_a_placeholder_nor_a_link(name: str, written: str) -> None:
    text = sarif.render(report_of({name: reports.REPLAYED + 1}, {name: reports.REPLAYED}))
    (result,) = run_of(text)["results"]
    assert result["message"]["text"].startswith(f"{written}: 4 of 4 samples")
    text.encode()
