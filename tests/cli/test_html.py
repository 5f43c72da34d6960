"""`--html`: the report as a page, written by the command."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

import lstm_verify._verify
from lstm_verify.details import Details
from tests.command import arguments, assert_refused, assert_usage_error, inputs, model, recorded, run
from tests.reporters.page import Page, check

ORIGIN = "origin_tanh_sigmoid"


def command_in(page: Page) -> list[str]:
    return shlex.split(next(page.section("reproduce").all("pre")).text)


def test_the_page_is_beside_the_report_in_the_terminal(tmp_path: Path) -> None:
    given = [*map(str, arguments(ORIGIN)), "--html", str(tmp_path / "report.html")]
    result = run(*given)
    page = check((tmp_path / "report.html").read_text())
    assert (result.exit_code, "MATCH" in result.stdout) == (0, True)
    assert page.all("h1")[0].text == f"✓ Match {model(ORIGIN).name}"
    assert command_in(page) == ["lstm-verify", "verify", *given]
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_command_in_the_page_makes_the_page_again(tmp_path: Path) -> None:
    target = tmp_path / "a report's page.html"
    assert run("verify", *arguments("stacked_gru"), "--html", target).exit_code == 0
    first = target.read_text()
    _, *words = command_in(check(first))
    target.unlink()
    assert run(*words).exit_code == 0
    untimed = [[line for line in text.splitlines() if ">took<" not in line] for text in (first, target.read_text())]
    assert untimed[0] == untimed[1]


def test_a_mismatch_has_a_page_too(tmp_path: Path) -> None:
    other = recorded("origin_relu_sigmoid")
    result = run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", other, "--html", tmp_path / "r.html", "--no-diagnose")
    assert result.exit_code == 1
    assert check((tmp_path / "r.html").read_text()).all("h1")[0].text.startswith("✗ Mismatch")


def test_on_standard_output_it_is_alone() -> None:
    result = run(*arguments(ORIGIN), "--html", "-")
    assert check(result.stdout)
    assert result.stdout.endswith("</html>\n")
    assert result.stderr == ""


def test_what_cannot_be_read_has_a_page(tmp_path: Path) -> None:
    result = run(tmp_path / "none.h5", "-i", inputs(ORIGIN), "--html", tmp_path / "r.html")
    assert_refused(result, "none.h5")
    page = check((tmp_path / "r.html").read_text())
    assert page.all("h1")[0].text == "! Error none.h5"


def test_without_matplotlib_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(lstm_verify._verify, "opened", lambda *_: pytest.fail("the model is read"))
    result = run(*arguments(ORIGIN), "--html", tmp_path / "r.html")
    assert_refused(result, "pip install 'lstm-verify[report]'")
    assert not list(tmp_path.iterdir())


def test_without_it_no_details_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm_verify._verify, "details_of", lambda *_: pytest.fail("details are kept"))
    assert run(*arguments(ORIGIN), "-q").exit_code == 0
    monkeypatch.setattr(lstm_verify._verify, "details_of", lambda *_: Details())
    assert run(*arguments(ORIGIN), "-q", "--html", "-").exit_code == 0


def test_files_against_each_other_have_no_page(tmp_path: Path) -> None:
    result = run(
        model(ORIGIN), "-i", inputs(ORIGIN), "--against", model(ORIGIN, "keras3.keras"), "--html", tmp_path / "r.html"
    )
    assert_usage_error(result, "--against and --html exclude each other")


def test_it_does_not_overwrite_what_is_read() -> None:
    assert_refused(run(*arguments(ORIGIN), "--html", inputs(ORIGIN)), "already used by this command")


def test_a_diagnosis_has_a_page_with_what_was_tried(tmp_path: Path) -> None:
    other = recorded("origin_relu_sigmoid")
    result = run("diagnose", model(ORIGIN), "-i", inputs(ORIGIN), "-e", other, "--html", tmp_path / "r.html")
    page = check((tmp_path / "r.html").read_text())
    assert result.exit_code == 1
    (shown,) = page.section("cause").all("details")
    summary = next(shown.all("summary")).text
    assert summary.startswith("The closest of ")
    assert summary[1:] in " ".join(result.stdout.split())
    assert command_in(page)[:2] == ["lstm-verify", "diagnose"]
