"""Faults of states, numbers and precision: each edit against the scalar oracle, or a formula in plain `math`."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.faults.states import reset_every
from lstm_verify.layers import (
    Array,
    Dense,
    LayerNormalization,
    Masking,
    Run,
)
from lstm_verify.layers.constant import State
from lstm_verify.operations.activations import ActivationFunction
from tests.builders import FEATURES, UNITS, apply, dense, gru_cell, lstm_cell, random_array, rnn, states_for
from tests.faults.sequences import CELL, SAMPLES, STEPS, X, both, near, outputs, ran, states_of
from tests.faults.steps import fit, found, only
from tests.oracle_activations import SCALAR


def test_a_state_carried_over_and_one_that_is_not() -> None:
    def twice(layer: Any) -> Array:
        run = Run()
        apply(layer, X, run=run)
        return apply(layer, X, run=run)[0]

    carried = np.array([ran(CELL, X[n], None, ran(CELL, X[n])[1])[0][-1] for n in range(SAMPLES)])
    fresh = outputs(CELL)[:, -1]
    near(twice(only(rnn(CELL), "initial_state", "carried over from batch to batch")), carried)
    (edit,) = [e for e in found(rnn(CELL, stateful=True), "initial_state", "zero") if e.file_says != "what is given"]
    assert edit.carries
    near(twice(edit.make()), fresh)


def test_given_states_that_are_not_used() -> None:
    h, c = states_for(CELL, SAMPLES)
    (edit,) = [e for e in found(rnn(CELL), "initial_state", "zero") if e.file_says == "what is given"]
    near(apply(edit.make(), X, h, c)[0], outputs(CELL)[:, -1])


def test_h_and_c_in_each_others_place() -> None:
    layer = rnn(CELL, return_state=True)
    y, c, h = apply(only(layer, "state_order", parameter="final states"), X)
    near(y, outputs(CELL)[:, -1])
    for state, wanted in zip((h, c), states_of(CELL), strict=True):
        near(state, wanted)
    given = states_for(CELL, SAMPLES)
    got = apply(only(layer, "state_order", parameter="initial states"), X, *given)[0]
    last = [ran(CELL, X[n], None, [given[1][n].tolist(), given[0][n].tolist()])[0][-1] for n in range(SAMPLES)]
    near(got, last)
    assert found(rnn(gru_cell(), return_state=True), "state_order") == []


def test_states_of_both_directions_in_each_others_place() -> None:
    layer = both(return_state=True)
    honest = apply(layer, X)
    for words, order in {"c, h": (2, 1, 4, 3), "backward, then forward": (3, 4, 1, 2)}.items():
        got = apply(only(layer, "state_order", words, "final states"), X)
        for place, state in zip((0, *order), got, strict=True):
            assert_array_equal(state, honest[place])


@pytest.mark.parametrize("every", [1, 2, 4])
def test_a_state_that_is_zero_again_after_some_steps(every: int) -> None:
    edit = reset_every(rnn(CELL, return_sequences=True), every)
    assert edit is not None
    starts = range(0, STEPS, every)
    wanted = np.concatenate([outputs(CELL, X[:, start : start + every]) for start in starts], axis=1)
    near(apply(edit.make(), X)[0], wanted)
    last = reset_every(rnn(CELL), every)
    assert last is not None
    near(apply(last.make(), X)[0], wanted[:, -1])
    assert reset_every(CELL, every) is None


def test_a_variable_in_which_nothing_stays() -> None:
    state = State(name="h", initial=np.full((2, 3), 0.5))
    run = Run(states={"h": (np.ones((2, 3)),)})
    (edit,) = found(state, "initial_state")
    assert edit.make().apply((), run)[0].value.tolist() == state.initial.tolist()


# ------------------------------------------------------------------------------------------------- numbers


def test_slopes() -> None:
    layer = dense(features=FEATURES, activation=ActivationFunction.of("relu", negative_slope=0.2))
    z = X @ layer.kernel + layer.bias
    for value in (0.0, 0.01, 0.3):
        got = apply(only(layer, "negative_slope", f"{value:g}"), X)[0]
        near(got, [[[v if v > 0 else value * v for v in row] for row in rows] for rows in z.tolist()])
    assert not found(layer, "negative_slope", "0.2")
    got = apply(fit(layer, "negative_slope", "negative_slope").make(0.123), X)[0]
    near(got, np.where(z > 0, z, 0.123 * z))


@pytest.mark.parametrize("approximate", [False, True])
def test_both_gelus(approximate: bool) -> None:
    layer = dense(features=FEATURES, activation=ActivationFunction.of("gelu", approximate=approximate))
    z = (X @ layer.kernel + layer.bias).ravel().tolist()
    got = apply(only(layer, "gelu_approximation"), X)[0].ravel()
    near(got, [SCALAR["gelu"](value, approximate=not approximate) for value in z])


def normalised(epsilon: float) -> list[list[list[float]]]:
    result: list[list[list[float]]] = []
    for rows in X.tolist():
        result.append([])
        for row in rows:
            mean = math.fsum(row) / len(row)
            variance = math.fsum((v - mean) ** 2 for v in row) / len(row)
            result[-1].append([(v - mean) / math.sqrt(variance + epsilon) for v in row])
    return result


def test_epsilons() -> None:
    layer = LayerNormalization(name="norm", epsilon=1e-3)
    for value in (1e-5, 1e-6, 1e-7, 1e-8, 1e-12):
        near(apply(only(layer, "epsilon", f"{value:g}"), X)[0], normalised(value))
    assert not found(layer, "epsilon", "0.001")
    near(apply(fit(layer, "epsilon", "epsilon").make(0.05), X)[0], normalised(0.05))


# ----------------------------------------------------------------------------------------------- precision


def half(value: float) -> float:
    return float(struct.unpack("e", struct.pack("e", value))[0])


def brain(value: float) -> float:
    significand, exponent = math.frexp(value)
    return math.ldexp(round(significand * 256), exponent - 8)


def eight_bits(values: list[float]) -> list[float]:
    scale = max(abs(v) for v in values) / 127 or 1.0
    return [round(v / scale) * scale for v in values]


def test_weights_in_narrow_formats() -> None:
    layer = Dense(name="dense", kernel=random_array(4, 3, dtype="float32").astype(float), bias=random_array(3, seed=1))
    assert layer.bias is not None
    kernel, bias = layer.kernel.tolist(), layer.bias.astype("float32").astype(float).tolist()
    layer = Dense(name="dense", kernel=layer.kernel, bias=np.array(bias))
    flat = eight_bits([v for row in kernel for v in row])
    columns = [eight_bits([row[n] for row in kernel]) for n in range(3)]
    tensor = [flat[start : start + 3] for start in range(0, 12, 3)]
    by_column = [[columns[n][row] for n in range(3)] for row in range(4)]
    wanted: dict[str, tuple[Any, Any]] = {
        "float16": ([[half(v) for v in row] for row in kernel], [half(v) for v in bias]),
        "bfloat16": ([[brain(v) for v in row] for row in kernel], [brain(v) for v in bias]),
        "int8, a scale for each tensor": (tensor, eight_bits(bias)),
        "int8, a scale for each tensor, not the bias": (tensor, bias),
        "int8, a scale for each column, not the bias": (by_column, bias),
        "int8, a scale for each column": (by_column, None),
    }
    edits = {edit.behaves_as: edit.make() for edit in found(layer, "weight_precision")}
    assert set(edits) == set(wanted)
    for words, (weights, biases) in wanted.items():
        near(edits[words].kernel, weights)
        if biases is not None:
            near(edits[words].bias, biases)


def test_halves_are_rounded_to_even_numbers() -> None:
    for words, bits in (("float16", 11), ("bfloat16", 8)):
        step = 2.0 ** (1 - bits)
        halves = np.array([[1 + 0.5 * step, 1 + 1.5 * step, -1 - 2.5 * step, 1 + 0.5001 * step]])
        made = only(Dense(name="dense", kernel=halves), "weight_precision", words)
        near(made.kernel, [[1, 1 + 2 * step, -1 - 2 * step, 1 + step]])


def test_the_weights_of_all_gates_are_rounded() -> None:
    made = {edit.behaves_as: edit.make() for edit in found(CELL, "weight_precision")}
    for name in ("kernel", "recurrent_kernel", "bias"):
        weight = getattr(CELL, name)
        near(getattr(made["float16"], name).ravel(), [half(value) for value in weight.ravel().tolist()])


def test_weights_of_equal_shape_exchanged() -> None:
    gamma, beta = random_array(3), random_array(3, seed=1)
    made = only(LayerNormalization(name="norm", gamma=gamma, beta=beta), "equal_shape_weights_swapped")
    assert (made.gamma.tolist(), made.beta.tolist()) == (beta.tolist(), gamma.tolist())
    square = lstm_cell(features=UNITS)
    made = only(square, "equal_shape_weights_swapped", parameter="kernel and recurrent_kernel")
    assert made.kernel is square.recurrent_kernel
    assert found(CELL, "equal_shape_weights_swapped") == []


def test_a_layer_of_another_kind_has_none_of_these_faults() -> None:
    layer = Masking(name="mask")
    assert {name for name in ("direction", "merge_mode", "epsilon", "weight_precision") if found(layer, name)} == set()
