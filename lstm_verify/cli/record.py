"""`lstm-verify record`: verify once, and keep it as a golden folder to check against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lstm_verify.cli.option_groups import grouped, input_options, runtime_options
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import check_inputs, errors, files, progress_bars
from lstm_verify.errors import printable
from lstm_verify.reporters import find


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@input_options
@runtime_options
@click.option("--output", "-o", metavar="FOLDER", help="The folder to write. [default: MODEL.golden]")
@click.option("--update", is_flag=True, help="Replace a record that is there already.")
@click.option("--any-verdict", is_flag=True, help="Record a mismatch, or what is inconclusive, too.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing; only set the exit code.")
def record(
    model: Path,
    inputs: tuple[str, ...],
    random: int | None,
    seed: int | None,
    expected: tuple[str, ...],
    state_from: str | None,
    output: str | None,
    update: bool,
    any_verdict: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Verify MODEL and record it as a golden folder, against which files are checked without any framework.

    The exit code is that of the verdict; what is no match is recorded only with --any-verdict.

    Example: lstm-verify record model.keras --input x.npy, then lstm-verify model.onnx --golden model.keras.golden
    """
    from lstm_verify._record import folder_for, nothing_recorded, observed
    from lstm_verify.golden import check_free, write
    from lstm_verify.judging.compare import Verdict
    from lstm_verify.options import RandomInputs

    with errors(model):
        check_inputs(
            inputs, random, seed, expected, state_from, options["runtime"], options["decimals"], options["digits"]
        )
        folder = folder_for(model) if output is None else Path(output)
        check_free(folder, update)
        x = files(inputs) if inputs else RandomInputs(random or 0, seed or 0)
        with progress_bars(quiet) as progress:
            report, evidence, facts = observed(
                model,
                x,
                expected=files(expected) if expected else None,
                state_from=state_from,
                progress=progress,
                **grouped(options),
            )
        if not quiet:
            from lstm_verify.reporters.console import console

            find("terminal", "verification").render(report, console())
        for note in () if quiet else report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        kept = bool(evidence.predicted) and (any_verdict or report.verdict is Verdict.MATCH)
        if kept:
            write(folder, facts, evidence.arrays())
        said = f"recorded in {folder}" if kept else nothing_recorded(report)
        if not (quiet and kept):
            click.echo(printable(said), err=not kept)
    sys.exit(report.exit_code)
