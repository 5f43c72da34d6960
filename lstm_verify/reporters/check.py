"""Many models in the terminal: a row for each, and one sentence."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lstm_verify.checking.report import CheckReport
from lstm_verify.checking.run import ERROR, Outcome
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.reporters.console import say
from lstm_verify.reporters.numbers import in_sigmas
from lstm_verify.reporters.terminal import STYLES, as_text

STYLE = {**{str(verdict): style for verdict, style in STYLES.items()}, ERROR: "bold red"}


def render(report: CheckReport, console: Console) -> None:
    """Print a report."""
    if report.outcomes:
        console.print(_table(report))
    worst = {0: str(Verdict.MATCH), 1: str(Verdict.MISMATCH), 2: ERROR, 3: str(Verdict.INCONCLUSIVE)}[report.exit_code]
    said = Text.assemble((worst.upper(), STYLE[worst]), "  ", report.summary(), f", {report.seconds:.1f} s")
    say(console, said)


def plain(report: CheckReport) -> str:
    """Return a report in plain text."""
    return as_text(lambda console: render(report, console))


def _table(report: CheckReport) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column("against", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("worst", justify="right", no_wrap=True)
    with_cause = any(outcome.cause for outcome in report.outcomes)
    if with_cause:
        table.add_column("cause", overflow="fold")
    table.add_column("seconds", justify="right", no_wrap=True)
    for outcome in report.outcomes:
        table.add_row(*_row(outcome, with_cause))
    return table


def _row(outcome: Outcome, with_cause: bool) -> list[Text]:
    verdict = Text(outcome.verdict, style=STYLE[outcome.verdict] if outcome.exit_code else "")
    seconds = "cached" if outcome.cached else f"{outcome.seconds:.1f}"
    words = (outcome.name, outcome.compared_with, _worst(outcome), outcome.cause, seconds)
    name, compared_with, worst, cause, time = (Text(printable(word)) for word in words)
    return [name, compared_with, verdict, worst, *([cause] if with_cause else []), time]


def _worst(outcome: Outcome) -> str:
    """How far it is off at the most: in σ, or else as it is."""
    if outcome.max_sigmas is not None:
        return f"{'≤ ' if outcome.at_most else ''}{in_sigmas(outcome.max_sigmas)}"
    return "-" if outcome.max_abs_deviation is None else f"{outcome.max_abs_deviation:.2e}"
