"""Text in the shape that a user says it has, `x.csv:64x40x16`."""

from __future__ import annotations

import math

from lstm_verify.array_files.interface import Source, in_words
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.errors import InputError


def in_given_shape(rows: TextRows, source: Source) -> TextRows:
    """Return the numbers in the shape that is said, or as they are if none is.

    Raises:
        InputError: there are more or fewer numbers than that.
    """
    if source.shape is None:
        return rows
    if rows.values.size != math.prod(source.shape):
        raise InputError(
            f"{source}: {rows.values.size:,} numbers, {in_words(rows.shape)}, expected {math.prod(source.shape):,} "
            f"for {in_words(source.shape)}"
        )
    return rows.reshaped(source.shape)
