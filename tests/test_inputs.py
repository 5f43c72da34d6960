"""Inputs: matched by name or order, refused when they do not fit, made when there are none."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import InputError, Model
from lstm_verify.inputs import RANDOM_TIMESTEPS, as_input, bind, by_name, random_inputs
from lstm_verify.layers import Embedding
from lstm_verify.model import Input, LayerCall, Output, Tensor
from tests.builders import dense, lstm_cell, lstm_model, random_array, rnn, sequences, sequential, two_headed_model

A, B = sequences(), random_array(5, 4)


def bound(model: Model, x: Any) -> tuple[dict[str, Any], list[str]]:
    rows, notes = bind(model, x)
    return {name: array[:] for name, array in rows.items()}, notes


@pytest.mark.parametrize(
    "x",
    [
        {"a": A, "b": B},
        {"b": B, "a": A},
        {"b:0": B, "a:0": A},
        [A, B],
        (A, B),
    ],
    ids=["named", "other order", "with :0", "list", "tuple"],
)
def test_inputs_by_name_or_as_a_sequence(x: Any) -> None:
    found, notes = bound(two_headed_model(), x)
    assert list(found) == ["a", "b"]
    assert_array_equal(found["a"], A)
    assert_array_equal(found["b"], B)
    assert notes == []


def test_other_names_are_taken_in_order_with_a_note() -> None:
    found, notes = bound(two_headed_model(), {"left": A, "right": B})
    assert_array_equal(found["a"], A)
    assert_array_equal(found["b"], B)
    assert notes == ["inputs taken in order: left, right as a, b"]


@pytest.mark.parametrize("x", [A, [A], {"": A}, {"x": A}, {"x:0": A}])
def test_one_input_in_every_form(x: Any) -> None:
    found, notes = bound(lstm_model(), x)
    assert_array_equal(found["x"], A)
    assert notes == []


def test_nested_lists_of_numbers_are_an_array_only_inside_a_mapping() -> None:
    """A list at the top is a list of inputs."""
    assert_array_equal(bound(lstm_model(), {"x": A.tolist()})[0]["x"], A)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (A, r"inputs: 1 given \(\(unnamed\)\), expected 2: a, b"),
        ([A], r"inputs: 1 given \(#0\), expected 2: a, b"),
        ([A, B, B], r"inputs: 3 given \(#0, #1, #2\), expected 2: a, b"),
        ({"a": A, "c": B}, r"inputs: no input is named c; they are a, b. Rename the arrays"),
        ({"a": A}, r"inputs: 1 given \(a\), expected 2"),
        ({}, r"inputs: 0 given"),
    ],
)
def test_inputs_that_cannot_be_matched_are_refused(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bind(two_headed_model(), x)


def test_by_name_says_what_it_is_about() -> None:
    with pytest.raises(InputError, match=r"outputs: no output is named z; they are y, w"):
        by_name({"y": A, "z": B}, ["y", "w"], "output")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (A[:, :, 0], r"input 'x': shape \(5, 6\) has 2 axes, expected \(samples, 6, 3\)"),
        (A[..., None], r"input 'x': shape \(5, 6, 3, 1\) has 4 axes, expected \(samples, 6, 3\)"),
        (A[:, :, :2], r"input 'x': shape \(5, 6, 2\), expected \(samples, 6, 3\)"),
        (A[:, :5], r"input 'x': shape \(5, 5, 3\), expected \(samples, 6, 3\)"),
        (A.astype(str), r"input 'x': dtype <U\d+, expected numbers as float32"),
        (A.astype(complex), r"input 'x': dtype complex128, expected numbers"),
        (np.zeros((5, 6, 3), "datetime64[s]"), r"input 'x': dtype datetime64\[s\], expected numbers"),
        (np.zeros((5, 6, 3), [("v", "f4")]), r"input 'x': dtype .*, expected numbers"),
        (np.zeros((5, 6, 3), object), r"input 'x': an array of Python objects, expected numbers"),
        (A[:0], r"inputs: no samples \(an empty batch\)"),
        (np.float32(3), r"input 'x': shape \(\) has 0 axes"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bind(lstm_model(), x)


def test_an_empty_axis_is_refused_where_any_length_will_do() -> None:
    model = sequential(rnn(lstm_cell()), shape=(None, None, 3))
    assert bind(model, A[:, :2])[0]["x"].shape == (5, 2, 3)
    with pytest.raises(InputError, match=r"shape \(5, 0, 3\) has an axis of length 0, expected \(samples, any, 3\)"):
        bind(model, A[:, :0])


def test_different_numbers_of_samples_are_refused() -> None:
    with pytest.raises(InputError, match=r"different numbers of samples, \{'a': 5, 'b': 4\}"):
        bind(two_headed_model(), [A, B[:4]])


@pytest.mark.parametrize("samples", [3, 5])
def test_a_fixed_batch_takes_whole_batches(samples: int) -> None:
    model = sequential(rnn(lstm_cell(), stateful=True), shape=(2, 6, 3))
    assert len(bind(model, A[:4])[0]["x"]) == 4
    with pytest.raises(InputError, match=rf"{samples} samples, expected a multiple of 2"):
        bind(model, A[:samples])


def test_nan_and_infinity_go_through() -> None:
    x = A.copy()
    x[0, 0], x[1, 1] = np.nan, np.inf
    assert_array_equal(bound(lstm_model(), x)[0]["x"], x)
    assert_array_equal(as_input(Input("x", (None, 6, 3), "float32"), x), x.astype("float32"))


class Payload:
    """An object that makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_objects_in_a_file_are_never_unpickled(tmp_path: Path, suffix: str) -> None:
    from lstm_verify.array_files import read_arrays

    witness, file = tmp_path / "witness", tmp_path / f"x{suffix}"
    objects = np.array([Payload(witness)], dtype=object)
    (np.save if suffix == ".npy" else np.savez)(file, objects, allow_pickle=True)
    with pytest.raises(InputError, match="an array of Python objects, expected numbers; it is not opened"):
        read_arrays(file)
    assert not witness.exists()
    pickle.loads(pickle.dumps(Payload(witness)))
    assert witness.exists(), "the payload would not have shown an unpickling"


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int32", "bool"])
def test_values_are_cast_to_the_dtype_of_the_input(dtype: str) -> None:
    values = np.array([[0, 1, 1]], dtype)
    for wanted in ("float32", "int32", "bool", "float16", "int64"):
        got = as_input(Input("x", (None, 3), wanted), values)
        assert got.dtype == np.dtype(wanted)
        assert got.tolist() == [[0, 1, 1]]


