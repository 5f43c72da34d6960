"""`lstm-verify diagnose`: verify, and show all the evidence of what is wrong."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lstm_verify.cli.option_groups import html_option, input_options, runtime_options
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import as_typed, check_html, errors, verified, write
from lstm_verify.errors import printable
from lstm_verify.reporters import find


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@input_options
@runtime_options
@click.option(
    "--seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="How long to look at most. Without it a search ends by what it computes, at the same fault on every machine.",
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write the report as JSON; - is standard output.")
@html_option
def diagnose(
    model: Path,
    inputs: tuple[str, ...],
    random: int | None,
    seed: int | None,
    expected: tuple[str, ...],
    state_from: str | None,
    seconds: float | None,
    json_file: str | None,
    html: str | None,
    **options: Any,
) -> None:
    """Find out why predictions differ from what the weights in MODEL compute, and show the evidence.

    Example: lstm-verify diagnose model.h5 --input x.npy
    """
    options |= {"seconds": seconds, "details": html is not None}
    with errors(model, json=json_file, html=html):
        check_html(html)
        report = verified(model, inputs, expected, random, seed, state_from, [json_file, html], **options)
        report = replace(report, command=as_typed())
        for name, file in (("json", json_file), ("html", html)):
            if file:
                write(file, find(name, "verification").render(report))
        for note in report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        if "-" not in (json_file, html):
            from lstm_verify.reporters.console import console

            find("evidence", "verification").render(report, console())
    sys.exit(report.exit_code)
