"""JUnit XML: one test case for each output, for CI systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from xml.etree import ElementTree as ET

from lstm_verify.cross.report import AgainstReport, called
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.model import Model
from lstm_verify.report import Failure, Report


def render(report: Report) -> str:
    """Render a report; a mismatch is a failure, an inconclusive verdict an error.

    Blind spots that were not to be are a failure of a test case of their own.
    """
    source = report.model.source
    cases = [(c.name, c.verdict, c.reason, c.max_abs_deviation) for c in report.outputs] or [
        (output.name, report.verdict, report.summary(), nan) for output in report.model.outputs
    ]
    if report.verdict is Verdict.MATCH and report.exit_code:
        cases.append(("blind spots", Verdict.MISMATCH, report.summary(), nan))
    where = source.path if source else report.model.name
    return _suite([(where, *case) for case in cases], report.timings)


def render_against(report: AgainstReport) -> str:
    """Render files that were compared with each other: a test case for the function of each, and for each runtime."""
    cases = []
    if report.runtime is not None:
        cases.append(_case(report.model, "runtime", report.runtime))
    for other in report.others:
        cases.append(_case(other.model, f"against {called(report.model)}", other.function))
        if other.runtime is not None:
            cases.append(_case(other.model, "runtime", other.runtime))
    return _suite(cases, report.timings)


def render_failure(failure: Failure) -> str:
    """Render what kept a command from comparing anything: a test case that is an error."""
    return _suite([(failure.model, "read and run", Verdict.INCONCLUSIVE, failure.reason, nan)], {})


Case = tuple[str, str, Verdict, str, float]
"""A file, what is tested, the verdict, its reason and the largest deviation."""


def _case(model: Model, name: str, report: Report) -> Case:
    worst = max((output.max_abs_deviation for output in report.outputs if output.deviations.size), default=nan)
    return model.source.path if model.source else model.name, name, report.verdict, report.summary(), worst


def _suite(cases: Sequence[Case], timings: Mapping[str, float]) -> str:
    return as_text(suite_of("lstm-verify", cases, timings.get("total", 0.0)))


def suite_of(name: str, cases: Sequence[Case], seconds: float) -> ET.Element:
    """Return a test suite."""
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(sum(verdict is Verdict.MISMATCH for _, _, verdict, _, _ in cases)),
        errors=str(sum(verdict is Verdict.INCONCLUSIVE for _, _, verdict, _, _ in cases)),
        time=f"{seconds:.3f}",
    )
    for where, title, verdict, reason, deviation in cases:
        case = ET.SubElement(suite, "testcase", classname=where, name=title)
        if verdict is not Verdict.MATCH:
            tag = "failure" if verdict is Verdict.MISMATCH else "error"
            problem = ET.SubElement(case, tag, message=reason, type=str(verdict))
            problem.text = "" if isnan(deviation) else f"max |Δ| = {deviation:.3g}"
    return suite


def as_text(root: ET.Element) -> str:
    """Return XML as text, in which everything is printable."""
    ET.indent(root)
    for element in root.iter():
        for key, value in element.attrib.items():
            element.set(key, printable(value))
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
