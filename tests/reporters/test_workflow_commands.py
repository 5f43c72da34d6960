"""Annotations: commands of the runner, escaped as its toolkit does, one for everything that is not as it should be."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from lstm_verify.report import Failure
from lstm_verify.reporters import workflow_commands
from tests import reports
from tests.contract.test_reporters import CHECKS, COMPARISONS
from tests.reports import REPORTS, report_of

COMMAND = re.compile(r"::(error|warning) ([^\r\n]*?)::([^\r\n]*)")
"""As the runner splits a line: the first `::` after the name ends the properties."""


def unescaped(text: str, *more: str) -> str:
    """What the runner makes of it: `%25` last, so that nothing is decoded twice."""
    for character in ("\r", "\n", *more, "%"):
        text = text.replace(f"%{ord(character):02X}", character)
    return text


def parsed(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Level, properties and message of every command; nothing else is there."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = [item.split("=", 1) for item in match[2].split(",")]
        found.append((match[1], {key: unescaped(value, ":", ",") for key, value in pairs}, unescaped(match[3])))
    return found


def test_a_mismatch_is_an_error_with_its_diagnosis() -> None:
    ((level, properties, message),) = parsed(workflow_commands.render(reports.explained()))
    assert (level, properties) == ("error", {"file": "model.h5", "title": "lstm-verify: dense: mismatch"})
    lines = message.split("\n")
    assert lines[0] == "1 of 4 samples beyond what rounding explains"
    assert lines[1] == "max |Δ| = 5.72e-06 (20.0σ)"
    assert lines[3].startswith("model.predict behaves as if `lstm` had recurrent_activation")


@pytest.mark.parametrize("name", REPORTS)
def test_an_error_for_what_fails_and_a_warning_for_blind_spots(name: str) -> None:
    report = REPORTS[name]()
    levels = [level for level, _, _ in parsed(workflow_commands.render(report))]
    spots = report.blind_spots
    warned = not report.exit_code and spots is not None and (bool(spots.found) or not spots.complete)
    assert ("error" in levels, "warning" in levels) == (bool(report.exit_code), warned)


def test_a_match_says_nothing() -> None:
    assert workflow_commands.render(reports.match()) == ""
    assert workflow_commands.render(reports.without_blind_spots()) == ""


@pytest.mark.parametrize("name", COMPARISONS)
def test_files_against_each_other(name: str) -> None:
    report = COMPARISONS[name]()
    found = parsed(workflow_commands.render_against(report))
    assert any(level == "error" for level, _, _ in found) == bool(report.exit_code)


@pytest.mark.parametrize("name", CHECKS)
def test_many_models(name: str) -> None:
    report = CHECKS[name]()
    found = parsed(workflow_commands.render_check(report))
    failing = [outcome for outcome in report.outcomes if outcome.exit_code]
    assert [properties["title"] for _, properties, _ in found] == [
        f"lstm-verify: {outcome.name}: {outcome.verdict}" for outcome in failing
    ]
    assert all(message.startswith("a cause <with>") for _, _, message in found)


def test_an_error() -> None:
    found = parsed(workflow_commands.render_failure(Failure("a,b:c.h5", "100% wrong\n::error::no")))
    assert found == [("error", {"file": "a,b:c.h5", "title": "lstm-verify: error"}, "100% wrong\\n::error::no")]


@pytest.mark.parametrize(
    "name", ["100%", "%0A", "%25", "a\n::error::b", "a\r::stop-commands::x", "a,title=b::c", "\udc80"]
)
def test_no_name_ends_a_command_or_begins_one(name: str) -> None:
    report = report_of({name: reports.REPLAYED + 1}, {name: reports.REPLAYED})
    source = replace(reports.SOURCE, path=f"{name}.h5")
    text = workflow_commands.render(replace(report, model=replace(report.model, source=source)))
    ((level, properties, message),) = parsed(text)
    written = name if name.isprintable() else ascii(name)[1:-1]
    assert (level, properties) == ("error", {"file": f"{written}.h5", "title": f"lstm-verify: {written}: mismatch"})
    assert f" of {written}: predicted" in message


def test_a_model_of_no_file_has_no_place() -> None:
    ((_, properties, _),) = parsed(
        workflow_commands.render(replace(reports.mismatch(), model=reports.of_no_file().model))
    )
    assert "file" not in properties


@pytest.mark.parametrize("count", [10, 11, 25])
def test_no_more_than_github_shows(count: int) -> None:
    rows = {f"output_{i}": np.ones((2, 3)) for i in range(count)}
    found = parsed(workflow_commands.render(report_of({name: array + 1 for name, array in rows.items()}, rows)))
    assert len(found) == 10
    _, properties, message = found[-1]
    assert (properties["title"] == "lstm-verify: and more") == (count > 10)
    said = "".join(f"{properties['title']} {message}" for _, properties, message in found)
    assert all(f"{name}:" in said for name in rows)
    if count > 10:
        assert message.startswith(f"{count - 9} more:")
