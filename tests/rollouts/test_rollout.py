"""Rollouts with the real frameworks, against the loops that `build_rollouts.py` wrote for each model by hand.

Each rollout starts a framework, which takes seconds, so most of them run once, two at a time, before the tests.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Model, RolloutReport, Tolerance, Verdict, load, rollout, verify
from lstm_verify.cli.option_groups import grouped
from lstm_verify.layers import RNN
from tests.building import OUT, Build, Recipe
from tests.command import run

STEPS = 24
RECIPE = Recipe("rollouts", "tests.runtimes.build_rollouts", (OUT,), environment={"TF_USE_LEGACY_KERAS": "1"})


@dataclass(frozen=True)
class Built:
    """The folder that `build_rollouts.py` has written."""

    folder: Path

    def arrays(self, name: str, kind: str) -> dict[str, Any]:
        with np.load(self.folder / f"{name}.npz") as archive:
            return {key.partition(".")[2]: archive[key] for key in archive.files if key.startswith(f"{kind}.")}

    def rollout(self, case: Case, change: float = 0.0, **options: Any) -> RolloutReport:
        """The rollout of a case, if asked for with other recurrent weights than the framework reads."""
        seed, path = self.arrays(case.seed or case.model, "in"), self.folder / case.model
        model = perturbed(path, change) if change else path
        return rollout(model, seed, steps=STEPS, **grouped({**case.options, **options}))


@dataclass(frozen=True)
class Case:
    """A rollout that should do what the loop by hand did."""

    model: str
    names: dict[str, str]
    """The names in the loop by hand of the outputs that the report has."""
    options: dict[str, Any]
    feedback: str
    state: tuple[tuple[str, str], ...] = ()
    seed: str = ""
    """Whose arrays it is compared with, if not its own."""


STATES = (("lstm", "h"), ("lstm_1", "c"))
STEPWISE = {"y": "y", "lstm": "h", "lstm_1": "c"}
SINE = {"y": "y", "next_c": "next_c", "next_h": "next_h"}
CARRIED = (("next_c", "c"), ("next_h", "h"))
LAST, ONE = ", behind its last time step", ", as one time step"
LETTERS = ("next → letters, likeliest token as one-hot" + ONE, {"one_hot": True})

CASES = {
    "window_keras3": Case("window.keras3.keras", {"y": "y"}, {}, "y → x" + LAST),
    "stepwise_keras3": Case("stepwise.keras3.keras", STEPWISE, {}, "y → x" + ONE, STATES),
    "stepwise_keras2": Case("stepwise.keras2.h5", STEPWISE, {}, "y → x" + ONE, STATES),
    "tokens_keras3": Case("tokens.keras3.keras", {"next": "next"}, {}, "next → words, likeliest token" + LAST),
    "one_hot_keras3": Case("one_hot.keras3.keras", {"next": "next"}, LETTERS[1], LETTERS[0]),
    "one_hot_keras2": Case("one_hot.keras2.h5", {"next": "next"}, LETTERS[1], LETTERS[0]),
    "stepwise_saved_model": Case(
        "stepwise.export",
        {"output_0": "y", "output_1": "h", "output_2": "c"},
        {},
        "output_0 → x" + ONE,
        (("output_1", "h"), ("output_2", "c")),
        seed="stepwise.keras3.keras",
    ),
    "one_hot_saved_model": Case(
        "one_hot.export",
        {"output_0": "next"},
        LETTERS[1],
        LETTERS[0].replace("next", "output_0"),
        seed="one_hot.keras3.keras",
    ),
    "sine_float64": Case("sine64.pb", SINE, {"atol": 1e-12, "rtol": 0}, "y → x", CARRIED),
    "sine_float32": Case("sine32.pb", SINE, {}, "y → x", CARRIED),
    "sine_forced": Case("sine32.pb", SINE, {"teacher_forced": True}, "y → x", CARRIED),
}


@pytest.fixture(scope="module")
def built(build: Build) -> Built:
    return Built(build(RECIPE))


@pytest.fixture(scope="module")
def reports(built: Built) -> dict[str, RolloutReport]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CASES, pool.map(built.rollout, CASES.values()), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_both_sides_do_what_the_loop_by_hand_does(name: str, built: Built, reports: dict[str, RolloutReport]) -> None:
    case, report = CASES[name], reports[name]
    assert report.verdict is Verdict.MATCH, report.summary()
    assert [str(rule) for rule in report.plan.feedback] == [case.feedback]
    assert set(report.plan.state) == set(case.state)
    by_hand = built.arrays(case.seed or case.model, "out")
    assert set(report.replayed) == set(case.names)
    for output, other in case.names.items():
        np.testing.assert_allclose(report.replayed[output], by_hand[other], rtol=0, atol=1e-5)
        assert np.ptp(by_hand[other], axis=1).max() > 1e-2  # something happens from step to step
    for tokens in report.tokens.values():
        np.testing.assert_array_equal(tokens, by_hand["token"])
        assert len(np.unique(tokens)) > 1
    assert report.tolerance.by_rounding is (name != "sine_float64")
    assert 0 < report.deviations.max() < (report.tolerance.atol or 1e-5)


def test_a_model_in_float64_stays_together_to_the_last_digits(reports: dict[str, RolloutReport]) -> None:
    assert reports["sine_float64"].deviations.max() < 1e-13 < 1e-8 < reports["sine_float32"].deviations.max()


def test_the_sine_by_plain_numpy(built: Built, reports: dict[str, RolloutReport]) -> None:
    """The equations of a BasicLSTMCell, gates i, j, f, o, 1 added to the forget gate, from the graph's constants."""
    weights = [array for _, array in load(built.folder / "sine64.pb").weights()]
    kernel, bias, readout, offset = (
        next(array for array in weights if array.shape == shape) for shape in ((7, 24), (24,), (6, 1), (1,))
    )
    y, c, h = built.arrays("sine64.pb", "in")["x"], np.zeros((3, 6)), np.zeros((3, 6))
    for step in range(STEPS):
        i, j, f, o = np.split(np.concatenate([y, h], axis=1) @ kernel + bias, 4, axis=1)
        c = c / (1 + np.exp(-f - 1)) + np.tanh(j) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        y = np.tanh(h @ readout + offset)
        np.testing.assert_allclose(reports["sine_float64"].replayed["y"][:, step], y, rtol=0, atol=1e-12)


