"""The recurrent layer: order of time, sequences, states and masks, against a scalar loop over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import InputError
from lstm_verify.layers import Array, Run, Signal
from tests import oracle
from tests.builders import CELLS, apply, lstm_cell, rnn, sequences, states_for

cell_kinds = pytest.mark.parametrize("kind", CELLS)
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1],
        [1, 0, 1, 0, 0, 1],
        [0, 0, 0, 0, 0, 0],
    ],
    dtype=bool,
)


def by_hand(kind: str, x: Array, mask: Array | None = None, states: Any = None) -> tuple[Array, list[Array]]:
    """The outputs of every step, (samples, timesteps, units), and the last states, by the scalar oracle."""
    cell = CELLS[kind]()
    states = tuple(np.zeros_like(state) for state in states_for(cell)) if states is None else states
    found = [
        oracle.run(
            cell,
            x[sample].tolist(),
            [state[sample].tolist() for state in states],
            None if mask is None else mask[sample].tolist(),
        )
        for sample in range(len(x))
    ]
    last = [np.array([of_sample[1][number] for of_sample in found]) for number in range(len(states))]
    return np.array([outputs for outputs, _ in found]), last


@cell_kinds
def test_sequences_and_states_equal_the_scalar_loop(kind: str) -> None:
    x = sequences()
    got, *states = apply(rnn(CELLS[kind](), return_sequences=True, return_state=True), x)
    wanted, last = by_hand(kind, x)
    assert got.shape == (5, 6, 4)
    assert_allclose(got, wanted, rtol=0, atol=1e-12)
    for state, of_hand in zip(states, last, strict=True):
        assert_allclose(state, of_hand, rtol=0, atol=1e-12)


@cell_kinds
def test_without_sequences_the_last_output(kind: str) -> None:
    x = sequences()
    (got,) = apply(rnn(CELLS[kind]()), x)
    assert_allclose(got, by_hand(kind, x)[0][:, -1], rtol=0, atol=1e-12)


@cell_kinds
def test_initial_states_are_used(kind: str) -> None:
    x, cell = sequences(), CELLS[kind]()
    states = states_for(cell)
    (got,) = apply(rnn(cell, return_sequences=True), x, *states)
    assert_allclose(got, by_hand(kind, x, states=states)[0], rtol=0, atol=1e-12)
    assert np.abs(got - by_hand(kind, x)[0]).max() > 1e-3


@cell_kinds
def test_backwards_outputs_come_in_the_order_of_processing(kind: str) -> None:
    x = sequences()
    (got,) = apply(rnn(CELLS[kind](), go_backwards=True, return_sequences=True), x)
    assert_allclose(got, by_hand(kind, x[:, ::-1])[0], rtol=0, atol=1e-12)


@cell_kinds
def test_a_masked_step_repeats_the_output_and_keeps_the_states(kind: str) -> None:
    x = sequences()
    got, *states = apply(rnn(CELLS[kind](), return_sequences=True, return_state=True), x, mask=MASK)
    wanted, last = by_hand(kind, x, MASK)
    assert_allclose(got, wanted, rtol=0, atol=1e-12)
    for state, of_hand in zip(states, last, strict=True):
        assert_allclose(state, of_hand, rtol=0, atol=1e-12)


@cell_kinds
def test_zero_output_for_mask(kind: str) -> None:
    """Hidden steps give zeros, and without sequences the output is that of the last step, hidden or not."""
    x, options = sequences(), {"zero_output_for_mask": True}
    wanted = np.where(MASK[..., None], by_hand(kind, x, MASK)[0], 0)
    (got,) = apply(rnn(CELLS[kind](), return_sequences=True, **options), x, mask=MASK)
    assert_allclose(got, wanted, rtol=0, atol=1e-12)
    (last,) = apply(rnn(CELLS[kind](), **options), x, mask=MASK)
    assert_allclose(last, wanted[:, -1], rtol=0, atol=1e-12)


def test_a_mask_backwards_hides_the_steps_it_names() -> None:
    x = sequences()
    (got,) = apply(rnn(lstm_cell(), go_backwards=True, return_sequences=True), x, mask=MASK)
    assert_allclose(got, by_hand("lstm", x[:, ::-1], MASK[:, ::-1])[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("remembered", [True, False])
def test_whether_a_mask_counts_beside_initial_states(remembered: bool) -> None:
    x, cell = sequences(), lstm_cell()
    states = states_for(cell)
    layer = rnn(cell, mask_with_initial_state=remembered)
    (got,) = apply(layer, x, *states, mask=MASK)
    (plain,) = apply(layer, x, *states)
    (hidden,) = apply(rnn(cell), x, *states, mask=MASK)
    assert_array_equal(got, hidden if remembered else plain)
    assert np.abs(hidden - plain).max() > 1e-3


def test_the_mask_goes_on_with_sequences_only() -> None:
    signal = Signal(sequences(), MASK)
    (with_sequences,) = rnn(lstm_cell(), return_sequences=True).apply((signal,), Run())
    (without,) = rnn(lstm_cell()).apply((signal,), Run())
    assert with_sequences.mask is MASK
    assert without.mask is None


def test_stateful_layers_carry_their_states_from_batch_to_batch() -> None:
    x, run = sequences(), Run()
    layer = rnn(lstm_cell(), stateful=True, return_sequences=True)
    parts = [apply(layer, x[:, steps], run=run)[0] for steps in (slice(0, 2), slice(2, 3), slice(3, None))]
    assert_allclose(np.concatenate(parts, axis=1), by_hand("lstm", x)[0], rtol=0, atol=1e-12)


def test_layers_that_are_not_stateful_forget() -> None:
    x, run, layer = sequences(), Run(), rnn(lstm_cell())
    first, again = apply(layer, x, run=run)[0], apply(layer, x, run=run)[0]
    assert_array_equal(first, again)


def test_states_are_kept_by_path() -> None:
    x, run, layer = sequences(), Run(), rnn(lstm_cell(), stateful=True)
    first = apply(layer, x, run=run.inside("one"))[0]
    other = apply(layer, x, run=run.inside("two"))[0]
    assert_array_equal(first, other)
    assert set(run.states) == {"one", "two"}


def test_outputs_outlive_the_buffers_of_the_fast_step() -> None:
    x, layer = sequences(), rnn(lstm_cell(), return_state=True)
    kept = apply(layer, x)
    copies = [array.copy() for array in kept]
    apply(layer, x + 1)
    for array, copy in zip(kept, copies, strict=True):
        assert_array_equal(array, copy)


@cell_kinds
def test_a_trace_holds_every_gate_and_changes_no_output(kind: str) -> None:
    x, run, layer = sequences(), Run(trace={}), rnn(CELLS[kind](), return_sequences=True)
    (traced,) = apply(layer, x, run=run.inside("rnn"))
    assert_allclose(traced, apply(layer, x)[0], rtol=0, atol=1e-12)
    assert run.trace is not None
    assert_allclose(run.trace["rnn/h"], traced, rtol=0, atol=1e-12)
    assert {path.removeprefix("rnn/") for path in run.trace} == {
        "lstm": {"z", "i", "f", "o", "candidate", "c", "h"},
        "gru": {"z", "r", "candidate", "h"},
        "simple_rnn": {"z", "h"},
    }[kind]


@pytest.mark.parametrize("shape", [(5, 6), (5, 0, 3), (5, 6, 3, 1)])
def test_other_than_sequences_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        InputError, match=r"layer 'rnn': its input has shape .*expected \(samples, timesteps, features\)"
    ):
        apply(rnn(lstm_cell()), np.zeros(shape))


def test_the_layer_computes_in_the_dtype_of_its_weights() -> None:
    x = sequences(dtype="float32")
    assert apply(rnn(lstm_cell(dtype="float32")), x.astype("float64"))[0].dtype == np.float32
    assert apply(rnn(lstm_cell()), x)[0].dtype == np.float64
