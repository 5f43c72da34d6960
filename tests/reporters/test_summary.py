"""The job summary: Markdown in which no name means anything."""

from __future__ import annotations

import html
import re
import string
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

from lstm_verify.report import Failure
from lstm_verify.reporters import summary
from tests import reports
from tests.contract.test_reporters import CHECKS, COMPARISONS
from tests.reports import REPORTS, STRANGE, report_of

EVIL = [
    "a|b",
    "`",
    "```",
    "<img src=x onerror=alert(1)>",
    "</details>",
    "[a](http://b)",
    "# a",
    "@someone",
    ":tada:",
    "$x$",
    "&lt;",
]


def table(text: str) -> list[list[str]]:
    """The cells of the first table."""
    rows = text.split("\n\n")[2].splitlines()
    return [[html.unescape(re.sub("</?code>", "", cell.strip())) for cell in row.strip("|").split("|")] for row in rows]


def test_a_mismatch() -> None:
    text = summary.render(reports.explained())
    heading, reason, _, explained, *_ = text.split("\n\n")
    assert html.unescape(heading) == "### ❌ lstm-verify: <code>model.h5</code>: mismatch"
    assert html.unescape(reason) == "dense: 1 of 4 samples beyond what rounding explains"
    assert table(text) == [
        ["", "verdict", "max |Δ|", "in σ", "worst at", "predicted", "replayed"],
        ["---"] * 7,
        ["dense", "❌ mismatch", "5.72e-06", "20.0σ", "(1, 0)", "0.375002384", "0.375"],
    ]
    assert html.unescape(explained).startswith("model.predict behaves as if `lstm` had recurrent_activation")
    assert "What to do" in text


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_its_verdict_its_outputs_and_its_circumstances(name: str) -> None:
    report = REPORTS[name]()
    text = summary.render(report)
    assert f"</code>: {report.verdict}" in text
    assert text.startswith("### ❌") == (report.exit_code == 1)
    assert len(table(text)) >= 2 + max(1, len(report.outputs))
    assert text.endswith("\n\n</details>\n\n")
    assert text.count("<details>") == text.count("</details>") == 1


@pytest.mark.parametrize("name", COMPARISONS)
def test_files_against_each_other(name: str) -> None:
    report = COMPARISONS[name]()
    text = summary.render_against(report)
    assert f"</code>: {report.verdict}\n\n" in text
    assert [row[0] for row in table(text)[2:]] == ["runtime", "against model of two"]


@pytest.mark.parametrize("name", CHECKS)
def test_many_models(name: str) -> None:
    report = CHECKS[name]()
    text = summary.render_check(report)
    assert html.unescape(text.splitlines()[0][4:]) in (
        f"{sign} lstm-verify: {report.summary()}" for sign in ("✅", "❌", "⚠️")
    )
    assert text.startswith("### ✅") == (report.exit_code == 0)
    rows = [line for line in text.split("\n\n")[1].splitlines() if "model&#46;h5" in line]
    assert len(rows) == len(report.outcomes)
    assert ["✅" in row for row in rows] == [not outcome.exit_code for outcome in report.outcomes]


def test_an_error() -> None:
    text = html.unescape(summary.render_failure(Failure("model.h5", "model.h5: not | a `model`")))
    assert text.startswith("### ❌ lstm-verify: <code>model.h5</code>: error\n\nmodel.h5: not | a `model`\n\n")


@pytest.mark.parametrize("name", [*EVIL, STRANGE, "\n\n# a", "\udc80"])
def test_names_mean_nothing(name: str) -> None:
    """Every character that Markdown or HTML knows is a reference, so that the page is as if the name were letters."""
    harmless = "letters"
    page = MarkdownIt("commonmark", {"html": True}).enable("table")

    def rendered(name: str) -> str:
        report = report_of({name: reports.REPLAYED + 1}, {name: reports.REPLAYED}, notes=(name,))
        source = replace(reports.SOURCE, path=name, writer=name)
        return summary.render(replace(report, model=replace(report.model, source=source)))

    written = name if name.isprintable() else ascii(name)[1:-1]
    escaped = summary.text(name)
    assert html.unescape(escaped) == written
    assert not set(re.sub(r"&#\d+;", "", escaped)) & set(string.punctuation)
    assert rendered(name).replace(escaped, harmless) == rendered(harmless)
    assert page.render(rendered(name)) == page.render(rendered(harmless)).replace(harmless, escapeHtml(written))


def test_a_name_is_no_block_of_code() -> None:
    report = report_of({"    a": reports.REPLAYED + 1}, {"    a": reports.REPLAYED})
    assert not [line for line in summary.render(report).splitlines() if line.startswith(" ")]
