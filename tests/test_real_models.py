"""Files that real projects published, where the folder with them is there: read, replayed, verified both ways."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import Verdict, load, replay, verify
from tests.conftest import REAL_MODELS

NAMES = sorted(path.stem for path in REAL_MODELS.glob("*.h5"))

pytestmark = [
    pytest.mark.framework,
    pytest.mark.skipif(not NAMES, reason="the folder with the real models is not there"),
]


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_recorded_predictions(name: str) -> None:
    path = REAL_MODELS / name
    report = verify(f"{path}.h5", f"{path}.x.npz", expected=f"{path}.y.npz")
    assert report.verdict is Verdict.MATCH, report.summary()
    assert report.samples == 16


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_its_framework(name: str) -> None:
    path = REAL_MODELS / name
    report = verify(f"{path}.h5", f"{path}.x.npz")
    assert report.verdict is Verdict.MATCH, report.summary()


@pytest.mark.parametrize("name", NAMES)
def test_one_sample_changed_is_found(name: str, tmp_path: Path) -> None:
    path = REAL_MODELS / name
    with np.load(f"{path}.y.npz") as recorded:
        changed = {key: recorded[key].copy() for key in recorded.files}
    next(iter(changed.values()))[11] += 2e-4
    np.savez(tmp_path / "y.npz", **changed)
    report = verify(f"{path}.h5", f"{path}.x.npz", expected=tmp_path / "y.npz", diagnose=False)
    assert report.verdict is Verdict.MISMATCH
    assert report.outputs[0].worst(1) == [11]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_the_file_does_not_matter(name: str, tmp_path: Path) -> None:
    shutil.copy(REAL_MODELS / f"{name}.h5", tmp_path / "export.bin")
    with np.load(REAL_MODELS / f"{name}.x.npz") as x:
        inputs = dict(x)
    same, renamed = load(REAL_MODELS / f"{name}.h5"), load(tmp_path / "export.bin")
    assert np.array_equal(np.asarray(replay(same, inputs)), np.asarray(replay(renamed, inputs)))
