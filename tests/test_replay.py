"""Replay: every form of input, blocks, dtypes, states and activations, against the scalar oracle."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify import InputError, ModelFileError, replay
from lstm_verify._replay import Replayed, replay_rows
from lstm_verify.arrays import NpyRows
from lstm_verify.layers import Activation as ActivationLayer
from lstm_verify.layers import Array, Bidirectional, Conv2D, Dense, Embedding, Identity
from lstm_verify.operations.activations import ActivationFunction
from tests import oracle
from tests.builders import (
    dense,
    gru_cell,
    lstm_cell,
    lstm_model,
    random_array,
    rnn,
    sequences,
    sequential,
    two_headed_model,
)

MODULE = sys.modules["lstm_verify._replay"]  # the package has a function of that name
X = sequences(dtype="float32")


def by_hand(x: Array) -> Array:
    """What `lstm_model` gives, by the scalar oracle."""
    cell, head = lstm_cell(), dense()
    zeros = [[0.0] * size for size in cell.state_sizes]
    last = [oracle.run(cell, sample, zeros)[0][-1] for sample in x.astype(np.float64).tolist()]
    return np.array([oracle.dense(h, head.kernel.tolist(), oracle.listed(head.bias)) for h in last])


@pytest.mark.parametrize("x", [X, [X], (X,), {"x": X}, {"x:0": X}, {"other": X}])
def test_every_form_of_input_equals_the_oracle(x: Any) -> None:
    found = replay(lstm_model(), x)
    assert list(found) == ["dense"]
    assert found["dense"].dtype == np.float64
    assert_allclose(found["dense"], by_hand(X), rtol=0, atol=1e-12)


def test_inputs_on_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    found = replay(lstm_model(), NpyRows(tmp_path / "x.npy"))
    assert_array_equal(found["dense"], replay(lstm_model(), X)["dense"])


def test_inputs_are_rounded_to_the_dtype_of_the_model_first() -> None:
    """A framework sees float32 too, whatever the file holds."""
    x = sequences()
    assert (x != x.astype(np.float32)).any()
    assert_allclose(replay(lstm_model(), x)["dense"], by_hand(x.astype(np.float32)), rtol=0, atol=1e-12)


def test_one_output_is_an_array_too() -> None:
    found = replay(lstm_model(), X)
    assert_array_equal(np.asarray(found), found["dense"])
    assert np.asarray(found, np.float32).dtype == np.float32
    assert found.activations == {}


def test_a_copy_is_a_copy() -> None:
    found = replay(lstm_model(), X)
    np.array(found)[...] = 0
    assert found["dense"].any()


def test_several_outputs_are_no_array() -> None:
    found = replay(two_headed_model(), [X, random_array(5, 4)])
    assert list(found) == ["h", "y"]
    with pytest.raises(TypeError, match="2 outputs, not one: choose from h, y"):
        np.asarray(found)


def test_several_inputs_and_outputs_equal_the_oracle() -> None:
    b, cell, head = random_array(5, 4, dtype="float32"), lstm_cell(), dense()
    found = replay(two_headed_model(), {"b": b, "a": X})
    for sample in range(5):
        h = oracle.run(cell, X[sample].astype(np.float64).tolist(), [[0.0] * 4, [0.0] * 4])[0][-1]
        assert_allclose(found["h"][sample], h, rtol=0, atol=1e-12)
        y = oracle.dense(oracle.total(h, b[sample].tolist()), head.kernel.tolist(), oracle.listed(head.bias))
        assert_allclose(found["y"][sample], y, rtol=0, atol=1e-12)


def test_activations_equal_the_oracle() -> None:
    found = replay(lstm_model(return_sequences=True), X, activations=True)
    names = ("z", "i", "f", "o", "candidate", "c", "h")
    assert set(found.activations) == {"lstm", "dense", *(f"lstm/{name}" for name in names)}
    assert_array_equal(found.activations["dense"], found["dense"])
    cell = lstm_cell()
    for sample in range(5):
        states = [[0.0] * 4, [0.0] * 4]
        for t in range(6):
            gates = oracle.gates_of(cell, X[sample, t].astype(np.float64).tolist(), states)
            states = [gates["h"], gates["c"]]
            for name, value in gates.items():
                assert_allclose(found.activations[f"lstm/{name}"][sample, t], value, rtol=0, atol=1e-12)


def test_activations_of_gru_and_nested_layers() -> None:
    both = Bidirectional(name="bi", forward_layer=rnn(gru_cell()), backward_layer=rnn(gru_cell(), go_backwards=True))
    inner = replace(sequential(both), name="inner")
    found = replay(sequential(inner, dense(2, 8)), X, activations=True).activations
    gates = {f"{side}_layer/{name}" for side in ("forward", "backward") for name in ("z", "r", "candidate", "h")}
    assert set(found) == {"inner", "inner/bi", "dense", *(f"inner/bi/{gate}" for gate in gates)}
    assert_array_equal(found["inner/bi"][:, :4], found["inner/bi/forward_layer/h"][:, -1])


def test_activations_change_no_output() -> None:
    plain, traced = replay(lstm_model(), X), replay(lstm_model(), X, activations=True)
    assert_allclose(traced["dense"], plain["dense"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("block", [1, 2, 4, 100])
def test_blocks_give_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    x = sequences(samples=23, dtype="float32")
    wanted = by_hand(x)
    monkeypatch.setattr(MODULE, "BLOCK", block)
    assert_allclose(replay(lstm_model(), x)["dense"], wanted, rtol=0, atol=1e-12)


def test_samples_that_are_large_run_in_smaller_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "BLOCK_BYTES", 8 * 18 * 2)
    done: list[int] = []
    x = sequences(samples=23, dtype="float32")
    rows = replay_rows(lstm_model(), {"x": x}, progress=done.append)
    assert done == [*range(2, 23, 2), 23]
    assert_allclose(rows["dense"][:], by_hand(x), rtol=0, atol=1e-12)


def test_what_convolutions_make_large_runs_in_smaller_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample weighs 96 bytes, and 50 times as much behind the convolution."""
    conv = Conv2D(name="conv", kernel=random_array(1, 1, 3, 150))
    model = sequential(conv, shape=(None, 2, 2, 3))
    x, sizes = random_array(9, 2, 2, 3), []
    whole = np.asarray(replay(model, x))
    run = Conv2D.forward
    monkeypatch.setattr(Conv2D, "forward", lambda self, x: sizes.append(len(x)) or run(self, x))
    monkeypatch.setattr(MODULE, "BLOCK_BYTES", 2 * 4 * 150 * 8)
    assert_array_equal(np.asarray(replay(model, x)), whole)
    assert sorted(sizes) == [1, 1, 2, 2, 2, 2]  # the first to see how large it becomes


