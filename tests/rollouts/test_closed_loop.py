"""The rules of a rollout without a framework: what becomes which input, and that both sides do it alike.

The child's loop calls NumPy here, in float64 and in the same operations as the replay, so that any difference is one of
the two loops.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstm_verify import Model
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.dense import Dense
from lstm_verify.model import Input, LayerCall, Output, Tensor
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.rollouts.closed_loop import closed_loop, first_outputs, forced_loop
from lstm_verify.rollouts.plan import make_plan
from lstm_verify.runtimes.programs.closed_loop import ClosedLoop
from tests.rollouts.models import (
    CASES,
    NOTHING,
    SAMPLES,
    STEPS,
    chain,
    child_side,
    planned,
    words,
)


@pytest.mark.parametrize("name", CASES)
def test_both_loops_do_the_same(name: str) -> None:
    model, given, plan, draws = planned(name)
    assert plan.feedback[0].place == CASES[name][3]
    child, own = child_side(model, given, plan, draws), closed_loop(model, given, plan, draws)
    assert list(child.outputs) == list(own.outputs)
    for output, array in own.outputs.items():
        np.testing.assert_allclose(child.outputs[output], array, rtol=0, atol=1e-12)
        assert len(array) == STEPS
        assert np.ptp(array, axis=0).max() > 1e-3
    assert set(child.tokens) == set(own.tokens)
    for output, array in own.tokens.items():
        np.testing.assert_array_equal(child.tokens[output], array)
        assert array.shape == (STEPS, SAMPLES)


@pytest.mark.parametrize("name", CASES)
def test_forced_on_its_own_inputs_a_model_does_what_it_did(name: str) -> None:
    model, given, plan, draws = planned(name)
    child = child_side(model, given, plan, draws)
    forced = forced_loop(model, given, plan, draws, child.fed)
    for output, array in forced.outputs.items():
        np.testing.assert_allclose(child.outputs[output], array, rtol=0, atol=1e-12)
    for output, array in forced.tokens.items():
        np.testing.assert_array_equal(child.tokens[output], array)


def test_forced_on_other_inputs_it_does_something_else() -> None:
    model, given, plan, draws = planned("states")
    child = child_side(model, given, plan, draws)
    fed = {name: array + (0.1 if name == "c" else 0) for name, array in child.fed.items()}
    forced = forced_loop(model, given, plan, draws, fed)
    assert np.abs(forced.outputs["y"] - child.outputs["y"])[0].max() < 1e-12
    assert np.abs(forced.outputs["y"] - child.outputs["y"])[1:].max() > 1e-3


def test_a_window_by_plain_arithmetic() -> None:
    """y = tanh(a·x[0] + b·x[1] + k) of a window of two values, which then moves by one."""
    kernel = np.array([[0.7], [-1.3]])
    table = Dense(name="y", kernel=kernel, bias=np.array([0.2]), activation=ActivationFunction.of("tanh"))
    model = chain(Input("x", (None, 2), "float64"), table)
    given = {"x": np.array([[0.5, -0.25]])}
    plan, _ = make_plan(model, 6, given, (), first_outputs(model, given), NOTHING)
    window, wanted = [0.5, -0.25], []
    for _ in range(6):
        wanted.append(math.tanh(0.7 * window[0] - 1.3 * window[1] + 0.2))
        window = [window[1], wanted[-1]]
    assert plan.feedback[0].place == "window"
    np.testing.assert_allclose(closed_loop(model, given, plan, None).outputs["y"].ravel(), wanted, rtol=0, atol=1e-15)


def test_a_token_of_nan_is_a_token() -> None:
    _, given, plan, draws = planned("sampled")
    loop = ClosedLoop(lambda inputs: [("next", np.full((SAMPLES, 7), np.nan))], given, plan.to_dict(), draws)
    loop.run(lambda step: None)
    assert all(0 <= token.min() <= token.max() < 7 for token in loop.tokens["next"])


def test_a_class_without_probability_is_never_drawn() -> None:
    """Even by a random number at the very edge of the one after it: class k is drawn from its lower sum on."""
    _, given, plan, _ = planned("sampled")
    likelihoods = np.array([[0, 0.5, 0, 0.5, 0, 0, 0]] * SAMPLES)
    draws = np.array([[0.0, 0.5, np.nextafter(1, 0)]] * STEPS)
    loop = ClosedLoop(lambda inputs: [("next", likelihoods)], given, plan.to_dict(), draws)
    loop.run(lambda step: None)
    layers = {"next": Constant(name="next", value=likelihoods)}
    constant = Model(
        name="constant",
        layers=layers,
        nodes=(LayerCall("next", ()),),
        inputs=(words(4),),
        outputs=(Output("next", Tensor("next")),),
    )
    own = closed_loop(constant, given, plan, draws).tokens["next"]
    np.testing.assert_array_equal(loop.tokens["next"], own)
    np.testing.assert_array_equal(own, [[1, 3, 3]] * STEPS)


def test_another_number_of_outputs_is_an_error() -> None:
    _, given, plan, draws = planned("window")
    loop = ClosedLoop(lambda inputs: [("a", np.zeros(1)), ("b", np.zeros(1))], given, plan.to_dict(), draws)
    with pytest.raises(ValueError, match="the model has 2 outputs, expected 1: y"):
        loop.run(lambda step: None)
