"""Tables of lines and columns, given for arrays with other axes: reshaped where that is clear, else an error says how.

A line is a sample where its columns are as many as a sample has numbers, in the order of `x.reshape(len(x), -1)`.
Where a line might as well be a time step, a user has to say which: `x.csv:64x40x16`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.arrays import Rows
from lstm_verify.errors import InputError

Shape = tuple[int | None, ...]


def fitted(rows: Rows, shape: Shape | None, samples: int | None, where: str) -> tuple[Rows, list[str]]:
    """Return an array in the shape of an input or output, and notes on what was assumed of it.

    Args:
        rows: the array; anything but a table stays as it is.
        shape: what is expected; None where any length will do, or for the whole if it is not known.
        samples: the axis of the samples there; None if it has none.
        where: the input or output, in words.

    Raises:
        InputError: a table could be taken in several ways, or in none without being told how.
    """
    if not isinstance(rows, TextRows):
        return rows, []
    if rows.is_table and shape is not None and len(shape) != 2:
        rows = _reshaped(rows, shape, samples, where)
    return rows.values, list(rows.notes)


def _reshaped(rows: TextRows, shape: Shape, samples: int | None, where: str) -> TextRows:
    lines, columns = rows.shape
    if not shape:  # a lone number, or what is refused as none
        return rows.reshaped(()) if rows.values.size == 1 else rows
    possible = dict(_possible(lines, columns, shape)) if samples == 0 else {}
    by_line = possible.get("sample")
    if by_line is None or not _is_clear(columns, shape):
        wanted = ", ".join(["samples", *("any" if n is None else str(n) for n in shape[1:])])
        raise InputError(
            f"{where}: {_count(lines, 'line')} of {_count(columns, 'number')}, expected ({wanted}). "
            f"{_advice(rows, shape, possible)}"
        )
    if len(by_line) < 2:
        return rows.reshaped(by_line)
    axes = " x ".join(map(str, by_line[1:]))
    return rows.reshaped(by_line, f"{rows.source}: each line is taken for one sample, {axes}, the last axis fastest")


def _advice(rows: TextRows, shape: Shape, possible: Mapping[str, tuple[int, ...]]) -> str:
    ways = [f"if each line is a {what}: {_named(rows, way)}" for what, way in possible.items()]
    if ways:
        return "; ".join([f"I{ways[0][1:]}", *ways[1:]])
    numbers = math.prod(n or 1 for n in shape[1:])
    if None not in shape[1:] and rows.shape[1] == numbers + 1:
        return f"Leave out the column that is none of the {numbers} numbers of a sample, such as an index"
    return f"Say which shape that is: {rows.source}:64x40x16"


def _is_clear(columns: int, shape: Shape) -> bool:
    """Whether a line can be nothing but a sample."""
    rest = shape[1:]
    if None not in rest:
        return math.prod(n or 1 for n in rest) == columns
    # any number of time steps with one feature: several columns are these, but one may be the first of them, or all
    return rest.count(None) == 1 and math.prod(n or 1 for n in rest) == 1 and columns > 1


def _possible(lines: int, columns: int, shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The shapes that a table can have, by what a line is then."""
    samples = _with_rest(lines, columns, shape[1:])
    if samples is not None:
        yield "sample", samples
    if len(shape) < 3 or math.prod(n or 1 for n in shape[2:]) != columns or None in shape[2:]:
        return
    steps = lines if shape[1] is None else shape[1]
    if steps and lines % steps == 0 and steps > 1:
        yield "time step", (lines // steps, steps, *(n or 1 for n in shape[2:]))


def _with_rest(lines: int, columns: int, rest: Shape) -> tuple[int, ...] | None:
    """The shape in which each line is a sample, if there is one alone."""
    known = math.prod(n for n in rest if n is not None)
    if rest.count(None) > 1 or not known or columns % known or (None not in rest and columns != known):
        return None
    return (lines, *(columns // known if n is None else n for n in rest))


def _named(rows: TextRows, shape: tuple[int, ...]) -> str:
    return f"{rows.source}:{'x'.join(map(str, shape))}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
