"""Masks that are ignored in part, and outputs at the end of padding; against the scalar oracle over time."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers import Array, Embedding, Masking, Run, Signal
from tests.builders import apply, random_array, rnn
from tests.faults.sequences import CELL, OTHER, RIGHT, SAMPLES, STEPS, X, both, near, outputs
from tests.faults.steps import found, only

FULL = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 1]], bool)
KEPT = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 1, 1, 0, 1]], bool)
FIRST = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [0, 1, 1, 0, 1]], bool)
IN_PART = {
    "ignored in samples that are all padding": KEPT,
    "one step at least, in samples that are all padding": FIRST,
}


def last(cell: object, mask: Array, x: Array = X) -> Array:
    return outputs(cell, x, mask)[:, -1]


@pytest.mark.parametrize("words", IN_PART)
def test_samples_that_are_all_padding_are_read_all_the_same(words: str) -> None:
    read = IN_PART[words]
    near(apply(only(rnn(CELL), "mask", words), X, mask=FULL)[0], last(CELL, read))
    got = apply(only(both(), "mask", words), X, mask=FULL)[0]
    near(got, np.concatenate([last(CELL, read), last(OTHER, read[:, ::-1], X[:, ::-1])], axis=-1))
    assert only(rnn(CELL), "mask", words).apply((Signal(X),), Run())[0].mask is None


@pytest.mark.parametrize("words", IN_PART)
def test_the_layer_that_makes_the_mask_keeps_samples_that_are_all_padding(words: str) -> None:
    table = Embedding(name="words", embeddings=random_array(9, 2), mask_zero=True)
    (signal,) = only(table, "mask", words).apply((Signal(FULL.astype(np.int32)),), Run())
    assert signal.mask.tolist() == IN_PART[words].tolist()
    x = np.where(FULL[..., None], X, 0.0)
    (signal,) = only(Masking(name="mask"), "mask", words).apply((Signal(x),), Run())
    assert signal.mask.tolist() == IN_PART[words].tolist()


def test_a_short_sample_gives_zeros_at_its_last_index() -> None:
    """`out[:, -1]` of what torch pads after packing."""
    short = ~RIGHT[:, -1:]
    made = only(rnn(CELL), "mask", "is zero")
    near(apply(made, X, mask=RIGHT)[0], np.where(short, 0.0, last(CELL, RIGHT)))
    got = apply(only(both(), "mask", "is zero"), X, mask=RIGHT)[0]
    begun = np.where(short, 0.0, outputs(OTHER, X[:, ::-1])[:, 0])
    near(got, np.concatenate([np.where(short, 0.0, last(CELL, RIGHT)), begun], axis=-1))
    assert not found(rnn(CELL, go_backwards=True), "mask", "is zero")


def test_the_backward_output_of_the_last_step_that_is_no_padding() -> None:
    """`out[range(n), lengths - 1]` of torch: where the backward half has only begun."""
    made = only(both(), "backward_order", "of the last time step that is no padding")
    ends = RIGHT.sum(axis=1) - 1
    begun = outputs(OTHER, X[np.arange(SAMPLES), ends][:, None])[:, 0]
    near(apply(made, X, mask=RIGHT)[0], np.concatenate([last(CELL, RIGHT), begun], axis=-1))
    assert set(ends) != {STEPS - 1}


def test_without_a_mask_there_is_no_fault_of_one() -> None:
    for made in (
        only(rnn(CELL), "mask", "is zero"),
        only(both(), "mask", "is zero"),
        only(both(), "backward_order", "of the last time step that is no padding"),
    ):
        with pytest.raises(UnsupportedError, match="no mask says which steps are padding"):
            apply(made, X)
