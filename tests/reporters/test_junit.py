"""JUnit XML: well formed, as the schema of Jenkins has it, with a test case for each output and the right counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lstm_verify.model import Output, Tensor
from lstm_verify.report import Failure
from lstm_verify.reporters import junit
from tests import reports
from tests.contract.test_reporters import COMPARISONS
from tests.reports import REPORTS, STRANGE

MISMATCH = """\
<?xml version='1.0' encoding='utf-8'?>
<testsuites name="lstm-verify" tests="1" failures="1" errors="0" time="1.500">
  <testsuite name="model.h5" tests="1" failures="1" errors="0" time="1.500" skipped="0">
    <properties>
      <property name="model" value="model.h5" />
      <property name="model format" value="Keras HDF5, written by Keras 2.4.0" />
      <property name="runtime" value="tf_keras 2.21.0 on TensorFlow 2.21.0" />
      <property name="arithmetic" value="float32, products in float32" />
      <property name="tolerance" value="|Δ| ≤ 1e-05 + 0.0001·|replayed|" />
      <property name="samples" value="4" />
      <property name="lstm-verify" value="#" />
      <property name="numpy" value="#" />
      <property name="python" value="#" />
    </properties>
    <testcase classname="model.h5" name="dense" time="1.500">
      <failure message="2 of 4 samples beyond the tolerance" type="mismatch">max |Δ| = 5.00e-01 (-)
worst at (3, 1) of dense: predicted 1.75, replayed 1.25</failure>
    </testcase>
  </testsuite>
