"""What the tests of all recurrent cells share: their comparison with the scalar oracle and of `fast` with `step`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.layers import Cell
from lstm_verify.operations.activations import ActivationFunction
from tests import oracle
from tests.builders import random_array, sequences, states_for

ACTIVATIONS = {
    "tanh": ActivationFunction.of("tanh"),
    "sigmoid": ActivationFunction.of("sigmoid"),
    "hard_sigmoid_2": ActivationFunction.of("hard_sigmoid", slope=1 / 5),
    "hard_sigmoid_3": ActivationFunction.of("hard_sigmoid", slope=1 / 6),
    "relu": ActivationFunction.of("relu"),
    "linear": ActivationFunction.of("linear"),
    "softsign": ActivationFunction.of("softsign"),
    "leaky_relu": ActivationFunction.of("leaky_relu", negative_slope=0.2),
    "softmax": ActivationFunction.of("softmax"),
}
TOLERANCES = {"float64": 1e-12, "float32": 1e-5}

activations = st.sampled_from(list(ACTIVATIONS.values()))
shapes = st.fixed_dictionaries({"units": st.integers(1, 6), "features": st.integers(1, 5)})
samples = st.integers(1, 7)
dtypes = st.sampled_from(["float64", "float32"])
seeds = st.integers(0, 2**16)


def assert_step_is_scalar(cell: Cell) -> None:
    """The textbook equations, on a batch, equal the scalar oracle on every sample."""
    x, states = sequences(timesteps=1)[:, 0], states_for(cell)
    gates = cell.gates(x, states)._asdict()
    for sample in range(len(x)):
        expected = oracle.gates_of(cell, x[sample].tolist(), [state[sample].tolist() for state in states])
        for name, value in expected.items():
            assert_allclose(gates[name][sample], value, rtol=0, atol=1e-13, err_msg=f"gate {name}, sample {sample}")


def assert_steps_are_scalar(step: Callable[[Any, Any], Any], cell: Cell) -> None:
    """Several steps in a row equal the scalar oracle."""
    x, states = sequences(), states_for(cell)
    wanted = [[state[sample].tolist() for state in states] for sample in range(len(x))]
    for t in range(x.shape[1]):
        states = step(x[:, t], states)
        wanted = [oracle.step_of(cell, x[sample, t].tolist(), wanted[sample]) for sample in range(len(x))]
        for number, state in enumerate(states):
            assert_allclose(state, [of_sample[number] for of_sample in wanted], rtol=0, atol=1e-12)


def assert_fast_is_step(cell: Cell, count: int, dtype: str, seed: int) -> None:
    """`fast` gives what `step` gives, over several steps, in which it is fed the buffers that it returned before."""
    features = len(next(array for path, array in cell.weights() if path.endswith("kernel")))
    x = random_array(count, 5, features, seed=seed, dtype=dtype)
    states, step = states_for(cell, count, seed=seed, dtype=dtype), cell.fast(count, dtype)
    for t in range(x.shape[1]):
        before = tuple(state.copy() for state in states)
        wanted, given, states = cell.step(x[:, t], before), states, step(x[:, t], states)
        assert_array_equal(np.hstack(given), np.hstack(before), "a step must not write into the states it is given")
        largest = max(1.0, *(float(np.abs(state).max()) for state in wanted))
        for got, state in zip(states, wanted, strict=True):
            assert got.dtype == np.dtype(dtype)
            assert_allclose(got, state, rtol=0, atol=TOLERANCES[dtype] * largest)
        if largest > 10:  # gates without a bound, such as relu, make states grow at every step
            return
