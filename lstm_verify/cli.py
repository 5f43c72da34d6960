"""The command line: parse, call the library, render, exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from lstm_verify import __version__
from lstm_verify.errors import LstmVerifyError, OutputError, printable


class VerifyByDefault(click.Group):
    """A group in which `lstm-verify MODEL ...` means `lstm-verify verify MODEL ...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help", "-h", "--version"):
            args = ["verify", *args]
        return super().parse_args(ctx, args)


@click.group(cls=VerifyByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lstm-verify")
def cli() -> None:
    """Check that an exported recurrent model still computes what was trained.

    \b
    lstm-verify MODEL --input x.npy                        against the framework that wrote it
    lstm-verify MODEL --input x.npy --expected y.npy       against recorded predictions
    lstm-verify inspect MODEL                              what is in the file
    lstm-verify extract MODEL -o weights.npz               its tensors by name

    Exit codes: 0 match, 1 mismatch, 2 usage error or unreadable file, 3 inconclusive.
    """


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "-i",
    "inputs",
    multiple=True,
    metavar="FILE|NAME=FILE",
    help="A .npy file; a .npz file with one array for each input; or NAME=file.npy, once for each input.",
)
@click.option("--random", type=click.IntRange(min=1), metavar="N", help="Make N samples from the model's signature.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For --random.")
@click.option(
    "--expected",
    "-e",
    multiple=True,
    metavar="FILE|NAME=FILE",
    help="Recorded predictions (.npy, .npz or NAME=file.npy); no framework is run.",
)
@click.option(
    "--runtime", metavar="keras|tf_keras", help="The framework to predict with. [default: who wrote the file]"
)
@click.option("--atol", type=float, help="Absolute tolerance. [default: 1e-5 for float32]")
@click.option("--rtol", type=float, help="Tolerance relative to the replayed value. [default: 1e-4 for float32]")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="For the framework.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=600.0, show_default=True, help="Seconds."
)
@click.option("--unsafe", is_flag=True, help="Let the framework run code from the file, such as Lambda layers.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write the report as JSON; - is standard output.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML, a test case for each output.")
@click.option("--per-sample", metavar="FILE", help="Write the deviation of every sample, as .csv or .npy.")
@click.option("--output", metavar="FILE", help="Write the replayed predictions as .npz.")
@click.option("--top", type=click.IntRange(min=0), default=5, show_default=True, help="Worst samples to show.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing; the exit code tells.")
def verify(
    model: Path,
    inputs: tuple[str, ...],
    random: int | None,
    expected: tuple[str, ...],
    json_file: str | None,
    junit: str | None,
    per_sample: str | None,
    output: str | None,
    top: int,
    quiet: bool,
    **options: Any,
) -> None:
    """Compare predictions with what the weights in MODEL compute.

    Example: lstm-verify model.h5 --input x.npy --json report.json
    """
    from lstm_verify.verify import verify as run

    if bool(inputs) == (random is not None):
        raise click.UsageError("give either --input or --random")
    if expected and options["runtime"]:
        raise click.UsageError("--expected and --runtime exclude each other: predictions are recorded, or made")
    if per_sample and not per_sample.endswith((".csv", ".npy")):
        raise click.UsageError(f"--per-sample {per_sample}: expected a name that ends in .csv or .npy")
    with _errors():
        read = [str(model), *inputs, *expected, *(item.partition("=")[2] for item in (*inputs, *expected))]
        _check_writable([json_file, junit, per_sample, output], read)
        with _progress(quiet) as progress:
            report = run(
                model,
                _files(inputs) if inputs else None,
                expected=_files(expected) if expected else None,
                random=random or 0,
                output=output,
                progress=progress,
                **options,
            )
        _write_reports(report, json_file, junit, per_sample)
        for note in () if quiet else report.notes:
            click.echo(f"note: {printable(note)}", err=True)
        if not quiet and json_file != "-":
            from rich.console import Console

            from lstm_verify.reporters import terminal

            terminal.render(report, Console(highlight=False), top)
    sys.exit(report.exit_code)


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--json", "json_file", metavar="FILE|-", help="Write it as JSON; - is standard output.")
def inspect(model: Path, json_file: str | None) -> None:
    """Show what is in MODEL: layers, gates, activations, shapes, and who wrote it.

    Example: lstm-verify inspect model.h5
    """
    from lstm_verify.formats import load
    from lstm_verify.inspection import inspect as look
    from lstm_verify.reporters import json

    with _errors():
        _check_writable([json_file], [str(model)])
        found = look(load(model))
        if json_file:
            _write(json_file, json.render(found))
        if json_file != "-":
            from rich.console import Console

            from lstm_verify.reporters import terminal

            terminal.render_inspection(found, Console(highlight=False))


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--output", "-o", required=True, metavar="FILE", help="The .npz file to write.")
def extract(model: Path, output: str) -> None:
    """Write the tensors of MODEL by name: kernel, recurrent_kernel and bias of each layer, and so on.

    Example: lstm-verify extract model.h5 -o weights.npz
    """
    from lstm_verify.arrays import write_npz
    from lstm_verify.formats import load

    with _errors():
        _check_writable([output], [str(model)])
        arrays = dict(load(model).weights())
        write_npz(output, arrays)
        for name, array in arrays.items():
            click.echo(f"{name}  {array.shape}  {array.dtype}")


def main() -> None:
    """The entry point of the command `lstm-verify`."""
    # end by an exception, so that the child process and the temporary files are gone before this one is
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for stream in (sys.stdout, sys.stderr):  # a Δ that the terminal cannot show is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    cli(prog_name="lstm-verify")


def _files(given: tuple[str, ...]) -> Any:
    """A single file as it is; NAME=FILE options as a mapping."""
    from lstm_verify.arrays import read_arrays

    if len(given) == 1 and (Path(given[0]).exists() or "=" not in given[0]):
        return given[0]
    arrays = {}
    for item in given:
        name, separator, file = item.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{item}: expected NAME=file.npy, since several files are given")
        if name in arrays:
            raise click.UsageError(f"{item}: {name} is given twice")
        found = read_arrays(file)
        if list(found) != [""]:
            raise click.UsageError(f"{item}: expected a .npy file, one array for one name")
        arrays[name] = found[""]
    return arrays


@contextmanager
def _errors() -> Iterator[None]:
    """Turn errors that were raised on purpose into one line and exit code 2."""
    try:
        yield
    except LstmVerifyError as error:
        click.echo(f"error: {printable(error)}", err=True)
        sys.exit(2)
    except (click.ClickException, SystemExit):
        raise
    except Exception as error:  # a traceback would end with 1, the exit code of a mismatch
        if os.environ.get("LSTM_VERIFY_DEBUG"):
            raise
        reason = printable(f"{type(error).__name__}: {error}")
        click.echo(f"error: internal error: {reason}. Please report it; LSTM_VERIFY_DEBUG=1 shows where", err=True)
        sys.exit(2)
    except KeyboardInterrupt:  # which click would report with the exit code of a mismatch
        sys.exit(128 + signal.SIGINT)


def _check_writable(results: list[str | None], read: list[str]) -> None:
    """Find out before the work is done that a result has no place to go, or would take another file's place."""
    files = [Path(file) for file in results if file and file != "-"]
    taken = {os.path.realpath(file) for file in read if file}
    for file in files:
        if file.is_dir():
            raise OutputError(f"{file}: a directory, expected a file to write to")
        if not file.parent.is_dir():
            raise OutputError(f"{file}: cannot be written, there is no directory {file.parent}. Create it first")
        if os.path.realpath(file) in taken:
            raise OutputError(f"{file}: is in use by this command already. Choose another name for the result")
        taken.add(os.path.realpath(file))


def _write(file: str, content: str | bytes) -> None:
    from lstm_verify.arrays import replacing

    if file == "-":
        click.echo(content, nl=False)
        return
    with replacing(file) as temporary:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())


def _write_reports(report: Any, json_file: str | None, junit: str | None, per_sample: str | None) -> None:
    from lstm_verify.reporters import json as json_reporter
    from lstm_verify.reporters import junit as junit_reporter
    from lstm_verify.reporters import samples

    if json_file:
        _write(json_file, json_reporter.render(report.to_dict()))
    if junit:
        _write(junit, junit_reporter.render(report))
    if per_sample:
        render = samples.render_csv if per_sample.endswith(".csv") else samples.render_npy
        _write(per_sample, render(report))


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Progress bars on stderr, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def progress(stage: str, done: int, samples: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=samples)
            bars.update(tasks[stage], completed=done)

        yield progress
