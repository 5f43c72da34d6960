"""The evidence behind a diagnosis: what was tried and with which result, where the deviation starts, how it grows."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lstm_verify.diagnosis import Diagnosis
from lstm_verify.errors import printable
from lstm_verify.report import Report
from lstm_verify.reporters import terminal
from lstm_verify.reporters.numbers import in_sigmas, number

WORST = 3
MOST = 12


def render(report: Report, console: Console) -> None:
    """Print a report with all the evidence behind its diagnosis."""
    terminal.render(report, console, WORST, details=True)
    if report.diagnosis is None:
        return
    console.print()
    if report.diagnosis.evidence:
        console.print(_tried(report.diagnosis))
    if report.diagnosis.over_time:
        console.print(_over_time(report.diagnosis))


def _tried(diagnosis: Diagnosis) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=Text(tried_title(diagnosis)), title_justify="left")
    largest, change = TRIED_HEADINGS
    table.add_column(largest, justify="right")
    table.add_column(change, overflow="fold")
    for (sigmas, what), (_, misfit) in zip(tried_rows(diagnosis), diagnosis.evidence, strict=False):
        table.add_row(sigmas, Text(printable(what), style="bold green" if misfit.explains else ""))
    return table


TRIED_HEADINGS = ("max |Δ|", "with it, the runtime would have")


def tried_title(diagnosis: Diagnosis) -> str:
    """Return the title of what was tried."""
    more = ", when the search was cut short" if diagnosis.untried else ""
    return f"the closest of {diagnosis.tried:,} changes tried{more}"


def tried_rows(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """Return the changes that come nearest, with what they leave, below `TRIED_HEADINGS`."""
    return [
        (
            in_sigmas(misfit.sigmas),
            f"{change.parameter} = {change.behaves_as} in {', '.join(change.layers)} ({change.fault})",
        )
        for change, misfit in diagnosis.evidence[:MOST]
    ]


def _over_time(diagnosis: Diagnosis) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=Text("the deviation over time"), title_justify="left")
    table.add_column("time step", justify="right")
    table.add_column("largest |Δ|", justify="right")
    for step, deviation in diagnosis.over_time:
        table.add_row(str(step), number(deviation))
    return table
