"""`lstm-verify verify`: predictions compared with what the weights compute."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lstm_verify.cli.against import Compared, compared, names_of
from lstm_verify.cli.option_groups import html_option, input_options, runtime_options
from lstm_verify.cli.shared import as_typed, check_html, errors, verified, write
from lstm_verify.errors import printable
from lstm_verify.reporters import find


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@input_options
@runtime_options
@click.option(
    "--against",
    "others",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Another file that should compute the same, such as an export of MODEL; may be given more than once.",
)
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="A=B",
    help="For --against: input or output A of MODEL is B of the others.",
)
@click.option("--no-runtime", is_flag=True, help="For --against: replay the files alone, without their frameworks.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write the report as JSON; - is standard output.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML, a test case for each output.")
@html_option
@click.option("--per-sample", metavar="FILE", help="Write the deviation of every sample, as .csv or .npy.")
@click.option("--output", metavar="FILE", help="Write the replayed predictions as .npz.")
@click.option(
    "--top", type=click.IntRange(min=0), default=5, show_default=True, help="The number of worst samples to show."
)
@click.option("--diagnose/--no-diagnose", default=True, help="On a mismatch, find out which fault explains it.")
@click.option(
    "--blind-spots/--no-blind-spots", default=True, help="On a match, find out which faults it could not have shown."
)
@click.option("--fail-on-blind-spots", is_flag=True, help="Exit with 1 if there are blind spots.")
@click.option("--verbose", "-v", is_flag=True, help="List every blind spot.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing; only set the exit code.")
def verify(
    model: Path,
    inputs: tuple[str, ...],
    random: int | None,
    seed: int | None,
    expected: tuple[str, ...],
    state_from: str | None,
    others: tuple[Path, ...],
    mapped: tuple[str, ...],
    no_runtime: bool,
    json_file: str | None,
    junit: str | None,
    html: str | None,
    per_sample: str | None,
    output: str | None,
    top: int,
    fail_on_blind_spots: bool,
    verbose: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Compare predictions with what the weights in MODEL compute.

    Example: lstm-verify model.h5 --input x.npy --json report.json
    """
    if per_sample and not per_sample.endswith((".csv", ".npy")):
        raise click.UsageError(f"--per-sample {per_sample}: expected a name that ends in .csv or .npy")
    if others:
        unused: dict[str, Any] = {
            "--expected": expected,
            "--html": html,
            "--per-sample": per_sample,
            "--output": output,
            "--state-from": state_from,
        }
        unused |= {"--fail-on-blind-spots": fail_on_blind_spots, "--runtime": options.pop("runtime")}
        results = [json_file, junit]
        given = Compared(model, others, inputs, random, seed, names_of(mapped), not no_runtime)
        sys.exit(compared(given, [name for name, value in unused.items() if value], results, quiet, options))
    if mapped or no_runtime:
        raise click.UsageError("--map and --no-runtime are for --against. Give that too")
    options["blind_spots"] |= fail_on_blind_spots
    options |= {"output": output, "details": html is not None}
    with errors(model, json=json_file, junit=junit, html=html):
        check_html(html)
        results = [json_file, junit, html, per_sample, output]
        report = verified(model, inputs, expected, random, seed, state_from, results, quiet, **options)
        report = replace(report, fails_on_blind_spots=fail_on_blind_spots, command=as_typed())
        write_reports(report, json_file, junit, html, per_sample)
        for note in () if quiet else report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        if not quiet and "-" not in (json_file, html):
            from rich.console import Console

            find("terminal", "verification").render(report, Console(highlight=False), top, verbose)
    sys.exit(report.exit_code)


def write_reports(
    report: Any, json_file: str | None, junit: str | None, html: str | None, per_sample: str | None
) -> None:
    wanted = {"json": json_file, "junit": junit, "html": html, (per_sample or "")[-3:]: per_sample}
    for name, file in wanted.items():
        if file:
            write(file, find(name, "verification").render(report))
