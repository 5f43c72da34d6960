"""The LSTM cells that Keras has not: against the scalar oracle, and against those that TensorFlow runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.errors import ModelFileError
from lstm_verify.layers import Array, Bidirectional, Cell, LSTMCell, LSTMVariantCell, Run, StackedCells
from lstm_verify.layers.recurrent.fast_lstm import Additions
from tests import oracle_lstm
from tests.builders import FEATURES, SAMPLES, UNITS, apply, lstm_cell, random_array, rnn, sequences, states_for
from tests.building import OUT, Build, Recipe
from tests.layers import cells
from tests.layers.tf1_cells import BLOCK, CASES

OUTPUTS = 2
PEEPHOLES = {f"peephole_{gate}": random_array(UNITS, seed=20 + seed) for seed, gate in enumerate("ifo")}
PROJECTION = {"projection": random_array(UNITS, OUTPUTS, seed=30)}
SCALES = {
    "gamma": random_array(4 * UNITS, seed=40),
    "beta": random_array(4 * UNITS, seed=41),
    "state_gamma": random_array(UNITS, seed=42),
    "state_beta": random_array(UNITS, seed=43),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "forget_bias": {"forget_bias": 1.0},
    "peepholes": PEEPHOLES,
    "one peephole": {"peephole_o": PEEPHOLES["peephole_o"]},
    "cell_clip": {"cell_clip": 0.2},
    "no cell at all": {"cell_clip": 0.0},
    "projection": PROJECTION,
    "projection_clip": {**PROJECTION, "projection_clip": 0.1},
    "coupled i": {"coupled": "i", "forget_bias": 1.0},
    "coupled f": {"coupled": "f"},
    "output_activation": {"output_activation": cells.ACTIVATIONS["relu"]},
    "recurrent_activation": {"recurrent_activation": cells.ACTIVATIONS["hard_sigmoid_2"]},
    "layer_norm": {"layer_norm_epsilon": 1e-12, "forget_bias": 1.0, "bias": None, **SCALES},
    "layer_norm, no scales": {"layer_norm_epsilon": 0.1},
}
OPTIONS["everything"] = {
    **OPTIONS["layer_norm"],
    **PEEPHOLES,
    **OPTIONS["projection_clip"],
    "cell_clip": 0.2,
    "output_activation": cells.ACTIVATIONS["softsign"],
}


def variant(*, units: int = UNITS, features: int = FEATURES, seed: int = 1, **options: Any) -> LSTMVariantCell:
    """A cell with these options and random weights of the shapes that they call for."""
    gates = 3 if options.get("coupled") else 4
    projection = options.get("projection")
    outputs = units if projection is None else projection.shape[-1]
    weights = {
        "kernel": random_array(features, gates * units, seed=seed),
        "recurrent_kernel": random_array(outputs, gates * units, seed=seed + 1),
        "bias": random_array(gates * units, seed=seed + 2),
    }
    return LSTMVariantCell(name="cell", **{**weights, **options})


def assert_step_is_scalar(cell: LSTMCell | LSTMVariantCell) -> None:
    """Several steps, each of every sample, equal the scalar oracle, gate by gate."""
    x, states = sequences(features=len(cell.kernel)), states_for(cell)
    for t in range(x.shape[1]):
        gates, before = cell.gates(x[:, t], states)._asdict(), states
        states = cell.step(x[:, t], states)
        assert_array_equal(np.hstack(states), np.hstack([gates["h"], gates["c"]]))
        for sample in range(len(x)):
            expected = oracle_lstm.gates_of(cell, x[sample, t].tolist(), *(state[sample].tolist() for state in before))
            for name, value in expected.items():
                assert_allclose(gates[name][sample], value, rtol=0, atol=1e-12, err_msg=f"{name}, {sample}, {t}")
        if np.abs(np.hstack(states)).max() > 10:  # gates without a bound, such as relu, make states grow at every step
            return


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_equals_the_scalar_lstm(name: str) -> None:
    assert_step_is_scalar(variant(**OPTIONS[name]))


@given(st.data())
def test_every_combination_equals_the_scalar_lstm(data: st.DataObject) -> None:
    units = data.draw(st.integers(1, 4))
    assert_step_is_scalar(variant(units=units, features=data.draw(st.integers(1, 3)), **data.draw(options(units))))


@st.composite
def options(draw: st.DrawFn, units: int) -> dict[str, Any]:
    """Any options that go together, with weights for that many units."""
    seed = draw(cells.seeds)

    def perhaps(weight: str, *shape: int) -> dict[str, Array]:
        return {weight: random_array(*shape, seed=seed + sum(map(ord, weight)))} if draw(st.booleans()) else {}

    coupled = draw(st.sampled_from([None, "i", "f"]))
    chosen: dict[str, Any] = {
        "coupled": coupled,
        "forget_bias": 0.0 if coupled == "f" else draw(st.sampled_from([0.0, 1.0, -0.5])),
        "cell_clip": draw(st.sampled_from([None, 0.1, 0.5])),
        "activation": draw(cells.activations),
        "recurrent_activation": draw(cells.activations),
        "output_activation": draw(st.none() | cells.activations),
        **perhaps("projection", units, draw(st.integers(1, 5))),
    }
    for gate in "ifo":
        chosen |= perhaps(f"peephole_{gate}", units) if gate != coupled else {}
    if "projection" in chosen:
        chosen["projection_clip"] = draw(st.sampled_from([None, 0.1, 0.5]))
    if draw(st.booleans()):
        gates = 3 if coupled else 4
        # a larger epsilon keeps what is rounded in a constant row of units small
        chosen["layer_norm_epsilon"] = 1e-3
        chosen |= perhaps("gamma", gates * units) | perhaps("beta", gates * units)
        chosen |= perhaps("state_gamma", units) | perhaps("state_beta", units)
    return chosen


@given(st.data(), cells.samples, cells.dtypes, cells.seeds)
def test_a_fast_step_of_every_combination_equals_the_equations(
    data: st.DataObject, count: int, dtype: str, seed: int
) -> None:
    units = data.draw(st.integers(1, 4))
    cell = variant(units=units, features=data.draw(st.integers(1, 3)), **data.draw(options(units))).astype(dtype)
    cells.assert_fast_is_step(cell, count, dtype, seed)


@pytest.mark.parametrize("name", ["cell_clip", "peepholes", "one peephole", "projection_clip", "output_activation"])
def test_the_fast_step_is_another_one(name: str) -> None:
    cell = variant(**OPTIONS[name])
    assert cell.fast(3, "float64") != cell.step


def test_no_option_is_forgotten_in_the_fast_step() -> None:
    """A cell with an option that it does not have goes by the equations."""
    own = {entry.name for entry in fields(LSTMVariantCell)} - {entry.name for entry in fields(LSTMCell)}
    added = {entry.name for entry in fields(Additions)}
    slow = {"coupled", "layer_norm_epsilon", *SCALES}
    assert own == added | slow
    for options in ({"coupled": "i"}, OPTIONS["layer_norm"]):
        cell = variant(**options)
        assert cell.fast(3, "float64") == cell.step


def test_without_options_it_is_the_lstm_of_keras() -> None:
    plain = lstm_cell(forget_bias=0.5)
    same = variant(kernel=plain.kernel, recurrent_kernel=plain.recurrent_kernel, bias=plain.bias, forget_bias=0.5)
    x, states = sequences()[:, 0], states_for(plain)
    assert_array_equal(np.hstack(same.step(x, states)), np.hstack(plain.step(x, states)))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("forget_bias", [0.0, 1.0, -0.75])
def test_the_forget_bias_of_a_plain_lstm(forget_bias: float, bias: bool) -> None:
    cell = lstm_cell(bias=bias, forget_bias=forget_bias)
    assert_step_is_scalar(cell)
    for dtype in ("float64", "float32"):
        cells.assert_fast_is_step(lstm_cell(bias=bias, forget_bias=forget_bias, dtype=dtype), 5, dtype, 3)


@pytest.mark.parametrize("name", OPTIONS)
def test_single_precision_stays_single(name: str) -> None:
    cell = variant(**OPTIONS[name]).astype("float32")
    states = states_for(cell, dtype="float32")
    for value in cell.gates(sequences(dtype="float32")[:, 0], states):
        assert value.dtype == np.float32
    cells.assert_fast_is_step(cell, 5, "float32", 3)


def test_gates_by_hand() -> None:
    """One unit, every activation linear, and numbers that can be checked with a pocket calculator."""
    linear = cells.ACTIVATIONS["linear"]
    cell = LSTMVariantCell(
        name="cell",
        kernel=np.array([[1.0, 2.0, 3.0, 4.0]]),
        recurrent_kernel=np.zeros((1, 4)),
        **dict.fromkeys(("activation", "recurrent_activation", "output_activation"), linear),
        forget_bias=10.0,
        peephole_i=np.array([0.1]),
        peephole_f=np.array([0.2]),
        peephole_o=np.array([0.3]),
        cell_clip=40.0,
        projection=np.array([[0.5]]),
        projection_clip=300.0,
    )
    gates = cell.gates(np.array([[2.0]]), (np.array([[0.0]]), np.array([[5.0]])))
    assert_allclose(gates.i, [[2 + 0.1 * 5]])
    assert_allclose(gates.f, [[4 + 10 + 0.2 * 5]])
    assert_allclose(gates.c, [[40.0]])  # 15 · 5 + 2.5 · 6 = 90, clipped
    assert_allclose(gates.o, [[8 + 0.3 * 40]])  # the output gate sees the new, clipped state
    assert_allclose(gates.h, [[300.0]])  # 20 · 40 · 0.5 = 400, clipped


def test_coupled_gates_add_to_one_and_lack_a_block() -> None:
    for coupled, blocks in (("i", ("f", "c", "o")), ("f", ("i", "c", "o"))):
        cell = variant(coupled=coupled)
        assert cell.blocks == blocks
        gates = cell.gates(sequences()[:, 0], states_for(cell))
        assert gates.z.shape == (SAMPLES, 3 * UNITS)
        assert_array_equal(gates[{"i": 1, "f": 2}[coupled]], 1 - gates[{"i": 2, "f": 1}[coupled]])


def test_a_projected_cell_in_layers_around_it() -> None:
    """As a layer with states, on a mask, in both directions, and below another cell."""
    cell = variant(**PROJECTION, **PEEPHOLES)
    assert cell.state_sizes == (OUTPUTS, UNITS)
    x, mask = sequences(), np.arange(6) < np.array([6, 3, 1, 0, 5])[:, None]
    outputs, h, c = apply(rnn(cell, return_sequences=True, return_state=True), x, mask=mask)
    assert (outputs.shape, h.shape, c.shape) == ((SAMPLES, 6, OUTPUTS), (SAMPLES, OUTPUTS), (SAMPLES, UNITS))
    assert_array_equal(h, outputs[:, -1])
    (alone,) = apply(rnn(cell), x[1:2, :3])
    assert_allclose(h[1:2], alone, rtol=0, atol=1e-15)
    both = Bidirectional(name="both", forward_layer=rnn(cell), backward_layer=rnn(cell, go_backwards=True))
    assert apply(both, x)[0].shape == (SAMPLES, 2 * OUTPUTS)
    stack = StackedCells(name="stack", cells=(cell, lstm_cell(features=OUTPUTS)))
    assert apply(rnn(stack), x)[0].shape == (SAMPLES, UNITS)


def test_every_gate_is_traced() -> None:
    run = Run(trace={}).inside("rnn")
    apply(rnn(variant(**OPTIONS["coupled i"])), sequences(), run=run)
    assert set(run.trace or ()) == {f"rnn/{name}" for name in ("z", "i", "f", "o", "candidate", "c", "h")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"peephole_f": np.ones(3)}, r"peephole_f has shape \(3,\), expected \(4,\) = \(units,\)"),
        ({"recurrent_kernel": np.ones((2, 16))}, r"recurrent_kernel has shape \(2, 16\), expected \(2, 8\)"),
        ({"kernel": np.ones((3, 12))}, r"kernel has shape \(3, 12\), expected \(3, 16\) = \(features, 4\*units\)"),
        ({"coupled": "i", "kernel": np.ones((3, 16))}, r"expected \(3, 12\) = \(features, 3\*units\)"),
        ({"projection": np.ones(4)}, r"projection has shape \(4,\), expected \(4, 4\) = \(units, outputs\)"),
        (
            {"projection": np.ones((4, 2)), "recurrent_kernel": np.ones((2, 12))},
            r"expected \(2, 16\) = \(outputs of the projection, 4\*units\)",
        ),
        ({"layer_norm_epsilon": 1.0, "gamma": np.ones(4)}, r"gamma has shape \(4,\), expected \(16,\) = \(4\*units,\)"),
        ({"layer_norm_epsilon": 1.0, "state_beta": np.ones(3)}, r"state_beta has shape \(3,\)"),
        ({"coupled": "f", "peephole_f": np.ones(4)}, "gate f is coupled to the other, and could not use its peephole"),
        ({"coupled": "f", "forget_bias": 1.0}, r"could not use its forget_bias of 1\.0"),
        ({"projection_clip": 1.0}, r"projection_clip is 1\.0, but there is no projection"),
        ({"state_gamma": np.ones(4)}, "it has state_gamma, but no layer_norm_epsilon"),
        ({"cell_clip": -1.0}, r"cell_clip is -1\.0, expected a number that is not negative"),
        ({"cell_clip": float("nan")}, "cell_clip is nan"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=f"layer 'cell': .*{message}"):
        variant(**options)


@pytest.fixture(scope="module")
def run_by_tensorflow(build: Build) -> Mapping[str, Array]:
    return dict(np.load(build(Recipe("tf1_cells", "tests.layers.tf1_cells", (OUT,))) / "cells.npz"))


def canonical(kernel: Array, bias: Array) -> dict[str, Array]:
    """The weights of a cell of TensorFlow 1, whose kernel has the rows [x; h] and whose gates are i, c, f, o."""

    def ordered(weight: Array) -> Array:
        i, c, f, o = np.split(weight, 4, axis=-1)
        return np.concatenate([i, f, c, o], axis=-1)

    weights = {"kernel": kernel[:FEATURES], "recurrent_kernel": kernel[FEATURES:], "bias": bias}
    return {name: ordered(weight) for name, weight in weights.items()}


def assert_runs_as_in_tensorflow(cell: Cell, found: Mapping[str, Array], atol: float) -> None:
    outputs, h, c = apply(rnn(cell, return_sequences=True, return_state=True), found["x"])
    for name, value in {"outputs": outputs, "h": h, "c": c}.items():
        assert value.shape == found[name].shape
        assert_allclose(value, found[name], rtol=0, atol=atol, err_msg=name)


def found_for(case: str, run_by_tensorflow: Mapping[str, Array]) -> dict[str, Array]:
    return {key.split("/", 1)[1]: value for key, value in run_by_tensorflow.items() if key.startswith(f"{case}/")}


@pytest.mark.parametrize("name", CASES)
def test_lstm_cells_of_tensorflow_1(name: str, run_by_tensorflow: Mapping[str, Array]) -> None:
    case, found = CASES[name], found_for(name, run_by_tensorflow)
    plain = {
        "name": "cell",
        **canonical(found["kernel"], found["bias"]),
        "forget_bias": case.get("forget_bias", 1.0),
        "activation": cells.ACTIVATIONS[case.get("activation", "tanh")],
    }
    added = {
        **{f"peephole_{gate}": found.get(f"w_{gate}_diag") for gate in "ifo"},
        "projection": found.get("projection/kernel"),
        "cell_clip": case.get("cell_clip"),
        "projection_clip": case.get("proj_clip"),
    }
    assert_runs_as_in_tensorflow(LSTMVariantCell(**plain, **added), found, 1e-13)
    if all(value is None for value in added.values()):
        assert_runs_as_in_tensorflow(LSTMCell(**plain), found, 1e-13)


def test_the_block_cell_of_tensorflow_1(run_by_tensorflow: Mapping[str, Array]) -> None:
    found = found_for("block", run_by_tensorflow)
    cell = LSTMVariantCell(
        name="cell",
        **canonical(found["w"], found["b"]),
        **{f"peephole_{gate}": found[f"wc{gate}"] for gate in "ifo"},
        forget_bias=BLOCK["forget_bias"],
        cell_clip=BLOCK["cell_clip"],
    )
    assert_runs_as_in_tensorflow(cell.astype("float64"), found, 1e-6)
