"""JUnit XML: one test case for each output, for CI systems.

It has what the schemas of Jenkins allow (`junit-10.xsd`) and other readers know: `testsuites` around one `testsuite`,
which has `properties`, then its cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree import ElementTree as ET

from lstm_verify.cross.report import AgainstReport
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import Failure, Report
from lstm_verify.reporters.about import Properties, path_of, properties, properties_against, versions
from lstm_verify.reporters.cases import Case, cases_against, cases_of, remarks, remarks_against

TAGS = {Verdict.MISMATCH: "failure", Verdict.INCONCLUSIVE: "error"}


def render(report: Report) -> str:
    """Render a report; a mismatch is a failure, an inconclusive verdict an error.

    Blind spots that were not to be are a failure of a test case of their own.
    """
    cases = [_test_case(case) for case in cases_of(report)]
    said = remarks(report)
    return _document(_Suite(path_of(report.model), cases, properties(report), said, report.timings, report.started))


def render_against(report: AgainstReport) -> str:
    """Render files that were compared with each other: a test case for the function of each, and for each runtime."""
    cases = [_test_case(case) for case in cases_against(report)]
    about, said = properties_against(report), remarks_against(report)
    return _document(_Suite(path_of(report.model), cases, about, said, report.timings, report.started))


def render_failure(failure: Failure) -> str:
    """Render what kept a command from comparing anything: a test case that is an error."""
    case = _TestCase(failure.model, "read and run", "error", failure.reason, "error")
    return _document(_Suite(failure.model, [case], [("model", failure.model), *versions()]))


@dataclass(frozen=True)
class _TestCase:
    """A test case, in the words of JUnit."""

    classname: str
    name: str
    tag: str
    """`failure` or `error`; empty of one that passed."""
    message: str
    kind: str
    lines: Sequence[str] = ()
    """What else is to be said."""


@dataclass(frozen=True)
class _Suite:
    name: str
    cases: Sequence[_TestCase]
    properties: Properties
    remarks: Sequence[str] = ()
    """What is to be said of all cases."""
    timings: Mapping[str, float] = field(default_factory=dict)
    started: datetime | None = None

    @property
    def counts(self) -> dict[str, str]:
        """The attributes that `testsuites` and `testsuite` share."""
        tags = [case.tag for case in self.cases]
        return {
            "tests": str(len(tags)),
            "failures": str(tags.count("failure")),
            "errors": str(tags.count("error")),
            "time": _seconds(self.timings.get("total", 0.0)),
        }


def _test_case(case: Case) -> _TestCase:
    lines = [*case.numbers, *case.explained]
    return _TestCase(path_of(case.model), case.name, TAGS.get(case.verdict, ""), case.reason, str(case.verdict), lines)


def _document(suite: _Suite) -> str:
    root = ET.Element("testsuites", {"name": "lstm-verify", **suite.counts})
    when = {} if suite.started is None else {"timestamp": suite.started.isoformat(timespec="seconds")}
    inside = ET.SubElement(root, "testsuite", {"name": suite.name, **suite.counts, "skipped": "0", **when})
    listed = ET.SubElement(inside, "properties")
    for name, value in suite.properties:
        ET.SubElement(listed, "property", name=name, value=value)
    # outputs are compared together: each gets the same share of the time, so that they add up to it
    share = _seconds(suite.timings.get("total", 0.0) / len(suite.cases))
    for case in suite.cases:
        _append(inside, case, share)
    if suite.remarks:
        ET.SubElement(inside, "system-out").text = _text(suite.remarks)
    ET.indent(root)
    for element in root.iter():
        for key, value in element.attrib.items():
            element.set(key, printable(value))
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _append(suite: ET.Element, case: _TestCase, seconds: str) -> None:
    element = ET.SubElement(suite, "testcase", classname=case.classname, name=case.name, time=seconds)
    if case.tag:
        problem = ET.SubElement(element, case.tag, message=case.message, type=case.kind)
        problem.text = _text(case.lines)
    elif case.lines:
        ET.SubElement(element, "system-out").text = _text(case.lines)


def _text(lines: Iterable[str]) -> str:
    """Lines without the characters that XML does not have, which a name in a file may."""
    return "\n".join(map(printable, lines))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
