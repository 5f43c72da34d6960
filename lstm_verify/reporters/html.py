"""HTML: a report as one page that needs nothing else, for people to read, keep and pass on."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from lstm_verify import __version__
from lstm_verify.diagnosis import Diagnosis
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.diagnosis.explain import blind_line
from lstm_verify.errors import InputError
from lstm_verify.hashing import hash_of_file
from lstm_verify.judging.compare import Comparison, Verdict
from lstm_verify.report import Failure, Report
from lstm_verify.reporters import drawing, rollout, terminal
from lstm_verify.reporters.diagram import diagram
from lstm_verify.reporters.evidence import TRIED_HEADINGS, tried_rows, tried_title
from lstm_verify.reporters.figures import deviations, gate_figures, step_figures
from lstm_verify.reporters.markup import SIGNS, paragraphs, prose, scrolling, section, table, text
from lstm_verify.reporters.numbers import in_sigmas
from lstm_verify.rollouts.report import RolloutReport

Inputs = Mapping[str, tuple[tuple[int, ...], str]]
"""The shape and dtype of each input."""
MOST_SHOWN = 4
"""The outputs whose worst samples are listed."""


def render(report: Report) -> str:
    """Render a report as a page.

    Raises:
        OutputError: matplotlib, which draws its plots, is not installed.
    """
    return _page_about(report, terminal.verdict_line(report), _sections(report))


def render_rollout(report: RolloutReport) -> str:
    """Render a report on a rollout as a page.

    Raises:
        OutputError: matplotlib, which draws its plots, is not installed.
    """
    return _page_about(report, rollout.verdict_line(report), _sections_of_rollout(report))


def render_failure(failure: Failure) -> str:
    """Render what kept a command from comparing anything."""
    return page("error", Path(failure.model).name, failure.reason, "")


def _page_about(report: Report | RolloutReport, line: str, parts: Iterator[tuple[str, str, str]]) -> str:
    """A page with parts that are drawn one after the other, and left out if they are empty."""
    with drawing.styled():
        sections = "\n".join(section(name, title, body) for name, title, body in parts if body)
    source = report.model.source
    return page(str(report.verdict), Path(source.path).name if source else report.model.name, line, sections)


def page(verdict: str, name: str, line: str, sections: str) -> str:
    """Return a page: a verdict on something with a name, the sentence that says why, and sections."""
    template = files("lstm_verify.reporters").joinpath("page.html").read_text("utf-8")
    return Template(template).substitute(
        verdict=verdict,
        word=verdict.capitalize(),
        sign=SIGNS[verdict],
        name=text(name),
        line=prose(line),
        sections=sections,
        version=__version__,
    )


def _sections(report: Report) -> Iterator[tuple[str, str, str]]:
    """The sections of a page: name, title and content."""
    if report.diagnosis is not None:
        yield "cause", "Cause", _cause(report.diagnosis, report.predicted.name)
    yield "compared", "What was compared", "\n".join(_compared(report))
    yield "deviations", "Deviations", deviations(report)
    yield "gates", "Gates of the worst sample", gate_figures(report)
    yield "model", "Model", diagram(report.model, report.diagnosis)
    yield "blind-spots", "Blind spots", _blind_spots(report)
    yield from _last_sections(report, report.details.files, report.details.inputs)


def _sections_of_rollout(report: RolloutReport) -> Iterator[tuple[str, str, str]]:
    facts = table("Model, predictions and tolerance", (), list(rollout.header(report).items()))
    yield "compared", "What was run", facts + _steps(report)
    yield "deviations", "Deviations", step_figures(report)
    yield "model", "Model", diagram(report.model, None)
    yield from _last_sections(report, report.files, None)


def _last_sections(
    report: Report | RolloutReport, read: tuple[Path, ...], inputs: Inputs | None
) -> Iterator[tuple[str, str, str]]:
    yield "notes", "Notes", "".join(f"<p>{prose(note)}</p>\n" for note in report.notes)
    yield "reproduce", "How to reproduce", "\n".join(_reproduce(report, read, inputs))


# --- cause


def _cause(diagnosis: Diagnosis, predicted: str) -> str:
    """What explains a mismatch, and what else was tried."""
    said = paragraphs(terminal.cause_lines(diagnosis, predicted))
    if not diagnosis.evidence:
        return said
    title = tried_title(diagnosis)
    title = title[:1].upper() + title[1:]
    tried = [(what, sigmas) for sigmas, what in tried_rows(diagnosis)]
    shown = table(title, TRIED_HEADINGS[::-1], tried, [1])
    return f"{said}\n<details>\n<summary>{text(title)}</summary>\n{shown}\n</details>"


# --- what was compared


def _compared(report: Report) -> Iterator[str]:
    facts = [
        (key, line)
        for key, value in terminal.header(report).items()
        for line in ([value] if isinstance(value, str) else value)
    ]
    yield table("Model, predictions and tolerance", (), facts)
    if report.outputs:
        headings = (*terminal.OUTPUT_HEADINGS, "verdict")
        outputs = [(*terminal.output_row(output), _judged(output)) for output in report.outputs]
        yield table("Outputs", headings, outputs, range(2, 7))
    compared = sorted((output for output in report.outputs if output.deviations.size), key=_rank)
    for output in compared[:MOST_SHOWN]:
        worst = [terminal.sample_row(output, sample) for sample in output.worst(terminal.WORST)]
        columns = (*terminal.SAMPLE_HEADINGS[:-1], "judged")
        yield table(f"Worst samples of {output.name}", columns, [_with_end(row) for row in worst], range(6))


def _rank(output: Comparison) -> tuple[bool, float]:
    return output.verdict is Verdict.MATCH, -float(np.nan_to_num(output.max_sigmas))


def _judged(output: Comparison) -> str:
    return f"{output.verdict}: {output.reason}" if output.reason else str(output.verdict)


def _with_end(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row about a sample that says "within" where the terminal leaves a blank."""
    return (*row[:-1], row[-1] or "within")


