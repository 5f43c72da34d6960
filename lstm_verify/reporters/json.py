"""JSON: the report as data, for programs. docs/report.md has its keys, `report.schema.json` here its schema."""

from __future__ import annotations

import json
from typing import Any, Protocol

from lstm_verify.cross.report import AgainstReport
from lstm_verify.report import Report


class Reported(Protocol):
    """A report of any kind."""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""


def render_report(report: Reported) -> str:
    """Render a report; see `render`."""
    return render(report.to_dict())


def render_samples(report: Report | AgainstReport, most: int | None = None) -> str:
    """Render a report that lists samples: the worst `most` of each output, or all in order."""
    return render(report.to_dict(most))


def render_line(found: Reported) -> str:
    """Render one of several things in one line."""
    return _text(found.to_dict())


def render(data: dict[str, Any]) -> str:
    """Render plain data; numbers that JSON cannot represent are an error here, not a surprise for the reader."""
    return _text(data, indent=2)


def _text(data: dict[str, Any], indent: int | None = None) -> str:
    text = json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()  # a path that is not in UTF-8, as JSON can have it
