"""Arrays that were read from text, which have what only text can tell besides their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_verify.array_files.written import Written, written_in
from lstm_verify.arrays import Array


@dataclass(frozen=True, eq=False)
class TextRows:
    """An array from a text file; it can be sliced along its first axis as any other.

    Example:
        >>> rows = TextRows(np.array([[0.5, 0.25]]), ["0.50", "0.25"], "x.csv", is_table=True)
        >>> rows[0:1].tolist(), str(rows.written()), rows.reshaped((1, 2, 1)).shape
        ([[0.5, 0.25]], '2 decimals', (1, 2, 1))
    """

    values: Array
    texts: Sequence[str]
    """Its numbers as they are written, one after the other."""
    source: str
    """The file, as a user named it."""
    is_table: bool = False
    """Whether it has lines and columns, since its file cannot have more axes than these."""
    notes: tuple[str, ...] = ()
    """What was assumed when it was read."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Array:
        return self.values[rows] if self.shape else self.values

    def written(self) -> Written | None:
        """Return how its numbers were rounded when they were written; None if they were not, as far as can be told."""
        return written_in(self.texts, self.values.ravel()) if self.dtype.kind == "f" else None

    def reshaped(self, shape: tuple[int, ...], *notes: str) -> TextRows:
        """Return the same numbers in another shape, which is no longer that of a table."""
        return replace(self, values=self.values.reshape(shape), is_table=False, notes=(*self.notes, *notes))