def _steps(report: RolloutReport) -> str:
    if not report.deviations.size:
        return ""
    rows = [(*rollout.step_row(report, step), what) for what, step in rollout.told_steps(report)]
    headings = (*rollout.STEP_HEADINGS[:-1], "which it is")
    return table("Steps that matter", headings, rows, (0, *range(2, 7)))


# --- blind spots


def _blind_spots(report: Report) -> str:
    spots = report.blind_spots
    if spots is None:
        when = "" if report.verdict is Verdict.MATCH else ": they are what a match could not have shown"
        return f"<p>Not searched for{when}.</p>"
    if not spots.found and spots.complete:
        return f"<p>None: each of the {spots.tried:,} faults tried would have shown on this input.</p>"
    return "\n".join(_found_spots(spots))


def _found_spots(spots: BlindSpots) -> Iterator[str]:
    if spots.found:
        line = blind_line(spots)
        yield f"<p>{prose(line[:1].upper() + line[1:])}.</p>"
        rows = [
            (
                " and ".join(path for path in spot.change.layers if path) or "the whole model",
                spot.change.fault,
                spot.change.parameter or "-",
                spot.change.file_says,
                spot.change.behaves_as,
                in_sigmas(spot.effect),
            )
            for spot in spots.found
        ]
        headings = ("layer", "fault", "parameter", "in the file", "would be", "at most")
        yield table("Faults that this input could not have shown", headings, rows, [5])
    if not spots.complete:
        yield f"<p>The search was cut short after {spots.tried:,} faults; there may be more.</p>"


# --- how to reproduce


def _reproduce(report: Report | RolloutReport, given: tuple[Path, ...], inputs: Inputs | None) -> Iterator[str]:
    if report.command:
        command = f"<pre><code>{text(report.command)}</code></pre>"
        yield f"<p>The command:</p>\n{scrolling('command', command, 1)}"
    else:
        called = "verify" if isinstance(report, Report) else "rollout"
        yield f"<p>Made by a call of <code>lstm_verify.{called}</code>.</p>"
    versions = [
        ("lstm-verify", __version__),
        ("Python", platform.python_version()),
        ("NumPy", np.__version__),
        ("system", f"{platform.system()} on {platform.machine()}"),
        ("predicted by", report.predicted.description),
        *([("device", report.predicted.device)] if report.predicted.device else []),
    ]
    if "total" in report.timings:
        versions.append(("took", f"{report.timings['total']:.2f} s"))
    yield table("Versions", (), versions)
    read = [row for path in dict.fromkeys(given) for row in _hashed(path)]
    if read:
        yield table("Files", ("file", "bytes", "SHA-256"), read, [1])
    if inputs:
        shapes = [(name, str(shape), dtype) for name, (shape, dtype) in inputs.items()]
        yield table("Inputs", ("input", "shape", "dtype"), shapes)


def _hashed(path: Path) -> Iterator[tuple[str, str, str]]:
    """The files at a path, which may be a directory, or the beginning of the names of several files."""
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file())
    else:
        found = [path] if path.is_file() else sorted(path.parent.glob(f"{path.name}.*"))
    for one in found:
        try:
            yield str(one), f"{one.stat().st_size:,}", hash_of_file(one)
        except (OSError, InputError):
            yield str(one), "-", "cannot be read any more"
