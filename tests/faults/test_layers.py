"""Faults of whole layers: time, direction, masks, states, precision; each edit against the scalar oracle over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.layers import (
    Array,
    Embedding,
    Masking,
    Run,
    Signal,
    TimeDistributed,
)
from tests.builders import FEATURES, apply, gru_cell, random_array, rnn
from tests.faults.sequences import CELL, ODD, OTHER, RIGHT, SAMPLES, STEPS, X, both, near, outputs, states_of
from tests.faults.steps import found, only


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", [CELL, gru_cell()], ids=["lstm", "gru"])
def test_a_sequence_read_from_the_other_end(cell: Any, backwards: bool) -> None:
    layer = rnn(cell, return_sequences=True, go_backwards=backwards)
    read = X if backwards else X[:, ::-1]  # by the faulty one
    words = "forwards" if backwards else "backwards"
    near(apply(only(layer, "direction", words), X)[0], outputs(cell, read))
    near(apply(only(layer, "direction", f"{words}, outputs in the order of time"), X)[0], outputs(cell, read)[:, ::-1])
    assert len(found(rnn(cell), "direction")) == 1


def test_a_bidirectional_layer_from_the_last_step() -> None:
    halves = [outputs(CELL, X[:, ::-1]), outputs(OTHER, X)[:, ::-1]]
    near(apply(only(both(return_sequences=True), "direction"), X)[0], np.concatenate(halves, axis=-1))


def test_outputs_of_a_backward_layer_in_the_order_of_time() -> None:
    layer = rnn(CELL, return_sequences=True, go_backwards=True)
    near(apply(only(layer, "backward_order"), X)[0], outputs(CELL, X[:, ::-1])[:, ::-1])
    assert found(rnn(CELL, return_sequences=True), "backward_order") == []
    assert found(rnn(CELL, go_backwards=True), "backward_order") == []


def test_backward_outputs_as_they_are_computed() -> None:
    got = apply(only(both(return_sequences=True), "backward_order"), X)[0]
    near(got, np.concatenate([outputs(CELL), outputs(OTHER, X[:, ::-1])], axis=-1))


def test_the_backward_output_of_the_last_time_step() -> None:
    """Index −1 of a sequence in the order of time is what the backward layer computes first."""
    got = apply(only(both(), "backward_order", "of the last time step, index -1"), X)[0]
    near(got, np.concatenate([outputs(CELL)[:, -1], outputs(OTHER, X[:, ::-1])[:, 0]], axis=-1))


@pytest.mark.parametrize("sequences", [False, True])
def test_directions_swapped(sequences: bool) -> None:
    layer = both(return_sequences=sequences)

    def halves(first: Any, second: Any) -> list[Array]:
        ahead, back = outputs(first), outputs(second, X[:, ::-1])
        return [ahead, back[:, ::-1]] if sequences else [ahead[:, -1], back[:, -1]]

    ahead, back = halves(CELL, OTHER)
    near(apply(only(layer, "directions_swapped", parameter="outputs"), X)[0], np.concatenate([back, ahead], -1))
    near(
        apply(only(layer, "directions_swapped", parameter="weights"), X)[0],
        np.concatenate(halves(OTHER, CELL), axis=-1),
    )


def test_merge_modes() -> None:
    ahead, back = outputs(CELL)[:, -1], outputs(OTHER, X[:, ::-1])[:, -1]
    merged = {
        "concat": np.concatenate([ahead, back], axis=-1),
        "sum": ahead + back,
        "ave": (ahead + back) / 2,
        "mul": ahead * back,
    }
    for now in merged:
        edits = found(both(now), "merge_mode")
        assert {edit.behaves_as for edit in edits} == set(merged) - {now}
        for edit in edits:
            near(apply(edit.make(), X)[0], merged[edit.behaves_as])


# -------------------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("mask", [RIGHT, ODD], ids=["padded", "odd"])
def test_a_mask_that_is_ignored(mask: Array) -> None:
    layer = rnn(CELL, return_sequences=True)
    near(apply(layer, X, mask=mask)[0], outputs(CELL, X, mask))
    near(apply(only(layer, "mask", "ignored", "mask"), X, mask=mask)[0], outputs(CELL, X))
    got = apply(only(both(), "mask", "ignored", "mask"), X, mask=mask)[0]
    near(got, np.concatenate([outputs(CELL)[:, -1], outputs(OTHER, X[:, ::-1])[:, -1]], axis=-1))


def test_hidden_steps_that_are_zero_or_repeat() -> None:
    repeated = outputs(CELL, X, RIGHT)
    zero = np.where(RIGHT[..., None], repeated, 0)
    layer = rnn(CELL, return_sequences=True)
    made = only(layer, "mask", "is zero", "output of a hidden step")
    near(apply(made, X, mask=RIGHT)[0], zero)
    near(apply(only(made, "mask", "repeats the output before"), X, mask=RIGHT)[0], repeated)
    got = apply(only(both(return_sequences=True), "mask", "is zero"), X, mask=RIGHT)[0]
    back = outputs(OTHER, X[:, ::-1], RIGHT[:, ::-1])[:, ::-1]
    near(got, np.concatenate([zero, np.where(RIGHT[..., None], back, 0)], axis=-1))
    assert not found(rnn(CELL), "mask", "is zero", "output of a hidden step")


def test_masks_by_the_number_of_steps() -> None:
    """Lengths counted from the start or up to the end, as runtimes do that know no masks."""
    layer = rnn(CELL, return_sequences=True)
    count = ODD.sum(axis=1)
    first = np.array([[t < n for t in range(STEPS)] for n in count])
    last = np.array([[t >= STEPS - n for t in range(STEPS)] for n in count])
    for words, mask in {
        "as many steps from the start as are kept": first,
        "as many steps up to the end as are kept": last,
    }.items():
        near(apply(only(layer, "mask", words, "padding"), X, mask=ODD)[0], outputs(CELL, X, mask))


def test_padding_on_the_other_side() -> None:
    """The last states are the same; hidden outputs are not what is repeated, but what comes before the first step."""
    layer = rnn(CELL, return_sequences=True, return_state=True)
    got, *states = apply(only(layer, "mask", "on the other side", "padding"), X, mask=RIGHT)
    for state, wanted in zip(states, states_of(CELL, X, RIGHT), strict=True):
        near(state, wanted)
    near(got[RIGHT], outputs(CELL, X, RIGHT)[RIGHT])
    assert (got[~RIGHT] == 0).all()


def test_inputs_padded_on_the_other_side() -> None:
    layer = rnn(CELL, return_sequences=True)
    moved, mask = np.zeros_like(X), np.zeros_like(RIGHT)
    for n in range(SAMPLES):
        kept = int(RIGHT[n].sum())
        moved[n, STEPS - kept :], mask[n, STEPS - kept :] = X[n, :kept], True
    moved[~mask] = X[~RIGHT]
    near(
        apply(only(layer, "mask", "padding on the other side", "padding"), X, mask=RIGHT)[0], outputs(CELL, moved, mask)
    )


def test_masks_of_the_layers_that_make_them() -> None:
    x = np.where(RIGHT[..., None], X, 0)
    (value, mask) = only(Masking(name="mask"), "mask", "ignored").apply((Signal(x),), Run())[0]
    assert mask is None
    assert_array_equal(value, x)
    table = Embedding(name="words", embeddings=random_array(9, 2), mask_zero=True)
    tokens = np.array([[1, 2, 0, 0]])
    for words, wanted in {
        "ignored": None,
        "as many steps up to the end as are kept": [[False, False, True, True]],
        "padding on the other side": [[False, False, True, True]],
    }.items():
        (signal,) = only(table, "mask", words).apply((Signal(tokens),), Run())
        assert (None if signal.mask is None else signal.mask.tolist()) == wanted
    unmasked = Embedding(name="words", embeddings=random_array(9, 2))
    assert only(unmasked, "mask").apply((Signal(tokens),), Run())[0].mask.tolist() == [[True, True, False, False]]
    each = TimeDistributed(name="each", layer=rnn(CELL, stateful=True))
    x = random_array(SAMPLES, 2, STEPS, FEATURES)
    kept = np.stack([RIGHT, ODD], axis=1)
    near(only(each, "mask").apply((Signal(x, kept),), Run())[0].value, each.apply((Signal(x),), Run())[0].value)
