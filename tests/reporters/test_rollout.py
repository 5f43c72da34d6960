"""A rollout in the terminal, from reports made by hand."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from lstm_verify import Model, RolloutReport, Tolerance, Verdict
from lstm_verify.errors import MismatchError
from lstm_verify.judging.compare import compare, verdict_of
from lstm_verify.report import Predicted
from lstm_verify.reporters import json as json_reporter
from lstm_verify.reporters import rollout
from lstm_verify.rollouts.plan import Feedback, Plan
from lstm_verify.rollouts.report import Token
from tests.reports import KnownForAll

STEPS = 5
PLAN = Plan(STEPS, ("y", "h"), (Feedback("y", "x", "argmax", False, False, "window"),), (("h", "h0"),))


def report(deviations: list[float], sigma: list[float] | None = None, **changes: Any) -> RolloutReport:
    """A report of a model whose output `y` deviates by so much in each step, and whose state `h` never does.

    With σ, which is so much in each step, that decides; else a tolerance of 1e-3 does.
    """
    replayed = {"y": np.full((STEPS, 2, 3), 0.5), "h": np.zeros((STEPS, 2, 4))}
    predicted = {name: array.copy() for name, array in replayed.items()}
    predicted["y"][:, 1, 2] += deviations
    tolerance = Tolerance() if sigma else Tolerance(1e-3, 0)
    rows = {name: np.ones_like(y) * np.reshape(sigma, (STEPS, 1, 1)) for name, y in replayed.items() if sigma}
    known = {name: KnownForAll(σ) for name, σ in rows.items()}
    outputs = compare(predicted, replayed, tolerance, "steps", known)
    made = RolloutReport(
        verdict=verdict_of(outputs),
        model=Model(name="generator", layers={}, nodes=(), inputs=(), outputs=()),
        predicted=Predicted("keras", "Keras 9.9"),
        tolerance=tolerance,
        plan=PLAN,
        samples=2,
        teacher_forced=False,
        outputs=outputs,
        replayed={},
        tokens={"y": np.array([[1, 2, 1, 2, 1], [0, 0, 0, 0, 0]])},
    )
    return replace(made, **changes)


def rendered(made: RolloutReport) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    rollout.render(made, console)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


MATCH = """\
model        generator
read         0 layers, 0 parameters
against      Keras 9.9
run          5 steps of 2 samples, each side on its own outputs
feedback     y → x, likeliest token, behind its last time step
states       h → h0
tokens of y  1 2 1 2 1 (sample 0)
tolerance    |Δ| ≤ 0.001 + 0·|replayed|

 step   output       at   predicted   replayed    max |Δ|   in σ
 ───────────────────────────────────────────────────────────────────────
    1   y        (0, 0)         0.5        0.5   0.00e+00      -   first
    4   y        (1, 2)      0.5003        0.5   3.00e-04      -   worst
    5   y        (1, 2)      0.5001        0.5   1.00e-04      -   last

MATCH  all 5 steps agree with what the weights compute, up to 3.00e-04"""


def test_a_match() -> None:
    assert rendered(report([0, 0, 2e-4, 3e-4, 1e-4])) == MATCH


def test_a_mismatch_shows_where_the_runs_part() -> None:
    made = report([0, 0, 2e-3, 3e-3, 1e-4])
    text = rendered(made)
    assert made.first_step_beyond == 3
    assert "    3   y        (1, 2)       0.502        0.5   2.00e-03      -   first beyond" in text
    assert (
        "MISMATCH  the two runs diverge at step 3, where y is 2.00e-03 off; y: 2 of 5 steps beyond the tolerance"
        in text
    )
    assert "--teacher-forced compares each step on its own" in text
    with pytest.raises(MismatchError, match="diverge at step 3"):
        made.raise_for_mismatch()


BY_ROUNDING = """\
tolerance    |Δ| ≤ 8σ of rounding in float32

 step   output       at   predicted   replayed    max |Δ|    in σ
 ───────────────────────────────────────────────────────────────────────────────
    1   y        (0, 0)         0.5        0.5   0.00e+00    0.0σ   first
    2   y        (1, 2)       0.501        0.5   1.00e-03   10.0σ   first beyond
    3   y        (1, 2)       0.502        0.5   2.00e-03   20.0σ   worst
    5   y        (1, 2)       0.504        0.5   4.00e-03    4.0σ   last

