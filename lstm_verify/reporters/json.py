"""JSON: the report as data, for programs. Its keys are documented in docs/report.md."""

from __future__ import annotations

import json
from typing import Any, Protocol


class Reported(Protocol):
    """A report of any kind."""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""


def render_report(report: Reported) -> str:
    """Render a report; see `render`."""
    return render(report.to_dict())


def render_line(found: Reported) -> str:
    """Render one of several things in one line."""
    return json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False) + "\n"


def render(data: dict[str, Any]) -> str:
    """Render plain data; numbers that JSON cannot represent are an error here, not a surprise for the reader."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
