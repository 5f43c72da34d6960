"""`lstm-verify replay` and `predict`: what the weights in a model file compute, without any framework."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lstm_verify.cli.option_groups import feed_options, file_options
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import check_fed, check_writable, errors, files
from lstm_verify.errors import printable

if TYPE_CHECKING:
    from lstm_verify.formats.endpoints import Endpoints


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@feed_options
@file_options
@click.option("--gates", is_flag=True, help="Write the output of every layer and every gate too, such as lstm/i.")
@click.option("--output", "-o", required=True, metavar="FILE", help="The .npz file to write.")
def replay(model: Path, **options: Any) -> None:
    """Write what the weights in MODEL compute, in float64, of a file that no framework opens any more too.

    Example: lstm-verify replay model.h5 --input x.npy --gates -o all.npz
    """
    write_replay(model, **options)


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@feed_options
@file_options
@click.option("--output", "-o", required=True, metavar="FILE", help="The .npz file to write.")
def predict(model: Path, **options: Any) -> None:
    """Write the predictions of MODEL, in its own precision, without the framework that it is of.

    Example: lstm-verify predict old_model.h5 --input x.npy -o y.npz
    """
    write_replay(model, **options, own_precision=True)


def write_replay(
    model: Path,
    inputs: tuple[str, ...],
    random: int | None,
    seed: int | None,
    state_from: str | None,
    save_input: str | None,
    architecture: Path | None,
    endpoints: Endpoints,
    output: str,
    gates: bool = False,
    own_precision: bool = False,
) -> None:
    """Replay a model and write what it computes.

    Args:
        model, inputs, random, seed, state_from, save_input, architecture, endpoints, output: options of the command.
        gates: whether values inside are written too.
        own_precision: whether floats are written as the model's framework has them, and not in float64.
    """
    from lstm_verify._replay import replay as computed
    from lstm_verify.arrays import write_npz
    from lstm_verify.case import case_of, opened
    from lstm_verify.inputs import inputs_in_own_layout
    from lstm_verify.options import RandomInputs, RuntimeOptions

    check_fed(inputs, random, seed, state_from, save_input)
    with errors():
        named = [item.partition("=")[2] for item in inputs]
        check_writable([output, save_input], [str(model), str(architecture or ""), *inputs, *named, state_from or ""])
        x = files(inputs) if inputs else RandomInputs(random or 0, seed or 0)
        options = RuntimeOptions()
        read, arrays = opened(model, x, endpoints, architecture, options)
        case = case_of(read, x, arrays, options, state_from, False)
        if save_input:
            case.save_inputs(save_input)
        for note in (*read.findings, *case.notes):
            click.echo(f"note: {printable(note)}", err=True)
        found = computed(read, inputs_in_own_layout(read, case.inputs), activations=gates)
        written = {**found.activations, **found}
        if own_precision:
            dtype = "float64" if read.precision == "float64" else "float32"
            written = {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in written.items()}
        write_npz(output, written)
        for name, array in written.items():
            click.echo(f"{printable(name)}  {array.shape}  {array.dtype}")
