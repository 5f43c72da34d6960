"""Weights of two files: what is the same in another layout, what was rounded, what is different."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify import load
from lstm_verify.cross.weights import compare_weights
from lstm_verify.layers import Array
from lstm_verify.layers.constant import Constant
from lstm_verify.model import Model
from tests.builders import dense, gru_cell, lstm_cell, rnn, sequential
from tests.conftest import FIXTURES


def holding(**arrays: Array) -> Model:
    """A model that is nothing but constants."""
    layers = {name: Constant(name=name, value=array) for name, array in arrays.items()}
    return Model(name="constants", layers=layers, nodes=(), inputs=(), outputs=())


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


W = random(6, 8)
BLOCKS = np.split(W, 4, axis=1)


@pytest.mark.parametrize(
    ("other", "relation", "words"),
    [
        (W, "equal", ""),
        (W[None], "equal", ""),
        (W.T, "rearranged", "transposed"),
        (
            np.concatenate([BLOCKS[n] for n in (0, 3, 1, 2)], axis=1),
            "rearranged",
            "i, o, f, c in the place of i, f, c, o",
        ),
        (
            np.concatenate([BLOCKS[n] for n in (0, 3, 1, 2)], axis=1).T,
            "rearranged",
            "i, o, f, c in the place of i, f, c, o",
        ),
        (W[::-1], "rearranged", "reversed along axis 0"),
        (np.ascontiguousarray(W.T).reshape(W.shape), "rearranged", "reshaped where it should be transposed"),
        (W[[1, 0, 2, 3, 5, 4]], "rearranged", "in another order"),
        (W.astype(np.float16).astype(np.float32), "rounded", "to float16"),
        (W.astype(np.float16).astype(np.float32).T, "rounded", "to float16"),
        (np.rint(W / 0.02).astype(np.float32) * np.float32(0.02), "rounded", "to 8 bits"),
        (W + 0.5 * np.eye(6, 8, dtype=np.float32), "different", ""),
        (2 * W, "different", ""),
    ],
)
def test_how_a_tensor_is_related_to_another(other: Array, relation: str, words: str) -> None:
    (pair,) = compare_weights(holding(w=W), holding(v=np.ascontiguousarray(other))).pairs
    assert (pair.relation, pair.words) == (relation, words)
    (back,) = compare_weights(holding(w=np.ascontiguousarray(other)), holding(v=W)).pairs
    assert back.relation == relation


def test_each_tensor_belongs_to_one_alone() -> None:
    """The same numbers three times: nothing is compared with a tensor that is taken."""
    found = compare_weights(holding(a=W, b=W), holding(x=W.T, y=W, z=random(6, 8, seed=1)))
    assert [(pair.name, pair.other, pair.relation) for pair in found.pairs] == [
        ("a/value", "y/value", "equal"),
        ("b/value", "x/value", "rearranged"),
    ]
    assert found.other_alone == ("z/value",)
    assert not found.same


def test_zeros_and_lone_numbers_count_for_nothing() -> None:
    found = compare_weights(holding(w=W, b=np.zeros(4, np.float32)), holding(w=W, epsilon=random(1)))
    assert found.same
    assert found.words == "1 equal"


def test_nothing_is_the_same_as_something_that_is_missing() -> None:
    found = compare_weights(holding(w=W, v=random(3, 3)), holding(w=W))
    assert not found.same
    assert found.alone == ("v/value",)
    assert found.words == "1 equal; 1 in one file alone"


def test_the_two_biases_of_a_gru_count_as_far_as_they_make_a_difference() -> None:
    """Of the update and the reset gate it is their sum; of the candidate each."""
    cell: Any = gru_cell(reset_after=True)
    units = cell.units
    b, b_h = cell.bias
    moved = b_h[: 2 * units]
    same = np.stack([b + np.concatenate([moved, np.zeros(units)]), np.concatenate([0 * moved, b_h[2 * units :]])])
    other = np.stack([b + b_h, np.zeros_like(b_h)])
    for bias, is_same in ((same, True), (other, False)):
        changed = replace(cell, bias=bias.astype(cell.bias.dtype))
        found = compare_weights(sequential(rnn(cell)), sequential(rnn(changed)))
        (pair,) = [pair for pair in found.pairs if pair.name.endswith("bias")]
        assert (pair.largest < 1e-6) == is_same


def test_the_largest_difference_is_named() -> None:
    one = sequential(rnn(lstm_cell()), dense())
    cell: Any = one.layers["rnn"].cell if "rnn" in one.layers else next(iter(one.layers.values())).cell
    changed = cell.kernel.copy()
    changed[0, 0] += 0.25
    name = next(iter(one.layers))
    other = one.with_child(name, replace(one.layers[name], cell=replace(cell, kernel=changed)))  # type: ignore[call-arg]
    found = compare_weights(one, other)
    (different,) = found.of("different")
    assert different.name.endswith("kernel")
    assert different.largest == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize("other", ["keras3.h5", "keras3.keras", "keras2.h5"])
def test_files_of_one_model(other: str) -> None:
    one, two = (load(FIXTURES / f"origin_tanh_sigmoid.{name}") for name in ("keras3.h5", other))
    assert compare_weights(one, two).same