</testsuites>
"""
VERSION = re.compile(r'(name="(?:lstm-verify|numpy|python)" value=)"[^"]+"')

# what junit-10.xsd of Jenkins' xUnit plugin allows: attributes, those that are required, and elements inside
PROBLEM = ({"message", "type"}, set(), set())
COUNTS = {"tests", "failures", "errors"}
ALLOWED = {
    "testsuites": ({"name", "time", *COUNTS}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "time", "skipped", "timestamp", *COUNTS},
        {"name", *COUNTS},
        {"properties", "testcase", "system-out"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "testcase": ({"name", "time", "classname"}, {"name"}, {"failure", "error", "system-out"}),
    "failure": PROBLEM,
    "error": PROBLEM,
    "system-out": (set(), set(), set()),
}
SECONDS = re.compile(r"\d+\.\d{3}")


def suite_of(text: str) -> ET.Element:
    """The only suite of a document, which is as the schema has it."""
    root = ET.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, required, inside = ALLOWED[element.tag]
        assert required <= set(element.attrib) <= attributes, element.tag
        assert {child.tag for child in element} <= inside, element.tag
        assert "time" not in element.attrib or SECONDS.fullmatch(element.attrib["time"])
    (suite,) = root
    assert {name: root.attrib[name] for name in COUNTS} == {name: suite.attrib[name] for name in COUNTS}
    assert suite[0].tag == "properties"
    return suite


def parsed(name: str) -> ET.Element:
    return suite_of(junit.render(REPORTS[name]()))


def cases_of(suite: ET.Element) -> list[ET.Element]:
    return suite.findall("testcase")


def documents() -> Iterator[tuple[str, str]]:
    for name, make in REPORTS.items():
        yield name, junit.render(make())
    for name, make in COMPARISONS.items():
        yield f"against, {name}", junit.render_against(make())
    yield "failure", junit.render_failure(Failure("model.h5", "model.h5: not a model"))


def test_a_mismatch() -> None:
    assert VERSION.sub(r'\1"#"', junit.render(reports.mismatch())) == MISMATCH


def test_every_document_is_as_the_schema_has_it() -> None:
    for name, text in documents():
        suite = suite_of(text)
        cases = cases_of(suite)
        assert int(suite.attrib["tests"]) == len(cases) > 0, name
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure")), name
        assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error")), name
        assert suite.attrib["skipped"] == "0", name
        assert all(len(case.findall("failure") + case.findall("error")) <= 1 for case in cases), name


@pytest.mark.parametrize("name", REPORTS)
def test_a_test_fails_if_the_command_does(name: str) -> None:
    suite, report = parsed(name), REPORTS[name]()
    failing = report.fails_on_blind_spots and report.exit_code == 1  # which is a case of its own
    assert len(cases_of(suite)) == (len(report.outputs) or 1) + failing
    bad = suite.findall("testcase/failure") + suite.findall("testcase/error")
    assert bool(bad) == bool(report.exit_code)


@pytest.mark.parametrize(
    ("name", "failures", "errors"),
    [
        ("match", 0, 0),
        ("mismatch", 1, 0),
        ("missing_output", 1, 0),
        ("no_outputs", 0, 1),
        ("nan_on_both_sides", 0, 1),
        ("no_samples", 0, 1),
        ("several_axes", 1, 0),
    ],
)
def test_a_mismatch_is_a_failure_and_what_was_not_compared_an_error(name: str, failures: int, errors: int) -> None:
    suite = parsed(name)
    assert (suite.attrib["failures"], suite.attrib["errors"]) == (str(failures), str(errors))


def test_what_could_not_be_compared_says_why() -> None:
    (problem,) = parsed("no_outputs").findall("testcase/error")
    assert problem.attrib == {"message": "tf_keras: gave up after 600 s", "type": "inconclusive"}


def test_an_error_says_which() -> None:
    suite = suite_of(junit.render_failure(Failure("model.h5", "model.h5: not a model")))
    (case,) = cases_of(suite)
    assert (case.attrib["classname"], case[0].tag) == ("model.h5", "error")
    assert case[0].attrib == {"message": "model.h5: not a model", "type": "error"}


def test_a_failure_has_its_diagnosis() -> None:
    text = parsed("explained").findtext("testcase/failure") or ""
    numbers, place, *diagnosis = text.splitlines()
    assert numbers == "max |Δ| = 5.72e-06 (20.0σ)"
    assert place == "worst at (1, 0) of dense: predicted 0.375002384, replayed 0.375, σ = 1.19e-07"
    assert diagnosis[0].startswith("model.predict behaves as if `lstm` had recurrent_activation = hard_sigmoid")
    assert diagnosis[-1].startswith("What to do: ")


def test_a_test_that_passes_has_its_numbers() -> None:
    text = parsed("match_by_rounding").findtext("testcase/system-out") or ""
    assert text.splitlines()[0] == "max |Δ| = 7.15e-06 (7.5σ)"
    assert "worst at (2, 1) of dense: " in text


def test_blind_spots_that_were_not_to_be_are_a_failure() -> None:
    dense, spots = cases_of(parsed("fails_on_blind_spots"))
    assert (dense.attrib["name"], [child.tag for child in dense]) == ("dense", ["system-out"])
    (failure,) = spots
    assert (spots.attrib["name"], failure.tag, failure.text) == ("blind spots", "failure", None)
    assert failure.attrib["message"].startswith("this input could not have shown: initial_state, clip in lstm")


def test_blind_spots_that_may_be_are_told() -> None:
    suite = parsed("with_blind_spots")
    assert [case.attrib["name"] for case in cases_of(suite)] == ["dense"]
    assert (suite.findtext("system-out") or "").startswith("blind spots: this input could not have shown: ")
    assert "cut short after 12 faults" in (parsed("not_all_blind_spots").findtext("system-out") or "")


def test_every_output_is_a_case() -> None:
    cases = cases_of(parsed("missing_output"))
    assert [case.attrib["name"] for case in cases] == ["dense", "states"]
    assert [[child.tag for child in case] for case in cases] == [["system-out"], ["failure"]]


def test_without_a_comparison_the_outputs_of_the_model_are_the_cases() -> None:
    report = reports.no_outputs()
    outputs = (Output("a", Tensor("dense")), Output("b", Tensor("dense")))
    suite = suite_of(junit.render(replace(report, model=replace(report.model, outputs=outputs))))
    assert [case.attrib["name"] for case in cases_of(suite)] == ["a", "b"]
    assert [case[0].attrib["message"] for case in cases_of(suite)] == ["tf_keras: gave up after 600 s"] * 2


def test_cases_share_the_time() -> None:
    suite = parsed("missing_output")
    assert suite.attrib["time"] == "1.500"
    assert [case.attrib["time"] for case in cases_of(suite)] == ["0.750", "0.750"]


def test_when_it_was() -> None:
    assert "timestamp" not in parsed("match").attrib
    report = replace(reports.match(), started=datetime(2026, 1, 2, 3, 4, 5, 678, UTC))
    assert suite_of(junit.render(report)).attrib["timestamp"] == "2026-01-02T03:04:05+00:00"


def test_the_model_has_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    file.write_bytes(b"weights")
    report = reports.match()
    assert report.model.source
    model = replace(report.model, source=replace(report.model.source, path=str(file)))
    suite = suite_of(junit.render(replace(report, model=model)))
    found = {item.attrib["name"]: item.attrib["value"] for item in suite[0]}
    assert found["model"] == str(file)
    assert found["model sha256"] == hashlib.sha256(b"weights").hexdigest()


def test_recorded_predictions_are_no_runtime() -> None:
    names = {item.attrib["name"]: item.attrib["value"] for item in parsed("strange_names")[0]}
    assert names["predictions"] == STRANGE
    assert "runtime" not in names


def test_names_are_kept() -> None:
    (case,) = cases_of(parsed("strange_names"))
    assert (case.attrib["classname"], case.attrib["name"]) == (f"{STRANGE}.h5", STRANGE)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x08", "\ufffe", "\udc80", "\r", "\x85"])
def test_characters_that_xml_does_not_have(character: str) -> None:
    name = f"a{character}b"
    report = reports.report_of({name: reports.REPLAYED + 1}, {name: reports.REPLAYED}, notes=(name,))
    suite = suite_of(junit.render(report))
    (case,) = cases_of(suite)
    written = ascii(name)[1:-1]  # Python escapes them likewise
    assert case.attrib["name"] == written
    assert f" of {written}: " in (case[0].text or "")
    assert suite.findtext("system-out") == f"note: {written}"


def test_a_report_of_no_file_goes_by_the_name_of_the_model() -> None:
    assert cases_of(parsed("of_no_file"))[0].attrib["classname"] == "model"
