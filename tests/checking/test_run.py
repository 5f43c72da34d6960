"""One task: its outcome is that of the verification, whatever happens, and always the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstm_verify import record, verify
from lstm_verify.checking import run
from lstm_verify.checking.run import checked, exit_code_of
from tests.checking.tasks import task, wrong
from tests.command import inputs, model, recorded

ORIGIN = "origin_tanh_sigmoid"


def test_a_match() -> None:
    outcome, report = checked(task()), verify(model(ORIGIN), inputs(ORIGIN), expected=recorded(ORIGIN))
    assert (outcome.verdict, outcome.exit_code, outcome.cause) == ("match", 0, "")
    assert outcome.max_sigmas == report.outputs[0].max_sigmas
    assert outcome.compared_with == "recorded"
    assert [name for name, *_ in outcome.outputs] == ["dense"]


def test_a_mismatch_has_its_cause(tmp_path: Path) -> None:
    hard = task("hard_sigmoid", "keras2.h5", expected=(("", str(recorded("hard_sigmoid", "keras3.h5"))),))
    outcome = checked(hard)
    assert (outcome.verdict, outcome.exit_code) == ("mismatch", 1)
    assert outcome.cause == "recurrent_activation in lstm"
    unexplained = checked(task(expected=(("", str(wrong(tmp_path))),), diagnose=False))
    assert "beyond what rounding explains" in unexplained.cause


def test_another_file(tmp_path: Path) -> None:
    same = checked(task(against=(str(model(ORIGIN, "keras3.onnx")),), expected=(), runs=False))
    assert (same.verdict, same.compared_with) == ("match", f"{ORIGIN}.keras3.onnx")
    other = checked(task(against=(str(model("origin_tanh_relu", "keras3.keras")),), expected=(), runs=False))
    assert (other.verdict, other.exit_code) == ("mismatch", 1)


def test_a_golden_folder(tmp_path: Path) -> None:
    record(model(ORIGIN), inputs(ORIGIN), tmp_path / "golden", expected=recorded(ORIGIN))
    outcome = checked(task(input=(), expected=(), golden=str(tmp_path / "golden")))
    assert (outcome.verdict, outcome.compared_with) == ("match", "golden")
    assert outcome.report["golden"]["same_file"]  # type: ignore[index]
    (tmp_path / "golden" / "golden.npz").write_bytes(b"PK")
    assert checked(task(input=(), expected=(), golden=str(tmp_path / "golden"))).verdict == "error"


def test_what_cannot_be_read_is_an_error_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    outcome = checked(replace(task(), name="bad.h5", path=str(tmp_path / "bad.h5"), folder=str(tmp_path)))
    assert (outcome.verdict, outcome.exit_code, outcome.report) == ("error", 2, None)
    assert "not a readable HDF5 file" in outcome.cause
    assert str(tmp_path) not in outcome.cause


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), MemoryError("much")])
def test_a_bug_is_an_error_and_no_match(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(run, "verify", broken)
    outcome = checked(task())
    assert (outcome.verdict, outcome.exit_code) == ("error", 2)
    assert str(error) in outcome.cause


def test_it_is_the_same_every_time() -> None:
    first, second = (json.dumps(checked(task()).to_dict(), sort_keys=True) for _ in range(2))
    assert first == second
    assert "timings" not in first


def test_paths_are_as_they_were_given() -> None:
    outcome = checked(task())
    assert str(Path(task().folder)) not in json.dumps(outcome.to_dict())


def blind_spots(*allowed: str) -> run.Outcome:
    return checked(task(allowed_blind_spots=allowed))


def test_blind_spots_are_no_failure_unless_it_is_said_which_are_allowed() -> None:
    """The one that the fixture has is known from the README."""
    assert checked(task()).exit_code == 0
    outcome = blind_spots()
    assert (outcome.verdict, outcome.exit_code) == ("match", 1)
    assert "clip in lstm" in outcome.cause


def test_allowed_blind_spots_are_named_with_or_without_their_layer() -> None:
    found = blind_spots().cause.partition(": ")[2].split(", ")
    assert blind_spots(*found).exit_code == 0
    assert blind_spots(*{spot.partition(" in ")[0] for spot in found}).exit_code == 0
    assert blind_spots(*[f"{spot}s" for spot in found]).exit_code == 1


def test_a_search_that_was_cut_short_allows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(*given: Any, **options: Any) -> Any:
        report = verify(*given, **options)
        assert report.blind_spots is not None
        return replace(report, blind_spots=replace(report.blind_spots, found=(), complete=False))

    monkeypatch.setattr(run, "verify", cut_short)
    outcome = blind_spots("clip")
    assert (outcome.verdict, outcome.exit_code) == ("match", 1)
    assert outcome.cause.startswith("the search was cut short")


def test_the_worst_exit_code() -> None:
    order = [0, 3, 1, 2]
    for place, code in enumerate(order):
        assert exit_code_of(set(order[: place + 1])) == code