MISMATCH  the two runs diverge at step 2, where y is 1.00e-03 off; y: 2 of 5 steps beyond what rounding explains."""


def test_by_rounding_the_worst_step_is_that_of_most_sigmas() -> None:
    made = report([0, 1e-3, 2e-3, 3e-3, 4e-3], sigma=[1e-4, 1e-4, 1e-4, 1e-3, 1e-3])
    assert BY_ROUNDING in rendered(made)
    assert (made.worst_step, int(made.deviations.argmax()) + 1) == (3, 5)
    data = made.to_dict()
    assert data["tolerance"] == {"sigmas": 8.0, "atol": None, "rtol": None, "decimals": None, "digits": None}
    step = data["steps"][2]
    assert (step["worst_sigma"], step["within"]) == (1e-4, False)
    assert step["max_sigmas"] == pytest.approx(20)


def test_by_rounding_the_worst_output_is_that_of_most_sigmas() -> None:
    """Though another is further away."""
    made = report([1e-3] * STEPS, sigma=[1e-3] * STEPS)
    y, h = made.outputs
    nearer = replace(h, deviations=np.full(STEPS, 1e-5), sigmas=np.full(STEPS, 2.0))
    assert replace(made, outputs=(y, nearer)).worst_output(1).name == "h"


def test_a_match_by_rounding_says_how_many_sigmas() -> None:
    text = rendered(report([0, 1e-4, 2e-4, 0, 0], sigma=[1e-4] * STEPS))
    assert text.endswith("MATCH  all 5 steps agree with what the weights compute, up to 2.00e-04 (2.0σ)")


def test_a_tie() -> None:
    token = Token("y", 2, 1, 0, 4, 1e-7)
    made = report([0] * STEPS, sigma=[1e-4] * STEPS, verdict=Verdict.INCONCLUSIVE, different_token=token)
    said = "replayed 4 (likelier by 1.00e-07). Both sides agree up to there, so it is a tie that rounding decides"
    assert f"INCONCLUSIVE  first different token at step 2, sample 1: predicted 0, {said}" in rendered(made)
    assert made.exit_code == 3


def test_a_different_token() -> None:
    token = Token("y", 2, 1, 0, 4, 1e-7)
    made = report([0, 0, 0, 0, 0], verdict=Verdict.MISMATCH, different_token=token)
    text = rendered(made)
    assert "    2   y        (0, 0)         0.5        0.5   0.00e+00      -   first different token" in text
    assert "MISMATCH  first different token at step 2, sample 1: predicted 0, replayed 4 (likelier by 1.00e-07)" in text
    assert made.to_dict()["first_different_token"] == {
        "output": "y",
        "step": 2,
        "sample": 1,
        "predicted": 0,
        "replayed": 4,
        "margin": 1e-7,
    }


def test_nothing_compared() -> None:
    made = report([0] * STEPS, verdict=Verdict.INCONCLUSIVE, outputs=(), reason="keras: it died", tokens={})
    text = rendered(made)
    assert "step   output" not in text
    assert text.endswith("INCONCLUSIVE  keras: it died")
    assert made.to_dict()["steps"] == []


def test_teacher_forced() -> None:
    made = report([0, 1, 0, 0, 0], teacher_forced=True)
    text = rendered(made)
    assert "5 steps of 2 samples, each step from the framework's inputs" in text
    assert "MISMATCH  step 2, where y is 1.00e+00 off" in text
    assert "--teacher-forced" not in text


def test_numbers_that_json_does_not_have() -> None:
    made = report([0, np.nan, 0, 0, 0])
    data = made.to_dict()
    assert json_reporter.render(data)
    assert data["steps"][1]["max_abs_deviation"] is data["steps"][1]["worst_predicted"] is None
    assert data["first_step_beyond"] == 2


def test_a_report_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="a RolloutReport has no truth value"):
        bool(report([0] * STEPS))
