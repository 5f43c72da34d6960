"""Dense against the scalar oracle."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import Dense, Run, Signal
from tests import oracle
from tests.builders import apply, dense, random_array, sequences
from tests.layers import cells


@pytest.mark.parametrize("activation", cells.ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_every_step_equals_the_scalar_layer(bias: bool, activation: str) -> None:
    x, g = sequences(), cells.ACTIVATIONS[activation]
    layer = Dense(name="d", kernel=random_array(3, 2), bias=random_array(2, seed=1) if bias else None, activation=g)
    (got,) = apply(layer, x)
    for sample, t in np.ndindex(5, 6):
        wanted = oracle.dense(x[sample, t].tolist(), layer.kernel.tolist(), oracle.listed(layer.bias), oracle.of(g))
        assert_allclose(got[sample, t], wanted, rtol=0, atol=1e-14)


def test_the_mask_goes_on() -> None:
    signal = Signal(sequences(features=4), np.ones((5, 6), bool))
    assert dense().apply((signal,), Run())[0].mask is signal.mask


def test_a_bias_of_another_length_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"layer 'd': bias has shape \(3,\), expected \(2,\) = \(units,\)"):
        Dense(name="d", kernel=random_array(4, 2), bias=np.zeros(3))