# --- where two runs part


def perturbed(path: Path, change: float) -> Model:
    """A model with other recurrent weights than the framework reads."""
    model = load(path)
    layers = dict(model.layers)
    for name, layer in layers.items():
        if isinstance(layer, RNN):
            kernel = layer.cell.recurrent_kernel * (1 + change)  # type: ignore[attr-defined]
            layers[name] = replace(layer, cell=replace(layer.cell, recurrent_kernel=kernel))
    return replace(model, layers=layers)


def test_a_small_change_of_weights_parts_the_runs_after_some_steps(built: Built) -> None:
    """From zero states the first step does not see the recurrent kernel. From the framework's inputs nothing grows."""
    path, seed = built.folder / "stepwise.keras3.keras", built.arrays("stepwise.keras3.keras", "in")["x"][:, :1]
    report, forced = (
        rollout(perturbed(path, 3e-5), seed, steps=STEPS, tolerance=Tolerance(atol=1e-6), teacher_forced=forced)
        for forced in (False, True)
    )
    assert report.verdict is forced.verdict is Verdict.MISMATCH
    assert report.first_step_beyond is not None
    assert report.first_step_beyond > 1
    beyond = report.deviations > 1e-6
    assert report.first_step_beyond == int(np.argmax(beyond)) + 1
    assert report.summary().startswith(f"the two runs diverge at step {report.first_step_beyond}, where ")
    data = report.to_dict()
    assert data["first_step_beyond"] == report.first_step_beyond
    assert [step["within"] for step in data["steps"]] == (~beyond).tolist()
    assert [step["step"] for step in data["steps"]] == list(range(1, STEPS + 1))
    json.dumps(data, allow_nan=False)
    assert 0 < forced.deviations.max() < report.deviations.max() / 2


def test_other_weights_choose_another_token(built: Built) -> None:
    report = built.rollout(CASES["tokens_keras3"], change=0.4)
    token = report.different_token
    assert report.verdict is Verdict.MISMATCH
    assert token is not None
    by_hand = built.arrays("tokens.keras3.keras", "out")["token"]
    different = report.tokens["next"] != by_hand
    assert token.step == int(np.argmax(different.any(axis=0))) + 1
    assert different[token.sample, token.step - 1]
    assert token.predicted == by_hand[token.sample, token.step - 1]
    assert token.replayed == report.tokens["next"][token.sample, token.step - 1]
    assert token.margin > 0
    assert report.to_dict()["first_different_token"]["step"] == token.step
    assert "first different token at step" in report.summary()


