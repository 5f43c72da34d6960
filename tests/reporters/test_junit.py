"""JUnit XML: well formed, with a test case for each output and the right counts."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from lstm_verify.model import Output, Tensor
from lstm_verify.reporters import junit
from tests import reports
from tests.reports import REPORTS, STRANGE

MISMATCH = """\
<?xml version='1.0' encoding='utf-8'?>
<testsuite name="lstm-verify" tests="1" failures="1" errors="0" time="1.500">
  <testcase classname="model.h5" name="dense">
    <failure message="2 of 4 samples beyond the tolerance" type="mismatch">max |Δ| = 0.5</failure>
  </testcase>
</testsuite>
"""


def parsed(name: str) -> ET.Element:
    return ET.fromstring(junit.render(REPORTS[name]()).encode("utf-8"))


def test_a_mismatch() -> None:
    assert junit.render(reports.mismatch()) == MISMATCH


@pytest.mark.parametrize("name", REPORTS)
def test_counts_are_those_of_the_cases(name: str) -> None:
    suite, report = parsed(name), REPORTS[name]()
    cases = suite.findall("testcase")
    failing = report.fails_on_blind_spots and report.exit_code == 1  # which is a case of its own
    assert int(suite.attrib["tests"]) == len(cases) == (len(report.outputs) or 1) + failing
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))
    bad = len(suite.findall("testcase/*"))
    assert (bad == 0) == (report.exit_code == 0)


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


def test_blind_spots_that_were_not_to_be_are_a_failure() -> None:
    dense, spots = parsed("fails_on_blind_spots")
    assert (dense.attrib["name"], len(dense)) == ("dense", 0)
    (failure,) = spots
    assert (spots.attrib["name"], failure.tag, failure.text) == ("blind spots", "failure", None)
    assert failure.attrib["message"].startswith("this input could not have shown: initial_state, clip in lstm")
    assert [case.attrib["name"] for case in parsed("with_blind_spots")] == ["dense"]


def test_every_output_is_a_case() -> None:
    assert [case.attrib["name"] for case in parsed("missing_output")] == ["dense", "states"]
    assert [len(case) for case in parsed("missing_output")] == [0, 1]


def test_without_a_comparison_the_outputs_of_the_model_are_the_cases() -> None:
    report = reports.no_outputs()
    outputs = (Output("a", Tensor("dense")), Output("b", Tensor("dense")))
    suite = ET.fromstring(junit.render(replace(report, model=replace(report.model, outputs=outputs))))
    assert [case.attrib["name"] for case in suite] == ["a", "b"]
    assert [case[0].attrib["message"] for case in suite] == ["tf_keras: gave up after 600 s"] * 2


def test_names_are_kept() -> None:
    (case,) = parsed("strange_names")
    assert case.attrib == {"classname": f"{STRANGE}.h5", "name": STRANGE}


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x08", "\ufffe"])
def test_characters_that_xml_does_not_have(character: str) -> None:
    name = f"a{character}b"
    report = reports.report_of({name: reports.REPLAYED}, {name: reports.REPLAYED})
    (case,) = ET.fromstring(junit.render(report).encode("utf-8"))
    assert case.attrib["name"].startswith("a")


def test_a_report_of_no_file_goes_by_the_name_of_the_model() -> None:
    assert parsed("of_no_file")[0].attrib["classname"] == "model"
