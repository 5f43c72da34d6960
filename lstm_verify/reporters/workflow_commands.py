"""Workflow commands of GitHub Actions: an annotation for everything that is not as it should be.

What makes the step fail is an error, and blind spots that may be are a warning. The lines are escaped as GitHub's
toolkit does it, so that no name in a file can end a command or begin another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lstm_verify.checking.report import CheckReport
from lstm_verify.checking.run import Outcome
from lstm_verify.cross.report import AgainstReport
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.model import Model
from lstm_verify.report import Failure, Report
from lstm_verify.reporters.cases import BLIND_SPOTS, Case, blind_spots, cases_against, cases_of
from lstm_verify.reporters.numbers import number

MOST = 10
"""GitHub shows no more errors, and no more warnings, of one step."""


def render(report: Report) -> str:
    """Render a report: an error for each output that does not match; nothing for a match without blind spots.

    Example:
        >>> from lstm_verify import verify
        >>> report = verify("fixtures/origin_tanh_sigmoid.keras3.h5", "fixtures/origin.x.npy",
        ...                 expected="fixtures/origin_tanh_sigmoid.keras3.y.npz")
        >>> print(render(report)[:74])
        ::warning file=fixtures/origin_tanh_sigmoid.keras3.h5,title=lstm-verify%3A
    """
    warnings = [] if report.exit_code else [_of_blind_spots(report.model, line) for line in blind_spots(report)]
    return _text(_failing(cases_of(report)), warnings)


def render_against(report: AgainstReport) -> str:
    """Render files that were compared with each other: an error for each that does not do what the first does."""
    found = {line: report.model for other in report.others for line in blind_spots(other.function)}
    return _text(_failing(cases_against(report)), [_of_blind_spots(model, line) for line, model in found.items()])


def render_check(report: CheckReport) -> str:
    """Render many models: an error for each that fails."""
    return _text([_of_outcome(outcome) for outcome in report.outcomes if outcome.exit_code])


def render_failure(failure: Failure) -> str:
    """Render what kept a command from comparing anything: an error."""
    return _text([_Annotation("error", failure.model, "lstm-verify: error", (failure.reason,))])


@dataclass(frozen=True)
class _Annotation:
    level: str
    file: str
    """The path of a model; empty if it was read of no file."""
    title: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        properties = {"file": self.file, "title": self.title}
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
        return f"::{self.level} {listed}::{_message(self.lines)}\n"


def _failing(cases: Iterable[Case]) -> list[_Annotation]:
    return [_of_case(case) for case in cases if case.verdict is not Verdict.MATCH]


def _of_case(case: Case) -> _Annotation:
    about = case.name if case.is_of_blind_spots else f"{case.name}: {case.verdict}"
    lines = (case.reason, *case.numbers, *case.explained)
    return _Annotation("error", _file(case.model), f"lstm-verify: {about}", lines)


def _of_outcome(outcome: Outcome) -> _Annotation:
    far = "" if outcome.max_abs_deviation is None else f"max |Δ| = {number(outcome.max_abs_deviation)}"
    path = (outcome.report or {}).get("model", {}).get("path") or ""
    return _Annotation("error", path, f"lstm-verify: {outcome.name}: {outcome.verdict}", (outcome.cause, far))


def _of_blind_spots(model: Model, line: str) -> _Annotation:
    return _Annotation("warning", _file(model), f"lstm-verify: {BLIND_SPOTS}", (line,))


def _file(model: Model) -> str:
    return model.source.path if model.source else ""


def _text(errors: list[_Annotation], warnings: Iterable[_Annotation] = ()) -> str:
    shown = errors if len(errors) <= MOST else [*errors[: MOST - 1], _more(errors)]
    return "".join(map(str, (*shown, *warnings)))


def _more(errors: list[_Annotation]) -> _Annotation:
    """The last one that is shown of more than GitHub would, which says so."""
    left = errors[MOST - 1 :]
    lines = (f"{len(left)} more:", *(f"{one.title}: {one.lines[0]}" for one in left))
    return _Annotation("error", left[0].file, "lstm-verify: and more", lines)


def _message(lines: Iterable[str]) -> str:
    return "\n".join(map(printable, filter(None, lines))).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _message([value]).replace(":", "%3A").replace(",", "%2C")
