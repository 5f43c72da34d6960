"""Files of arrays, of every format that people have: a new one is a file here, and an entry of `FORMATS`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lstm_verify.array_files.interface import ArrayFormat, Source, in_words
from lstm_verify.array_files.nested_lists import JSON
from lstm_verify.array_files.npy import NPY
from lstm_verify.array_files.npz import NPZ
from lstm_verify.array_files.raw import RAW
from lstm_verify.array_files.table import TABLE
from lstm_verify.arrays import Rows
from lstm_verify.errors import InputError

FORMATS = (NPY, NPZ, TABLE, JSON)
"""In the order in which they are asked whether a file is theirs; raw numbers are recognised by what a user says."""
SUFFIXES = tuple(suffix for format in FORMATS for suffix in format.suffixes)
EXPECTED = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


def read_arrays(given: str | Path) -> dict[str, Rows]:
    """Read a file of arrays.

    Args:
        given: the path, of raw numbers with their dtype and shape behind it, `x.bin:float32:64x40x16`, and of a table
            with the shape, `x.csv:64x40x16`, if that has more than two axes.

    Returns:
        The arrays by name; or the only one, if its file has no name for it, under the empty name.

    Raises:
        InputError: the file is missing, is of no such format or damaged, or holds Python objects, which are never
            unpickled.

    Example:
        >>> {name: rows.shape for name, rows in read_arrays("fixtures/origin.x.npy").items()}
        {'': (4, 3, 2)}
    """
    source = Source.of(given)
    head = _first_bytes(source.path)
    known = next((format for format in FORMATS if format.recognises(source.path, head)), None)
    _check_suffix(source, known)
    if source.dtype:
        return RAW.read(source)
    if known is None:
        raise _unknown(source.path, head)
    return known.read(source)


def file_of(given: str) -> str:
    """Return the path in what a user gives, without a dtype and a shape."""
    return str(Source.of(given).path)


def _first_bytes(path: Path) -> bytes:
    try:
        # a pipe would be waited for, for ever
        if not stat.S_ISREG(os.stat(path).st_mode) and not path.is_dir():
            raise InputError(f"{path}: a pipe or a device, expected a file of arrays. Write it to a file first")
        with path.open("rb") as file:
            return file.read(8)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read ({reason}). Expected a file of arrays: {EXPECTED}") from None


def _check_suffix(source: Source, known: ArrayFormat | None) -> None:
    """Refuse a dtype and shape that the file says itself, and raw numbers without a dtype."""
    if source.shape is None:
        return
    if known is not None and (source.path.suffix in known.suffixes if source.dtype else not known.takes_shape):
        what = f":{source.dtype}" if source.dtype else f":{in_words(source.shape)}"
        raise InputError(f"{source}: a file of {known.name}, which says that itself. Leave {what} out")
    if known is None and not source.dtype:
        raise InputError(f"{source}: raw numbers need a dtype too, such as {source}:float32:{in_words(source.shape)}")


def _unknown(path: Path, head: bytes) -> InputError:
    if head.startswith(b"\x89HDF"):
        return InputError(f"{path}: an HDF5 file, as models are, expected a file of arrays: {EXPECTED}")
    if path.suffix in (*NPY.suffixes, *NPZ.suffixes):
        return InputError(f"{path}: neither a .npy nor a .npz file. Write one with numpy.save or numpy.savez")
    return InputError(
        f"{path}: no file of arrays, expected {EXPECTED}. Raw numbers need a dtype and a shape: {path}:float32:64x40x16"
    )
