"""Options that several commands have, in groups, and the arguments of the library that they become."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

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
        metavar="X",
        type=float,
        default=8.0,
        show_default=True,
        help="How far predictions may be from the replay, in standard deviations of rounding.",
    ),
    click.option("--atol", metavar="X", type=float, help="Absolute tolerance, instead of the rounding budget."),
    click.option(
        "--rtol",
        metavar="X",
        type=float,
        help="Tolerance relative to the replayed value, instead of the rounding budget.",
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
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="How long the framework may take.",
    ),
    click.option(
        "--optimize/--no-optimize",
        default=True,
        help="Whether ONNX Runtime may rewrite the graph before it runs it. [default: it may]",
    ),
    click.option("--unsafe", is_flag=True, help="Let the framework run code from the file, such as Lambda layers."),
)


def feed_options(command: Command) -> Command:
    """Add the options that say what a model is given."""
    return _with_options(command, FEED_OPTIONS)


def input_options(command: Command) -> Command:
    """Add the options that say what a model is given, and what it is expected to return."""
    return _with_options(command, INPUT_OPTIONS)


def expected_options(command: Command) -> Command:
    """Add the options that say what a model is expected to return."""
    return _with_options(command, EXPECTED_OPTIONS)


FEED_OPTIONS = (
    click.option(
        "--input",
        "-i",
        "inputs",
        multiple=True,
        metavar="FILE|NAME=FILE",
        help="A .npy, .csv, .txt or .json file; raw numbers, x.bin:float32:64x40x16; a .npz file with one array for "
        "each input; or NAME=FILE, once for each input.",
    ),
    click.option("--state-from", metavar="FILE", help="A .npz or .json file with the inputs that --input lacks."),
    click.option(
        "--random", type=click.IntRange(min=1), metavar="N", help="Generate N samples from the model's signature."
    ),
    click.option("--seed", type=click.IntRange(min=0), metavar="S", help="For --random; 0 if left out."),
    click.option("--save-input", metavar="FILE", help="Write the inputs that --random generates, as .npz."),
)
EXPECTED_OPTIONS = (
    click.option(
        "--expected",
        "-e",
        multiple=True,
        metavar="FILE|NAME=FILE",
        help="Recorded predictions, as --input; no framework is run.",
    ),
    click.option(
        "--decimals",
        type=click.IntRange(min=0),
        metavar="K",
        help="The number of decimals that --expected was rounded to. [default: as its text says]",
    ),
    click.option(
        "--digits",
        type=click.IntRange(min=1),
        metavar="K",
        help="The number of significant digits that --expected was rounded to. [default: as its text says]",
    ),
)
INPUT_OPTIONS = (
    *FEED_OPTIONS,
    *EXPECTED_OPTIONS,
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Batch size for the framework. [default: 32 for Keras, all at once for graphs]",
    ),
)


html_option = click.option(
    "--html", metavar="FILE", help="Write the report as one page for a browser, with plots by matplotlib."
)

TOLERANCE = ("sigmas", "atol", "rtol", "decimals", "digits", "allow_unjudged")
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
