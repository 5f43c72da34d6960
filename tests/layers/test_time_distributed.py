"""TimeDistributed: what the inner layer gives for each time step, one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import InputError, UnsupportedError
from lstm_verify.layers import (
    Bidirectional,
    Dense,
    Embedding,
    Flatten,
    Layer,
    Mask,
    Masking,
    Run,
    Signal,
    TimeDistributed,
)
from lstm_verify.operations.activations import ActivationFunction
from tests import oracle
from tests.builders import apply, dense, lstm_cell, random_array, rnn, sequences

MASK = np.arange(6) < np.array([6, 4, 3, 1, 5])[:, None]


def distributed(layer: Layer, mask_from_layer: bool = False) -> TimeDistributed:
    return TimeDistributed(name="td", layer=layer, mask_from_layer=mask_from_layer)


def mask_after(layer: Layer, signal: Signal) -> Mask:
    return layer.apply((signal,), Run())[0].mask


def test_dense_at_every_step_equals_the_scalar_loop() -> None:
    x, inner = sequences(features=4), dense(activation=ActivationFunction.of("softmax"))
    (got,) = apply(distributed(inner), x)
    assert inner.bias is not None
    for sample, t in np.ndindex(5, 6):
        wanted = oracle.dense(
            x[sample, t].tolist(), inner.kernel.tolist(), inner.bias.tolist(), oracle.of(inner.activation)
        )
        assert_allclose(got[sample, t], wanted, rtol=0, atol=1e-13)


def test_a_recurrent_layer_at_every_step() -> None:
    x, inner = random_array(2, 5, 6, 3), rnn(lstm_cell())
    (got,) = apply(distributed(inner), x)
    for t in range(5):
        assert_allclose(got[:, t], apply(inner, x[:, t])[0], rtol=0, atol=1e-13)


def test_a_mask_with_an_inner_time_axis_reaches_the_inner_layer() -> None:
    x, inner = random_array(2, 5, 6, 3), rnn(lstm_cell())
    mask = np.random.default_rng(3).random((2, 5, 6)) < 0.6
    (got,) = apply(distributed(inner), x, mask=mask)
    for t in range(5):
        assert_allclose(got[:, t], apply(inner, x[:, t], mask=mask[:, t])[0], rtol=0, atol=1e-13)
    assert np.abs(got - apply(distributed(inner), x)[0]).max() > 1e-3


def test_a_mask_over_the_outer_steps_hides_nothing_inside() -> None:
    x, inner = random_array(5, 6, 4, 3), rnn(lstm_cell())
    assert_array_equal(apply(distributed(inner), x, mask=MASK)[0], apply(distributed(inner), x)[0])


def test_shapes_change_only_behind_the_time_axis() -> None:
    (got,) = apply(distributed(Flatten(name="flat")), random_array(5, 6, 2, 3))
    assert got.shape == (5, 6, 6)


@pytest.mark.parametrize("from_layer", [True, False])
def test_the_mask_of_the_input_goes_on(from_layer: bool) -> None:
    """Through a layer that makes no mask of its own: Keras 3 passes it on, and so does Keras 2."""
    mask = mask_after(distributed(Dense(name="d", kernel=random_array(3, 2)), from_layer), Signal(sequences(), MASK))
    assert mask is not None
    assert_array_equal(mask, MASK)


def test_a_mask_made_inside_goes_on_in_keras_2_only() -> None:
    x = random_array(5, 6, 4, 3)
    x[:, :, 1:] = 0
    assert mask_after(distributed(Masking(name="m")), Signal(x)) is None
    made = mask_after(distributed(Masking(name="m"), mask_from_layer=True), Signal(x))
    assert made is not None
    assert_array_equal(made, np.broadcast_to([True, False, False, False], (5, 6, 4)))


def test_a_mask_that_ends_inside_keeps_the_steps_with_anything_in_them_in_keras_2() -> None:
    x = random_array(2, 5, 6, 3)
    mask = np.zeros((2, 5, 6), bool)
    mask[0, 1, 3] = mask[1, 4, :] = True
    left = mask_after(distributed(rnn(lstm_cell()), mask_from_layer=True), Signal(x, mask))
    assert left is not None
    assert_array_equal(left, mask.any(axis=2))


def test_a_stateful_layer_goes_on_from_step_to_step() -> None:
    x, run, inner = random_array(2, 5, 6, 3), Run(), rnn(lstm_cell(), stateful=True)
    (got,) = apply(distributed(inner), x)
    for t in range(5):
        assert_allclose(got[:, t], apply(inner, x[:, t], run=run)[0], rtol=0, atol=1e-13)
    assert np.abs(got[:, 1] - apply(rnn(lstm_cell()), x[:, 1])[0]).max() > 1e-3


def looped(inner: Layer) -> TimeDistributed:
    """A stateful layer as Keras 2 runs it."""
    return TimeDistributed(name="td", layer=inner, mask_from_layer=True, stateful_in_loop=True)


STEPS = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 0, 1]], bool)


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_the_loop_of_keras_2_starts_twice_and_repeats_outputs(masked: bool, return_sequences: bool) -> None:
    """Over two batches: states go through the first step twice, and through hidden steps as through any other."""
    x, run = random_array(2, 5, 6, 3), Run()
    inner, again = rnn(lstm_cell(), stateful=True, return_sequences=return_sequences), Run()
    mask = STEPS if masked else None
    for _ in range(2):
        (signal,) = looped(inner).apply((Signal(x, mask),), run)
        apply(inner, x[:, 0], run=again)
        before = np.zeros_like(signal.value[:, 0])
        for t in range(5):
            (new,) = apply(inner, x[:, t], run=again)
            for sample in range(2):
                if mask is None or mask[sample, t]:
                    before[sample] = new[sample]
            assert_array_equal(signal.value[:, t], before)
        assert signal.mask is mask


def test_the_loop_of_keras_2_hides_words_where_a_mask_has_them() -> None:
    """A mask (samples, timesteps, words) hides rows of the outputs; the layer itself does not see it."""
    x, inner = random_array(2, 5, 6, 3), rnn(lstm_cell(), stateful=True, return_sequences=True)
    mask = np.random.default_rng(3).random((2, 5, 6)) < 0.6
    (hidden,), (shown,) = apply(looped(inner), x, mask=mask), apply(looped(inner), x)
    for sample, t, word in np.ndindex(2, 5, 6):
        before = hidden[sample, t - 1, word] if t else np.zeros(4)
        wanted = shown[sample, t, word] if mask[sample, t, word] else before
        assert_array_equal(hidden[sample, t, word], wanted)


def test_a_mask_that_does_not_fit_the_outputs_of_the_loop_is_refused() -> None:
    x, inner = random_array(2, 5, 6, 3), rnn(lstm_cell(), stateful=True)
    with pytest.raises(UnsupportedError, match=r"layer 'td': a mask of shape \(2, 5, 6\) does not fit outputs"):
        apply(looped(inner), x, mask=np.ones((2, 5, 6), bool))


def test_a_loop_without_a_time_step_is_refused() -> None:
    with pytest.raises(InputError, match=r"layer 'td': its input has shape .* expected at least one time step"):
        apply(looped(rnn(lstm_cell(), stateful=True)), random_array(2, 0, 6, 3))


def test_a_loop_records_each_time_step_once() -> None:
    run = Run(trace={})
    apply(looped(rnn(lstm_cell(), "inner", stateful=True)), random_array(2, 5, 6, 3), run=run)
    assert run.trace is not None
    assert sum(key.startswith("layer/f") for key in run.trace) == 5


def test_both_directions_of_a_stateful_layer_go_on_from_step_to_step() -> None:
    """In Keras 3."""
    halves = [rnn(lstm_cell(seed=seed), stateful=True, go_backwards=seed == 2) for seed in (1, 2)]
    inner = Bidirectional(name="b", forward_layer=halves[0], backward_layer=halves[1])
    x, runs = random_array(2, 5, 6, 3), (Run(), Run())
    (got,) = apply(distributed(inner), x)
    for t in range(5):
        wanted = [apply(half, x[:, t], run=run)[0] for half, run in zip(halves, runs, strict=True)]
        assert_allclose(got[:, t], np.concatenate(wanted, axis=1), rtol=0, atol=1e-13)


def test_tokens_at_every_step() -> None:
    table = random_array(9, 3)
    tokens = np.random.default_rng(1).integers(0, 9, (5, 6, 2))
    inner = Embedding(name="e", embeddings=table).astype("float64")
    (got,) = apply(distributed(inner), tokens)
    for place in np.ndindex(5, 6, 2):
        assert_array_equal(got[place], table[tokens[place]])
