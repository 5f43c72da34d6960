"""`--save-input`: what was generated is there again for the next run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError, RandomInputs, against, load, verify
from lstm_verify.inputs import random_inputs
from tests.command import assert_refused, assert_usage_error, inputs, model, recorded, run

TOKENS = "bidirectional_masked"


def test_generated_inputs_are_saved_and_give_the_same_again(tmp_path: Path) -> None:
    made, saved = tmp_path / "made.npz", tmp_path / "x.npz"
    command = ("replay", model(TOKENS), "-o", made)
    assert run(*command, "--random", 5, "--seed", 3, "--save-input", saved).exit_code == 0
    with np.load(saved) as archive:
        arrays = dict(archive)
    expected = random_inputs(load(model(TOKENS)), 5, 3)
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
        assert_array_equal(array, expected[name])
        assert array.dtype == expected[name].dtype
    again = tmp_path / "again.npz"
    assert run("replay", model(TOKENS), "-i", saved, "-o", again).exit_code == 0
    with np.load(made) as one, np.load(again) as other:
        assert_array_equal(one["tag"], other["tag"])


@pytest.mark.parametrize("command", ["verify", "diagnose"])
def test_recorded_predictions_for_generated_inputs(command: str, tmp_path: Path) -> None:
    saved, y = tmp_path / "x.npz", tmp_path / "y.npz"
    run("replay", model(TOKENS), "-o", y, "--random", 5, "--save-input", tmp_path / "other.npz")
    x = ("--random", 5, "--save-input", saved)
    if command == "verify":  # which otherwise looks for inputs that show more
        x += ("--no-blind-spots",)
    assert run(command, model(TOKENS), *x, "-e", y).exit_code == 0
    assert saved.read_bytes()
    assert run(command, model(TOKENS), "-i", saved, "-e", y).exit_code == 0


def test_inputs_of_a_comparison_of_files(tmp_path: Path) -> None:
    files = (model("stacked_gru"), model("stacked_gru", "keras3.keras"))
    against(*files, RandomInputs(3, 1), predict=False, save_input=tmp_path / "x.npz", blind_spots=False)
    with np.load(tmp_path / "x.npz") as archive:
        assert_array_equal(archive["input"], random_inputs(load(files[0]), 3, 1)["input"])


@pytest.mark.parametrize("command", ["verify", "diagnose", "replay"])
def test_only_what_is_generated_is_saved(command: str, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "y.npz") if command == "replay" else ()
    result = run(command, model(TOKENS), "-i", inputs(TOKENS), "--save-input", tmp_path / "x.npz", *output)
    assert_usage_error(result, "--save-input is for what --random generates. Give --random too")
    with pytest.raises(InputError, match="the inputs are given, expected RandomInputs"):
        verify(model(TOKENS), inputs(TOKENS), expected=recorded(TOKENS), save_input=tmp_path / "x.npz")
    assert not list(tmp_path.iterdir())


def test_there_must_be_a_place_for_them(tmp_path: Path) -> None:
    command = ("verify", model(TOKENS), "--random", 5, "--save-input")
    assert_refused(run(*command, tmp_path), tmp_path, "a directory")
    assert_refused(run(*command, tmp_path / "a" / "x.npz"), "there is no directory")
    assert_refused(run(*command, model(TOKENS)), "already used by this command")
    assert_refused(run(*command, tmp_path / "x.npz", "--json", tmp_path / "x.npz"), "already used by this command")
