"""`lstm-verify rollout`: a model run on its own outputs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lstm_verify.cli.option_groups import expected_options, grouped, html_option, runtime_options
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import (
    as_typed,
    check_expected,
    check_html,
    check_writable,
    errors,
    files,
    progress_bars,
    write,
)
from lstm_verify.errors import printable
from lstm_verify.reporters import find


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "-i",
    "inputs",
    multiple=True,
    required=True,
    metavar="FILE|NAME=FILE",
    help="Inputs of the first step, a file of arrays or NAME=FILE. States that are left out start as zeros.",
)
@click.option("--state-from", metavar="FILE", help="A .npz or .json file with the initial states.")
@click.option("--steps", "-n", type=click.IntRange(min=1), required=True, metavar="N", help="How many steps.")
@click.option(
    "--feedback",
    multiple=True,
    metavar="OUTPUT=INPUT",
    help="Which output becomes which input. [default: the only output that is not a state]",
)
@click.option(
    "--state",
    multiple=True,
    metavar="OUTPUT=INPUT",
    help="Which output is the next value of which state input. [default: by names and shapes]",
)
@click.option("--one-hot", is_flag=True, help="Feed the likeliest class back as a one-hot vector.")
@click.option(
    "--sample", is_flag=True, help="Sample tokens by their probabilities, with the same random numbers on both sides."
)
@click.option("--seed", metavar="S", type=click.IntRange(min=0), default=0, show_default=True, help="For --sample.")
@click.option("--teacher-forced", is_flag=True, help="Feed the replay the framework's inputs at every step.")
@expected_options
@runtime_options
@click.option("--json", "json_file", metavar="FILE|-", help="Write the report as JSON; - is standard output.")
@html_option
@click.option("--output", metavar="FILE", help="Write the replayed outputs of all steps as .npz.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing; only set the exit code.")
def rollout(
    model: Path,
    inputs: tuple[str, ...],
    expected: tuple[str, ...],
    state_from: str | None,
    feedback: tuple[str, ...],
    state: tuple[str, ...],
    json_file: str | None,
    html: str | None,
    output: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Feed the output of MODEL back into it, in the framework and in the replay, and compare step by step.

    With --expected, a rollout that was recorded, (samples, steps, ...), takes the place of the framework.

    Example: lstm-verify rollout model.h5 --input seed.npy --steps 50
    """
    from lstm_verify.rollouts import rollout as run

    check_expected(expected, options["runtime"], options["decimals"], options["digits"])
    if expected and options["sample"]:
        raise click.UsageError("--expected and --sample exclude each other: it is not known how they were drawn")
    with errors(model, json=json_file, html=html):
        check_html(html)
        named = [item.partition("=")[2] for item in (*inputs, *expected)]
        read = [str(model), *inputs, *expected, *named, state_from or "", str(options["architecture"] or "")]
        check_writable([json_file, html, output], read)
        with progress_bars(quiet) as progress:
            report = run(
                model,
                files(inputs),
                expected=files(expected) if expected else None,
                feedback=_pairs("--feedback", feedback),
                state=_pairs("--state", state),
                state_from=state_from,
                output=output,
                progress=progress,
                **grouped(options),
            )
        report = replace(report, command=as_typed())
        for name, file in (("json", json_file), ("html", html)):
            if file:
                write(file, find(name, "rollout").render(report))
        for note in () if quiet else report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        if not quiet and "-" not in (json_file, html):
            from lstm_verify.reporters.console import console

            find("terminal", "rollout").render(report, console())
    sys.exit(report.exit_code)


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in given:
        output, separator, name = item.partition("=")
        if not (output and separator and name):
            raise click.UsageError(f"{option} {item}: expected OUTPUT=INPUT")
        if output in pairs:
            raise click.UsageError(f"{option} {item}: {output} is given twice")
        pairs[output] = name
    return pairs
