"""The gate whose weights explain what a recurrent layer gives: layers with weights that were changed on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify.diagnosis.gate import LikelyGate, likely_gate
from lstm_verify.layers import RNN, GRUCell, LSTMCell, Run, Signal, SimpleRNNCell
from lstm_verify.layers.recurrent.lstm_variants import LSTMVariantCell
from lstm_verify.operations.activations import ActivationFunction

FEATURES, UNITS, SAMPLES, STEPS = 4, 5, 6, 20
SIGMA = 1e-7


def weights(gates: int, *, biases: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(gates)
    bias = rng.uniform(-0.5, 0.5, (biases, gates * UNITS)).astype("float32")
    return {
        "name": "cell",
        "kernel": rng.uniform(-0.8, 0.8, (FEATURES, gates * UNITS)).astype("float32"),
        "recurrent_kernel": rng.uniform(-0.8, 0.8, (UNITS, gates * UNITS)).astype("float32"),
        "bias": bias[0] if biases == 1 else bias,
    }


CELLS: dict[str, Any] = {
    "lstm": LSTMCell(**weights(4)),
    "lstm_hard": LSTMCell(**weights(4), recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2)),
    "gru": GRUCell(**weights(3, biases=2)),
    "gru_before": GRUCell(**weights(3), reset_after=False),
    "simple": SimpleRNNCell(**weights(1)),
}
OFF = [(name, gate) for name, cell in CELLS.items() for gate in cell.blocks if (name, gate) != ("gru_before", "r")]


def given(cell: Any) -> tuple[Any, Any]:
    """What a layer in float32 makes of random inputs."""
    x = np.random.default_rng(7).standard_normal((SAMPLES, STEPS, FEATURES)).astype("float32")
    (y,) = RNN(name="rnn", cell=cell, return_sequences=True).apply((Signal(x),), Run())
    return x.astype("float64"), y.value.astype("float64")


def found(cell: Any, framework: Any) -> LikelyGate | None:
    x, y = given(framework)
    return likely_gate(cell.astype("float64"), x, y, np.full(y.shape, SIGMA))


@pytest.mark.parametrize("weight", ["kernel", "recurrent_kernel", "bias"])
@pytest.mark.parametrize(("name", "gate"), OFF)
def test_a_single_weight_is_found(name: str, gate: str, weight: str) -> None:
    cell = CELLS[name]
    array = getattr(cell, weight).copy()
    column = cell.blocks.index(gate) * UNITS + 3
    index = {1: (column,), 2: (0 if weight == "bias" else 2, column)}[array.ndim]
    array[index] += 0.05
    gate_of = found(cell, replace(cell, **{weight: array}))
    assert gate_of is not None
    assert gate_of.name == gate
    assert gate_of.weight is not None
    assert gate_of.weight[:2] == (weight, index)
    assert abs(gate_of.weight[2] - 0.05) < 1e-4


def test_the_second_bias_of_a_gru_is_told_from_the_first() -> None:
    cell = CELLS["gru"]
    bias = cell.bias.copy()
    bias[1, 2 * UNITS + 1] += 0.05
    gate = found(cell, replace(cell, bias=bias))
    assert gate is not None
    assert gate.weight is not None
    assert gate.weight[:2] == ("bias", (1, 2 * UNITS + 1))


@pytest.mark.parametrize(("name", "gate"), OFF)
def test_many_weights_of_one_gate(name: str, gate: str) -> None:
    cell = CELLS[name]
    start = cell.blocks.index(gate) * UNITS
    kernel = cell.kernel.copy()
    kernel[:, start : start + UNITS] += np.random.default_rng(1).normal(0, 0.05, (FEATURES, UNITS)).astype("float32")
    assert found(cell, replace(cell, kernel=kernel)) == LikelyGate(gate, None)


@pytest.mark.parametrize("name", [name for name in CELLS if name != "simple"])
def test_weights_of_all_gates_are_no_gate(name: str) -> None:
    cell = CELLS[name]
    noise = np.random.default_rng(1).normal(0, 0.05, cell.kernel.shape).astype("float32")
    assert found(cell, replace(cell, kernel=cell.kernel + noise)) is None


def test_steps_before_the_first_that_differs_are_run_through() -> None:
    cell = CELLS["lstm"]
    kernel = cell.kernel.copy()
    kernel[2, 1] += 0.05
    x, y = given(replace(cell, kernel=kernel))
    x[:, :8, 2] = 0  # until then the weight is multiplied with nothing
    (y32,) = RNN(name="rnn", cell=replace(cell, kernel=kernel), return_sequences=True).apply(
        (Signal(x.astype("float32")),), Run()
    )
    gate = likely_gate(cell.astype("float64"), x, y32.value.astype("float64"), np.full(y.shape, SIGMA), first=8)
    assert gate is not None
    assert gate.name == "i"
    assert gate.weight is not None
    assert gate.weight[:2] == ("kernel", (2, 1))


def test_another_activation_is_no_gate() -> None:
    assert found(CELLS["lstm"], CELLS["lstm_hard"]) is None


def test_what_agrees_has_no_gate() -> None:
    assert found(CELLS["lstm"], CELLS["lstm"]) is None


def test_cells_that_sum_up_other_things_are_left_alone() -> None:
    peepholes = {f"peephole_{gate}": np.full(UNITS, 0.1, "float32") for gate in "ifo"}
    cell = LSTMVariantCell(**weights(4), **peepholes)
    kernel = cell.kernel.copy()
    kernel[0, 0] += 0.05
    assert found(cell, replace(cell, kernel=kernel)) is None
