"""What the commands share: file arguments, errors in one line, progress bars."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lstm_verify.errors import LstmVerifyError, OutputError, printable

if TYPE_CHECKING:
    from lstm_verify.report import Report

Command = Callable[..., None]


def _with_options(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def runtime_options(command: Command) -> Command:
    """Add the options that say how a framework predicts and how that is judged, in the order `--help` shows them."""
    return _with_options(_with_ends(command), RUNTIME_OPTIONS)


def file_options(command: Command) -> Command:
    """Add the options that say how a file is to be read: its config, and where a graph begins and ends."""
    return _with_options(_with_ends(command), FILE_OPTIONS)


def _with_ends(command: Command) -> Command:
    """The command, given `endpoints` in place of the names of tensors."""

    @wraps(command)
    def with_ends(
        *args: Any,
        signature: str | None,
        input_tensors: tuple[str, ...],
        output_tensors: tuple[str, ...],
        **options: Any,
    ) -> None:
        from lstm_verify.formats.endpoints import Endpoints

        command(*args, endpoints=Endpoints(input_tensors, output_tensors, signature), **options)

    return with_ends


FILE_OPTIONS = (
    click.option(
        "--architecture",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The config of MODEL, if it holds weights only: JSON of model.to_json(), or a .keras or .h5 file.",
    ),
    click.option(
        "--signature", metavar="NAME", help="Which signature of a TensorFlow file. [default: serving_default]"
    ),
    click.option(
        "--input-tensor",
        "input_tensors",
        multiple=True,
        metavar="NAME",
        help="A tensor of a TensorFlow or ONNX graph to feed, though it is no input; --input NAME=FILE implies it.",
    ),
    click.option(
        "--output-tensor",
        "output_tensors",
        multiple=True,
        metavar="NAME",
        help="A tensor of a TensorFlow or ONNX graph to compare. [default: the outputs]",
    ),
)


RUNTIME_OPTIONS = (
    click.option(
        "--runtime",
        metavar="keras|tf_keras|saved_model|tf1|onnxruntime",
        help="The framework to predict with. [default: the one that wrote the file]",
    ),
    *FILE_OPTIONS,
    click.option(
        "--sigmas",
        type=float,
        default=8.0,
        show_default=True,
        help="How far predictions may be from the replay, in standard deviations of rounding.",
    ),
    click.option("--atol", type=float, help="Absolute tolerance, instead of the rounding budget."),
    click.option(
        "--rtol", type=float, help="Tolerance relative to the replayed value, instead of the rounding budget."
    ),
    click.option(
        "--products",
        type=click.Choice(["float32", "tf32", "bfloat16"]),
        help="How the framework multiplies float32 matrices: NVIDIA GPUs may use tf32, TPUs bfloat16. By default as it "
        "says itself, or float32.",
    ),
    click.option(
        "--allow-unjudged", is_flag=True, help="Accept values that rounding may change as much as a fault would."
    ),
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), default=600.0, show_default=True, help="Seconds."
    ),
    click.option(
        "--optimize/--no-optimize",
        default=True,
        help="Whether ONNX Runtime may rewrite the graph before it runs it. [default: it may]",
    ),
    click.option("--unsafe", is_flag=True, help="Let the framework run code from the file, such as Lambda layers."),
)


def input_options(command: Command) -> Command:
    """Add the options that say what a model is given, and what it is expected to return."""
    return _with_options(command, INPUT_OPTIONS)


INPUT_OPTIONS = (
    click.option(
        "--input",
        "-i",
        "inputs",
        multiple=True,
        metavar="FILE|NAME=FILE",
        help="A .npy file; a .npz file with one array for each input; or NAME=file.npy, once for each input.",
    ),
    click.option("--state-from", metavar="FILE", help="A .npz file with states for inputs that --input does not give."),
    click.option(
        "--random", type=click.IntRange(min=1), metavar="N", help="Generate N samples from the model's signature."
    ),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For --random."),
    click.option(
        "--expected",
        "-e",
        multiple=True,
        metavar="FILE|NAME=FILE",
        help="Recorded predictions (.npy, .npz or NAME=file.npy); no framework is run.",
    ),
    click.option(
        "--decimals",
        type=click.IntRange(min=0),
        metavar="K",
        help="The number of decimals that --expected was rounded to.",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        help="Batch size for the framework. [default: 32 for Keras, all at once for graphs]",
    ),
)


TOLERANCE = ("sigmas", "atol", "rtol", "decimals", "allow_unjudged")
RUNTIME = {"runtime": "name"} | {key: key for key in ("batch_size", "timeout", "unsafe", "products", "optimize")}


def grouped(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `lstm_verify.verify` or `rollout` for the options of a command.

    Raises:
        InputError: a value that makes no sense.
    """
    from lstm_verify.judging.tolerance import Tolerance
    from lstm_verify.options import RuntimeOptions

    others = {key: value for key, value in options.items() if key not in TOLERANCE and key not in RUNTIME}
    tolerance = Tolerance(**{key: options[key] for key in TOLERANCE if key in options})
    runtime = RuntimeOptions(**{name: options[key] for key, name in RUNTIME.items() if key in options})
    return {**others, "tolerance": tolerance, "runtime": runtime}


