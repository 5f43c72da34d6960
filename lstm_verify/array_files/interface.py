"""The interface of a format of array files: how a file is recognised, and how its arrays are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lstm_verify.arrays import Rows

SUFFIXED = re.compile(
    r"(?P<path>.+?)(?::(?P<dtype>[<>=|]?[A-Za-z]\w*))?:(?P<shape>\d{1,18}(?:x\d{1,18})*)", re.ASCII | re.DOTALL
)


class Source(NamedTuple):
    """A file of arrays, as a user names it: `x.npy`, `x.csv:64x40x16` or `x.bin:float32:64x40x16`.

    Example:
        >>> Source.of("x.bin:>f4:64x40x16")
        Source(path=PosixPath('x.bin'), dtype='>f4', shape=(64, 40, 16))
    """

    path: Path
    dtype: str = ""
    """Of raw numbers; empty if the file says it."""
    shape: tuple[int, ...] | None = None
    """None if the file says it."""

    @classmethod
    def of(cls, given: str | Path) -> Source:
        """Take a name apart, unless a file is really called that."""
        found = SUFFIXED.fullmatch(str(given))
        if found is None or Path(given).exists():
            return cls(Path(given))
        shape = tuple(int(length) for length in found["shape"].split("x"))
        return cls(Path(found["path"]), found["dtype"] or "", shape)

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class ArrayFormat:
    """One format of array files.

    Example:
        >>> tiny = ArrayFormat("tiny", (".tiny",), lambda source: {"": np.zeros(3)})
        >>> tiny.recognises(Path("x.tiny"), b"1 2 3")
        True
    """

    name: str
    suffixes: tuple[str, ...]
    """The endings of the names of its files; not asked where a file has a magic number."""
    read: Callable[[Source], dict[str, Rows]]
    """Read the arrays by name, or one under the empty name; raises `InputError`."""
    magic: bytes = b""
    """What its files begin with; empty if that does not tell."""
    takes_shape: bool = False
    """Whether a user may say which shape its numbers have, `FILE:64x40x16`."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file is of this format, by its first bytes, or else by its name."""
        if self.magic:
            return head.startswith(self.magic)
        return path.suffix.lower() in self.suffixes


def in_words(shape: tuple[int, ...]) -> str:
    """Return a shape as a user writes it behind the name of a file: `64x40x16`."""
    return "x".join(map(str, shape))
