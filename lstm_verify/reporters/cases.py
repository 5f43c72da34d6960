"""Cases: a report as CI systems take it, a list of things that were tested, each with its verdict and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from lstm_verify.cross.report import AgainstReport, Other, called
from lstm_verify.diagnosis.explain import blind_line, diagnosis_lines, subject_of
from lstm_verify.judging.compare import Comparison, Verdict
from lstm_verify.model import Model
from lstm_verify.report import Report
from lstm_verify.reporters.numbers import in_sigmas, number, place

BLIND_SPOTS = "blind spots"
"""The name of the case that fails if blind spots were not to be."""


@dataclass(frozen=True)
class Case:
    """One thing that was tested: an output of a model, or a file against another."""

    model: Model
    name: str
    """An output; `against A`; `runtime`; or `blind spots`."""
    verdict: Verdict
    reason: str
    report: Report
    """Where it comes from."""
    output: Comparison | None = None
    """The numbers: of the output, or of the one that deviates most; None if none were compared."""
    explained: tuple[str, ...] = ()
    """What explains a mismatch, a paragraph each."""

    @property
    def is_of_blind_spots(self) -> bool:
        """Whether it is about what a match could not have shown, whatever it is called."""
        return self.verdict is Verdict.MISMATCH and self.report.verdict is Verdict.MATCH

    @property
    def numbers(self) -> list[str]:
        """How far apart the two sides are at most, and where, a line each; empty if nothing was compared."""
        if self.output is None or not self.output.deviations.size:
            return []
        output, worst = self.output, self.output.worst(1)[0]
        σ = "" if isnan(output.sigma[worst]) else f", σ = {number(float(output.sigma[worst]))}"
        return [
            f"max |Δ| = {number(output.max_abs_deviation)} ({in_sigmas(output.max_sigmas)})",
            f"worst at {place(output.index(worst))} of {output.name}: predicted {output.predicted[worst]:.9g}, "
            f"replayed {output.replayed[worst]:.9g}{σ}",
        ]


def cases_of(report: Report) -> list[Case]:
    """List the outputs of a verification, and its blind spots if they were not to be.

    Example:
        >>> from lstm_verify import verify
        >>> report = verify("fixtures/origin_tanh_sigmoid.keras3.h5", "fixtures/origin.x.npy",
        ...                 expected="fixtures/origin_tanh_sigmoid.keras3.y.npz")
        >>> [(case.name, str(case.verdict)) for case in cases_of(report)]
        [('dense', 'match')]
    """
    lines = diagnosis_lines(report.diagnosis, subject_of(report.predicted.name)) if report.diagnosis else ()
    explained = {Verdict.MISMATCH: tuple(lines)}
    cases = [
        Case(report.model, one.name, one.verdict, one.reason, report, one, explained.get(one.verdict, ()))
        for one in report.outputs
    ]
    if not cases:
        names = [output.name for output in report.model.outputs] or [report.model.name]
        cases = [Case(report.model, name, report.verdict, report.summary(), report) for name in names]
    if report.verdict is Verdict.MATCH and report.exit_code:
        cases.append(Case(report.model, BLIND_SPOTS, Verdict.MISMATCH, report.summary(), report))
    return cases


def cases_against(report: AgainstReport) -> list[Case]:
    """List what was asked of the files of a comparison: does each compute the same, and its runtime what it says?"""
    cases = [] if report.runtime is None else [_runtime(report.model, report.runtime)]
    for other in report.others:
        name, explained = f"against {called(report.model)}", tuple(function_lines(other, report.model))
        cases.append(Case(other.model, name, *_whole(other.function), explained))
        if other.runtime is not None:
            cases.append(_runtime(other.model, other.runtime))
    return cases


def function_lines(other: Other, first: Model) -> Iterator[str]:
    """Describe why a file computes something else than the first."""
    if other.function.diagnosis:
        for line in diagnosis_lines(other.function.diagnosis, called(other.model)):
            yield line.replace("the file says", f"{called(first)} says")
    for difference in other.differences:
        yield f"settings: {difference} in {called(other.model)}"


def runtime_lines(model: Model, report: Report) -> Iterator[str]:
    """Describe why the runtime of one of several files does something else than it says."""
    if report.diagnosis:
        yield from diagnosis_lines(report.diagnosis, f"The runtime of {called(model)}")


def remarks(report: Report) -> list[str]:
    """List what a verification could not have shown, and what was assumed, a line each."""
    return [*blind_spots(report), *(f"note: {note}" for note in report.notes)]


def remarks_against(report: AgainstReport) -> list[str]:
    """List the same for a comparison of files."""
    found = [line for other in report.others for line in blind_spots(other.function)]
    notes = [*report.notes, *(note for other in report.others for note in other.notes)]
    return list(dict.fromkeys([*found, *(f"note: {note}" for note in notes)]))


def blind_spots(report: Report) -> Iterator[str]:
    """Describe what a match could not have shown; nothing if there is no such thing, or it was not looked for."""
    spots = report.blind_spots
    if spots is not None and spots.found:
        yield f"blind spots: {blind_line(spots)}"
    if spots is not None and not spots.complete:
        yield f"blind spots: the search was cut short after {spots.tried:,} faults; there may be more"


def worst_output(report: Report) -> Comparison | None:
    """Return the output that deviates most, in σ if σ decides; None if nothing was compared."""
    compared = [output for output in report.outputs if output.deviations.size]
    return max(compared, key=_far, default=None)


def _far(output: Comparison) -> tuple[float, float]:
    return output.max_sigmas if output.by_rounding else 0.0, output.max_abs_deviation


def _runtime(model: Model, report: Report) -> Case:
    return Case(model, "runtime", *_whole(report), tuple(runtime_lines(model, report)))


def _whole(report: Report) -> tuple[Verdict, str, Report, Comparison | None]:
    reason = "" if report.verdict is Verdict.MATCH else report.summary()
    return report.verdict, reason, report, worst_output(report)
