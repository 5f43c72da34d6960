"""Recorded rollouts: loops written here by hand on the replay of single calls, and what is wrong with some of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import InputError, RolloutReport, Tolerance, Verdict, load, replay, rollout
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.arrays import Array
from lstm_verify.rollouts import _seed
from lstm_verify.rollouts.pairing import Wishes
from tests.builders import two_headed_model
from tests.command import assert_refused, assert_usage_error, inputs, model, run

STEPS = 12
SINE, SPELLER, DECODER = model("sine", "keras3.keras"), model("speller"), model("decoder", "keras3.keras")
Outputs = dict[str, Array]


def given(path: Path) -> Outputs:
    with np.load(inputs(path.name.split(".")[0])) as archive:
        return dict(archive)


def along_steps(each: list[Mapping[str, Array]]) -> Outputs:
    """(samples, steps, ...) float32, as a framework would have them."""
    return {name: np.stack([one[name] for one in each], axis=1).astype("float32") for name in each[0]}


def sine(noise: float = 0.0, noisy: range = range(STEPS)) -> Outputs:
    """A window over the last values, of which the first one goes."""
    read, (x,) = load(SINE), given(SINE).values()
    each = []
    for step in range(STEPS):
        outputs = replay(read, x)
        each.append({"next": outputs["next"] + noise * (step in noisy)})
        x = np.concatenate([x[:, 1:], each[-1]["next"][:, None]], axis=1)
    return along_steps(each)


def speller() -> Outputs:
    """The likeliest letter goes behind the others."""
    read, (letters,) = load(SPELLER), given(SPELLER).values()
    each = []
    for _ in range(STEPS):
        outputs = replay(read, letters)
        each.append(dict(outputs))
        letters = np.concatenate([letters[:, 1:], outputs["next"].argmax(axis=-1)[:, None]], axis=1)
    return along_steps(each)


def decoder() -> Outputs:
    """States are carried, and the last time step of the output goes behind the others."""
    read, x = load(DECODER), given(DECODER)
    each = []
    for _ in range(STEPS):
        outputs = replay(read, x)
        each.append(dict(outputs))
        target = np.concatenate([x["target"][:, 1:], outputs["dense"][:, -1:]], axis=1)
        x = {"target": target, "c": outputs["next_c"], "h": outputs["next_h"]}
    return along_steps(each)


LOOPS = {SINE: sine, SPELLER: speller, DECODER: decoder}


@pytest.fixture(scope="module")
def honest() -> dict[Path, Outputs]:
    return {path: loop() for path, loop in LOOPS.items()}


def rolled(path: Path, expected: Any, **options: Any) -> RolloutReport:
    return rollout(path, given(path), steps=STEPS, expected=expected, **options)


@pytest.mark.parametrize("path", LOOPS, ids=lambda path: path.name)
@pytest.mark.parametrize("teacher_forced", [False, True])
def test_honest_loops_match(path: Path, teacher_forced: bool, honest: dict[Path, Outputs]) -> None:
    report = rolled(path, honest[path], teacher_forced=teacher_forced)
    assert report.verdict is Verdict.MATCH
    assert report.predicted.name == "recorded"
    assert report.deviations.max() < 1e-6


@pytest.mark.parametrize("path", LOOPS, ids=lambda path: path.name)
@pytest.mark.parametrize("step", [0, STEPS - 1])
def test_one_number_in_one_step_is_seen(path: Path, step: int, honest: dict[Path, Outputs]) -> None:
    for name, y in honest[path].items():
        changed = y.copy()
        changed[1, step, ..., -1] += np.float32(0.001)
        report = rolled(path, honest[path] | {name: changed})
        assert (report.verdict, report.first_step_beyond) == (Verdict.MISMATCH, step + 1), name


def test_a_loop_that_does_something_else_parts_in_the_first_step() -> None:
    report = rolled(SINE, sine(noise=1e-4))
    assert (report.verdict, report.first_step_beyond) == (Verdict.MISMATCH, 1)


def test_an_error_that_is_fed_back_is_one_of_its_own_step_alone_if_each_is_compared_on_its_inputs() -> None:
    expected = sine(1e-3, range(3, 4))
    closed = rolled(SINE, expected)
    forced = rolled(SINE, expected, teacher_forced=True)
    assert np.flatnonzero(~forced.outputs[0].within).tolist() == [3]
    assert len(np.flatnonzero(~closed.outputs[0].within)) > 3


def test_float16_has_half_a_unit_in_its_last_place_more(honest: dict[Path, Outputs]) -> None:
    narrow = honest[SINE]["next"].astype("float16")
    assert rolled(SINE, {"next": narrow}).verdict is Verdict.MATCH
    assert rolled(SINE, {"next": np.nextafter(narrow, np.float16(2))}).verdict is Verdict.MISMATCH


def test_a_table_is_not_taken_for_an_input_with_two_axes() -> None:
    rows = TextRows(np.zeros((2, 4)), ["0.0"] * 8, "x.csv", is_table=True)
    with pytest.raises(InputError, match="input 'a': 2 lines of 4 numbers"):
        _seed(two_headed_model(), "x.csv", {"": rows}, None, Wishes({}, {}))


def test_samples_in_another_order_do_not_match(honest: dict[Path, Outputs]) -> None:
    for path, outputs in honest.items():
        assert rolled(path, {name: y[::-1] for name, y in outputs.items()}).verdict is Verdict.MISMATCH


def test_another_token_is_no_match(honest: dict[Path, Outputs]) -> None:
    y = honest[SPELLER]["next"].copy()
    y[0, 3] = np.roll(y[0, 3], 1)
    report = rolled(SPELLER, {"next": y})
    assert report.verdict is Verdict.MISMATCH
    assert report.different_token is not None
    assert (report.different_token.step, report.different_token.sample) == (4, 0)


def test_recorded_tokens_count(honest: dict[Path, Outputs]) -> None:
    tokens = honest[SPELLER]["next"].argmax(axis=-1)
    assert rolled(SPELLER, honest[SPELLER] | {"next.tokens": tokens}).verdict is Verdict.MATCH
    tokens[0, 3] += 1
    report = rolled(SPELLER, honest[SPELLER] | {"next.tokens": tokens})
    assert report.verdict is not Verdict.MATCH
    assert report.different_token is not None


def test_states_may_be_left_out(honest: dict[Path, Outputs]) -> None:
    report = rolled(DECODER, {"dense": honest[DECODER]["dense"]})
    assert report.verdict is Verdict.MATCH
    assert "not recorded, and so not compared: next_c, next_h" in report.notes
    assert [output.name for output in report.outputs] == ["dense"]
    with pytest.raises(InputError, match=r"--teacher-forced: output 'next_c' goes into the next step. Record it too"):
        rolled(DECODER, {"dense": honest[DECODER]["dense"]}, teacher_forced=True)
    with pytest.raises(InputError, match="outputs: 2 given"):
        rolled(DECODER, {name: honest[DECODER][name] for name in ("dense", "next_c")})


# --- what does not fit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:, :-2], r"output 'next': shape \(3, 10, 1\), expected 3 samples of 12 steps.* Give --steps 10"),
        (lambda y: y[:2], r"output 'next': shape \(2, 12, 1\), expected 3 samples of 12 steps, \(3, 12, 1\)$"),
        (lambda y: y[0], r"output 'next': shape \(12, 1\), expected 3 samples"),
        (lambda y: np.swapaxes(y, 0, 1), r"output 'next': shape \(12, 3, 1\), expected 3 samples"),
    ],
)
def test_other_samples_or_steps_are_refused(change: Any, message: str, honest: dict[Path, Outputs]) -> None:
    with pytest.raises(InputError, match=message):
        rolled(SINE, {"next": change(honest[SINE]["next"])})


def test_another_shape_of_a_step_is_a_mismatch(honest: dict[Path, Outputs]) -> None:
    y = honest[SINE]["next"]
    assert rolled(SINE, {"next": np.concatenate([y, y], axis=2)}).verdict is Verdict.MISMATCH
    y = honest[SPELLER]["next"]
    assert rolled(SPELLER, {"next": y[..., :5]}).verdict is Verdict.MISMATCH


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ({"next.tokens": np.full((2, STEPS), 12)}, "tokens of 'next': expected numbers from 0 to 11"),
        ({"next.tokens": np.full((2, STEPS), 0.5)}, "tokens of 'next': expected numbers from 0 to 11"),
        ({"next.tokens": np.zeros((STEPS, 2))}, r"tokens of 'next': shape \(12, 2\)"),
        ({"other.tokens": np.zeros((2, STEPS))}, "tokens of 'other': no tokens are chosen from that, expected next"),
    ],
)
def test_tokens_that_cannot_be(tokens: Outputs, message: str, honest: dict[Path, Outputs]) -> None:
    with pytest.raises(InputError, match=message):
        rolled(SPELLER, honest[SPELLER] | tokens)


# --- files


def test_what_rollout_writes_is_what_it_reads(tmp_path: Path, honest: dict[Path, Outputs]) -> None:
    np.savez(tmp_path / "y.npz", **honest[SPELLER])
    command = ("rollout", SPELLER, "-i", inputs("speller"), "-n", STEPS)
    result = run(*command, "-e", tmp_path / "y.npz", "--output", tmp_path / "replayed.npz")
    assert result.exit_code == 0
    assert "recorded predictions" in result.stdout
    again = run(*command, "--expected", tmp_path / "replayed.npz", "--json", "-")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["runtime"]["name"] == "recorded"


def test_predictions_in_text(tmp_path: Path, honest: dict[Path, Outputs]) -> None:
    y = honest[SINE]["next"]
    np.savetxt(tmp_path / "y.csv", y[..., 0], "%.4f", delimiter=",")
    report = rolled(SINE, tmp_path / "y.csv")
    assert report.verdict is Verdict.MATCH
    assert report.tolerance.decimals == 4
    assert any("numbers of 4 decimals: half a unit" in note for note in report.notes)
    with pytest.raises(InputError, match="--teacher-forced: steps were fed with more digits than were recorded"):
        rolled(SINE, tmp_path / "y.csv", teacher_forced=True)
    assert rolled(SINE, tmp_path / "y.csv", tolerance=Tolerance(decimals=5)).verdict is Verdict.MISMATCH
    np.savetxt(tmp_path / "y.csv", y[..., 0] + 2e-4, "%.4f", delimiter=",")
    assert rolled(SINE, tmp_path / "y.csv").verdict is Verdict.MISMATCH


def test_a_table_for_an_input_beside_states(tmp_path: Path, honest: dict[Path, Outputs]) -> None:
    x = given(DECODER)
    np.savetxt(tmp_path / "x.csv", x["target"].reshape(len(x["target"]), -1), delimiter=",")
    np.savez(tmp_path / "states.npz", c=x["c"], h=x["h"])
    files = {"x": tmp_path / "x.csv", "state_from": tmp_path / "states.npz"}
    assert rollout(DECODER, **files, steps=STEPS, expected=honest[DECODER]).verdict is Verdict.MATCH


def test_usage(tmp_path: Path) -> None:
    command = ("rollout", SINE, "-i", inputs("sine"), "-n", STEPS)
    recorded = ("-e", tmp_path / "y.npz")
    assert_usage_error(run(*command, *recorded, "--runtime", "keras"), "--expected and --runtime exclude each other")
    assert_usage_error(run(*command, *recorded, "--sample"), "--expected and --sample exclude each other")
    assert_usage_error(run(*command, "--decimals", 3), "--decimals applies to recorded predictions")
    assert_refused(run(*command, *recorded), tmp_path / "y.npz", "No such file")
    np.savez(tmp_path / "y.npz", next=np.zeros((3, STEPS, 1)))
    assert_refused(run(*command, *recorded, "--output", tmp_path / "y.npz"), "already used by this command")
    with pytest.raises(InputError, match="sample: it is not known which random numbers chose recorded tokens"):
        rolled(SPELLER, {}, sample=True)
