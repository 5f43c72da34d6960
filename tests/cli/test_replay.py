"""`lstm-verify replay` writes what the weights compute: outputs, and every layer and gate if asked."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.command import run
from tests.conftest import FIXTURES

ORIGIN, X = FIXTURES / "origin_tanh_sigmoid.keras3.h5", FIXTURES / "origin.x.npy"


def written(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as found:
        return dict(found)


def test_outputs_are_what_the_framework_predicted(tmp_path: Path) -> None:
    done = run("replay", ORIGIN, "--input", X, "-o", tmp_path / "y.npz")
    assert (done.exit_code, done.stdout) == (0, "dense  (4, 2)  float64\n")
    recorded = written(FIXTURES / "origin_tanh_sigmoid.keras3.y.npz")
    np.testing.assert_allclose(written(tmp_path / "y.npz")["dense"], recorded["dense"], atol=1e-6)


def test_gates_are_those_of_the_equations(tmp_path: Path) -> None:
    """i = σ(x W_i + b_i) in the first step, from states that are zero."""
    assert run("replay", ORIGIN, "--input", X, "--gates", "-o", tmp_path / "all.npz").exit_code == 0
    found = written(tmp_path / "all.npz")
    stored = []
    with h5py.File(ORIGIN) as file:
        file["model_weights"].visititems(
            lambda name, item: stored.append((name, item[()])) if "lstm" in name and hasattr(item, "shape") else None
        )
    kernel, bias = (next(a for name, a in stored if name.endswith(f"/{key}")) for key in ("kernel", "bias"))
    units = len(bias) // 4
    z = np.load(X)[:, 0].astype(np.float64) @ kernel[:, :units] + bias[:units]
    np.testing.assert_allclose(found["lstm/i"][:, 0], 1 / (1 + np.exp(-z)), atol=1e-12)
    assert {"lstm/i", "lstm/f", "lstm/candidate", "lstm/o", "lstm/c", "lstm/h", "lstm", "dense"} <= set(found)
    np.testing.assert_array_equal(found["lstm"], found["lstm/h"][:, -1])


def test_inputs_may_be_made(tmp_path: Path) -> None:
    for seed in (3, 3, 4):
        done = run("replay", ORIGIN, "--random", "5", "--seed", seed, "-o", tmp_path / f"{seed}.npz")
        assert done.exit_code == 0
    assert written(tmp_path / "3.npz")["dense"].shape == (5, 2)
    assert not np.array_equal(written(tmp_path / "3.npz")["dense"], written(tmp_path / "4.npz")["dense"])


def test_what_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 5)))
    done = run("replay", ORIGIN, "--input", tmp_path / "x.npy", "-o", tmp_path / "y.npz")
    assert done.exit_code == 2
    assert "expected (samples, 3, 2)" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy"]


def test_predictions_are_in_the_precision_of_the_model(tmp_path: Path) -> None:
    done = run("predict", ORIGIN, "--input", X, "-o", tmp_path / "y.npz")
    assert (done.exit_code, done.stdout) == (0, "dense  (4, 2)  float32\n")
    recorded = written(FIXTURES / "origin_tanh_sigmoid.keras3.y.npz")
    np.testing.assert_allclose(written(tmp_path / "y.npz")["dense"], recorded["dense"], atol=1e-6)
