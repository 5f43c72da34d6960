"""Files against each other in the terminal: one small table, one sentence, and what explains a mismatch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lstm_verify.cross.report import AgainstReport, called
from lstm_verify.diagnosis.explain import blind_line
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.model import Model
from lstm_verify.report import Report
from lstm_verify.reporters.cases import function_lines, runtime_lines
from lstm_verify.reporters.console import say
from lstm_verify.reporters.numbers import in_sigmas, number
from lstm_verify.reporters.terminal import STYLES, as_text


def render(report: AgainstReport, console: Console) -> None:
    """Print a report."""
    console.print(_files(report))
    say(console, _verdict(report))
    for line in _explained(report):
        say(console, Text(printable(line)))


def plain(report: AgainstReport) -> str:
    """Return a report in plain text."""
    return as_text(lambda console: render(report, console))


def _files(report: AgainstReport) -> Table:
    """A row for each file."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("written by", overflow="fold")
    table.add_column("weights", overflow="fold")
    table.add_column("replay", overflow="fold")
    table.add_column("runtime", overflow="fold")
    table.add_row(*_about(report.model), "", "", _agreement(report.runtime))
    for other in report.others:
        words = Text(printable(other.weights.words), style="" if other.weights.same else "yellow")
        table.add_row(*_about(other.model), words, _agreement(other.function), _agreement(other.runtime))
    return table


def _about(model: Model) -> tuple[Text, Text]:
    return Text(printable(called(model))), Text(printable(model.source.writer if model.source else ""))


def _agreement(report: Report | None) -> Text:
    """A verdict with how far it is."""
    if report is None:
        return Text("-")
    worst = max((output.max_abs_deviation for output in report.outputs if output.deviations.size), default=float("nan"))
    sigmas = max((output.max_sigmas for output in report.outputs), default=float("nan"))
    far = f", {number(worst)} ({in_sigmas(sigmas)})" if worst == worst else ""
    style = "" if report.verdict is Verdict.MATCH else STYLES[report.verdict]
    return Text(f"{report.verdict}{far}", style=style)


def _verdict(report: AgainstReport) -> Text:
    said = report.summary()
    if report.verdict is Verdict.MATCH and report.runtime is not None:
        said += ", and each runtime does what its file says"
    return Text.assemble((report.verdict.upper(), STYLES[report.verdict]), "  ", printable(said))


def _explained(report: AgainstReport) -> Iterator[str]:
    """What explains each mismatch, and what was assumed."""
    if report.runtime is not None:
        yield from _paragraph(runtime_lines(report.model, report.runtime))
    for other in report.others:
        yield from _paragraph(function_lines(other, report.model))
        if other.runtime is not None:
            yield from _paragraph(runtime_lines(other.model, other.runtime))
    found = [other.function.blind_spots for other in report.others]
    for line in dict.fromkeys(blind_line(spots) for spots in found if spots is not None and spots.found):
        yield f"blind spots: {line} of {called(report.model)}"
    for note in dict.fromkeys((*report.notes, *(note for other in report.others for note in other.notes))):
        yield f"note: {note}"


def _paragraph(lines: Iterable[str]) -> list[str]:
    """Lines after an empty one, if there are any."""
    found = list(lines)
    return ["", *found] if found else []
