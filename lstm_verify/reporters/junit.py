"""JUnit XML: one test case for each output, for CI systems."""

from __future__ import annotations

from math import isnan, nan
from xml.etree import ElementTree as ET

from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import Report


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
    suite = ET.Element(
        "testsuite",
        name="lstm-verify",
        tests=str(len(cases)),
        failures=str(sum(verdict is Verdict.MISMATCH for _, verdict, _, _ in cases)),
        errors=str(sum(verdict is Verdict.INCONCLUSIVE for _, verdict, _, _ in cases)),
        time=f"{report.timings.get('total', 0.0):.3f}",
    )
    for name, verdict, reason, deviation in cases:
        case = ET.SubElement(suite, "testcase", classname=source.path if source else report.model.name, name=name)
        if verdict is not Verdict.MATCH:
            tag = "failure" if verdict is Verdict.MISMATCH else "error"
            problem = ET.SubElement(case, tag, message=reason, type=str(verdict))
            problem.text = "" if isnan(deviation) else f"max |Δ| = {deviation:.3g}"
    ET.indent(suite)
    for element in suite.iter():
        for key, value in element.attrib.items():
            element.set(key, printable(value))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
