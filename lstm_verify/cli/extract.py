"""`lstm-verify extract`: the tensors of a model file by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_verify.cli.option_groups import file_options
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import check_writable, errors

if TYPE_CHECKING:
    from lstm_verify.formats.endpoints import Endpoints


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@file_options
@click.option("--output", "-o", required=True, metavar="FILE", help="The .npz file to write.")
def extract(model: Path, architecture: Path | None, endpoints: Endpoints, output: str) -> None:
    """Write the tensors of MODEL by name: kernel, recurrent_kernel and bias of each layer, and so on.

    Example: lstm-verify extract model.h5 -o weights.npz
    """
    from lstm_verify.arrays import write_npz
    from lstm_verify.formats import load

    with errors():
        check_writable([output], [str(model), str(architecture or "")])
        arrays = dict(load(model, endpoints=endpoints, architecture=architecture).weights())
        write_npz(output, arrays)
        for name, array in arrays.items():
            click.echo(f"{name}  {array.shape}  {array.dtype}")
