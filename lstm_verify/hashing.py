"""SHA-256 of files and arrays, to tell whether something is what it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError


def hash_of_file(path: Path) -> str:
    """Hash the content of a file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Is the path right?") from None


def hash_of_files(folder: Path, files: Iterable[Path]) -> str:
    """Hash several files: their content, and their names below a folder. Of one file it is that of its content alone.

    Raises:
        InputError: one cannot be read.
    """
    listed = sorted(files)
    if len(listed) == 1:
        return hash_of_file(listed[0])
    joined = hashlib.sha256()
    for file in listed:
        joined.update(f"{file.relative_to(folder).as_posix()}\0{hash_of_file(file)}\n".encode())
    return joined.hexdigest()


def hash_of_array(array: Array) -> str:
    """Hash an array: its dtype, its shape and its values.

    Example:
        >>> hash_of_array(np.zeros(2, "float32")) == hash_of_array(np.zeros(2, "float64"))
        False
    """
    about = f"{np.lib.format.dtype_to_descr(array.dtype)} {array.shape}\n"
    return hashlib.sha256(about.encode() + np.ascontiguousarray(array).tobytes()).hexdigest()
