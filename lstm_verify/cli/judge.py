"""`lstm-verify judge`: a stored report or a golden folder by another tolerance."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import check_writable, errors, write
from lstm_verify.reporters import find


@click.command(cls=Sectioned)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--sigmas", metavar="X", type=float, help="How far predictions may be from the replay, in σ. [default: as it was]"
)
@click.option("--atol", metavar="X", type=float, help="Absolute tolerance, instead of σ.")
@click.option("--rtol", metavar="X", type=float, help="For a golden folder: relative tolerance, instead of σ.")
@click.option("--allow-unjudged", is_flag=True, help="Accept values that rounding may change as much as a fault would.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write the verdict as JSON; - is standard output.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing; only set the exit code.")
def judge(
    source: Path,
    sigmas: float | None,
    atol: float | None,
    rtol: float | None,
    allow_unjudged: bool,
    json_file: str | None,
    quiet: bool,
) -> None:
    """Judge a report that --json wrote, or a golden folder, anew, without the model and without any framework.

    What a report leaves open is inconclusive. What explains a mismatch, and blind spots, are not looked for again.

    Example: lstm-verify judge report.json --sigmas 4
    """
    from lstm_verify._judge import judge as judged
    from lstm_verify.judging.tolerance import SIGMAS, Tolerance

    if sigmas is not None and (atol, rtol) != (None, None):
        raise click.UsageError("--sigmas and --atol or --rtol exclude each other: they are in place of σ")
    with errors(source, json=json_file):
        check_writable([json_file], [str(source), str(source / "golden.json"), str(source / "golden.npz")])
        asked = (sigmas, atol, rtol) != (None, None, None) or allow_unjudged
        wanted = Tolerance(atol, rtol, SIGMAS if sigmas is None else sigmas, allow_unjudged=allow_unjudged)
        report = judged(source, wanted if asked else None)
        if json_file:
            write(json_file, find("json", "judgement").render(report))
        if not quiet and json_file != "-":
            from lstm_verify.reporters.console import console

            find("terminal", "judgement").render(report, console())
    sys.exit(report.exit_code)
