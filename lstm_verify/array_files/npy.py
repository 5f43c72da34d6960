"""NumPy's `.npy` files, read lazily."""

from __future__ import annotations

from lstm_verify.array_files.interface import ArrayFormat, Source
from lstm_verify.arrays import NPY_MAGIC, NpyRows, Rows


def read(source: Source) -> dict[str, Rows]:
    return {"": NpyRows(source.path)}


NPY = ArrayFormat("npy", (".npy",), read, magic=NPY_MAGIC)
