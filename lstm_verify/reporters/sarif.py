"""SARIF 2.1.0: a result for each output that does not match, whose rule is the fault that explains it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import fsencode
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lstm_verify import __version__
from lstm_verify.cross.report import AgainstReport
from lstm_verify.diagnosis.arrays import Seen
from lstm_verify.diagnosis.changes import Change
from lstm_verify.errors import printable
from lstm_verify.faults import BY_NAME
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import Failure, Report
from lstm_verify.reporters.about import path_of, sha256_of
from lstm_verify.reporters.cases import Case, cases_against, cases_of, remarks, remarks_against

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True)
class Rule:
    """What a result is about."""

    name: str
    """A fault, or one of `KINDS`."""
    short: str
    help: str
    level: str = "error"


KINDS = {
    rule.name: rule
    for rule in (
        Rule(
            "mismatch",
            "Predictions differ from what the weights compute",
            "Compare the shapes, names and numbers of the outputs; lstm-verify diagnose shows all evidence.",
        ),
        Rule(
            "unexplained",
            "Predictions differ from what the weights compute, and no known fault explains it",
            "The message says where the deviation starts, if that is known; lstm-verify diagnose shows all evidence.",
        ),
        Rule(
            "within_rounding",
            "The tolerance asked for is below rounding",
            "Ask for a tolerance that the precision of the model can keep; the message has the smallest.",
        ),
        Rule(
            "inconclusive",
            "Nothing could be compared, or some values cannot be judged",
            "The message says why: a framework did not predict, inputs are not finite, or values are unjudged.",
            "warning",
        ),
        Rule(
            "blind_spots",
            "These inputs could not have shown some faults",
            "Use inputs that exercise them: several time steps, sequences of different lengths, more than one batch.",
        ),
    )
}
"""The rules of results that no fault explains."""


def render(report: Report) -> str:
    """Render a report; a match has no result."""
    return _document(cases_of(report), remarks(report), _Run(report.exit_code, report.started, report.timings))


def render_against(report: AgainstReport) -> str:
    """Render files that were compared with each other: a result for each that does not do what the first does."""
    about = _Run(report.exit_code, report.started, report.timings)
    return _document(cases_against(report), remarks_against(report), about)


def render_failure(failure: Failure) -> str:
    """Render what kept a command from comparing anything: an execution that was not successful."""
    notification = {
        "level": "error",
        "message": _message([failure.reason]),
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(failure.model)}}}],
    }
    return _log([], {"executionSuccessful": False, "exitCode": 2, "toolExecutionNotifications": [notification]}, [])


@dataclass(frozen=True)
class _Run:
    """One execution of the command."""

    exit_code: int
    started: datetime | None
    timings: dict[str, float]

    def to_dict(self, notes: Iterable[str]) -> dict[str, Any]:
        when = {}
        if self.started is not None:
            when["startTimeUtc"] = self.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        noted = [{"level": "note", "message": _message([note])} for note in notes]
        return {
            "executionSuccessful": True,
            "exitCode": self.exit_code,
            **when,
            "toolExecutionNotifications": noted,
        }


def _document(cases: Sequence[Case], notes: Iterable[str], run: _Run) -> str:
    failing = [case for case in cases if case.verdict is not Verdict.MATCH]
    rules = list({rule.name: rule for rule in map(rule_of, failing)}.values())
    results = [_result(case, [rule.name for rule in rules].index(rule_of(case).name)) for case in failing]
    paths = dict.fromkeys(path_of(case.model) for case in cases)
    return _log(rules, run.to_dict(notes), results, list(paths))


def _log(
    rules: Sequence[Rule], invocation: dict[str, Any], results: list[dict[str, Any]], paths: Sequence[str] = ()
) -> str:
    driver = {"name": "lstm-verify", "version": __version__, "rules": [_descriptor(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "artifacts": [_artifact(path) for path in paths],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def rule_of(case: Case) -> Rule:
    """Return the rule of a case that does not match: the fault that explains it, or why there is none."""
    if case.is_of_blind_spots:
        return KINDS["blind_spots"]
    if case.verdict is Verdict.INCONCLUSIVE:
        return KINDS["inconclusive"]
    diagnosis = case.report.diagnosis
    if diagnosis is None:
        return KINDS["mismatch"]
    if not diagnosis.explanations:
        return KINDS[diagnosis.status]
    change = diagnosis.explanations[0].change
    return _rule_of_change(change.parts[0] if change.parts else change)


def _rule_of_change(change: Change) -> Rule:
    words = change.fault.replace("_", " ")
    if isinstance(change, Seen):
        return Rule(change.fault.replace(": ", "/"), f"Something was done to arrays: {words}", change.advice)
    short = f"The runtime computes something else than the file says: {words}"
    return Rule(change.fault, short, BY_NAME[change.fault].advice)


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": _message([rule.short]),
        "fullDescription": _message([f"{rule.short}. {rule.help}"]),
        "help": _message([rule.help]),
        "defaultConfiguration": {"level": rule.level},
    }


def _result(case: Case, rule_index: int) -> dict[str, Any]:
    rule, path = rule_of(case), path_of(case.model)
    about = case.reason if case.is_of_blind_spots else f"{case.name}: {case.reason}"
    place = {
        # GitHub requires a line, though a model has none
        "physicalLocation": {"artifactLocation": {"uri": uri(path)}, "region": {"startLine": 1}},
        "logicalLocations": [{"name": printable(case.name), "kind": "variable"}],
    }
    return {
        "ruleId": rule.name,
        "ruleIndex": rule_index,
        "level": rule.level,
        "message": _message([about, *case.numbers, *case.explained]),
        "locations": [place],
        "partialFingerprints": {"lstmVerify/v1": _fingerprint(rule.name, Path(path).name, case.name)},
    }


def _fingerprint(*parts: str) -> str:
    """What is the same whenever the same is found again, whatever the numbers and the folder."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _artifact(path: str) -> dict[str, Any]:
    sha256 = sha256_of(path)
    return {"location": {"uri": uri(path)}, **({"hashes": {"sha-256": sha256}} if sha256 else {})}


def uri(path: str) -> str:
    """Return the URI of a path: relative to where the command ran if the path is.

    Example:
        >>> uri("a folder/model:1.h5")
        'a%20folder/model%3A1.h5'
    """
    return Path(path).as_uri() if Path(path).is_absolute() else quote(fsencode(path))


def _message(lines: Iterable[str]) -> dict[str, str]:
    """Text as it is: braces would be placeholders unless they are doubled, and brackets before parentheses a link."""
    text = "\n".join(map(printable, lines))
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}
