"""Discrete decisions at the very number at which they turn, as real frameworks make them: never wrong, never passed."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import Verdict, load, verify

FRAMEWORKS = ("keras", "tf_keras")
UNCERTAIN = ("*_0.0", "sign_*", "truth_*", "relu_after_a_product", "*float16*")
"""Decisions of which nothing may be said: a processor may take subnormal numbers for 0, and what was computed, or
rounded to fewer digits, carries an error over the edge."""
Zoo = Callable[[str], Path]
loaded = cache(load)
"""Both tests read the same archives."""


def verdict(folder: Path, name: str, predicted: str) -> Verdict:
    """The verdict on a model of the zoo for what it, or one that decides otherwise, predicts."""
    x, y = (folder / f"{name}.{kind}.npz" for kind in ("x", predicted))
    given, expected = (np.load(path)["arr_0"] for path in (x, y))
    return verify(loaded(folder / f"{name}.keras"), given, expected=expected, diagnose=False, blind_spots=False).verdict


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_a_framework_decides_is_no_mismatch(edges: Zoo, framework: str) -> None:
    folder = edges(framework)
    names = list(json.loads((folder / "edges.json").read_text()))
    found = {name: verdict(folder, name, "y") for name in names}
    assert not [name for name, each in found.items() if each is Verdict.MISMATCH]
    open_ones = [name for name, each in found.items() if each is not Verdict.MATCH]
    assert not [name for name in open_ones if not any(fnmatchcase(name, pattern) for pattern in UNCERTAIN)]
    assert len(open_ones) < len(names) / 3


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_decision_that_is_made_otherwise_is_no_match(edges: Zoo, framework: str) -> None:
    folder = edges(framework)
    counts = json.loads((folder / "edges.json").read_text())
    turning = [name for name, count in counts.items() if count]
    assert len(turning) > len(counts) / 3
    found = {name: verdict(folder, name, "flipped") for name in turning}
    assert not [name for name, each in found.items() if each is Verdict.MATCH]
    assert list(found.values()).count(Verdict.MISMATCH) > 0.9 * len(turning)
