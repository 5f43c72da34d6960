"""The parent's side of the process that reads TensorFlow files, with TensorFlow's own readers."""

from __future__ import annotations

import glob
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.tensorflow.graph_file import GraphFile, parse
from lstm_verify.processes import Child, Imports

CHILD = Path(__file__).with_name("child.py")
SECONDS, BYTES_PER_SECOND = 120.0, 5e6
"""How long a file may take, on a busy machine too: until TensorFlow is imported, and for its size so fast."""


def read_graph(path: Path) -> GraphFile:
    """Read a SavedModel directory, a GraphDef, a MetaGraph, or a checkpoint prefix.

    Raises:
        ModelFileError: it cannot be read.
        UnsupportedError: TensorFlow is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="lstm-verify-") as directory:
        reply = _ask(path, Path(directory))
        if "error" in reply:
            raise _unreadable(reply["error"])
        found = json.loads(Path(directory, "graph.json").read_text())
        with np.load(Path(directory, "tensors.npz")) as tensors:
            return parse(found, {key: tensors[key] for key in tensors.files})


def _unreadable(reason: str) -> ModelFileError | UnsupportedError:
    if "No module named 'tensorflow'" in reason:
        return UnsupportedError(
            "TensorFlow files are read with TensorFlow. Install it: pip install 'lstm-verify[keras]'"
        )
    return ModelFileError(reason)


def _ask(path: Path, directory: Path) -> dict[str, Any]:
    """Let a child read a file into a directory, and return what it replies: nothing, or an error.

    Raises:
        ModelFileError: it does not reply.
    """
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{glob.escape(path.name)}*")
    seconds = SECONDS + sum(file.stat().st_size for file in files if file.is_file()) / BYTES_PER_SECOND
    log, imports = directory / "log.txt", Imports("tensorflow")
    child = Child(CHILD, environment={"CUDA_VISIBLE_DEVICES": "-1"}, log=log, imports=imports)
    try:
        child.ask({"path": str(path), "directory": str(directory)})
        reply: dict[str, Any] | None = child.reply(time.monotonic() + seconds)
    except TimeoutError:
        raise ModelFileError(
            f"TensorFlow did not finish reading it in {seconds:.0f} s. Was it copied completely?"
        ) from None
    finally:
        child.stop()
    if reply is None:
        raise ModelFileError(f"TensorFlow {child.ending('while reading it')}. Was it copied completely?")
    return reply
