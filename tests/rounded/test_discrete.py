"""Discrete results: where rounding, or what a processor does with the smallest numbers, may make them others."""

from __future__ import annotations

import numpy as np

from lstm_verify.rounded import Rounded


def test_a_subnormal_number_may_be_taken_for_0() -> None:
    """TensorFlow has the processor do so; what no comparison tells from 0 is not in doubt."""
    x = Rounded(np.array([0.0, 1e-42, -1e-42, 1e-30]))
    above = x > 0
    assert np.isinf(above.variance).tolist() == [False, True, False, False]
    assert np.isinf(np.sign(x).variance).tolist() == [False, True, True, False]
    assert (x > 1.0).tolist() == [False] * 4


def test_a_lone_number_is_rounded_like_others() -> None:
    for function in (np.round, np.floor):
        certain, either = (function(Rounded(np.asarray(2.5001 + off), np.asarray(1e-12))) for off in (0.2, -0.0001))
        assert (certain.value, certain.variances()) == (function(2.7001), 0)
        assert np.isinf(either.variances()) == (function is np.round)
