"""Properties that hold for every recurrent model, whatever its weights: Hypothesis looks for one that breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify import replay
from lstm_verify.layers import RNN, Array, Bidirectional, Masking, TimeDistributed
from tests.builders import CELLS, apply, dense, random_array, rnn, sequential

kinds = st.sampled_from([*CELLS, "gru_reset_before"])
seeds = st.integers(0, 2**16)
sizes = st.fixed_dictionaries({"units": st.integers(1, 6), "features": st.integers(1, 5)})


@st.composite
def layers(draw: st.DrawFn, **options: Any) -> RNN:
    """A recurrent layer of any kind and size."""
    kind, seed, size = draw(kinds), draw(seeds), draw(sizes)
    more = {"reset_after": False} if kind == "gru_reset_before" else {}
    return rnn(CELLS[kind.removesuffix("_reset_before")](**size, seed=seed, **more), **options)


@st.composite
def cases(draw: st.DrawFn, **options: Any) -> tuple[RNN, Array]:
    """A recurrent layer, and sequences for it."""
    layer = draw(layers(**options))
    features = len(next(array for path, array in layer.weights() if path == "kernel"))
    shape = draw(st.integers(1, 7)), draw(st.integers(3, 8)), features
    return layer, random_array(*shape, seed=draw(seeds))


def masks(x: Array, seed: int) -> Array:
    """A mask that keeps one step of every sample at least."""
    mask = np.random.default_rng(seed).random(x.shape[:2]) < 0.6
    mask[:, seed % x.shape[1]] = True
    return mask


def near(got: Array, wanted: Array) -> None:
    assert_allclose(got, wanted, rtol=0, atol=1e-12)


@given(cases(return_sequences=True), seeds)
def test_samples_in_another_order_give_outputs_in_that_order(case: tuple[RNN, Array], seed: int) -> None:
    layer, x = case
    order = np.random.default_rng(seed).permutation(len(x))
    near(apply(layer, x[order])[0], apply(layer, x)[0][order])


@given(cases(return_sequences=True), st.integers(1, 6))
def test_a_batch_in_two_parts_gives_the_same(case: tuple[RNN, Array], at: int) -> None:
    layer, x = case
    parts = [apply(layer, part)[0] for part in (x[:at], x[at:]) if len(part)]
    near(np.concatenate(parts), apply(layer, x)[0])


@given(cases(return_sequences=True, return_state=True), st.integers(1, 2))
def test_a_sequence_in_two_parts_with_states_carried_over_gives_the_same(case: tuple[RNN, Array], at: int) -> None:
    layer, x = case
    whole, *last = apply(layer, x)
    first, *states = apply(layer, x[:, :at])
    second, *after = apply(layer, x[:, at:], *states)
    near(np.concatenate([first, second], axis=1), whole)
    for state, wanted in zip(after, last, strict=True):
        near(state, wanted)


@given(cases(return_sequences=True, return_state=True))
def test_backwards_over_a_reversed_sequence_is_forwards(case: tuple[RNN, Array]) -> None:
    layer, x = case
    back = RNN(name="back", cell=layer.cell, go_backwards=True, return_sequences=True, return_state=True)
    for got, wanted in zip(apply(back, x[:, ::-1]), apply(layer, x), strict=True):
        assert_array_equal(got, wanted)


@given(cases(return_state=True), st.integers(1, 4), st.booleans())
def test_masked_padding_on_the_right_is_a_shorter_sequence(case: tuple[RNN, Array], padding: int, zero: bool) -> None:
    layer, x = case
    layer = RNN(name="rnn", cell=layer.cell, return_state=True, zero_output_for_mask=zero)
    padded = np.pad(x, ((0, 0), (0, padding), (0, 0)), constant_values=9.0)
    mask = np.arange(padded.shape[1]) < np.full((len(x), 1), x.shape[1])
    (output, *states), (wanted, *last) = apply(layer, padded, mask=mask), apply(layer, x)
    near(output, np.zeros_like(wanted) if zero else wanted)
    for state, of_short in zip(states, last, strict=True):
        near(state, of_short)


@given(cases(return_state=True), seeds)
def test_masked_steps_anywhere_might_as_well_be_left_out(case: tuple[RNN, Array], seed: int) -> None:
    layer, x = case
    mask = masks(x, seed)
    found = apply(layer, np.where(mask[..., None], x, 9.0), mask=mask)
    for sample in range(len(x)):
        alone = apply(layer, x[sample : sample + 1, mask[sample]])
        for got, wanted in zip(found, alone, strict=True):
            near(got[sample], wanted[0])


@given(cases(return_sequences=True), seeds)
def test_a_hidden_step_repeats_the_output_before_it(case: tuple[RNN, Array], seed: int) -> None:
    layer, x = case
    mask = masks(x, seed)
    (got,) = apply(layer, x, mask=mask)
    before = np.concatenate([np.zeros_like(got[:, :1]), got[:, :-1]], axis=1)
    assert_array_equal(got[~mask], before[~mask])


@given(cases(return_sequences=True, return_state=True), seeds, st.booleans())
def test_the_last_of_the_sequence_is_the_output_without_sequences(
    case: tuple[RNN, Array], seed: int, masked: bool
) -> None:
    layer, x = case
    mask = masks(x, seed) if masked else None
    (last,) = apply(RNN(name="rnn", cell=layer.cell), x, mask=mask)
    sequence, state, *_ = apply(layer, x, mask=mask)
    assert_array_equal(sequence[:, -1], last)
    near(state, last)


@given(cases(return_sequences=True))
def test_the_halves_of_a_bidirectional_layer(case: tuple[RNN, Array]) -> None:
    """The first is the forward layer; the second the backward one over the reversed sequence, reversed."""
    ahead, x = case
    back = RNN(name="back", cell=ahead.cell, go_backwards=True, return_sequences=True)
    both = Bidirectional(name="bi", forward_layer=ahead, backward_layer=back, return_sequences=True)
    (got,) = apply(both, x)
    forwards, backwards = np.split(got, 2, axis=-1)
    assert_array_equal(forwards, apply(ahead, x)[0])
    assert_array_equal(backwards, apply(ahead, x[:, ::-1])[0][:, ::-1])


@given(cases(return_sequences=True))
def test_float32_lies_near_float64(case: tuple[RNN, Array]) -> None:
    layer, x = case
    near32 = apply(layer.astype("float32"), x.astype("float32"))[0]
    assert near32.dtype == np.float32
    assert_allclose(near32, apply(layer, x)[0], rtol=0, atol=2e-5)


@given(cases(return_sequences=True), st.integers(1, 4))
def test_a_whole_model_takes_samples_in_any_order(case: tuple[RNN, Array], outputs: int) -> None:
    layer, x = case
    head = TimeDistributed(name="head", layer=dense(outputs, layer.cell.state_sizes[0]))
    model = sequential(Masking(name="mask"), layer, head, shape=(None, None, x.shape[2]))
    order = np.arange(len(x))[::-1]
    near(np.asarray(replay(model, x[order])), np.asarray(replay(model, x))[order])
