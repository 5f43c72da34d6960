"""The summary of a job in GitHub Actions: the report in Markdown, appended to those of other steps."""

from __future__ import annotations

import string
from collections.abc import Iterable
from math import nan

from lstm_verify.checking.report import CheckReport
from lstm_verify.checking.run import Outcome
from lstm_verify.cross.report import AgainstReport
from lstm_verify.errors import printable
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import Failure, Report
from lstm_verify.reporters.about import Properties, path_of, properties, properties_against, versions
from lstm_verify.reporters.cases import Case, cases_against, cases_of, remarks, remarks_against
from lstm_verify.reporters.numbers import in_sigmas, number, place

SIGNS = {"match": "✅", "match, with blind spots": "❌", "mismatch": "❌", "inconclusive": "⚠️", "error": "❌"}
HEADINGS = ("", "verdict", "max |Δ|", "in σ", "worst at", "predicted", "replayed")


def render(report: Report) -> str:
    """Render a report: the verdict, a row for each output, what explains a mismatch, and the circumstances."""
    heading = _heading(_verdict(report), path_of(report.model), report.summary())
    table = _table_of(cases_of(report), path_of(report.model))
    return _document([*heading, *table, *map(text, remarks(report))], properties(report))


def render_against(report: AgainstReport) -> str:
    """Render files that were compared with each other: a row for each, and for each runtime."""
    heading = _heading(_verdict(report), path_of(report.model), report.summary())
    table = _table_of(cases_against(report), path_of(report.model))
    return _document([*heading, *table, *map(text, remarks_against(report))], properties_against(report))


def render_check(report: CheckReport) -> str:
    """Render many models: a row for each."""
    worst = {0: "match", 1: "mismatch", 2: "error", 3: "inconclusive"}[report.exit_code]
    headings = ("", "verdict", "compared with", "max |Δ|", "in σ", "cause")
    rows = _table(headings, map(_row_of_outcome, report.outcomes))
    return _document([f"### {SIGNS[worst]} lstm-verify: {text(report.summary())}", rows], versions())


def render_failure(failure: Failure) -> str:
    """Render what kept a command from comparing anything."""
    return _document(_heading("error", failure.model, failure.reason), versions())


def _verdict(report: Report | AgainstReport) -> str:
    return "match, with blind spots" if report.exit_code == 1 and report.verdict is Verdict.MATCH else report.verdict


def _heading(verdict: str, model: str, reason: str) -> list[str]:
    return [f"### {SIGNS[verdict]} lstm-verify: {code(model)}: {verdict}", text(reason)]


def _table_of(cases: list[Case], first: str) -> list[str]:
    """A table with a row for each case, and below it what explains them."""
    explained = dict.fromkeys(line for case in cases for line in case.explained)
    return [_table(HEADINGS, (_row(case, first) for case in cases)), *map(text, explained)]


def _document(blocks: list[str], about: Properties) -> str:
    circumstances = _table(("", ""), ((name, code(value)) for name, value in about))
    return "\n\n".join([*blocks, _folded("circumstances", circumstances)]) + "\n\n"


def _row(case: Case, first: str) -> tuple[str, ...]:
    """The cells of a case; its file is named if that is not the first."""
    name = code(case.name) + ("" if path_of(case.model) == first else f" of {code(path_of(case.model))}")
    verdict = f"{SIGNS[case.verdict]} " + ("not allowed" if case.is_of_blind_spots else case.verdict)
    if case.output is None or not case.output.deviations.size:
        return (name, verdict, *["–"] * 5)
    output, worst = case.output, case.output.worst(1)[0]
    far = (number(output.max_abs_deviation), in_sigmas(output.max_sigmas), place(output.index(worst)))
    values = (f"{output.predicted[worst]:.9g}", f"{output.replayed[worst]:.9g}")
    return (name, verdict, *map(text, (*far, *values)))


def _row_of_outcome(outcome: Outcome) -> tuple[str, ...]:
    deviation, sigmas = (nan if value is None else value for value in (outcome.max_abs_deviation, outcome.max_sigmas))
    sign = SIGNS[outcome.verdict] if outcome.verdict != "match" or not outcome.exit_code else SIGNS["error"]
    words = (number(deviation), ("≤ " if outcome.at_most else "") + in_sigmas(sigmas), outcome.cause)
    return code(outcome.name), f"{sign} {outcome.verdict}", code(outcome.compared_with), *map(text, words)


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = [text(heading) for heading in headings]
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def code(name: str) -> str:
    """A name in fixed width. Inside, GitHub makes neither links, nor mentions, nor emoji of it."""
    return f"<code>{text(name)}</code>"


def text(words: str) -> str:
    """Words as they are: all punctuation of ASCII becomes a character reference, which means nothing in Markdown.

    Example:
        >>> text("a|b`c`"), text("<b>")
        ('a&#124;b&#96;c&#96;', '&#60;b&#62;')
    """
    escaped = "".join(f"&#{ord(c)};" if c in string.punctuation else c for c in printable(words))
    unindented = escaped.lstrip(" ")  # four spaces would make it a block of code
    return "&#32;" * (len(escaped) - len(unindented)) + unindented
