"""What the commands do alike: verify, report errors in one line, write results, show progress."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lstm_verify.cli.option_groups import TOLERANCE, grouped
from lstm_verify.errors import LstmVerifyError, OutputError, printable

if TYPE_CHECKING:
    from lstm_verify.report import Report

COMMAND = f"{__name__}.command"
"""Where click keeps what was typed, for a report that says how to reproduce it."""


def as_typed() -> str:
    """Return the command that runs."""
    return str(click.get_current_context().meta[COMMAND])


def check_html(file: str | None) -> None:
    """Check, before any work is done, that a page can be made if one is wanted."""
    if file:
        from lstm_verify.reporters.drawing import load_matplotlib

        load_matplotlib()


def check_inputs(
    inputs: tuple[str, ...],
    random: int | None,
    seed: int | None,
    expected: tuple[str, ...],
    state_from: str | None,
    runtime: str | None,
    decimals: int | None,
    digits: int | None = None,
    save_input: str | None = None,
) -> None:
    """Refuse options that contradict each other."""
    check_fed(inputs, random, seed, state_from, save_input)
    check_expected(expected, runtime, decimals, digits)


def check_expected(expected: tuple[str, ...], runtime: str | None, decimals: int | None, digits: int | None) -> None:
    """Refuse options about what is expected that contradict each other."""
    if expected and runtime:
        raise click.UsageError("--expected and --runtime exclude each other: predictions are recorded, or made")
    if decimals is not None and not expected:
        raise click.UsageError("--decimals applies to recorded predictions. Give --expected too")
    if digits is not None and not expected:
        raise click.UsageError("--digits applies to recorded predictions. Give --expected too")
    if digits is not None and decimals is not None:
        raise click.UsageError("--digits and --decimals exclude each other: numbers are rounded in one way")


def check_fed(
    inputs: tuple[str, ...],
    random: int | None,
    seed: int | None,
    state_from: str | None,
    save_input: str | None = None,
) -> None:
    """Refuse options about what a model is given that contradict each other."""
    if bool(inputs) == (random is not None):
        raise click.UsageError("give either --input or --random")
    if seed is not None and random is None:
        raise click.UsageError(f"--seed {seed}: it is for --random, and inputs are given. Leave it out")
    if save_input and random is None:
        raise click.UsageError("--save-input is for what --random generates. Give --random too, or leave it out")
    if state_from and not inputs:
        raise click.UsageError("--state-from completes what --input gives. Give --input too")


def verified(
    model: Path,
    inputs: tuple[str, ...],
    expected: tuple[str, ...],
    random: int | None,
    seed: int | None,
    state_from: str | None,
    results: list[str | None],
    quiet: bool = False,
    golden: str | None = None,
    **options: Any,
) -> Report:
    """Run the verification a command asks for, after checking its options and that its results can be written.

    Args:
        model, inputs, expected, random, seed, state_from: what the command was given.
        results: the files that the command is going to write.
        quiet: whether there is to be no progress bar.
        golden: the golden folder with inputs and predictions, in place of those.
        options: the other options of the command, which `grouped` makes arguments of `lstm_verify.verify`.
    """
    from lstm_verify._verify import verify
    from lstm_verify.options import RandomInputs

    if golden:
        fed = {"inputs": inputs, "random": random, "seed": seed, "expected": expected, "state_from": state_from}
        check_golden(golden, **fed, **options)
    else:
        rounded = (options["decimals"], options["digits"])
        check_inputs(inputs, random, seed, expected, state_from, options["runtime"], *rounded, options["save_input"])
    named = [item.partition("=")[2] for item in (*inputs, *expected)]
    read = [str(model), str(options["architecture"] or ""), *inputs, *expected, *named, state_from or ""]
    read += [os.path.join(golden, name) for name in os.listdir(golden)] if golden and os.path.isdir(golden) else []
    check_writable([*results, options["save_input"]], read)
    x = files(inputs) if inputs else RandomInputs(random or 0, seed or 0)
    asked = grouped(options)
    if golden and not tolerance_asked():
        asked["tolerance"] = None  # that of the record
    with progress_bars(quiet) as progress:
        return verify(
            model,
            None if golden else x,
            expected=files(expected) if expected else None,
            golden=golden,
            state_from=state_from,
            progress=progress,
            **asked,
        )


def check_golden(golden: str, **others: Any) -> None:
    """Refuse options for what a golden folder has itself."""
    names = ("inputs", "random", "seed", "expected", "state_from", "runtime", "decimals", "digits", "save_input")
    given = next((name for name in names if others.get(name) not in (None, ())), None)
    if given:
        option = {"inputs": "input"}.get(given, given).replace("_", "-")
        raise click.UsageError(f"--{option}: {golden} has inputs, predictions and their format. Leave it out")


def tolerance_asked() -> bool:
    """Whether the command line says how far predictions may be off."""
    from click.core import ParameterSource

    context = click.get_current_context()
    return any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in TOLERANCE)


def files(given: tuple[str, ...]) -> Any:
    """A single file as it is; NAME=FILE options as a mapping."""
    from lstm_verify.array_files import file_of, read_arrays

    if len(given) == 1 and ("=" not in given[0] or Path(file_of(given[0])).exists()):
        return given[0]
    arrays = {}
    for item in given:
        name, separator, file = item.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{item}: expected NAME=FILE, since several files are given")
        if name in arrays:
            raise click.UsageError(f"{item}: {name} is given twice")
        found = read_arrays(file)
        if len(found) != 1:
            raise click.UsageError(f"{item}: {len(found)} arrays ({', '.join(found)}), expected one for one name")
        (arrays[name],) = found.values()
    return arrays


@contextmanager
def errors(
    model: Path | None = None, tell: Callable[[str, Any], None] | None = None, **results: str | None
) -> Iterator[None]:
    """Turn deliberate errors into one line and exit code 2, and write it where a report would be.

    Args:
        model: the model.
        tell: who else is told what a report is about, and the report.
        results: the files for a report, by the name of the reporter.
    """

    def told(reason: str, error: Exception) -> None:
        click.echo(f"error: {reason}", err=True)
        if not isinstance(error, OutputError):  # which says that there is nowhere to write
            write_failure(str(model), reason, results, tell)
        sys.exit(2)

    try:
        yield
    except LstmVerifyError as error:
        told(printable(error), error)
    except (click.ClickException, SystemExit):
        raise
    except MemoryError as error:
        told(f"not enough memory: {printable(error)}", error)
    except Exception as error:  # a traceback would end with 1, the exit code of a mismatch
        if os.environ.get("LSTM_VERIFY_DEBUG"):
            raise
        reason = printable(f"{type(error).__name__}: {error}")
        told(f"internal error: {reason}. Please report it; LSTM_VERIFY_DEBUG=1 shows where", error)
    except KeyboardInterrupt:  # which click would report with the exit code of a mismatch
        sys.exit(128 + signal.SIGINT)


def write_failure(
    model: str, reason: str, results: Mapping[str, str | None], tell: Callable[[str, Any], None] | None = None
) -> None:
    """Write what kept a command from comparing anything to the files for its report."""
    from lstm_verify.report import Failure

    failure = Failure(model, reason)
    for name, file in results.items():
        with suppress(OutputError):
            write_reports("failure", failure, {name: file})
    if tell:
        with suppress(OutputError):
            tell("failure", failure)


def check_writable(results: list[str | None], read: list[str]) -> None:
    """Check, before any work is done, that a result can be written and would not overwrite an input."""
    from lstm_verify.array_files import file_of

    targets = [Path(file) for file in results if file and file != "-"]
    taken = {os.path.realpath(file_of(file)) for file in read if file}
    for file in targets:
        if file.is_dir():
            raise OutputError(f"{file}: a directory, expected a file to write to")
        if not file.parent.is_dir():
            raise OutputError(f"{file}: cannot be written, there is no directory {file.parent}. Create it first")
        if os.path.realpath(file) in taken:
            raise OutputError(f"{file}: is already used by this command. Choose another name for the result")
        taken.add(os.path.realpath(file))


def write_reports(subject: str, report: Any, results: Mapping[str, str | None], most: int | None = None) -> None:
    """Write a report to files.

    Args:
        subject: what it is about, as reporters call it.
        report: the report.
        results: the files, by the name of the reporter; None where it is not asked for.
        most: how many samples of each output JSON lists; None for all.
    """
    from lstm_verify.reporters import find

    for name, file in results.items():
        if file:
            limit = {} if name != "json" or most is None else {"most": most}
            write(file, find(name, subject).render(report, **limit))


def write(file: str, content: str | bytes) -> None:
    """Write a report to a file, atomically, or to standard output if the path is `-`."""
    from lstm_verify.arrays import replacing

    if file == "-":
        click.echo(content, nl=False)
        return
    with replacing(file) as temporary:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())


@contextmanager
def progress_bars(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
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