def test_float32_stays_float32() -> None:
    model = sequential(
        Embedding(name="tokens", embeddings=random_array(9, 3)),
        rnn(lstm_cell()),
        dense(),
        shape=(None, 6),
        dtype="int32",
    )
    tokens = np.random.default_rng(1).integers(0, 9, (5, 6))
    single, double = replay(model, tokens, "float32"), replay(model, tokens)
    assert (single["dense"].dtype, double["dense"].dtype) == (np.float32, np.float64)
    assert_allclose(single["dense"], double["dense"], rtol=0, atol=1e-5)
    assert (single["dense"] != double["dense"]).any()
    assert replay(lstm_model(), X, "float32")["dense"].dtype == np.float32


def test_float32_activations_are_float32() -> None:
    found = replay(lstm_model(), X, "float32", activations=True).activations
    assert {str(value.dtype) for value in found.values()} == {"float32"}


def test_a_stateful_model_carries_its_states_from_batch_to_batch() -> None:
    """Three batches of two samples are one sequence three times as long of two samples."""
    x = sequences(samples=6, dtype="float32")
    model = sequential(rnn(lstm_cell(), stateful=True, return_sequences=True), shape=(2, 6, 3))
    plain = sequential(rnn(lstm_cell(), return_sequences=True), shape=(None, None, 3))
    (found,), (whole,) = (
        tuple(replay(model, x).values()),
        tuple(replay(plain, np.concatenate([x[:2], x[2:4], x[4:]], axis=1)).values()),
    )
    assert_allclose(np.concatenate([found[:2], found[2:4], found[4:]], axis=1), whole, rtol=0, atol=1e-12)


def test_a_stateful_model_starts_anew_at_every_replay() -> None:
    model = sequential(rnn(lstm_cell(), stateful=True), shape=(5, 6, 3))
    assert_array_equal(replay(model, X)["rnn"], replay(model, X)["rnn"])


