"""`lstm-verify MODEL --against OTHER`: files compared with each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click

from lstm_verify.cli.github import GitHub
from lstm_verify.cli.option_groups import grouped
from lstm_verify.cli.shared import check_inputs, check_writable, errors, files, progress_bars, write_reports
from lstm_verify.reporters import find


class Compared(NamedTuple):
    """What is compared."""

    model: Path
    others: tuple[Path, ...]
    inputs: tuple[str, ...]
    random: int | None
    seed: int | None
    names: dict[str, str]
    predict: bool
    """Whether each runtime predicts."""


def names_of(mapped: tuple[str, ...]) -> dict[str, str]:
    """The names of one file and of the others, as `--map A=B` says."""
    found = {}
    for item in mapped:
        ours, separator, theirs = item.partition("=")
        if not separator or not ours or not theirs:
            raise click.UsageError(f"--map {item}: expected A=B, a name in MODEL and one in the other files")
        found[ours] = theirs
    return found


def compared(
    given: Compared,
    unused: list[str],
    reports: dict[str, str | None],
    most: int | None,
    github: GitHub,
    quiet: bool,
    options: dict[str, Any],
) -> int:
    """Compare files, and report; the exit code.

    Args:
        given: what is compared.
        unused: the options that were given and make no sense here.
        reports: the files for reports, by the name of the reporter.
        most: how many samples JSON lists.
        github: what GitHub Actions is told.
        quiet: whether nothing is printed.
        options: the other options of the command.
    """
    if unused:
        raise click.UsageError(f"--against and {unused[0]} exclude each other")
    check_inputs(given.inputs, given.random, given.seed, (), None, None, options["decimals"])
    with errors(given.model, github.tell, **reports):
        from lstm_verify.cross import against
        from lstm_verify.options import RandomInputs

        named = [item.partition("=")[2] for item in given.inputs]
        check_writable(list(reports.values()), [str(given.model), *map(str, given.others), *given.inputs, *named])
        arguments = grouped(options)
        with progress_bars(quiet) as progress:
            report = against(
                given.model,
                given.others,
                files(given.inputs) if given.inputs else RandomInputs(given.random or 0, given.seed or 0),
                names=given.names,
                predict=given.predict,
                progress=progress,
                **arguments,
            )
        write_reports("comparison", report, reports, most)
        if not quiet and reports["json"] != "-":
            from lstm_verify.reporters.console import console

            with github.printing():
                find("terminal", "comparison").render(report, console())
        github.tell("comparison", report)
    return report.exit_code
