"""A verdict by another tolerance, in the terminal."""

from __future__ import annotations

from math import nan

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lstm_verify._judge import JudgedAnew, JudgedOutput
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.reporters.console import say
from lstm_verify.reporters.numbers import in_sigmas, number
from lstm_verify.reporters.terminal import STYLES, as_text, pairs


def render(report: JudgedAnew, console: Console) -> None:
    """Print a report."""
    console.print(
        pairs(
            {
                "judged": f"{report.source}, of {report.model}; nothing was computed again",
                "before": report.before,
                "tolerance": str(report.tolerance),
            }
        )
    )
    if report.outputs:
        console.print(_outputs(report))
    said = report.summary()
    say(console, Text.assemble((report.verdict.upper(), STYLES[report.verdict]), "  ", printable(said)))


def plain(report: JudgedAnew) -> str:
    """Return a report in plain text."""
    return as_text(lambda console: render(report, console))


def _outputs(report: JudgedAnew) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("output", overflow="fold")
    for heading in ("max |Δ|", "in σ", "beyond"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for output in report.outputs:
        table.add_row(*_row(output))
    return table


def _row(output: JudgedOutput) -> list[str | Text]:
    style = "" if output.verdict is Verdict.MATCH else STYLES[output.verdict]
    deviation = nan if output.max_abs_deviation is None else output.max_abs_deviation
    sigmas = nan if output.max_sigmas is None else output.max_sigmas
    return [
        Text(printable(output.name)),
        number(deviation),
        in_sigmas(sigmas),
        f"{output.samples_beyond:,} of {output.samples:,}",
        Text(output.verdict, style=style),
    ]