def test_the_batch_size_of_a_stateful_model_that_has_none() -> None:
    model = sequential(rnn(lstm_cell(), stateful=True), shape=(None, 6, 3))
    by_two = replay_rows(model, {"x": X[:4]}, batch_size=2)["rnn"][:]
    at_once = replay_rows(model, {"x": X[:4]})["rnn"][:]
    assert_array_equal(by_two[:2].round(12), at_once[:2].round(12))
    assert np.abs(by_two[2:] - at_once[2:]).max() > 1e-3


def test_activations_of_a_stateful_model_are_of_one_batch() -> None:
    model = sequential(rnn(lstm_cell(), stateful=True), shape=(2, 6, 3))
    assert replay(model, X[:2], activations=True).activations["rnn/i"].shape == (2, 6, 4)
    with pytest.raises(InputError, match="4 samples, expected one batch of 2"):
        replay(model, X[:4], activations=True)


@pytest.mark.parametrize("block", [2, 5])
def test_large_outputs_lie_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, block: int) -> None:
    monkeypatch.setattr(MODULE, "BLOCK", block)
    wanted = {name: rows[:] for name, rows in replay_rows(two_headed_model(), two_inputs()).items()}
    monkeypatch.setattr(MODULE, "IN_MEMORY", 5 * 4 * 8)  # as large as `h`; `y` is smaller
    found = replay_rows(two_headed_model(), two_inputs(), scratch=tmp_path)
    assert {name: isinstance(rows, NpyRows) for name, rows in found.items()} == {"h": True, "y": False}
    for name, rows in found.items():
        assert_array_equal(rows[:], wanted[name])
    assert len([*tmp_path.iterdir()]) == 1


def two_inputs() -> dict[str, Array]:
    return {"a": X, "b": random_array(5, 4, dtype="float32")}


def test_without_scratch_everything_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "IN_MEMORY", 0)
    assert isinstance(replay_rows(lstm_model(), {"x": X})["dense"], np.ndarray)


def test_a_replay_changes_neither_its_input_nor_the_weights() -> None:
    model, x = lstm_model(), X.copy()
    before = {path: weight.copy() for path, weight in model.weights()}
    x.flags.writeable = False
    for activations in (False, True):
        replay(model, x, activations=activations)
    assert_array_equal(x, X)
    for path, weight in model.weights():
        assert_array_equal(weight, before[path])
        assert not weight.flags.writeable


@pytest.mark.parametrize("activations", [True, False])
def test_an_output_that_is_the_input_is_a_copy(activations: bool) -> None:
    x = X.copy()
    found = replay(sequential(Identity(name="dropout")), x, "float32", activations=activations)
    found["dropout"][...] = 0
    assert_array_equal(x, X)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["linear", "exponential", "softmax"])
def test_layers_before_the_first_weight_compute_in_the_dtype_asked_for(name: str, dtype: str) -> None:
    found = replay(sequential(ActivationLayer(name="y", activation=ActivationFunction.of(name))), X, dtype)["y"]
    assert found.dtype == np.dtype(dtype)
    wanted = ActivationFunction.of(name)(X.astype(np.float64))
    assert_allclose(found, wanted, rtol=1e-15 if dtype == "float64" else 1e-6)


def test_nan_stays_in_its_sample() -> None:
    x = X.copy()
    x[2, 3, 1] = np.nan
    found = replay(lstm_model(), x)["dense"]
    assert np.isnan(found[2]).all()
    assert_array_equal(np.isnan(found).any(axis=1), [False, False, True, False, False])
    assert_allclose(found[[0, 1, 3, 4]], by_hand(X)[[0, 1, 3, 4]], rtol=0, atol=1e-12)


def test_overflow_is_a_result_not_a_warning() -> None:
    """Warnings are errors in these tests."""
    model = sequential(Dense(name="d", kernel=np.full((3, 2), 3e38, np.float32)))
    found = replay(model, np.full((5, 6, 3), 3e38, np.float32), "float32")["d"]
    assert np.isinf(found).all()


def test_a_layer_that_cannot_take_its_input_is_named() -> None:
    model = sequential(rnn(lstm_cell(), "lstm"), dense(2, 7))
    with pytest.raises(ModelFileError, match=r"layer 'dense': kernel has shape \(\d, \d\), expected \(4, \d\)"):
        replay(model, X)


def test_replayed_is_a_mapping() -> None:
    found = Replayed({"a": np.zeros(1)}, {"a/i": np.ones(1)})
    assert dict(found).keys() == {"a"}
    assert found.activations.keys() == {"a/i"}
