"""HTML from text of any origin: everything is escaped here, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from html import escape as escaped

from lstm_verify.errors import printable

SIGNS = {"match": "✓", "mismatch": "✗", "inconclusive": "?", "error": "!"}
"""What stands before a verdict."""
CODE = re.compile(r"`([^`]+)`")
LONG_CELL = 40
"""The characters above which words in a cell may go on in another line."""
MANY_ROWS = 24
"""The rows above which a list or table gets a height of its own, in which it scrolls."""


def text(value: object) -> str:
    """Escape a text."""
    return escaped(printable(value))


def prose(line: str) -> str:
    """Escape a sentence; what is between backticks becomes code."""
    return CODE.sub(r"<code>\1</code>", text(line))


def paragraphs(lines: Iterable[str]) -> str:
    """Return a paragraph for each line, and a list of those that are indented."""
    parts: list[str] = []
    for line in filter(None, lines):
        if not line.startswith(" "):
            parts.append(f"<p>{prose(line)}</p>")
        elif parts and parts[-1].endswith("</ul>"):
            parts[-1] = f"{parts[-1].removesuffix('</ul>')}<li>{prose(line.strip())}</li></ul>"
        else:
            parts.append(f"<ul><li>{prose(line.strip())}</li></ul>")
    return "\n".join(parts)


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Return a table in a region that scrolls if it is too wide; the first cell of each row is its heading.

    Args:
        caption: what it is about.
        headings: of the columns; empty if the rows explain themselves.
        rows: the cells, as text.
        numbers: the columns of numbers, which are aligned at the right.
    """
    kinds = [' class="number"' if column in numbers else "" for column in range(len(rows[0]))]
    opening = "<table>" if headings else '<table class="facts">'
    head = "".join(f'<th scope="col"{kind}>{text(h)}</th>' for h, kind in zip(headings, kinds, strict=False))
    body = cell_rows(rows, kinds)
    lines = [
        f"<caption>{text(caption)}</caption>",
        f"<thead><tr>{head}</tr></thead>" if headings else "",
        f"<tbody>\n{body}\n</tbody>",
    ]
    return scrolling(caption, f"{opening}\n" + "\n".join(filter(None, lines)) + "\n</table>", len(rows))


def cell_rows(rows: Sequence[Sequence[str]], kinds: Sequence[str] | None = None) -> str:
    """Return the rows of a table, each with its first cell as its heading; `kinds` are attributes of the columns."""
    return "\n".join(_row(row, kinds or [""] * len(row)) for row in rows)


def _row(cells: Sequence[str], kinds: Sequence[str]) -> str:
    heading, *others = cells
    shown = "".join(f"<td{kind or _long(cell)}>{text(cell)}</td>" for cell, kind in zip(others, kinds[1:], strict=True))
    return f'<tr><th scope="row"{kinds[0]}>{text(heading)}</th>{shown}</tr>'


def _long(cell: str) -> str:
    """What lets a sentence in a cell have several lines."""
    return ' class="prose"' if len(cell) > LONG_CELL and " " in cell else ""


def scrolling(label: str, content: str, rows: int) -> str:
    """Put what may be too wide, or has many rows, where it scrolls, by the keyboard too."""
    tall = " tall" if rows > MANY_ROWS else ""
    return f'<div class="scroll{tall}" role="region" tabindex="0" aria-label="{text(label)}">\n{content}\n</div>'


def section(name: str, title: str, body: str) -> str:
    """Return a section with its heading."""
    heading = f'<h2 id="{name}-heading">{text(title)}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-heading">\n{heading}\n{body}\n</section>'
