"""Tables of numbers, a line of text for each row: `.csv`, `.tsv` and `.txt`."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lstm_verify.array_files.interface import ArrayFormat, Source
from lstm_verify.array_files.numbers import BOOLEANS, is_number, numbers_in
from lstm_verify.array_files.shapes import in_given_shape
from lstm_verify.array_files.text import text_of
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.arrays import Rows
from lstm_verify.errors import InputError

WHITESPACE = " "
INDEX_NAMES = ("", "Unnamed: 0")
"""What pandas calls the column with the numbers of the lines."""


@dataclass(frozen=True)
class _Lines:
    """The cells of a table, line by line."""

    cells: list[list[str]]
    numbers: list[int]
    """The number of each line in the file, from 1."""
    notes: tuple[str, ...] = ()

    def without_first(self, note: str) -> _Lines:
        return _Lines(self.cells[1:], self.numbers[1:], (*self.notes, note))

    def changed(self, change: Callable[[str], str], note: str) -> _Lines:
        cells = [[change(cell) for cell in line] for line in self.cells]
        return replace(self, cells=cells, notes=(*self.notes, note))


def read(source: Source) -> dict[str, Rows]:
    """Read a table: (lines, columns), or the shape that a user gives it.

    Raises:
        InputError: it is none of numbers, or the lines are not equally long.
    """
    text = text_of(source)
    separator = _separator(source, text)
    lines = _with_decimal_points(source, _lines(source, text, separator), separator)
    lines = _without_header(source, lines)
    columns = _columns(source, lines)
    place = _places(source, lines, columns)
    texts = [cell for line in lines.cells for cell in line]
    values = numbers_in(texts, place).reshape(-1, columns)
    notes = tuple(f"{source}: {note}" for note in lines.notes)
    rows = TextRows(values, texts, str(source), is_table=True, notes=notes)
    return {"": in_given_shape(rows, source)}


def _separator(source: Source, text: str) -> str:
    """What is between cells: in a .tsv file tabs, otherwise what the first line has, or spaces."""
    suffix = source.path.suffix.lower()
    if suffix == ".tsv":
        return "\t"
    first = next((line for line in text.split("\n") if _holds_cells(line)), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    # in a .txt file it does not matter which whitespace is between numbers
    likely = ";," if suffix == ".txt" else ";\t,"
    found = next((separator for separator in likely if separator in unquoted), "")
    return found or (WHITESPACE if suffix == ".txt" or all(map(is_number, first.split())) else ",")


def _holds_cells(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _lines(source: Source, text: str, separator: str) -> _Lines:
    """The lines that hold something, without comments."""
    every = list(enumerate(text.split("\n"), 1))
    held = [(number, line) for number, line in every if _holds_cells(line)]
    if not held:
        raise InputError(f"{source}: no numbers, only comments")
    numbers = [number for number, _ in held]
    comments = [number for number, line in every if line.lstrip().startswith("#")]
    cells = list(_cells(source, held, separator))
    found = _Lines(cells, numbers)
    if not comments:
        return found
    what = "1 line" if len(comments) == 1 else f"{len(comments):,} lines"
    return replace(found, notes=(f"{what} of comments left out, which begin with #",))


def _cells(source: Source, held: list[tuple[int, str]], separator: str) -> Iterator[list[str]]:
    for number, line in held:
        if separator == WHITESPACE:
            yield line.split()
            continue
        try:
            (cells,) = csv.reader([line], delimiter=separator, strict=True)
        except (csv.Error, ValueError) as error:
            raise InputError(f"{source}: line {number}: cannot be split into cells ({error})") from None
        yield [cell.strip() for cell in cells]


def _with_decimal_points(source: Source, lines: _Lines, separator: str) -> _Lines:
    """Decimal commas as points, where cells are not separated by commas, and none has both."""
    if separator == ",":
        return lines
    commas = [number for number, cells in zip(lines.numbers, lines.cells, strict=True) if _any(DECIMAL_COMMA, cells)]
    points = [number for number, cells in zip(lines.numbers, lines.cells, strict=True) if _any(DECIMAL_POINT, cells)]
    if not commas:
        return lines
    if points:
        raise InputError(
            f"{source}: line {commas[0]} has decimal commas, and line {points[0]} decimal points; expected one of them"
        )
    return lines.changed(lambda cell: cell.replace(",", ".") if DECIMAL_COMMA(cell) else cell, "decimal commas")


DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d*([eE][+-]?\d+)?").fullmatch
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d*([eE][+-]?\d+)?").fullmatch


def _any(pattern: Callable[[str], object], cells: list[str]) -> bool:
    return any(pattern(cell) for cell in cells)


def _without_header(source: Source, lines: _Lines) -> _Lines:
    """Leave out a first line that names the columns, or numbers them as pandas does, and the column of its index."""
    first, *others = lines.cells
    number = lines.numbers[0]
    is_indexed = first[0] in INDEX_NAMES and len(first) > 1
    columns = first[1:] if is_indexed else first
    if any(columns) and all(map(_is_name, columns)):
        names = ", ".join(columns[:4]) + (", …" if len(columns) > 4 else "")
        lines = lines.without_first(f"line {number} is a header ({names})")
    elif others and columns == [str(n) for n in range(len(columns))] and (is_indexed or len(columns) > 1):
        if not is_indexed and all(cell.isdecimal() for line in others for cell in line):
            note = f"line {number} numbers the columns, but is taken for a sample, since all others are whole too"
            return replace(lines, notes=(*lines.notes, note))
        lines = lines.without_first(f"line {number} numbers the columns, and is a header")
    else:
        return lines
    return _without_index(source, lines) if is_indexed else lines


def _is_name(cell: str) -> bool:
    """Whether a cell of the first line names a column, and is not a number with a slip in it."""
    is_value = is_number(cell) or cell.lower() in BOOLEANS
    return not is_value and re.match(r"[+-]?[.,]?\d", cell) is None


def _without_index(source: Source, lines: _Lines) -> _Lines:
    """Leave out a column without a name, in which pandas counts the lines."""
    index = [cells[0] for cells in lines.cells]
    if index != [str(n) for n in range(len(index))]:
        raise InputError(f"{source}: the first column has no name, and does not count the lines. Leave it out")
    cells = [line[1:] for line in lines.cells]
    return replace(lines, cells=cells, notes=(*lines.notes, "the first column counts the lines, and is left out"))


def _columns(source: Source, lines: _Lines) -> int:
    """The number of columns, which is that of every line."""
    if not lines.cells:
        raise InputError(f"{source}: no numbers, only a header")
    columns = len(lines.cells[0])
    for number, cells in zip(lines.numbers, lines.cells, strict=True):
        if len(cells) != columns:
            raise InputError(
                f"{source}: line {number}: {_count(len(cells))}, expected {columns} as in line {lines.numbers[0]}"
            )
    return columns


def _count(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"


def _places(source: Source, lines: _Lines, columns: int) -> Callable[[int], str]:
    def place(number: int) -> str:
        line, column = divmod(number, columns)
        return f"{source}: line {lines.numbers[line]}, column {column + 1}"

    return place


TABLE = ArrayFormat("text", (".csv", ".tsv", ".txt"), read, takes_shape=True)
