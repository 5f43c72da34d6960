"""Tables of ratios, in Markdown, each ratio marked as within its goal or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A heading, what it shows, and rows of cells under their columns."""

    title: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"## {self.title}\n\n{self.text}\n\n{body}\n"


def at_least(ratio: float, goal: float) -> str:
    """Show a ratio that should be `goal` or more."""
    return f"{ratio:.2f} {'ok' if ratio >= goal else 'below goal'}"


def at_most(ratio: float, goal: float) -> str:
    """Show a ratio that should be `goal` or less."""
    return f"{ratio:.2f} {'ok' if ratio <= goal else 'above goal'}"
