"""`lstm-verify diagnose`: verify, and show all the evidence of what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lstm_verify.cli.common import (
    check_inputs,
    check_writable,
    errors,
    files,
    input_options,
    progress_bars,
    runtime_options,
    write,
)
from lstm_verify.errors import printable


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
    from lstm_verify.verify import verify as run

    check_inputs(inputs, random, expected, state_from, options["runtime"])
    with errors():
        check_writable([json_file], [str(model), *inputs, *expected, state_from or ""])
        with progress_bars(False) as progress:
            report = run(
                model,
                files(inputs) if inputs else None,
                expected=files(expected) if expected else None,
                random=random or 0,
                state_from=state_from,
                seconds=seconds,
                progress=progress,
                **options,
            )
        if json_file:
            from lstm_verify.reporters import json as json_reporter

            write(json_file, json_reporter.render(report.to_dict()))
        for note in report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        if json_file != "-":
            from rich.console import Console

            from lstm_verify.reporters import evidence

            evidence.render(report, Console(highlight=False))
    sys.exit(report.exit_code)
