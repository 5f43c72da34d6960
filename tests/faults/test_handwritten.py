"""Mistakes in cells and loops that are written by hand; against a step in plain `math`, or the steps that are left."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstm_verify.faults import edits
from lstm_verify.layers import Array, GRUCell, Run, Signal
from lstm_verify.layers.base import Mask
from tests.builders import gru_cell, lstm_cell, rnn, sequences
from tests.faults.one_step import C, plain_lstm, same
from tests.faults.steps import found, only
from tests.oracle_activations import sigmoid


def test_the_output_of_the_cell_state_before() -> None:
    cell = lstm_cell()
    o, c = plain_lstm(cell, output=lambda _: 1.0)
    same(only(cell, "earlier_cell_state"), ([gate * math.tanh(b) for gate, b in zip(o, C, strict=True)], c))
    assert not found(gru_cell(), "earlier_cell_state")


def test_the_candidate_or_the_output_alone_has_another_function() -> None:
    cell = lstm_cell()
    candidate = only(cell, "activation", "sigmoid", "activation of the candidate")
    same(candidate, plain_lstm(cell, candidate=sigmoid, output=math.tanh))
    output = only(cell, "activation", "linear", "activation of the output")
    same(output, plain_lstm(cell, output=lambda c: c))


X = sequences(3)
MASK = np.array([[1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]], bool)


@pytest.mark.parametrize(
    ("words", "part"),
    [("only the first", np.s_[:1]), ("all but the last", np.s_[:-1]), ("all but the first", np.s_[1:])],
)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_a_part_of_the_steps(words: str, part: slice, backwards: bool, mask: Mask) -> None:
    layer = rnn(lstm_cell(), go_backwards=backwards)
    order = np.arange(X.shape[1])[:: -1 if backwards else 1][part]
    steps = np.sort(order)

    def of(x: Array, kept: Mask) -> Array:
        return layer.apply((Signal(x, kept),), Run())[0].value

    (y, _), *_ = only(layer, "time_steps", words).apply((Signal(X, mask),), Run())
    assert np.array_equal(y, of(X[:, steps], None if mask is None else mask[:, steps]))


def test_a_layer_of_sequences_has_all_its_steps() -> None:
    layer = rnn(gru_cell(), return_sequences=True)
    assert isinstance(layer.cell, GRUCell)
    assert "time_steps" not in {name for name, _ in edits(layer)}
