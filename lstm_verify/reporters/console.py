"""The console that reports are printed to: no blanks at the ends of lines, plain characters where no others exist."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from io import TextIOBase
from typing import TextIO

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
END = re.compile(r"(?:[ \t]|\x1b\[[0-9;]*m)+$", re.MULTILINE)
"""Blanks at the end of a line, and the colours that begin and end among them."""
WIDEST = 10_000
"""More than any terminal has columns."""
SHORTEST = 10
"""What is left of a column of names that are folded."""
PLAIN = str.maketrans(
    {
        "σ": "s",
        "Δ": "d",
        "≤": "<=",
        "≥": ">=",
        "×": "x",
        "→": "->",
        "←": "<-",
        "·": "*",
        "…": "~",
        "½": "1/2",
        "²": "^2",
    }
)
"""What stands for the characters of reports in encodings that have not got them, such as ASCII."""


def console(stream: TextIO | None = None) -> Console:
    """Return a console that prints to standard output, or to another stream.

    Example:
        >>> console().print("a  ")
        a
    """
    return Console(highlight=False, file=_Tidy(sys.stdout if stream is None else stream))  # type: ignore[arg-type]


def say(to: Console, words: Text) -> None:
    """Print a sentence: wrapped where a person reads it, and as one line where a program does."""
    to.print(words, soft_wrap=not to.is_terminal)


def fitted(table: Table, to: Console, *less: str) -> Table:
    """Return a table without some columns, as many as must go for its numbers to be whole; the first of them go first.

    Args:
        table: the table.
        to: the console, with its width.
        less: the headings of the columns.
    """
    anything = to.options.update_width(WIDEST)  # a measure is never more than the width that it is asked for
    for heading in less:
        names = [len(str(cell)) for column in table.columns if not column.no_wrap for cell in column.cells]
        foldable = max(0, max(names, default=0) - SHORTEST)
        if Measurement.get(to, anything, table).maximum - foldable <= to.width:
            break
        kept = [column for column in table.columns if column.header != heading]
        table.columns = [replace(column, _index=number) for number, column in enumerate(kept)]
    return table


class _Tidy(TextIOBase):
    """A stream that is written to line by line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._line = stream, ""
        self._is_plain = not _has("σ", self.encoding)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        if lines:
            self._put("\n".join(lines) + "\n")
        return len(text)

    def flush(self) -> None:
        self._put(self._line)
        self._line = ""
        self._stream.flush()

    def _put(self, text: str) -> None:
        tidy = END.sub(lambda found: "".join(COLOUR.findall(found[0])), text)
        self._stream.write(tidy.translate(PLAIN) if self._is_plain else tidy)


def _has(character: str, encoding: str) -> bool:
    try:
        return bool(character.encode(encoding))
    except (UnicodeEncodeError, LookupError):
        return False