def test_bfloat16_inputs_are_taken_as_float32() -> None:
    assert as_input(Input("x", (None, 1), "bfloat16"), np.ones((1, 1))).dtype == np.float32


@pytest.mark.parametrize("value", [0.5, -1.25, np.nan, np.inf, -np.inf])
def test_what_is_not_whole_is_refused_where_integers_are_wanted(value: float) -> None:
    with pytest.raises(InputError, match=r"input 'x': .* is not whole, expected int32"):
        as_input(Input("x", (None, 2), "int32"), np.array([[1.0, value]]))


@pytest.mark.parametrize(("value", "dtype"), [(2.0**40, "int32"), (-1.0, "uint8"), (300, "uint8"), (2**40, "int32")])
def test_integers_that_the_input_cannot_hold_are_refused(value: float, dtype: str) -> None:
    """Otherwise another token than the one in the file would be verified."""
    with pytest.raises(InputError, match="input 'x'"):
        as_input(Input("x", (None, 1), dtype), np.array([[value]]))


def test_random_inputs_fit_the_model_and_its_seed() -> None:
    made = random_inputs(two_headed_model(), 8, seed=3)
    assert {name: (array.shape, str(array.dtype)) for name, array in made.items()} == {
        "a": ((8, 6, 3), "float32"),
        "b": ((8, 4), "float32"),
    }
    bind(two_headed_model(), made)
    again, other = random_inputs(two_headed_model(), 8, seed=3), random_inputs(two_headed_model(), 8, seed=4)
    assert_array_equal(made["a"], again["a"])
    assert (made["a"] != other["a"]).all()
    assert 0.5 < made["a"].std() < 1.5


def test_random_sequences_of_any_length() -> None:
    model = sequential(rnn(lstm_cell()), shape=(None, None, 3))
    assert random_inputs(model, 4)["x"].shape == (4, RANDOM_TIMESTEPS, 3)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
@pytest.mark.parametrize("nested", [False, True])
def test_random_tokens_are_in_the_range_of_the_embedding(nested: bool, dtype: str) -> None:
    inner = sequential(Embedding(name="tokens", embeddings=random_array(5, 3)), shape=(None, 6), dtype=dtype)
    model = sequential(inner, rnn(lstm_cell()), shape=(None, 6), dtype=dtype) if nested else inner
    made = random_inputs(model, 200)["x"]
    assert made.dtype == np.dtype(dtype)
    assert sorted(set(made.ravel().tolist())) == [0, 1, 2, 3, 4]


def test_random_masks_are_padded_on_the_right() -> None:
    model = sequential(dense(2, 6), shape=(None, 6), dtype="bool")
    made = random_inputs(model, 50)["x"]
    assert made.dtype == bool
    assert made[:, 0].all()
    assert (np.diff(made.astype(int), axis=1) <= 0).all()
    assert not made.all()


def test_random_masks_of_more_axes_hide_some_places() -> None:
    model = sequential(dense(2, 6), shape=(None, 4, 6), dtype="bool")
    made = random_inputs(model, 50)["x"]
    assert made.dtype == bool
    assert made.shape == (50, 4, 6)
    assert 0.5 < made.mean() < 0.9


def test_random_integers_without_an_embedding() -> None:
    made = random_inputs(sequential(dense(2, 6), shape=(None, 6), dtype="int32"), 20)["x"]
    assert set(made.ravel().tolist()) == {0, 1}


@pytest.mark.parametrize("shape", [None, (None, 6, None)])
def test_an_open_shape_cannot_be_made(shape: Any) -> None:
    with pytest.raises(InputError, match=r"input 'x': the model leaves its shape open .* Give one with --input"):
        random_inputs(sequential(rnn(lstm_cell()), shape=shape), 4)


def test_each_input_finds_its_own_embedding() -> None:
    """Each by the layer that takes it, not by its place."""
    layers = {
        "small": Embedding(name="small", embeddings=random_array(3, 2)),
        "large": Embedding(name="large", embeddings=random_array(50, 2)),
    }
    model = Model(
        name="two",
        layers=layers,
        nodes=(LayerCall("large", (Tensor("b"),)), LayerCall("small", (Tensor("a"),))),
        inputs=(Input("a", (None, 6), "int32"), Input("b", (None, 6), "int32")),
        outputs=(Output("s", Tensor("small")), Output("l", Tensor("large"))),
    )
    made = random_inputs(model, 100)
    assert made["a"].max() == 2
    assert 30 < made["b"].max() < 50
