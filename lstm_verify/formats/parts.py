"""The files that a model consists of: all whose content may change what is read of it.

A file too many only makes two models differ that are the same; one too few would take a changed model for the same. So
a family of files is taken whole: a directory with all below it, a checkpoint with everything that begins like it.
"""

from __future__ import annotations

import glob
import os
from pathlib import Path

from lstm_verify.errors import ModelFileError
from lstm_verify.formats import onnx_file, saved_model
from lstm_verify.formats.tf1 import CHECKPOINT_SUFFIXES
from lstm_verify.formats.weights import shards
from lstm_verify.hashing import hash_of_files

LOCATION = b"location"
"""The key under which ONNX names a file with external data."""


def hash_of_model(path: Path) -> str:
    """Hash all files of a model; for one that is a single file, the SHA-256 of that file.

    Raises:
        ModelFileError: there is none.
        InputError: one cannot be read.
    """
    return hash_of_files(path if path.is_dir() else path.parent, parts(path))


def parts(path: Path) -> list[Path]:
    """Return the files that a model is read from, in order.

    Raises:
        ModelFileError: there is none.

    Example:
        >>> [part.name for part in parts(Path("fixtures/basic_lstm.tf1.ckpt"))]
        ['basic_lstm.tf1.ckpt.data-00000-of-00001', 'basic_lstm.tf1.ckpt.index', 'basic_lstm.tf1.ckpt.meta']
    """
    found = sorted(_parts(path))
    if not found:
        raise ModelFileError(f"{path}: cannot be read (No such file or directory). Is the path right?")
    return found


def _parts(path: Path) -> set[Path]:
    if path.is_dir():
        return _below(path)
    if path.name in saved_model.FILES:
        return _below(path.parent)
    if _is_of_checkpoint(path):
        return _beginning_with(path)
    if not path.is_file():
        return _beginning_with(path) if Path(f"{path}.index").exists() else set()
    with path.open("rb") as file:
        magic = file.read(16)
    if shards.recognise(path, magic):
        return {path, *(item for item in path.parent.glob("*.h5") if item.is_file())}
    return {path, *_external(path)} if onnx_file.recognise(path, magic) else {path}


def _below(folder: Path) -> set[Path]:
    """All files below a folder, those behind links too; a link that leads back is followed once."""
    found: set[Path] = set()
    seen: set[str] = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(here))
        folders[:] = [name for name in folders if os.path.realpath(os.path.join(here, name)) not in seen]
        found |= {path for path in (Path(here, name) for name in files) if path.is_file()}
    return found


def _is_of_checkpoint(path: Path) -> bool:
    return path.suffix in CHECKPOINT_SUFFIXES or path.suffix.startswith(".data-")


def _beginning_with(path: Path) -> set[Path]:
    """The files of a checkpoint, given by one of them or by what their names begin with."""
    prefix = path.with_suffix("") if _is_of_checkpoint(path) else path
    return {item for item in path.parent.glob(f"{glob.escape(prefix.name)}.*") if item.is_file()}


def _external(path: Path) -> set[Path]:
    """The files below the folder of an ONNX file whose names it contains, if it has external data at all."""
    content = path.read_bytes()
    if LOCATION not in content:
        return set()
    return {item for item in _below(path.parent) if item.name.encode() in content}
