"""What is wrong with what is to be checked: all of it at once, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from lstm_verify.errors import InputError, printable


class Problems(InputError):
    """Several things that keep a check from beginning.

    Attributes:
        lines: each in one line.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = tuple(printable(" ".join(line.split())) for line in lines)
