"""A report in a notebook: verdict, cause and key numbers, in the colours and fonts of the notebook."""

from __future__ import annotations

from lstm_verify.report import Report
from lstm_verify.reporters import terminal
from lstm_verify.reporters.markup import SIGNS, cell_rows, paragraphs, prose, text

FRAME = "border-left: 3px solid currentColor; padding-left: 1em; max-width: 60em"
"""No colour of its own, so that it can be read in every theme."""


def render(report: Report) -> str:
    """Render a report in short, with nothing that changes the notebook around it."""
    lines = [f"<p><strong>{SIGNS[report.verdict]} {text(report.verdict).capitalize()}</strong> "]
    lines[0] += f"{text(terminal.about_model(report.model)['model'])}<br>{prose(terminal.verdict_line(report))}</p>"
    if report.diagnosis is not None:
        lines.append(paragraphs(terminal.cause_lines(report.diagnosis, report.predicted.name)))
    if report.outputs:
        head = "".join(f'<th scope="col">{text(heading)}</th>' for heading in terminal.OUTPUT_HEADINGS)
        body = cell_rows([terminal.output_row(output) for output in report.outputs])
        lines.append(f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>")
    lines += [f"<p>{prose(line)}</p>" for line in terminal.blind_lines(report)]
    content = "\n".join(lines)
    return f'<div style="{FRAME}">\n{content}\n</div>'
