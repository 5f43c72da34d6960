"""Reading TensorFlow files: in a child process, since TensorFlow alone knows its protobufs and checkpoints."""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.tensorflow.graph_file import GraphFile, parse
from lstm_verify.processes import ending, last_words, stop

CHILD = Path(__file__).with_name("child.py")
SECONDS, BYTES_PER_SECOND = 120.0, 5e6
"""How long a file may take, on a busy machine too: until TensorFlow is imported, and for its size so fast."""


def read_graph(path: Path) -> GraphFile:
    """Read what lies at a path: a SavedModel's directory, a GraphDef, a MetaGraph, or the prefix of a checkpoint.

    Raises:
        ModelFileError: it cannot be read.
        UnsupportedError: TensorFlow is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="lstm-verify-") as directory:
        _run(path, directory)
        return read_found(Path(directory))


def read_found(directory: Path) -> GraphFile:
    """Take up what the child left in a directory.

    Raises:
        ModelFileError: it left an error.
        UnsupportedError: TensorFlow is not installed.
    """
    if (directory / "error.json").exists():
        error = json.loads((directory / "error.json").read_text())["error"]
        if "No module named 'tensorflow'" in error:
            raise UnsupportedError("TensorFlow files are read with TensorFlow. Install it: pip install tensorflow")
        raise ModelFileError(error)
    found = json.loads((directory / "graph.json").read_text())
    with np.load(directory / "tensors.npz") as tensors:
        return parse(found, {key: tensors[key] for key in tensors.files})


def _run(path: Path, directory: str) -> None:
    """Let the child read, and see that it said something."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{glob.escape(path.name)}*")
    seconds = SECONDS + sum(file.stat().st_size for file in files if file.is_file()) / BYTES_PER_SECOND
    process = subprocess.Popen(
        [sys.executable, "-P", str(CHILD), str(path), directory],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise ModelFileError(f"TensorFlow did not finish reading it in {seconds:.0f} s. Was it copied whole?") from None
    finally:
        stop(process)
    if process.returncode or not {"graph.json", "error.json"} & set(os.listdir(directory)):
        how = f"{ending(process.returncode)} while reading it{last_words(said)}"
        raise ModelFileError(f"TensorFlow {how}. Was it copied whole?")
