"""JUnit XML of many models: a test suite for each, with a test case for each of its outputs."""

from __future__ import annotations

from lstm_verify.checking.report import CheckReport
from lstm_verify.checking.run import Outcome
from lstm_verify.judging.compare import Verdict
from lstm_verify.reporters.about import versions
from lstm_verify.reporters.junit import TAGS, Suite, TestCase, document
from lstm_verify.reporters.numbers import number


def render(report: CheckReport) -> str:
    """Render a report; a mismatch is a failure, an inconclusive verdict or an error is an error."""
    return document(*(_suite(outcome) for outcome in report.outcomes))


def _suite(outcome: Outcome) -> Suite:
    about = [("model", outcome.name), ("compared with", outcome.compared_with), *versions()]
    return Suite(outcome.name, _cases(outcome), about, seconds=outcome.seconds)


def _cases(outcome: Outcome) -> list[TestCase]:
    """What was compared; if nothing was, or it fails for something else, that is a case too."""
    cases = [_case(outcome, *output) for output in outcome.outputs]
    if not cases or (outcome.exit_code and not any(case.tag for case in cases)):
        tag = {0: "", 1: "failure"}.get(outcome.exit_code, "error")
        cases.append(TestCase(outcome.name, "check", tag, outcome.cause, outcome.verdict))
    return cases


def _case(outcome: Outcome, name: str, verdict: str, reason: str, deviation: float | None) -> TestCase:
    tag = TAGS.get(Verdict(verdict), "")
    far = [] if deviation is None else [f"max |Δ| = {number(deviation)}"]
    why = [outcome.cause] if tag and outcome.cause not in ("", reason) else []
    return TestCase(outcome.name, name, tag, reason, verdict, [*far, *why])
