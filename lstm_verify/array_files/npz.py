"""NumPy's `.npz` files: zip archives of `.npy` files, one for each name."""

from __future__ import annotations

import numpy as np

from lstm_verify.array_files.interface import ArrayFormat, Source
from lstm_verify.arrays import OBJECTS, UNREADABLE, Rows, objects_refused
from lstm_verify.errors import InputError


def read(source: Source) -> dict[str, Rows]:
    """Return the arrays by name, without a trailing `:0`."""
    path = source.path
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = [name.removesuffix(":0") for name in archive.files]
            arrays: dict[str, Rows] = {name: archive[stored] for name, stored in zip(names, archive.files, strict=True)}
    except UNREADABLE as error:
        if OBJECTS.search(str(error)):
            raise objects_refused(str(path)) from None
        raise InputError(f"{path}: not a readable .npz file ({error}). Was it written with numpy.savez?") from None
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"{path}: more than one array is named '{min(twice)}', expected one for each input or output")
    for name, array in arrays.items():
        if isinstance(array, bytes):
            raise InputError(f"{path}: a zip file in which '{name}' is no array, expected a .npz file{_hint(names)}")
    if not arrays:
        raise InputError(f"{path}: an empty .npz file, expected one array for each input or output")
    return arrays


def _hint(names: list[str]) -> str:
    is_spreadsheet = "[Content_Types].xml" in names or "mimetype" in names
    return ". Save the sheet as CSV" if is_spreadsheet else ". Was it written with numpy.savez?"


NPZ = ArrayFormat("npz", (".npz",), read, magic=b"PK")
