"""`lstm-verify check`: many models, side by side."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lstm_verify.cli.github import github_of
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import check_writable, errors, write, write_failure
from lstm_verify.errors import OutputError, printable
from lstm_verify.reporters import find

if TYPE_CHECKING:
    from lstm_verify.checking import Outcome, Task


@click.command(cls=Sectioned)
@click.argument("paths", nargs=-1)
@click.option("--manifest", "-m", metavar="FILE", help="A TOML file that names models, and how each is checked.")
@click.option("--random", type=click.IntRange(min=1), metavar="N", help="For PATHS: generate N samples for each model.")
@click.option("--seed", type=click.IntRange(min=0), metavar="S", help="For PATHS: from which seed; 0 if left out.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), metavar="N", help="Models at a time. [default: as fits]")
@click.option("--dask", metavar="ADDRESS", help="Let a Dask cluster do it, whose scheduler is there: tcp://host:8786.")
@click.option("--cache/--no-cache", default=True, help="Whether models that have not changed are taken from the cache.")
@click.option("--cache-dir", metavar="DIR", help="Where the cache is. [default: .lstm-verify-cache by pyproject.toml]")
@click.option("--json", "json_file", metavar="FILE|-", help="Write JSON, a line for each model; - is standard output.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML, a test suite for each model.")
@click.option(
    "--github/--no-github",
    default=None,
    help="Annotate the log and write the job summary of GitHub Actions. [default: if it runs there]",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing; only set the exit code.")
def check(
    paths: tuple[str, ...],
    manifest: str | None,
    random: int | None,
    seed: int | None,
    jobs: int | None,
    dask: str | None,
    cache: bool,
    cache_dir: str | None,
    json_file: str | None,
    junit: str | None,
    github: bool | None,
    quiet: bool,
) -> None:
    """Verify many models: PATHS are files, directories and patterns; without them, those of a manifest.

    A model in PATHS is checked against the golden folder beside it, or else against its framework on generated inputs.
    The exit code is that of the worst: 2 error, before 1 mismatch, before 3 inconclusive, before 0.

    Example: lstm-verify check export/ --junit report.xml
    """
    from lstm_verify.checking import Problems, cache_folder, checks, tasks_for
    from lstm_verify.checking.cache import Cache
    from lstm_verify.checking.circumstances import circumstances
    from lstm_verify.checking.cluster import cluster
    from lstm_verify.checking.jobs import processes, usual_jobs
    from lstm_verify.checking.report import CheckReport

    if dask and jobs:
        raise click.UsageError("--dask and --jobs exclude each other: the cluster has its own workers")
    asked = manifest or " ".join(paths) or "pyproject.toml"
    told = github_of(github, quiet, json_file)
    results = {"json lines": json_file, "junit": junit}
    with errors(Path(asked), told.tell, **results):
        try:
            tasks = tasks_for(paths, manifest, random, seed)
        except Problems as problems:
            for line in problems.lines:
                click.echo(f"error: {line}", err=True)
            write_failure(asked, str(problems), results, told.tell)
            sys.exit(2)
        check_writable([json_file, junit], [file for task in tasks for file in _read(task)])
        for note in () if quiet else _assumed(tasks):
            click.echo(f"note: {printable(note)}", err=True)
        started, found = time.perf_counter(), []
        kept = Cache(Path(cache_dir) if cache_dir else cache_folder()) if cache else None
        with _lines(json_file) as write_line, _progress(len(tasks), quiet) as advance:
            at_once, executors = (len(tasks), cluster(dask)) if dask else (jobs or usual_jobs(), processes)
            with closing(checks(tasks, at_once, kept, executors)) as outcomes:
                for outcome in outcomes:
                    found.append(outcome)
                    write_line(outcome)
                    advance(outcome)
            report = CheckReport(tuple(found), time.perf_counter() - started)
            write_line(report)
        if elsewhere := sum(outcome.circumstances != circumstances() for outcome in found):
            how = "checked with other versions, settings or processors than are here; no cache keeps that"
            click.echo(f"note: {elsewhere} of {len(found)} models {how}", err=True)
        if junit:
            write(junit, find("junit", "check").render(report))
        if not quiet and json_file != "-":
            from lstm_verify.reporters.console import console

            with told.printing():
                find("terminal", "check").render(report, console())
        told.tell("check", report)
    sys.exit(report.exit_code)


def _read(task: Task) -> list[str]:
    return [str(file) for file in (*task.models(), *task.files())]


def _assumed(tasks: list[Task]) -> Iterator[str]:
    """What was assumed for models of which little is said."""
    generated = [task for task in tasks if task.is_generated]
    sizes = sorted({(task.random, task.seed) for task in generated})
    for samples, seed in sizes:
        count = sum((task.random, task.seed) == (samples, seed) for task in generated)
        models = "1 model is" if count == 1 else f"{count} models are"
        yield f"{models} checked on generated inputs, {samples} samples from seed {seed}"


@contextmanager
def _lines(file: str | None) -> Iterator[Callable[[Any], None]]:
    """Write lines of JSON, each as soon as it is known; the last one says that there are no more."""
    render = find("json", "check").render
    if not file:
        yield lambda _: None
    elif file == "-":
        yield lambda item: click.echo(render(item), nl=False)
    else:
        _written(file, "w", "")
        yield lambda item: _written(file, "a", render(item))


def _written(file: str, mode: str, text: str) -> None:
    try:
        with open(file, mode, encoding="utf-8") as lines:
            lines.write(text)
    except OSError as error:
        raise OutputError(f"{file}: cannot be written ({error.strerror}). Choose another path") from None


@contextmanager
def _progress(models: int, quiet: bool) -> Iterator[Callable[[Outcome], None]]:
    """A progress bar on stderr, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("check", total=models)
        yield lambda outcome: bars.update(bar, advance=1, description=printable(outcome.name)[-40:])
