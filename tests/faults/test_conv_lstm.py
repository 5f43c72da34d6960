"""Faults of ConvLSTM: those of an LSTM that make sense of a convolution, and no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify import faults
from lstm_verify.diagnosis.experiment import experiment
from lstm_verify.diagnosis.localise import over_time, place_in_layers, place_of_outputs
from lstm_verify.faults import Edit
from lstm_verify.layers import Bidirectional, Conv2D, ConvLSTMCell, Layer, Reshape
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import conv_lstm_cell, random_array, rnn, sequential
from tests.diagnosis.cases import diagnosed, float32, names, predicted_by, with_cell, with_layer
from tests.faults.steps import found, only

CELL = conv_lstm_cell((3, 2), 2, 3)
X = random_array(6, 5, 4, 4, 2, seed=51).astype("float32")
SHAPE = (None, None, 4, 4, 2)


def of(layer: Layer) -> Model:
    return float32(sequential(layer, shape=SHAPE))


def last() -> Model:
    return of(rnn(CELL, "conv_lstm"))


def every(**options: Any) -> Model:
    return of(rnn(CELL, "conv_lstm", return_sequences=True, **options))


def test_the_faults_that_make_sense() -> None:
    assert {name for name, _ in faults.edits(CELL)} == {
        *("recurrent_activation", "activation", "forget_bias", "gate_order", "bias", "recurrent_kernel_transposed"),
        *("recurrent_kernel_dropped", "kernel_layout", "weight_precision", "kernel_flipped"),
    }
    alike = conv_lstm_cell((3,), 3, 3)
    assert "equal_shape_weights_swapped" in {name for name, _ in faults.edits(alike)}


def test_every_edit_is_another_cell_of_convolutions() -> None:
    for name, edit in faults.edits(CELL):
        made = edit.make() if isinstance(edit, Edit) else edit.make(0.3)
        assert isinstance(made, ConvLSTMCell), name
        assert any(not np.array_equal(getattr(made, key), value) for key, value in vars(CELL).items()), name


def test_a_transposed_recurrent_kernel_has_its_channels_exchanged_at_every_place() -> None:
    made = only(CELL, "recurrent_kernel_transposed").recurrent_kernel
    for row, column, gate in np.ndindex(3, 2, 4):
        block = slice(3 * gate, 3 * gate + 3)
        assert_array_equal(made[row, column, :, block], CELL.recurrent_kernel[row, column, :, block].T)


def test_another_order_of_gates() -> None:
    (edit,) = found(CELL, "gate_order", "i, c, f, o (TensorFlow 1, Keras 1, Haiku, CNTK)", "kernel")
    for gate, source in enumerate((0, 2, 1, 3)):
        got = edit.make().kernel[..., 3 * gate : 3 * gate + 3]
        # block f is read from where that order has f, and c from where it has c
        assert_array_equal(got, CELL.kernel[..., 3 * source : 3 * source + 3])


CHANGES: dict[str, dict[str, Any]] = {
    "recurrent_activation": {"recurrent_activation": ActivationFunction.of("hard_sigmoid", slope=1 / 6)},
    "activation": {"activation": ActivationFunction.of("relu")},
    "forget_bias": {"forget_bias": 1.0},
    "bias": {"bias": np.zeros(12)},
    "recurrent_kernel_dropped": {"recurrent_kernel": np.zeros((3, 2, 3, 12))},
    "gate_order": {
        name: np.concatenate([np.split(getattr(CELL, name), 4, axis=-1)[gate] for gate in (0, 2, 1, 3)], axis=-1)
        for name in ("kernel", "recurrent_kernel", "bias")
    },
}


@pytest.mark.parametrize("fault", CHANGES)
def test_a_fault_is_found_by_name(fault: str) -> None:
    model = last()
    predicted = predicted_by(float32(with_cell(model, "conv_lstm", **CHANGES[fault])), X)
    assert (fault, "conv_lstm") in names(diagnosed(model, X, predicted))


@pytest.mark.parametrize(("fault", "options"), [("direction", {"go_backwards": True}), ("activation", {})])
def test_a_fault_of_the_layer_around_the_cell(fault: str, options: dict[str, Any]) -> None:
    model = every()
    changed = with_layer(model, "conv_lstm", **options)
    changed = changed if options else with_cell(model, "conv_lstm", activation=ActivationFunction.of("softsign"))
    assert (fault, "conv_lstm") in names(diagnosed(model, X, predicted_by(changed, X)))


def test_a_fault_inside_bidirectional() -> None:
    halves = [
        rnn(conv_lstm_cell((3, 2), 2, 3, seed=seed), name, go_backwards=seed == 8, return_sequences=True)
        for seed, name in ((7, "ahead"), (8, "back"))
    ]
    both = Bidirectional(name="both", forward_layer=halves[0], backward_layer=halves[1], return_sequences=True)
    model = of(both)
    layer: Any = model.layers["both"]
    back = replace(layer.backward_layer, cell=replace(layer.backward_layer.cell, bias=np.zeros(12)))
    predicted = predicted_by(with_layer(model, "both", backward_layer=back), X)
    assert ("bias", "both/backward_layer") in names(diagnosed(model, X, predicted))


def test_rows_are_not_taken_for_time_steps() -> None:
    """The last output is (samples, rows, columns, filters), all outputs have a time axis before these."""
    for model, step in ((last(), None), (every(), 1)):
        inputs = {"x": X}
        predicted = predicted_by(model, X)
        (output,) = predicted
        predicted[output] = predicted[output].copy()
        predicted[output][:, 1:] += 1
        made = experiment(model, inputs, predicted, np.arange(len(X)))
        place = place_of_outputs(made)
        assert (None if place is None else place.timestep) == step
        assert bool(over_time(made)) == (step is not None)


def test_rows_of_a_picture_are_no_time_steps_and_those_of_a_sequence_made_of_it_are() -> None:
    conv = Conv2D(name="conv", kernel=random_array(2, 2, 2, 3))
    x = random_array(3, 4, 5, 2)
    for layers, step in (((conv,), None), ((conv, Reshape(name="steps", target_shape=(3, 12))), 1)):
        model = sequential(*layers, shape=(None, 4, 5, 2))
        ((name, y),) = predicted_by(model, x).items()
        later = np.arange(y.shape[1]).reshape(-1, *(1,) * (y.ndim - 2)) > 0
        made = experiment(model, {"x": x}, {name: y + later}, np.arange(len(x)))
        place = place_of_outputs(made)
        assert (None if place is None else place.timestep) == step


@pytest.mark.parametrize("sequences", [True, False])
def test_the_time_step_is_found_and_no_gate_is_guessed(sequences: bool) -> None:
    """A forget gate counts from the second step on, and what it sums up is no single row of a kernel."""
    model = every() if sequences else last()
    bias = np.array(CELL.bias)
    bias[4] += 0.1
    other = float32(with_cell(model, "conv_lstm", bias=bias))
    predicted = predicted_by(other, X)
    all_steps = predicted_by(with_layer(other, "conv_lstm", return_sequences=True), X)["conv_lstm"]
    tapped = {"conv_lstm": predicted["conv_lstm"], "conv_lstm/sequence": all_steps}
    place = place_in_layers(experiment(model, {"x": X}, predicted, np.arange(len(X))), tapped)
    assert place is not None
    assert (place.layer, place.timestep, place.gate) == ("conv_lstm", 1, None)
