"""What GitHub Actions is told: annotations where they disturb nothing, and a summary behind those of other steps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command import FIXTURES, arguments, inputs, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"
MISMATCH = (model("hard_sigmoid", "keras2.h5"), "-i", inputs("hard_sigmoid"), "-e", recorded("hard_sigmoid"))


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file for the summary, in which another step has written."""
    path = tmp_path / "summary.md"
    path.write_text("before\n\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


@pytest.fixture
def _in_actions(summary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


def annotations(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("::error", "::warning"))]


def test_elsewhere_nothing_is_told(summary: Path) -> None:
    assert annotations(run(*MISMATCH, "--no-diagnose").output) == []
    assert summary.read_text() == "before\n\n"


@pytest.mark.usefixtures("_in_actions")
def test_in_actions_it_is_on_by_itself(summary: Path) -> None:
    done = run(*MISMATCH)
    (line,) = annotations(done.stdout)
    assert line.startswith(f"::error file={MISMATCH[0]},title=lstm-verify%3A dense%3A mismatch::6 of 6 samples")
    assert done.stdout.endswith(f"{line}\n")
    assert done.stderr == ""
    text = summary.read_text()
    assert text.startswith("before\n\n### ❌ lstm-verify: ")
    assert "What to do" in text


@pytest.mark.usefixtures("_in_actions")
def test_and_can_be_switched_off(summary: Path) -> None:
    assert annotations(run(*MISMATCH, "--no-diagnose", "--no-github").output) == []
    assert summary.read_text() == "before\n\n"


@pytest.mark.usefixtures("summary")
def test_and_on_elsewhere() -> None:
    assert len(annotations(run(*MISMATCH, "--no-diagnose", "--github").stdout)) == 1


def test_without_a_summary_there_is_none() -> None:
    assert run(*MISMATCH, "--no-diagnose", "--github").exit_code == 1


@pytest.mark.usefixtures("_in_actions")
def test_every_step_appends(summary: Path) -> None:
    for _ in range(2):
        run(*arguments(ORIGIN))
    assert summary.read_text().count("### ✅ lstm-verify: ") == 2


@pytest.mark.usefixtures("_in_actions")
def test_blind_spots_are_a_warning() -> None:
    (line,) = annotations(run(*arguments(ORIGIN)).stdout)
    assert line.startswith("::warning file=")


@pytest.mark.usefixtures("_in_actions")
def test_json_on_standard_output_stays_alone(summary: Path) -> None:
    done = run(*MISMATCH, "--no-diagnose", "--json", "-")
    assert json.loads(done.stdout)["verdict"] == "mismatch"
    assert len(annotations(done.stderr)) == 1
    assert "### ❌" in summary.read_text()


@pytest.mark.usefixtures("_in_actions")
def test_quiet_prints_nothing_unless_asked(summary: Path) -> None:
    assert run(*MISMATCH, "--no-diagnose", "-q").output == ""
    assert "### ❌" in summary.read_text()
    assert len(annotations(run(*MISMATCH, "--no-diagnose", "-q", "--github").output)) == 1


@pytest.mark.usefixtures("_in_actions")
def test_what_is_printed_has_no_commands(tmp_path: Path) -> None:
    """GitHub takes a line that begins with `::`, after spaces too, for a command: a file may have such a name."""
    name = "::add-mask::x.h5"
    (tmp_path / name).write_bytes(model(ORIGIN).read_bytes())
    command = (model(ORIGIN), "--against", tmp_path / name, "-i", inputs(ORIGIN), "--no-runtime")
    lines = run(*command).stdout.splitlines()
    stop = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[0])
    assert stop
    end = lines.index(f"::{stop[1]}::")
    dangerous = [number for number, line in enumerate(lines) if line.strip().startswith(name)]
    assert dangerous
    assert all(0 < number < end for number in dangerous)


@pytest.mark.usefixtures("_in_actions")
@pytest.mark.parametrize("against", [False, True])
def test_an_error_is_told_too(against: bool, summary: Path) -> None:
    more = ("--against", model(ORIGIN), "--no-runtime") if against else ("-e", recorded(ORIGIN))
    done = run("missing.h5", "-i", inputs(ORIGIN), *more)
    assert done.exit_code == 2
    assert annotations(done.stdout) == [f"::error file=missing.h5,title=lstm-verify%3A error::{done.stderr[7:-1]}"]
    assert "</code>: error\n" in summary.read_text()


@pytest.mark.usefixtures("_in_actions")
def test_files_against_each_other(summary: Path) -> None:
    first, second = (FIXTURES / f"hard_sigmoid.{kind}.h5" for kind in ("keras2", "keras3"))
    done = run(first, "--against", second, "-i", inputs("hard_sigmoid"), "--no-runtime", "--no-diagnose")
    (line,) = annotations(done.stdout)
    assert line.startswith(f"::error file={second},title=lstm-verify%3A against hard_sigmoid.keras2.h5%3A mismatch::")
    assert "keras3" in summary.read_text()


@pytest.mark.usefixtures("_in_actions")
def test_many_models(summary: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.h5").write_text("nothing")
    done = run("check", tmp_path / "bad.h5", "--no-cache")
    assert done.exit_code == 2
    (line,) = annotations(done.stdout)
    assert line.startswith("::error title=lstm-verify%3A ")
    assert "bad.h5%3A error::" in line
    assert "1 error" in summary.read_text()


def test_a_summary_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    done = run(*arguments(ORIGIN), "--github", "-q")
    assert done.exit_code == 2
    assert f"error: {tmp_path}: the job summary cannot be written" in done.stderr
