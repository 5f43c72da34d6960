"""Rollouts of fake frameworks: whatever is not exactly what the model says in every step is no match.

The fake says in each step what the replay says in its own closed loop, in float32, unless a few lines change that.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import RolloutReport, Verdict, load, rollout, runtimes
from lstm_verify.cli.option_groups import grouped
from lstm_verify.inputs import bind
from lstm_verify.rollouts.closed_loop import closed_loop, first_outputs
from lstm_verify.rollouts.pairing import Wishes
from lstm_verify.rollouts.plan import make_plan
from tests.command import inputs, model
from tests.runtimes.fakes import Fake

NAME, STEPS = "speller", 6
STEPWISE = """
STEPS = np.load(os.environ["FAKE_STEPS"])


def predict_on_batch(self, x):
    step, self.done = self.done, self.done + 1
    note("given", np.asarray(x)[:, -1].tolist())
    return self.changed(step, STEPS[step])


Model.predict_on_batch = predict_on_batch
Model.changed = lambda self, step, answers: {change}
"""


@cache
def said() -> np.ndarray:
    """What the replay says in its closed loop, (steps, samples, letters)."""
    read = load(model(NAME))
    with np.load(inputs(NAME)) as archive:
        given, _ = bind(read, dict(archive))
    arrays = {name: np.asarray(rows[:]) for name, rows in given.items()}
    plan, _ = make_plan(read, STEPS, arrays, (), first_outputs(read, arrays), Wishes({}, {}))
    return closed_loop(read, arrays, plan, None).outputs["next"]


def rolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, **options: object) -> RolloutReport:
    fake = Fake(tmp_path / "fake", STEPWISE.format(change=change), NAME)
    np.save(tmp_path / "steps.npy", said().astype("float32"))
    fake.environment["FAKE_STEPS"] = str(tmp_path / "steps.npy")
    monkeypatch.setattr(runtimes, "RUNTIMES", (fake.runtime,))
    return rollout(model(NAME), inputs(NAME), steps=STEPS, **grouped({"runtime": "fake", **options}))


def test_what_the_replay_says_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = rolled(tmp_path, monkeypatch, "answers")
    assert report.verdict is Verdict.MATCH, report.summary()
    assert report.summary() == f"all {STEPS} steps agree"
    given = (tmp_path / "fake" / "given").read_text().splitlines()
    tokens = said().argmax(-1)
    assert given[1:] == [
        str(step) for step in tokens[:-1].tolist()
    ]  # each step's letters are the next step's last ones


@pytest.mark.parametrize(
    "change",
    [
        "None",
        "[]",
        "answers[:1]",
        "answers[0]",
        "answers[:, :5]",
        "answers[:, None]",
        "answers.T",
        "answers.astype(str)",
        "answers.astype(complex)",
        "[answers, answers]",
        "answers * np.nan",
        "answers if step != 3 else answers * np.nan",
        "answers if step != 3 else answers[:1]",
        "answers if step != 3 else answers[:, ::-1]",
        "answers if step != 5 else answers + 1e-3",
        "answers if step != 3 else os._exit(0)",
        "answers if step != 3 else 1 / 0",
        "answers if step < 3 else STEPS[0]",
    ],
)
def test_anything_else_is_no_match(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = rolled(tmp_path, monkeypatch, change)
    assert report.verdict is not Verdict.MATCH
    assert report.summary()
    assert report.to_dict()["exit_code"] in (1, 3)


def test_the_step_where_they_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = rolled(tmp_path, monkeypatch, "answers if step < 4 else answers + np.float32(0.01)")
    assert report.verdict is Verdict.MISMATCH
    assert report.first_step_beyond == 5
    assert report.different_token is None
    assert report.deviations[3] < 1e-6 < 9e-3 < report.deviations[4]


TIE = """np.where(
    (np.arange(12) == answers.argmax(-1)[:, None] - 1) & (step == 3) & (np.arange(2)[:, None] == 1),
    answers.max(-1)[:, None] + np.float32(1e-6),
    answers,
)"""
"""In the fourth step of the second sample, the letter before the likeliest one becomes even likelier."""


def test_a_different_token_is_a_mismatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = rolled(tmp_path, monkeypatch, TIE)
    token = report.different_token
    right = int(said()[3, 1].argmax())
    assert report.verdict is Verdict.MISMATCH
    assert token is not None
    assert (token.step, token.sample, token.predicted, token.replayed) == (4, 1, right - 1, right)
    assert token.margin == pytest.approx(said()[3, 1, right] - said()[3, 1, right - 1])


def test_a_different_token_alone_is_a_mismatch_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a tolerance that lets everything pass, the texts still differ."""
    report = rolled(tmp_path, monkeypatch, TIE, atol=2.0)
    assert report.first_step_beyond is None
    assert report.verdict is Verdict.MISMATCH
    assert report.summary().startswith("first different token at step 4, sample 1: predicted ")


def test_a_tie_is_a_note_when_each_step_stands_on_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = rolled(
        tmp_path, monkeypatch, TIE.replace("step == 3", f"step == {STEPS - 1}"), atol=2.0, teacher_forced=True
    )
    assert report.verdict is Verdict.MATCH
    assert report.different_token is not None
    assert report.notes[-1].startswith(f"first different token at step {STEPS}, sample 1: predicted ")


def test_teacher_forcing_uses_what_the_framework_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake goes another way from the fourth step on, and says there what it would say for the first seed."""
    closed, forced = (
        rolled(tmp_path / str(forced), monkeypatch, TIE, teacher_forced=forced) for forced in (False, True)
    )
    tokens = said().argmax(-1).T
    np.testing.assert_array_equal(closed.tokens["next"], tokens)
    assert (forced.tokens["next"][1] != tokens[1]).any()
    np.testing.assert_array_equal(forced.tokens["next"][0], tokens[0])


def test_a_framework_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = rolled(tmp_path, monkeypatch, "__import__('time').sleep(60)", timeout=1.5)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "no predictions after 1.5 s" in report.reason
