"""Raw numbers, as `numpy.ndarray.tofile` and `fwrite` write them: a user says their dtype and shape."""

from __future__ import annotations

import math

import numpy as np

from lstm_verify.array_files.interface import ArrayFormat, Source, in_words
from lstm_verify.arrays import Rows
from lstm_verify.errors import InputError

DTYPES = "float16, float32, float64, int8 to int64, uint8 to uint64 or bool"


def read(source: Source) -> dict[str, Rows]:
    """Map the file, so that only what is used of it is read."""
    dtype, shape = _dtype(source), source.shape or ()
    size = source.path.stat().st_size
    wanted = dtype.itemsize * math.prod(shape)
    if size != wanted:
        raise InputError(
            f"{source}: {size:,} bytes, expected {wanted:,} for {in_words(shape)} of {dtype.name}{_hint(source, size)}"
        )
    if wanted == 0:
        return {"": np.empty(shape, dtype)}
    values = np.memmap(source.path, dtype, "r", shape=shape)
    if dtype.kind == "b" and values.view(np.uint8).max() > 1:
        raise InputError(f"{source}: bytes other than 0 and 1, expected bool. Are they uint8?")
    return {"": np.asarray(values)}


def _dtype(source: Source) -> np.dtype[np.generic]:
    """The dtype, little-endian unless it says otherwise."""
    try:
        dtype = np.dtype(source.dtype)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise InputError(f"{source}: dtype {source.dtype}, expected {DTYPES}, or as NumPy writes them, such as >f4")
    return dtype.newbyteorder("<") if source.dtype[0].isalpha() else dtype


def _hint(source: Source, size: int) -> str:
    """What would fit the size of the file: another number of samples, another dtype."""
    shape, itemsize = source.shape or (), _dtype(source).itemsize
    row = itemsize * math.prod(shape[1:])
    if row and size and size % row == 0:
        return f". It would hold {source}:{source.dtype}:{in_words((size // row, *shape[1:]))}"
    elements = math.prod(shape)
    others = [name for name in ("float64", "float32", "float16") if np.dtype(name).itemsize * elements == size]
    if others:
        return f". It would hold {source}:{others[0]}:{in_words(shape)}"
    return f". It holds {size / itemsize:,.6g} such numbers"


RAW = ArrayFormat("raw", (), read, takes_shape=True)