def check_inputs(
    inputs: tuple[str, ...],
    random: int | None,
    expected: tuple[str, ...],
    state_from: str | None,
    runtime: str | None,
    decimals: int | None,
) -> None:
    """Refuse options that contradict each other."""
    if bool(inputs) == (random is not None):
        raise click.UsageError("give either --input or --random")
    if expected and runtime:
        raise click.UsageError("--expected and --runtime exclude each other: predictions are recorded, or made")
    if decimals is not None and not expected:
        raise click.UsageError("--decimals applies to recorded predictions. Give --expected too")
    if state_from and not inputs:
        raise click.UsageError("--state-from completes what --input gives. Give --input too")


def verified(
    model: Path,
    inputs: tuple[str, ...],
    expected: tuple[str, ...],
    random: int | None,
    seed: int,
    state_from: str | None,
    results: list[str | None],
    quiet: bool = False,
    **options: Any,
) -> Report:
    """Run the verification a command asks for, after checking its options and that its results can be written.

    Args:
        model, inputs, expected, random, seed, state_from: what the command was given.
        results: the files that the command is going to write.
        quiet: whether there is to be no progress bar.
        options: the other options of the command, which `grouped` makes arguments of `lstm_verify.verify`.
    """
    from lstm_verify._verify import verify
    from lstm_verify.options import RandomInputs

    check_inputs(inputs, random, expected, state_from, options["runtime"], options["decimals"])
    named = [item.partition("=")[2] for item in (*inputs, *expected)]
    read = [str(model), str(options["architecture"] or ""), *inputs, *expected, *named, state_from or ""]
    check_writable(results, read)
    with progress_bars(quiet) as progress:
        return verify(
            model,
            files(inputs) if inputs else RandomInputs(random or 0, seed),
            expected=files(expected) if expected else None,
            state_from=state_from,
            progress=progress,
            **grouped(options),
        )


def files(given: tuple[str, ...]) -> Any:
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
def errors() -> Iterator[None]:
    """Turn deliberate errors into one line and exit code 2."""
    try:
        yield
    except LstmVerifyError as error:
        click.echo(f"error: {printable(error)}", err=True)
        sys.exit(2)
    except (click.ClickException, SystemExit):
        raise
    except MemoryError as error:
        click.echo(f"error: not enough memory: {printable(error)}", err=True)
        sys.exit(2)
    except Exception as error:  # a traceback would end with 1, the exit code of a mismatch
        if os.environ.get("LSTM_VERIFY_DEBUG"):
            raise
        reason = printable(f"{type(error).__name__}: {error}")
        click.echo(f"error: internal error: {reason}. Please report it; LSTM_VERIFY_DEBUG=1 shows where", err=True)
        sys.exit(2)
    except KeyboardInterrupt:  # which click would report with the exit code of a mismatch
        sys.exit(128 + signal.SIGINT)


def check_writable(results: list[str | None], read: list[str]) -> None:
    """Check, before any work is done, that a result can be written and would not overwrite an input."""
    targets = [Path(file) for file in results if file and file != "-"]
    taken = {os.path.realpath(file) for file in read if file}
    for file in targets:
        if file.is_dir():
            raise OutputError(f"{file}: a directory, expected a file to write to")
        if not file.parent.is_dir():
            raise OutputError(f"{file}: cannot be written, there is no directory {file.parent}. Create it first")
        if os.path.realpath(file) in taken:
            raise OutputError(f"{file}: is already used by this command. Choose another name for the result")
        taken.add(os.path.realpath(file))


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
