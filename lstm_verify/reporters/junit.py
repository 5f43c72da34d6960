"""JUnit XML: one test case for each output, for CI systems.

It has what the schemas of Jenkins allow (`junit-10.xsd`) and other readers know: `testsuites` around one `testsuite`,
which has `properties`, then its cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    return document(Suite(path_of(report.model), cases, properties(report), said, _total(report), report.started))


def render_against(report: AgainstReport) -> str:
    """Render files that were compared with each other: a test case for the function of each, and for each runtime."""
    cases = [_test_case(case) for case in cases_against(report)]
    about, said = properties_against(report), remarks_against(report)
    return document(Suite(path_of(report.model), cases, about, said, _total(report), report.started))


def render_failure(failure: Failure) -> str:
    """Render what kept a command from comparing anything: a test case that is an error."""
    case = TestCase(failure.model, "read and run", "error", failure.reason, "error")
    return document(Suite(failure.model, [case], [("model", failure.model), *versions()]))


def _total(report: Report | AgainstReport) -> float:
    return report.timings.get("total", 0.0)


def _test_case(case: Case) -> TestCase:
    lines = [*case.numbers, *case.explained]
    return TestCase(path_of(case.model), case.name, TAGS.get(case.verdict, ""), case.reason, str(case.verdict), lines)


@dataclass(frozen=True)
class TestCase:
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
class Suite:
    """A test suite."""

    name: str
    cases: Sequence[TestCase]
    properties: Properties
    remarks: Sequence[str] = ()
    """What is to be said of all cases."""
    seconds: float = 0.0
    started: datetime | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """What stands in the element of the suite."""
        when = {} if self.started is None else {"timestamp": self.started.isoformat(timespec="seconds")}
        return {"name": self.name, **_counts([self]), "skipped": "0", **when}


def document(*suites: Suite) -> str:
    """Return suites as XML, in which everything is printable."""
    root = ET.Element("testsuites", {"name": "lstm-verify", **_counts(suites)})
    for suite in suites:
        _append_suite(root, suite)
    ET.indent(root)
    for element in root.iter():
        for key, value in element.attrib.items():
            element.set(key, printable(value))
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(suites: Sequence[Suite]) -> dict[str, str]:
    """The attributes that `testsuites` and `testsuite` share."""
    tags = [case.tag for suite in suites for case in suite.cases]
    return {
        "tests": str(len(tags)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "time": _seconds(sum(suite.seconds for suite in suites)),
    }


def _append_suite(root: ET.Element, suite: Suite) -> None:
    element = ET.SubElement(root, "testsuite", suite.attributes)
    listed = ET.SubElement(element, "properties")
    for name, value in suite.properties:
        ET.SubElement(listed, "property", name=name, value=value)
    # outputs are compared together: each gets the same share of the time, so that they add up to it
    share = _seconds(suite.seconds / max(len(suite.cases), 1))
    for case in suite.cases:
        _append(element, case, share)
    if suite.remarks:
        ET.SubElement(element, "system-out").text = _text(suite.remarks)


def _append(suite: ET.Element, case: TestCase, seconds: str) -> None:
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
