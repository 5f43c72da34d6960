"""`lstm-verify diagnose`: verify, and show all the evidence of what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lstm_verify.cli.common import errors, input_options, runtime_options, verified, write
from lstm_verify.errors import printable
from lstm_verify.reporters import find


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@input_options
@runtime_options
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, help="How long to look."
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write the report as JSON; - is standard output.")
def diagnose(
    model: Path,
    inputs: tuple[str, ...],
    random: int | None,
    expected: tuple[str, ...],
    state_from: str | None,
    seconds: float,
    json_file: str | None,
    **options: Any,
) -> None:
    """Find out why predictions differ from what the weights in MODEL compute, and show the evidence.

    Example: lstm-verify diagnose model.h5 --input x.npy
    """
    with errors():
        report = verified(model, inputs, expected, random, state_from, [json_file], seconds=seconds, **options)
        if json_file:
            write(json_file, find("json", "verification").render(report))
        for note in report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        if json_file != "-":
            from rich.console import Console

            find("evidence", "verification").render(report, Console(highlight=False))
    sys.exit(report.exit_code)
