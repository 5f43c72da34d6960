"""Recurrent layers over whole sequences, by the scalar oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from lstm_verify.layers import Array, Bidirectional
from tests import oracle
from tests.builders import FEATURES, lstm_cell, random_array, rnn

SAMPLES, STEPS = 3, 5
X = random_array(SAMPLES, STEPS, FEATURES, seed=80)
RIGHT = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], bool)
ODD = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 1, 1, 0]], bool)
CELL, OTHER = lstm_cell(), lstm_cell(seed=31)


def ran(
    cell: Any, x: Array, mask: Array | None = None, states: list[list[float]] | None = None
) -> tuple[list[list[float]], list[list[float]]]:
    """The outputs of one sample and its last states, by the oracle."""
    zeros = [[0.0] * size for size in cell.state_sizes]
    return oracle.run(cell, x.tolist(), states or zeros, None if mask is None else mask.tolist())


def outputs(cell: Any, x: Array = X, mask: Array | None = None) -> Array:
    return np.array([ran(cell, x[n], None if mask is None else mask[n])[0] for n in range(len(x))])


def states_of(cell: Any, x: Array = X, mask: Array | None = None) -> list[Array]:
    rows = [ran(cell, x[n], None if mask is None else mask[n])[1] for n in range(len(x))]
    return [np.array(column) for column in zip(*rows, strict=True)]


def near(got: Any, wanted: Any) -> None:
    assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


def both(merge: str = "concat", **options: Any) -> Bidirectional:
    ahead = rnn(CELL, "ahead", **options)
    back = rnn(OTHER, "back", go_backwards=True, **options)
    return Bidirectional(name="both", forward_layer=ahead, backward_layer=back, merge_mode=merge, **options)
