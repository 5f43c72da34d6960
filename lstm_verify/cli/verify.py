"""`lstm-verify verify`: predictions compared with what the weights compute."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lstm_verify.cli.against import Compared, compared, names_of
from lstm_verify.cli.github import github_of
from lstm_verify.cli.option_groups import html_option, input_options, runtime_options
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import as_typed, check_html, errors, verified, write, write_reports
from lstm_verify.errors import printable
from lstm_verify.reporters import find


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@input_options
@runtime_options
@click.option("--golden", metavar="FOLDER", help="A folder that record wrote: its inputs and predictions.")
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
@click.option(
    "--json-samples",
    type=click.Choice(["none", "worst", "all"]),
    default="all",
    show_default=True,
    help="The samples of each output that --json lists: none, the --top worst, or all.",
)
@click.option("--junit", metavar="FILE", help="Write JUnit XML, a test case for each output.")
@html_option
@click.option("--sarif", metavar="FILE", help="Write SARIF 2.1.0, a result for each output that does not match.")
@click.option(
    "--github/--no-github",
    default=None,
    help="Annotate the log and write the job summary of GitHub Actions. [default: if it runs there]",
)
@click.option("--per-sample", metavar="FILE", help="Write the deviation of every sample, as .csv or .npy.")
@click.option("--output", metavar="FILE", help="Write the replayed predictions as .npz.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="K",
    help="The number of worst samples to show.",
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
    golden: str | None,
    others: tuple[Path, ...],
    mapped: tuple[str, ...],
    no_runtime: bool,
    json_file: str | None,
    json_samples: str,
    junit: str | None,
    html: str | None,
    sarif: str | None,
    github: bool | None,
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
    reports = {"json": json_file, "junit": junit, "sarif": sarif, "html": html}
    told = github_of(github, quiet, json_file)
    most = {"none": 0, "worst": top}.get(json_samples)
    if others:
        unused: dict[str, Any] = {
            "--expected": expected,
            "--html": html,
            "--per-sample": per_sample,
            "--output": output,
            "--golden": golden,
            "--state-from": state_from,
        }
        unused |= {"--fail-on-blind-spots": fail_on_blind_spots, "--runtime": options.pop("runtime")}
        given = Compared(model, others, inputs, random, seed, names_of(mapped), not no_runtime)
        refused = [name for name, value in unused.items() if value]
        sys.exit(compared(given, refused, reports, most, told, quiet, options))
    if mapped or no_runtime:
        raise click.UsageError("--map and --no-runtime are for --against. Give that too")
    options["blind_spots"] |= fail_on_blind_spots
    options |= {"output": output, "golden": golden, "details": html is not None}
    with errors(model, told.tell, **reports):
        check_html(html)
        written = [*reports.values(), per_sample, output]
        fed = (inputs, expected, random, seed, state_from)
        report = verified(model, *fed, written, quiet, **options)
        report = replace(report, fails_on_blind_spots=fail_on_blind_spots, command=as_typed())
        write_reports("verification", report, reports, most)
        if per_sample:
            write(per_sample, find(per_sample[-3:], "verification").render(report))
        for note in () if quiet else report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        if not quiet and "-" not in (json_file, html):
            from lstm_verify.reporters.console import console

            with told.printing():
                find("terminal", "verification").render(report, console(), top, verbose)
        told.tell("verification", report)
    sys.exit(report.exit_code)