# --- sampling


def test_sampled_tokens_are_the_same_on_both_sides(built: Built) -> None:
    first = built.rollout(CASES["tokens_keras3"], sample=True, seed=1)
    assert first.verdict is Verdict.MATCH
    by_hand = built.arrays("tokens.keras3.keras", "out")["token"]
    assert (first.tokens["next"] != by_hand).any()
    draws = np.random.default_rng(1).random((STEPS, 4))
    for step, sample in np.ndindex(STEPS, 4):
        chosen = first.tokens["next"][sample, step]
        below = first.replayed["next"][sample, step].cumsum()
        assert (below[chosen - 1] if chosen else 0) <= draws[step, sample] <= below[chosen] + 1e-12


# --- no verdict by accident


def test_a_framework_that_cannot_open_the_file_is_inconclusive(built: Built) -> None:
    report = rollout(
        built.folder / "window.keras2.h5", built.arrays("window.keras2.h5", "in"), steps=STEPS, runtime="keras"
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reason.startswith("keras: ")
    assert report.replayed["y"].shape == (3, STEPS, 1)
    assert report.to_dict()["steps"] == []


def test_nan_on_both_sides_is_no_match(built: Built) -> None:
    x = built.arrays("window.keras3.keras", "in")["x"]
    x[1, 4] = np.nan
    report = rollout(built.folder / "window.keras3.keras", x, steps=5)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "NaN" in report.summary()


# --- encoder and decoder


def test_an_encoder_and_a_decoder_as_a_pair_of_files(built: Built, tmp_path: Path) -> None:
    pair = dict(np.load(built.folder / "pair.npz"))
    np.save(tmp_path / "source.npy", pair["source"])
    np.save(tmp_path / "target.npy", pair["target"])
    encoding = run(
        built.folder / "encoding.keras", "-i", tmp_path / "source.npy", "--output", tmp_path / "states.npz", "-q"
    )
    assert encoding.exit_code == 0, encoding.output
    decoding = run(
        built.folder / "decoding.keras",
        *("-i", tmp_path / "target.npy", "--state-from", tmp_path / "states.npz", "--json", "-"),
        *("--output", tmp_path / "decoded.npz"),
    )
    assert decoding.exit_code == 0, decoding.output
    assert decoding.stderr == "note: states taken in order: encoder as memory, encoder_1 as carry\n"
    whole = verify(built.folder / "whole.keras", {"source": pair["source"], "target": pair["target"]})
    assert whole.verdict is Verdict.MATCH
    with np.load(tmp_path / "decoded.npz") as decoded:
        np.testing.assert_allclose(decoded["dense"], pair["dense"], rtol=0, atol=1e-5)


def test_a_decoder_runs_on_from_the_states_of_an_encoder(built: Built, tmp_path: Path) -> None:
    seed = built.arrays("decoding.keras", "in")
    verify(built.folder / "encoding.keras", seed["source"], output=tmp_path / "states.npz").raise_for_mismatch()
    report = rollout(built.folder / "decoding.keras", seed["target"], steps=STEPS, state_from=tmp_path / "states.npz")
    assert report.verdict is Verdict.MATCH, report.summary()
    by_hand = built.arrays("decoding.keras", "out")
    np.testing.assert_allclose(report.replayed["dense"][:, :, 0], by_hand["dense"], rtol=0, atol=1e-5)


# --- the command


def test_the_command(built: Built, tmp_path: Path) -> None:
    np.savez(tmp_path / "seed.npz", **built.arrays("tokens.keras3.keras", "in"))
    result = run(
        *("rollout", built.folder / "tokens.keras3.keras", "-i", tmp_path / "seed.npz", "--steps", 6),
        *("--feedback", "next=words", "--json", tmp_path / "report.json", "--output", tmp_path / "run.npz"),
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert "MATCH  all 6 steps agree with what the weights compute" in result.stdout
    assert "feedback        next → words, likeliest token, behind its last time step" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["verdict"] == "match"
    assert report["first_step_beyond"] is report["first_different_token"] is None
    assert len(report["steps"]) == 6
    with np.load(tmp_path / "run.npz") as written:
        by_hand = built.arrays("tokens.keras3.keras", "out")
        np.testing.assert_array_equal(written["next.tokens"], by_hand["token"][:, :6])
        np.testing.assert_allclose(written["next"], by_hand["next"][:, :6], rtol=0, atol=1e-5)
