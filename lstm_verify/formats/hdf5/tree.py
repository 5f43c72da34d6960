"""The content of an HDF5 file as plain data: groups of groups and datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import ModelFileError, UnsupportedError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Dataset:
    """An array in a file."""

    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any] | None = None
    """The dtype of its values; None if they are no numbers, or nothing is known of it."""
    named: str = ""
    """The dtype in words."""
    fault: str = ""
    """Why it has no values: they are `elsewhere`, `unwritten`, or the words of the HDF5 library."""
    values: Callable[[], bytes | Array] = bytes
    """Reads its values."""

    def array(self, where: str) -> Array:
        """Read the values.

        Args:
            where: what to call it in messages.

        Raises:
            ModelFileError: not all of them are there.
            UnsupportedError: they are in another file, or no numbers.
        """
        if self.fault == "elsewhere":
            raise UnsupportedError(f"{where}: its values are in another file, which is not opened")
        if self.fault == "unwritten":
            raise ModelFileError(
                f"{where}: not all of its {prod(self.shape):,} values are in the file. Is the file complete?"
            )
        if self.fault:
            raise ModelFileError(f"{where}: cannot be read ({self.fault}). Is the file complete?")
        if self.dtype is None:
            raise UnsupportedError(f"{where}: weights of dtype {self.named} are not supported, expected numbers")
        array = np.asarray(self.values())
        if array.size != prod(self.shape):
            raise ModelFileError(
                f"{where}: not all of its {prod(self.shape):,} values are in the file. Is the file complete?"
            )
        array = array.reshape(self.shape)
        return _from_bfloat16(array) if self.dtype.kind == "V" else array


def _from_bfloat16(array: Array) -> Array:
    """A bfloat16, which HDF5 does not have, so that Keras writes raw bytes, is the upper half of a float32."""
    return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


@dataclass(frozen=True)
class Group:
    """A group, with its members by name."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Texts, and lists of names."""
    members: Mapping[str, Group | Dataset] = field(default_factory=dict)

    def find(self, path: str) -> Group | Dataset | None:
        """Return what is at `group/group/name`; None if nothing is."""
        found: Group | Dataset | None = self
        for part in filter(None, path.split("/")):
            found = found.members.get(part) if isinstance(found, Group) else None
        return found

    def datasets(self, path: str = "") -> Iterator[str]:
        """Yield the paths of all datasets in this group and the groups inside it."""
        for name, member in self.members.items():
            if isinstance(member, Group):
                yield from member.datasets(f"{path}{name}/")
            else:
                yield f"{path}{name}"


def tree_of(found: Mapping[str, Any], file: Path, start: int, values: Path) -> Group:
    """Build the tree from what the child process found.

    Args:
        found: its JSON of a group.
        file: the file, in which HDF5 begins at the byte `start`.
        start: that.
        values: the file of what the child read itself.
    """
    members = {
        name: tree_of(item, file, start, values) if "members" in item else _dataset(item, file, start, values)
        for name, item in found["members"].items()
    }
    return Group(found["attributes"], members)


def _dataset(found: Mapping[str, Any], file: Path, start: int, values: Path) -> Dataset:
    shape, fault = tuple(found.get("shape", ())), found.get("fault", "")
    if "at" in found:
        source, place = file, start + found["at"]
    elif "kept" in found:
        source, place = values, found["kept"]
    else:
        return Dataset(shape, None, found.get("named", ""), fault)
    dtype = np.dtype(found["dtype"])
    return Dataset(shape, dtype, found["named"], fault, lambda: _piece(source, place, dtype, prod(shape)))


def _piece(file: Path, place: int, dtype: np.dtype[Any], count: int) -> Array:
    """Numbers at a place in a file; none if it ends before they do."""
    if place + count * dtype.itemsize > file.stat().st_size:
        return np.empty(0, dtype)
    return np.fromfile(file, dtype, count, offset=place)
