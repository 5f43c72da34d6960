"""Activations are found by what they compute, whichever operations compute it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lstm_verify.graph.lift.expressions import Affine, Form, Leaf
from lstm_verify.graph.lift.functions import function_of, recognise
from lstm_verify.operations.activations import ActivationFunction
from tests.graph.lift.decomposed import DECOMPOSED, call, number, plus, sigmoid, times

X = Form.of(Affine(((Form.of(Leaf("x")), np.eye(3)),)))
"""A pre-activation."""


@pytest.mark.parametrize("way", DECOMPOSED)
def test_every_way_to_compute_an_activation(way: str) -> None:
    name, make = DECOMPOSED[way]
    function = function_of(make(X))
    assert function is not None
    assert same_function(function.activation, name)
    assert function.base.key == X.key
    assert function.shift == 0


def same_function(activation: ActivationFunction, name: str) -> bool:
    """Whether it has that name, or another of the same function, such as `hard_sigmoid` of slope 1/2."""
    synonyms = {"sparse_sigmoid": "hard_sigmoid(slope=0.5)"}
    return str(activation) in (name, synonyms.get(name))


def test_the_slope_counts() -> None:
    found = [function_of(make(X)) for way, (_, make) in DECOMPOSED.items() if way.startswith("hard_sig")]
    assert len({str(function.activation) for function in found if function}) == 3


def test_a_number_added_before_is_a_shift() -> None:
    function = function_of(sigmoid(plus(X, 2.5)))
    assert function is not None
    assert (function.activation, function.shift) == (ActivationFunction("sigmoid"), 2.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: call("sin", x),
        lambda x: times(sigmoid(x), 1.01),
        lambda x: plus(sigmoid(x), 0.01),
        lambda x: sigmoid(times(x, 1.01)),
        lambda x: call("softmax", x, axis=0),
        lambda x: call("clip", plus(times(x, 0.2), 0.5), number(0), number(0.99)),
    ],
    ids=range(6),
)
def test_what_is_almost_an_activation_is_none(make: Callable[[Form], Form]) -> None:
    assert function_of(make(X)) is None


def test_a_product_of_functions_of_two_quantities_is_none() -> None:
    other = Form.of(Affine(((Form.of(Leaf("h")), np.eye(3)),)))
    product = (sigmoid(X) * call("tanh", other)).terms[0]
    assert recognise(product.product, product.coefficient) is None
