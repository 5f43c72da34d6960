"""SVG of matplotlib figures for an HTML page: part of the page, in its colours and fonts, and the same every time."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from lstm_verify.reporters.drawing import BEYOND, GRID, INK, MUTED, WITHIN
from lstm_verify.reporters.markup import text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid", WITHIN: "--within", BEYOND: "--beyond"}
"""The variable of the page's style sheet for each colour of a drawing."""
OPENING = re.compile(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>')
SUPERFLUOUS = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|font-family: [^;\"]*;? ?|(?<=\n)\s+", re.DOTALL)
"""What the page says itself, and indentation."""
LONG_NUMBER = re.compile(r"(?<![\w#])(-?\d+\.\d\d)\d+")
ID = re.compile(r' id="([^"]*)"')


def svg(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an SVG element.

    Args:
        figure: the figure.
        name: what tells its elements apart from those of other figures of the page.
        label: what it shows, for people who do not see it.
    """
    from matplotlib import rc_context

    written = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    view, drawn = OPENING.split(written.getvalue(), maxsplit=1)[1:]
    drawn = SUPERFLUOUS.sub("", drawn)
    used = set(re.findall(r"#([\w-]+)[\")]", drawn))
    drawn = ID.sub(lambda found: found[0] if found[1] in used else "", drawn)
    for colour, variable in VARIABLES.items():
        drawn = drawn.replace(colour, f"var({variable})")
    drawn = LONG_NUMBER.sub(r"\1", drawn).strip()
    return f'<svg role="img" aria-label="{text(label)}" {view}>{drawn}'
