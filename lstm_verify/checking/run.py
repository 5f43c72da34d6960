"""One task done: a verification, turned into an outcome of plain data. Nothing is raised, and nothing is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lstm_verify._verify import verify
from lstm_verify.arrays import finite
from lstm_verify.checking.circumstances import circumstances
from lstm_verify.checking.task import Task
from lstm_verify.cross import against
from lstm_verify.cross.report import AgainstReport
from lstm_verify.errors import LstmVerifyError, printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import Report

ERROR = "error"
"""The verdict on what could not be checked."""


@dataclass(frozen=True)
class Outcome:
    """What came of one task."""

    name: str
    verdict: str
    """`match`, `mismatch`, `inconclusive`, or `error`."""
    exit_code: int
    compared_with: str
    cause: str
    """Why it is no match, in one line; empty for a match."""
    max_abs_deviation: float | None
    """The largest of all outputs; None if nothing was compared, or it is not finite."""
    max_sigmas: float | None
    """The same in σ; None if that is not known, too."""
    at_most: bool
    """Whether σ is only a part of what rounding explains, so that `max_sigmas` is an upper bound."""
    outputs: tuple[tuple[str, str, str, float | None], ...]
    """Name, verdict, reason and largest deviation of each output."""
    report: dict[str, Any] | None
    """The report of the verification as plain data, without times; None if there is none."""
    repeats: bool
    """Whether the same task gives the same again, as far as that was seen."""
    seconds: float = 0.0
    cached: bool = False
    circumstances: str = ""
    """The hash of what it depends on besides its task and files: versions, processor, environment."""

    def to_dict(self) -> dict[str, Any]:
        """The outcome for people and programs: without times, and what is kept for the cache only."""
        kept = asdict(self)
        for key in ("seconds", "repeats", "circumstances", "outputs"):
            del kept[key]
        return kept


def checked(task: Task) -> Outcome:
    """Do a task in this process; a framework runs in one of its own.

    Raises:
        Nothing: what goes wrong is an outcome with the verdict `error`.
    """
    started = time.perf_counter()
    try:
        outcome = _outcome(task, _report(task))
    except LstmVerifyError as error:
        outcome = failed(task, printable(error))
    except MemoryError as error:
        outcome = failed(task, f"not enough memory: {printable(error)}")
    except Exception as error:
        if os.environ.get("LSTM_VERIFY_DEBUG"):
            raise
        reason = printable(f"{type(error).__name__}: {error}")
        outcome = failed(task, f"internal error: {reason}. Please report it; LSTM_VERIFY_DEBUG=1 shows where")
    return replace(outcome, seconds=time.perf_counter() - started, circumstances=circumstances())


def failed(task: Task, reason: str) -> Outcome:
    """The outcome of a task that could not be done."""
    reason = reason.replace(f"{task.folder}{os.sep}", "").removeprefix(f"{task.name}: ")
    return Outcome(task.name, ERROR, 2, task.compared_with, reason, None, None, False, (), None, False)


def _report(task: Task) -> Report | AgainstReport:
    if task.against:
        return against(
            task.path,
            list(task.against),
            task.x,
            names=dict(task.map),
            predict=task.runs,
            endpoints=task.endpoints,
            architecture=task.architecture,
            tolerance=task.tolerance,
            runtime=task.options,
            diagnose=task.diagnose,
            blind_spots=task.allowed_blind_spots is not None,
        )
    return verify(
        task.path,
        None if task.golden else task.x,
        expected=task.predictions,
        golden=task.golden,
        architecture=task.architecture,
        endpoints=task.endpoints,
        state_from=task.state_from,
        tolerance=task.tolerance,
        runtime=task.options,
        diagnose=task.diagnose,
        blind_spots=task.allowed_blind_spots is not None or task.is_generated,
        details=False,
    )


def _outcome(task: Task, report: Report | AgainstReport) -> Outcome:
    reports = report.reports if isinstance(report, AgainstReport) else [report]
    compared = [output for each in reports for output in each.outputs if output.deviations.size]
    known = [output.max_sigmas for output in compared if output.max_sigmas == output.max_sigmas]
    not_allowed = _not_allowed(task, report)
    exit_code = report.exit_code or int(bool(not_allowed))
    return Outcome(
        name=task.name,
        verdict=str(report.verdict),
        exit_code=exit_code,
        compared_with=_compared_with(task, report),
        cause=(_cause(report) if report.exit_code else not_allowed).replace(f"{task.folder}{os.sep}", ""),
        max_abs_deviation=finite(max((output.max_abs_deviation for output in compared), default=float("nan"))),
        max_sigmas=finite(max(known, default=float("nan"))),
        at_most=any(each.sigma_is_lower_bound for each in reports),
        outputs=tuple(
            (output.name, str(output.verdict), output.reason, finite(output.max_abs_deviation))
            for each in reports
            for output in each.outputs
        ),
        report=_shown(_without_times(report.to_dict()), task),
        repeats=report.verdict is not Verdict.INCONCLUSIVE and not any(each.predicted.again for each in reports),
    )


def _compared_with(task: Task, report: Report | AgainstReport) -> str:
    if isinstance(report, AgainstReport) or report.predicted.name == "recorded":
        return task.compared_with
    return report.predicted.name


def _cause(report: Report | AgainstReport) -> str:
    """What explains a verdict: the faults that do, if any does, or else its reason."""
    reports = report.reports if isinstance(report, AgainstReport) else [report]
    named = [name for each in reports if each.diagnosis is not None for name in _faults(each.diagnosis.to_dict())]
    return "; ".join(dict.fromkeys(named)) or report.summary()


def _faults(diagnosis: Mapping[str, Any]) -> list[str]:
    """The explanations of a diagnosis, each with the faults that act together."""
    together: dict[int, list[str]] = {}
    for fault in diagnosis["faults"]:
        where = f" in {fault['layer']}" if fault["layer"] else ""
        together.setdefault(fault["explanation"], []).append(f"{fault['fault']}{where}")
    return [" or ".join(" and ".join(names) for names in together.values())] if together else []


def _not_allowed(task: Task, report: Report | AgainstReport) -> str:
    """The blind spots that are a failure, in words; empty if there are none."""
    if task.allowed_blind_spots is None or report.verdict is not Verdict.MATCH:
        return ""
    spots = getattr(report, "blind_spots", None)
    if spots is None:
        return "blind spots were not looked for"
    if not spots.complete:
        return f"the search was cut short after {spots.tried:,} possible blind spots"
    allowed = set(task.allowed_blind_spots)
    left = [
        f"{fault} in {layer}"
        for layer, faults in spots.by_layer().items()
        for fault in faults
        if not {fault, f"{fault} in {layer}"} & allowed
    ]
    return f"blind spots that are not allowed: {', '.join(left)}" if left else ""


def _without_times(found: Any) -> Any:
    """Plain data without what differs from one run to the next."""
    if isinstance(found, dict):
        return {key: _without_times(value) for key, value in found.items() if key != "timings"}
    return [_without_times(item) for item in found] if isinstance(found, list) else found


def _shown(found: Any, task: Task) -> Any:
    """Plain data with paths as they are shown."""
    if isinstance(found, dict):
        return {key: _shown(value, task) for key, value in found.items()}
    if isinstance(found, list):
        return [_shown(item, task) for item in found]
    return found.replace(f"{task.folder}{os.sep}", "") if isinstance(found, str) else found


def exit_code_of(codes: set[int]) -> int:
    """The exit code for several: an error before a mismatch, and that before what is inconclusive.

    Example:
        >>> exit_code_of({0, 3, 1}), exit_code_of({0, 3}), exit_code_of({0})
        (1, 3, 0)
    """
    return next((code for code in (2, 1, 3) if code in codes), 0)
