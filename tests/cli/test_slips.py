"""What people type by mistake gets one line that says what to type instead, and that is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import InputError, Model, Verdict, load, verify
from tests.builders import dense, sequential
from tests.command import run
from tests.conftest import FIXTURES

ORIGIN, X, Y = (
    FIXTURES / f"origin{end}" for end in ("_tanh_sigmoid.keras3.h5", ".x.npy", "_tanh_sigmoid.keras3.y.npz")
)
ARRAY = np.load(X)


def saved(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def of(layer: Any, shape: Any) -> Model:
    """A model of one layer, as if it were read from a file."""
    return replace(sequential(layer, shape=shape), source=load(ORIGIN).source)


def refused(*arguments: Any) -> str:
    done = run(*arguments)
    assert done.exit_code == 2
    return done.stderr.strip().splitlines()[-1]


def test_a_sample_without_the_axis_of_samples(tmp_path: Path) -> None:
    said = refused(ORIGIN, "--input", saved(tmp_path / "x.npy", ARRAY[0]), "--expected", Y)
    assert said.endswith(
        "shape (3, 2) has 2 axes, expected (samples, 3, 2). A single sample needs the axis of the samples too: x[None]"
    )
    with np.load(Y) as y:
        report = verify(ORIGIN, ARRAY[0][None], expected=y["dense"][:1], blind_spots=False)
    assert report.verdict is Verdict.MATCH


def test_an_axis_of_one_that_is_left_out() -> None:
    model = of(dense(2, 1), (None, 5, 1))
    x = np.ones((4, 5), np.float32)
    with pytest.raises(InputError, match=r"An axis of 1 is left out: x\[\.\.\., None\]$"):
        verify(model, x, expected=np.ones((4, 5, 2)))
    verify(model, x[..., None], expected=np.ones((4, 5, 2)), diagnose=False)


@pytest.mark.parametrize(
    ("columns", "change", "advice"), [(1, np.ravel, "y[..., None]"), (1, lambda y: y[..., None], "y[..., 0]")]
)
def test_predictions_with_an_axis_more_or_less(columns: int, change: Any, advice: str) -> None:
    model = of(dense(columns, 2), (None, 2))
    x = np.ones((4, 2), np.float32)
    report = verify(model, x, expected=change(np.ones((4, columns))), diagnose=False)
    assert report.verdict is Verdict.MISMATCH
    assert report.summary().endswith(f"give {advice}")


def test_inputs_and_predictions_that_are_exchanged(tmp_path: Path) -> None:
    with np.load(Y) as y:
        predictions = saved(tmp_path / "y.npy", y["dense"])
    said = refused(ORIGIN, "--input", predictions, "--expected", X)
    assert said.endswith("What is expected would fit: are inputs and predictions exchanged?")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verfy", ORIGIN], "Error: 'verfy' is no command, and no file. Did you mean verify?"),
        (
            ["*.nothing", "--random", "3"],
            "error: *.nothing: cannot be read (No such file or directory). No file fits this pattern",
        ),
        (
            [ORIGIN, "--input", ORIGIN],
            f"error: {ORIGIN}: an HDF5 file, as models are, expected a file of arrays: .npy, .npz, .csv, .tsv, .txt or "
            ".json",
        ),
        (
            [ORIGIN, "--input", X, "--seed", "3"],
            "Error: --seed 3: it is for --random, and inputs are given. Leave it out",
        ),
        (
            [ORIGIN, "--against", ORIGIN, "--input", X, "--seed", "3"],
            "Error: --seed 3: it is for --random, and inputs are given. Leave it out",
        ),
    ],
)
def test_slips(arguments: list[Any], says: str) -> None:
    assert refused(*arguments) == says


@pytest.mark.parametrize(
    ("arguments", "usage"), [(["help"], "[OPTIONS] COMMAND"), (["help", "inspect"], "inspect [OPTIONS] MODEL")]
)
def test_help_is_a_word_too(arguments: list[str], usage: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 0
    assert usage in done.stdout
