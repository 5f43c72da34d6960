"""What `lstm-verify rollout` refuses before any framework starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstm_verify import InputError, RuntimeOptions, rollout
from tests.command import FIXTURES, assert_refused, assert_usage_error, run

ORIGIN, STATEFUL = FIXTURES / "origin_tanh_sigmoid.keras3.h5", FIXTURES / "stateful.keras3.h5"


def test_an_output_that_does_not_fit_is_refused() -> None:
    model = FIXTURES / "stacked_gru.keras3.h5"
    result = run("rollout", model, "-i", FIXTURES / "stacked_gru.x.npz", "--steps", 3)
    assert_refused(result, "feedback dense=input: the output has shape (6, 2)", "(6, 7, 3)")


def test_a_stateful_model_takes_one_batch() -> None:
    result = run("rollout", STATEFUL, "-i", FIXTURES / "stateful.x.npz", "--steps", 3)
    assert_refused(result, "6 samples, expected 2")


@pytest.mark.parametrize("option", ["--feedback", "--state"])
@pytest.mark.parametrize("given", ["dense", "=x", "dense="])
def test_pairs_have_two_names(option: str, given: str) -> None:
    result = run("rollout", ORIGIN, "-i", FIXTURES / "origin.x.npy", "--steps", 3, option, given)
    assert_usage_error(result, f"{option} {given}: expected OUTPUT=INPUT")


def test_an_output_goes_to_one_input() -> None:
    pairs = ("--feedback", "dense=input", "--feedback", "dense=other")
    assert_usage_error(run("rollout", ORIGIN, "-i", FIXTURES / "origin.x.npy", "-n", 3, *pairs), "dense is given twice")


@pytest.mark.parametrize("steps", ["0", "-1", "many"])
def test_steps_are_positive(steps: str) -> None:
    assert_usage_error(run("rollout", ORIGIN, "-i", FIXTURES / "origin.x.npy", "--steps", steps), "--steps")


def test_there_must_be_a_number_of_steps_and_an_input() -> None:
    assert_usage_error(run("rollout", ORIGIN, "-i", FIXTURES / "origin.x.npy"), "--steps")
    assert_usage_error(run("rollout", ORIGIN, "--steps", 3), "--input")


def test_results_have_a_place_to_go(tmp_path: Path) -> None:
    command = ("rollout", ORIGIN, "-i", FIXTURES / "origin.x.npy", "--steps", 3)
    assert_refused(run(*command, "--output", tmp_path), tmp_path, "a directory")
    assert_refused(run(*command, "--json", ORIGIN), ORIGIN, "already used")


def test_the_library_refuses_the_same() -> None:
    with pytest.raises(InputError, match="steps: 0, expected 1 or more"):
        rollout(ORIGIN, FIXTURES / "origin.x.npy", steps=0)
    with pytest.raises(InputError, match="timeout"):
        rollout(ORIGIN, FIXTURES / "origin.x.npy", steps=1, runtime=RuntimeOptions(timeout=0))
