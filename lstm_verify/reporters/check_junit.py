"""JUnit XML of many models: a test suite for each, with a test case for each of its outputs."""

from __future__ import annotations

from math import nan
from xml.etree import ElementTree as ET

from lstm_verify.checking.report import CheckReport
from lstm_verify.checking.run import Outcome
from lstm_verify.judging.compare import Verdict
from lstm_verify.reporters.junit import Case, as_text, suite_of


def render(report: CheckReport) -> str:
    """Render a report; a mismatch is a failure, an inconclusive verdict or an error is an error."""
    suites = ET.Element("testsuites", name="lstm-verify")
    for outcome in report.outcomes:
        suites.append(suite_of(outcome.name, _cases(outcome), outcome.seconds))
    for key in ("tests", "failures", "errors"):
        suites.set(key, str(sum(int(suite.get(key, 0)) for suite in suites)))
    return as_text(suites)


def _cases(outcome: Outcome) -> list[Case]:
    """What was compared; if nothing was, or it fails for something else, that is a case too."""
    cases = [
        (outcome.name, name, Verdict(verdict), reason, nan if deviation is None else deviation)
        for name, verdict, reason, deviation in outcome.outputs
    ]
    if not cases or (outcome.exit_code and all(case[2] is Verdict.MATCH for case in cases)):
        verdict = {0: Verdict.MATCH, 1: Verdict.MISMATCH}.get(outcome.exit_code, Verdict.INCONCLUSIVE)
        cases.append((outcome.name, "check", verdict, outcome.cause, nan))
    return cases
