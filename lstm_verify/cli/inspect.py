"""`lstm-verify inspect`: what is in a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_verify.cli.option_groups import file_options
from lstm_verify.cli.sections import Sectioned
from lstm_verify.cli.shared import check_writable, errors, write
from lstm_verify.reporters import find

if TYPE_CHECKING:
    from lstm_verify.formats.endpoints import Endpoints


@click.command(cls=Sectioned)
@click.argument("model", type=click.Path(path_type=Path))
@file_options
@click.option("--json", "json_file", metavar="FILE|-", help="Write it as JSON; - is standard output.")
def inspect(model: Path, architecture: Path | None, endpoints: Endpoints, json_file: str | None) -> None:
    """Show what is in MODEL: layers, gates, activations, shapes, and who wrote it.

    Example: lstm-verify inspect model.h5
    """
    from lstm_verify.formats import load
    from lstm_verify.inspection import inspect as look

    with errors():
        check_writable([json_file], [str(model), str(architecture or "")])
        found = look(load(model, endpoints=endpoints, architecture=architecture))
        if json_file:
            write(json_file, find("json", "model").render(found))
        if json_file != "-":
            from lstm_verify.reporters.console import console

            find("terminal", "model").render(found, console())
