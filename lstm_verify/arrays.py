"""Arrays on disk: read lazily by rows, written by rows, never unpickled."""

from __future__ import annotations

import math
import os
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import InputError, OutputError

Array = npt.NDArray[Any]

NPY_MAGIC = b"\x93NUMPY"

UNREADABLE = (
    *(ValueError, TypeError, KeyError, OSError, EOFError, SyntaxError, OverflowError, MemoryError, RuntimeError),
    *(tokenize.TokenError, struct.error, zlib.error, zipfile.BadZipFile),
)
"""What NumPy and zipfile raise for a file that is not whole; NumPy parses its header as Python."""


class Rows(Protocol):
    """Anything that can be sliced along its first axis: an array, or a file that holds one."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice, /) -> Array: ...


def picked(rows: Rows, samples: Array) -> Array:
    """Pick samples by number; an array without samples is returned whole."""
    if not rows.shape:
        return np.asarray(rows)
    return np.stack([rows[slice(int(sample), int(sample) + 1)][0] for sample in samples])


@dataclass(frozen=True)
class NpyRows:
    """A `.npy` file that is read row by row: only the requested rows are in memory.

    The file is mapped anew for every slice, so that pages already read do not add up.
    """

    path: Path

    def __post_init__(self) -> None:
        refuse_objects(str(self.path), self._map().dtype)

    def _map(self) -> Array:
        try:
            return _load(self.path, "r")
        except UNREADABLE as error:
            # an array of no elements cannot be mapped, and needs no mapping
            if "mmap" not in str(error) and "empty" not in str(error):
                raise self._unreadable(error) from None
        try:
            return _load(self.path, None)
        except UNREADABLE as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> InputError:
        if OBJECTS.search(str(error)):
            return objects_refused(str(self.path))
        return InputError(f"{self.path}: not a readable .npy file ({error}). Was it written with numpy.save?")

    @property
    def shape(self) -> tuple[int, ...]:
        return self._map().shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._map().dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Array:
        mapped = self._map()
        return np.array(mapped[rows] if mapped.shape else mapped)


def whole(rows: Rows) -> Array:
    """Read a whole array into memory."""
    return rows if isinstance(rows, np.ndarray) else rows[:]


def _load(path: Path, mmap_mode: Literal["r"] | None) -> Array:
    array: Array = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    return array


OBJECTS = re.compile("Object arrays cannot|Python objects in dtype")
"""How NumPy says that an array holds Python objects."""


def refuse_objects(where: str, dtype: np.dtype[Any]) -> None:
    """Refuse arrays of Python objects.

    Raises:
        InputError: it is one.
    """
    if dtype.hasobject:
        raise objects_refused(where)


def objects_refused(where: str) -> InputError:
    """Return the error about an array of Python objects."""
    return InputError(
        f"{where}: an array of Python objects, expected numbers; it is not opened, since unpickling can run code. "
        "Convert it with numpy.asarray(x, dtype='float32') and save it again"
    )


class NpyWriter:
    """Writes a `.npy` file block by block, in any order, without mapping it into memory."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self.path, self.dtype = path, np.dtype(dtype)
        self._row_bytes = self.dtype.itemsize * int(np.prod(shape[1:]))
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": shape,
        }
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            self._start = file.tell()
            file.truncate(self._start + self._row_bytes * shape[0])

    def put(self, block: slice, values: Array) -> None:
        """Write the rows of `block`."""
        with self.path.open("r+b") as file:
            file.seek(self._start + block.start * self._row_bytes)
            file.write(np.ascontiguousarray(values, self.dtype).tobytes())


def write_npz(path: str | Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name to a `.npz` file, atomically.

    Raises:
        OutputError: it cannot be written there.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary file that replaces `path` only if it is written without an error.

    Raises:
        OutputError: it cannot be written there.
    """
    target = Path(os.path.realpath(path))
    in_place = target.exists() and not target.is_file()  # a device or a pipe
    temporary = target if in_place else target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        if not in_place:
            temporary.replace(target)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}). Choose another path") from None
    finally:
        if not in_place:
            temporary.unlink(missing_ok=True)


def finite(value: float) -> float | None:
    """Return the number, or None if JSON cannot represent it."""
    return float(value) if math.isfinite(value) else None
