"""ConvLSTM against loops over every sample, place of an image, place of the window and channel, in plain `math`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import InputError, ModelFileError, UnsupportedError
from lstm_verify.layers import Array, Bidirectional, ConvLSTMCell, Run, Signal
from lstm_verify.layers.recurrent.conv_lstm import ConvLSTM1DCell
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import apply, conv_lstm_cell, random_array, rnn
from tests.layers.test_convolution import taps, window_count
from tests.oracle_activations import sigmoid

Place = tuple[int, ...]
SAMPLES, CHANNELS, FILTERS = 2, 2, 3
SIZES: dict[int, Place] = {1: (7,), 2: (7, 6)}
"""By rank, the axes of the input besides its channels."""
CASES: list[tuple[Place, dict[str, Any]]] = [
    ((3,), {}),
    ((2,), {"padding": "same"}),
    ((3,), {"strides": (2,)}),
    ((3,), {"strides": (3,), "padding": "same"}),
    ((3,), {"dilation": (2,)}),
    ((4,), {"dilation": (2,), "padding": "same"}),
    ((1,), {"bias": False}),
    ((3, 3), {}),
    ((2, 3), {"padding": "same"}),
    ((3, 2), {"strides": (2, 1)}),
    ((3, 2), {"strides": (1, 2), "padding": "same"}),
    ((2, 3), {"dilation": (3, 2)}),
    ((2, 2), {"dilation": (1, 2), "padding": "same"}),
    ((1, 3), {"bias": False, "forget_bias": 0.5}),
]
cases = pytest.mark.parametrize(("window", "options"), CASES)
ranks = pytest.mark.parametrize("window", [(3,), (3, 2)])


def seen(at: Place, size: Place, window: Place, strides: Place, padding: str, dilation: Place) -> Iterator[Any]:
    """The places of the window that lie inside, and where: along each axis as in one dimension."""
    axes = zip(at, size, window, strides, dilation, strict=True)
    for each in product(*(list(taps(t, length, k, s, padding, d)) for t, length, k, s, d in axes)):
        yield tuple(k for k, _ in each), tuple(step for _, step in each)


def convolved(x: Any, kernel: Array, at: Place, column: int, strides: Place, padding: str, dilation: Place) -> float:
    """One number of the convolution of one sample."""
    *window, channels, _ = kernel.shape
    return sum(
        float(x[(*inside, channel)]) * float(kernel[(*place, channel, column)])
        for place, inside in seen(at, x.shape[:-1], tuple(window), strides, padding, dilation)
        for channel in range(channels)
    )


def step_by_hand(cell: ConvLSTMCell, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    """The new h and c of one sample, of the shape of h."""
    filters, ones = h.shape[-1], (1,) * (x.ndim - 1)
    new_h, new_c = np.empty_like(h), np.empty_like(c)
    for *place, unit in np.ndindex(h.shape):
        at = tuple(place)
        z = []
        for gate in range(4):
            column = gate * filters + unit
            of_x = convolved(x, cell.kernel, at, column, cell.strides, cell.padding, cell.dilation)
            of_h = convolved(h, cell.recurrent_kernel, at, column, ones, "same", ones)
            z.append(of_x + of_h + (0.0 if cell.bias is None else float(cell.bias[column])))
        i, f, o = sigmoid(z[0]), sigmoid(z[1] + cell.forget_bias), sigmoid(z[3])
        new_c[(*at, unit)] = f * float(c[(*at, unit)]) + i * math.tanh(z[2])
        new_h[(*at, unit)] = o * math.tanh(float(new_c[(*at, unit)]))
    return new_h, new_c


def sizes(cell: ConvLSTMCell) -> Place:
    """The axes of the states besides their filters."""
    axes = zip(SIZES[len(cell.window)], cell.window, cell.strides, cell.dilation, strict=True)
    return tuple(window_count(length, k, s, cell.padding, d) for length, k, s, d in axes)


def signal(cell: ConvLSTMCell, timesteps: int = 4, seed: int = 31) -> Array:
    return random_array(SAMPLES, timesteps, *SIZES[len(cell.window)], CHANNELS, seed=seed)


def states(cell: ConvLSTMCell) -> tuple[Array, Array]:
    h, c = (random_array(SAMPLES, *sizes(cell), FILTERS, seed=seed, scale=0.5) for seed in (32, 33))
    return h, c


def by_hand(cell: ConvLSTMCell, x: Array, mask: Array | None = None, begun: Any = None) -> tuple[Array, list[Array]]:
    """The outputs of every step and the last states; a hidden step repeats the output before."""
    h, c = begun or (np.zeros_like(state) for state in states(cell))
    output, outputs = np.zeros_like(h), []
    for t in range(x.shape[1]):
        steps = [step_by_hand(cell, x[n, t], h[n], c[n]) for n in range(len(x))]
        for n, (new_h, new_c) in enumerate(steps):
            if mask is None or mask[n, t]:
                h, c, output = h.copy(), c.copy(), output.copy()
                h[n], c[n], output[n] = new_h, new_c, new_h
        outputs.append(output)
    return np.stack(outputs, axis=1), [h, c]


@cases
def test_sequences_and_states_equal_the_loops(window: Place, options: dict[str, Any]) -> None:
    cell = conv_lstm_cell(window, CHANNELS, FILTERS, **options)
    x = signal(cell, 3)
    got, *last = apply(rnn(cell, return_sequences=True, return_state=True), x)
    wanted, of_hand = by_hand(cell, x)
    assert got.shape == (SAMPLES, 3, *sizes(cell), FILTERS)
    assert_allclose(got, wanted, rtol=0, atol=1e-12)
    for state, expected in zip(last, of_hand, strict=True):
        assert_allclose(state, expected, rtol=0, atol=1e-12)


@ranks
def test_states_that_are_given(window: Place) -> None:
    cell = conv_lstm_cell(window, CHANNELS, FILTERS)
    x, begun = signal(cell, 2), states(cell)
    (got,) = apply(rnn(cell), x, *begun)
    assert_allclose(got, by_hand(cell, x, begun=begun)[0][:, -1], rtol=0, atol=1e-12)
    assert np.abs(got - by_hand(cell, x)[0][:, -1]).max() > 1e-3


@ranks
@pytest.mark.parametrize("zero", [True, False])
def test_hidden_steps(window: Place, zero: bool) -> None:
    cell = conv_lstm_cell(window, CHANNELS, FILTERS)
    x, mask = signal(cell), np.array([[1, 0, 1, 0], [0, 1, 1, 1]], bool)
    layer = rnn(cell, return_sequences=True, return_state=True, zero_output_for_mask=zero)
    got, *last = apply(layer, x, mask=mask)
    wanted, of_hand = by_hand(cell, x, mask)
    hidden = ~mask.reshape(*mask.shape, *(1,) * (x.ndim - 2))
    assert_allclose(got, np.where(hidden & zero, 0, wanted), rtol=0, atol=1e-12)
    for state, expected in zip(last, of_hand, strict=True):
        assert_allclose(state, expected, rtol=0, atol=1e-12)


def test_hidden_places() -> None:
    """Of a mask with axes for rows and columns, each place is a sample of its own in time."""
    cell = conv_lstm_cell((1, 1), CHANNELS, FILTERS)
    x = signal(cell)
    mask = random_array(*x.shape[:-1], seed=34) > 0
    (got,) = apply(rnn(cell, return_sequences=True), x, mask=mask)
    for row, column in np.ndindex(SIZES[2]):
        place = x[:, :, row : row + 1, column : column + 1]
        (alone,) = apply(rnn(cell, return_sequences=True), place, mask=mask[:, :, row, column])
        assert_allclose(got[:, :, row, column], alone[:, :, 0, 0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(2, 4, 7, 6), (2, 4, 1, 6), (2, 4, 3), (2, 4, 5, 5, 3, 1)])
def test_masks_of_another_size_are_refused(shape: Place) -> None:
    """They are never spread over the places of an output, nor an output over theirs."""
    for window in ((3, 2), (7, 6)):
        cell = conv_lstm_cell(window, CHANNELS, FILTERS)
        with pytest.raises(UnsupportedError, match=r"layer 'rnn': a mask of shape .* does not fit outputs of shape"):
            apply(rnn(cell), signal(cell), mask=np.ones(shape, bool))


@ranks
def test_backwards_and_both_ways(window: Place) -> None:
    ahead, back = (conv_lstm_cell(window, CHANNELS, FILTERS, seed=seed) for seed in (5, 6))
    x = signal(ahead)
    halves = [
        rnn(ahead, "ahead", return_sequences=True),
        rnn(back, "back", go_backwards=True, return_sequences=True),
    ]
    both = Bidirectional(name="both", forward_layer=halves[0], backward_layer=halves[1], return_sequences=True)
    backwards = by_hand(back, x[:, ::-1])[0]
    assert_allclose(apply(halves[1], x)[0], backwards, rtol=0, atol=1e-12)
    wanted = np.concatenate([by_hand(ahead, x)[0], backwards[:, ::-1]], axis=-1)
    assert_allclose(apply(both, x)[0], wanted, rtol=0, atol=1e-12)


@ranks
def test_stateful_layers_go_on(window: Place) -> None:
    cell = conv_lstm_cell(window, CHANNELS, FILTERS)
    x, run = signal(cell), Run()
    layer = rnn(cell, stateful=True, return_sequences=True)
    parts = [apply(layer, x[:, part], run=run)[0] for part in (slice(0, 1), slice(1, 4))]
    assert_allclose(np.concatenate(parts, axis=1), by_hand(cell, x)[0], rtol=0, atol=1e-12)


@ranks
def test_a_trace_holds_every_gate(window: Place) -> None:
    cell = conv_lstm_cell(window, CHANNELS, FILTERS)
    x, run = signal(cell), Run(trace={})
    (traced,) = apply(rnn(cell, return_sequences=True), x, run=run.inside("rnn"))
    assert run.trace is not None
    assert set(run.trace) == {f"rnn/{name}" for name in ("z", "i", "f", "o", "candidate", "c", "h")}
    assert_allclose(run.trace["rnn/h"], traced, rtol=0, atol=1e-12)
    assert run.trace["rnn/z"].shape == (*traced.shape[:-1], 4 * FILTERS)
    (h, f), c = (run.trace[f"rnn/{name}"][:, 1] for name in ("h", "f")), run.trace["rnn/c"]
    o, i, candidate = (run.trace[f"rnn/{name}"][:, 1] for name in ("o", "i", "candidate"))
    assert_allclose(c[:, 1], f * c[:, 0] + i * candidate, rtol=0, atol=1e-12)
    assert_allclose(h, o * np.tanh(c[:, 1]), rtol=0, atol=1e-12)


def test_gates_through_other_functions() -> None:
    cell = conv_lstm_cell((2,), CHANNELS, FILTERS)
    hard = replace(cell, recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2))
    relu = replace(cell, activation=ActivationFunction.of("relu"))
    x = signal(cell)[:, 0]
    gates, plain, of_relu = hard.gates(x, states(cell)), cell.gates(x, states(cell)), relu.gates(x, states(cell))
    filters = slice(FILTERS, 2 * FILTERS)
    assert_allclose(gates.f, np.clip(0.2 * plain.z[..., filters] + 0.5, 0, 1), rtol=0, atol=1e-13)
    assert_allclose(of_relu.h, of_relu.o * np.maximum(of_relu.c, 0), rtol=0, atol=1e-13)


@pytest.mark.parametrize(("window", "shape"), [((3,), (2, 4, 7)), ((3,), (2, 4, 7, 5, 2)), ((3, 3), (2, 0, 7, 5, 2))])
def test_other_than_sequences_of_images_are_refused(window: Place, shape: Place) -> None:
    axes = "length" if len(window) == 1 else "rows, columns"
    with pytest.raises(InputError, match=rf"layer 'rnn': .* expected \(samples, timesteps, {axes}, channels\)"):
        apply(rnn(conv_lstm_cell(window)), np.zeros(shape))


def test_other_channels_are_refused() -> None:
    with pytest.raises(ModelFileError, match=r"layer 'cell': kernel has shape \(3, 2, 12\), expected \(3, 5, 12\)"):
        apply(rnn(conv_lstm_cell((3,))), np.zeros((2, 4, 7, 5)))


def test_images_smaller_than_the_window_are_refused() -> None:
    cell = conv_lstm_cell((3, 3), dilation=(1, 3))
    apply(rnn(cell), np.zeros((2, 4, 3, 7, 2)))
    with pytest.raises(InputError, match="layer 'cell': its input has 3 x 6 rows and columns, fewer than"):
        apply(rnn(cell), np.zeros((2, 4, 3, 6, 2)))


@pytest.mark.parametrize("length", [1, 4])
def test_states_of_another_size_are_refused(length: int) -> None:
    """They are never spread over all places."""
    state = np.zeros((2, length, 3))
    with pytest.raises(InputError, match=r"layer 'cell': states of \(\d,\) length, expected \(5,\)"):
        apply(rnn(conv_lstm_cell((3,))), np.zeros((2, 4, 7, 2)), state, state)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("kernel", (3, 12)), ("kernel", (3, 2, 16)), ("recurrent_kernel", (2, 3, 12)), ("bias", (3,))],
)
def test_weights_that_do_not_fit(name: str, shape: Place) -> None:
    weights = {
        "kernel": random_array(3, 2, 12),
        "recurrent_kernel": random_array(3, 3, 12),
        "bias": random_array(12),
        name: random_array(*shape),
    }
    with pytest.raises(ModelFileError, match=r"layer 'cell': .* has shape .* expected"):
        ConvLSTM1DCell(name="cell", **weights)


def test_no_mask_goes_on_without_sequences() -> None:
    cell = conv_lstm_cell((3,))
    given = Signal(signal(cell), np.ones((SAMPLES, 4), bool))
    assert rnn(cell).apply((given,), Run())[0].mask is None
    assert rnn(cell, return_sequences=True).apply((given,), Run())[0].mask is given.mask


def test_weights_are_read_only_and_cast() -> None:
    cell = conv_lstm_cell((3, 3)).astype("float32")
    assert {array.dtype for _, array in cell.weights()} == {np.dtype("float32")}
    assert_array_equal([array.flags.writeable for _, array in cell.weights()], False)
