"""Weights as they begin, and normalisation that is left out or done twice; against the formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lstm_verify.layers import (
    BatchNormalization,
    Layer,
    LayerNormalization,
    Normalization,
    Rescaling,
    Run,
    Signal,
    UnitNormalization,
)
from lstm_verify.layers.base import Array
from tests.builders import gru_cell, lstm_cell
from tests.faults.steps import found

X = np.array([[0.5, -2.0], [3.0, 0.25]])
MEAN, VARIANCE, GAMMA, BETA = ([0.5, -1.0], [4.0, 0.25], [2.0, 3.0], [0.125, -0.5])
BATCH = BatchNormalization(
    name="batch",
    moving_mean=np.array(MEAN),
    moving_variance=np.array(VARIANCE),
    gamma=np.array(GAMMA),
    beta=np.array(BETA),
)
NORM = Normalization(name="norm", mean=np.array(MEAN), variance=np.array(VARIANCE))
SCALE = Rescaling(name="scale", scale=np.array(0.5), offset=np.array(-1.0))


def of(layer: Layer) -> Array:
    return layer.apply((Signal(X),), Run())[0].value


def normalised(mean: list[float], variance: list[float], gamma: list[float], beta: list[float]) -> list[list[float]]:
    """Batch normalisation of X in plain `math`."""
    return [
        [g * (x - m) / math.sqrt(v + 1e-3) + b for x, m, v, g, b in zip(row, mean, variance, gamma, beta, strict=True)]
        for row in X.tolist()
    ]


def test_statistics_or_factors_or_all_of_batch_normalization_as_they_begin() -> None:
    statistics, factors, everything = found(BATCH, "initial_weights")
    assert statistics.parameter == "moving_mean and moving_variance"
    assert factors.parameter == "gamma and beta"
    zero, one = [0.0, 0.0], [1.0, 1.0]
    assert of(statistics.make()) == pytest.approx(np.array(normalised(zero, one, GAMMA, BETA)))
    assert of(factors.make()) == pytest.approx(np.array(normalised(MEAN, VARIANCE, one, zero)))
    assert of(everything.make()) == pytest.approx(np.array(normalised(zero, one, one, zero)))


def test_what_is_as_it_began_has_no_edit() -> None:
    begun = replace(BATCH, moving_mean=np.zeros(2), moving_variance=np.ones(2))
    assert [e.parameter for e in found(begun, "initial_weights")] == ["gamma and beta"]
    assert not found(replace(begun, gamma=None, beta=None), "initial_weights")
    assert not found(LayerNormalization(name="layer"), "initial_weights")
    assert not found(gru_cell(), "initial_weights")  # a bias of zeros is `bias`: left out


def test_layer_normalization_as_it_begins() -> None:
    layer = LayerNormalization(name="layer", gamma=np.array(GAMMA), beta=np.array(BETA))
    (edit,) = found(layer, "initial_weights", "as built: 0 and 1")
    assert np.array_equal(of(edit.make()), of(LayerNormalization(name="plain")))


def test_the_bias_of_an_lstm_begins_with_1_for_the_forget_gate() -> None:
    cell = lstm_cell()
    (edit,) = found(cell, "initial_weights")
    assert edit.make().bias.tolist() == [0] * cell.units + [1] * cell.units + [0] * 2 * cell.units
    assert not found(edit.make(), "initial_weights")


@pytest.mark.parametrize("layer", [BATCH, NORM, SCALE, UnitNormalization(name="unit")], ids=lambda layer: layer.name)
def test_a_layer_that_is_left_out_hands_on_its_input(layer: Layer) -> None:
    (edit,) = found(layer, "normalization", "left out")
    assert np.array_equal(of(edit.make()), X)


def test_a_layer_that_is_applied_twice() -> None:
    (edit,) = found(NORM, "normalization", "applied twice")
    wanted = [
        [((x - m) / math.sqrt(v) - m) / math.sqrt(v) for x, m, v in zip(row, MEAN, VARIANCE, strict=True)]
        for row in X.tolist()
    ]
    assert of(edit.make()) == pytest.approx(np.array(wanted))
    (edit,) = found(SCALE, "normalization", "applied twice")
    assert np.array_equal(of(edit.make()), 0.25 * X - 1.5)
    assert not found(UnitNormalization(name="unit"), "normalization", "applied twice")  # which changes nothing
