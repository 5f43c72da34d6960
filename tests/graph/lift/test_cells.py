"""Cells are found in the forms of their states, with the order that their gates have in the weights."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_verify.graph.lift.cells import cells
from lstm_verify.graph.lift.expressions import Affine, Array, Form, FunctionCall, Leaf
from lstm_verify.graph.lift.functions import bases_of, evaluate
from lstm_verify.graph.lift.gates import Match, RecurrentState
from lstm_verify.graph.lift.polynomials import one_minus
from lstm_verify.graph.lift.provenance import Variables, recovered
from lstm_verify.layers import GRUCell, LSTMCell, SimpleRNNCell
from lstm_verify.layers.constant import Constant
from lstm_verify.operations.activations import ActivationFunction
from tests.graph.lift.decomposed import DECOMPOSED, times

FEATURES, UNITS = 3, 4
RNG = np.random.default_rng(5)
X, H, C = (Form.of(Leaf(name)) for name in ("x", "h", "c"))


def weights(gates: int) -> tuple[Array, Array, Array]:
    """Kernel, recurrent kernel and bias, unequal everywhere."""
    shapes = ((FEATURES, gates * UNITS), (UNITS, gates * UNITS), (gates * UNITS,))
    return tuple(RNG.uniform(-1, 1, shape) for shape in shapes)  # type: ignore[return-value]


def columns(affine: Affine, place: int) -> Form:
    return Form.of(affine.columns(place * UNITS, (place + 1) * UNITS))


def σ(form: Form) -> Form:
    return Form.of(FunctionCall("sigmoid", (form,)))


def tanh(form: Form) -> Form:
    return Form.of(FunctionCall("tanh", (form,)))


def one_cell(*states: tuple[str, Form]) -> Match:
    """The only cell in some states."""
    (match,) = cells([RecurrentState(Leaf(name), form, UNITS) for name, form in states], "cell")
    return match


def order_of(match: Match, kernel: Array) -> str:
    return recovered(match, Variables({"kernel": Constant(name="kernel", value=kernel)})).gate_order


def in_order(array: Array, order: tuple[str, ...], wanted: tuple[str, ...]) -> Array:
    """The blocks of an array in another order."""
    blocks = dict(zip(order, np.split(array, len(order), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in wanted], axis=-1)


@pytest.mark.parametrize("order", list(permutations("ifco")), ids="".join)
def test_every_order_of_gates_of_an_lstm(order: tuple[str, ...]) -> None:
    kernel, recurrent, bias = weights(4)
    z = Affine(((X, kernel), (H, recurrent)), (bias,))
    i, f, c, o = (columns(z, order.index(gate)) for gate in "ifco")
    new = σ(f.plus_constant(np.asarray(1.5))) * C + σ(i) * tanh(c)
    match = one_cell(("h", σ(o) * tanh(new)), ("c", new))
    cell = match.cell
    assert isinstance(cell, LSTMCell)
    assert cell.forget_bias == 1.5
    for found, given in ((cell.kernel, kernel), (cell.recurrent_kernel, recurrent), (cell.bias, bias)):
        assert_array_equal(found, in_order(given, order, LSTMCell.gate_order))
    assert order_of(match, kernel) == ", ".join(order)


@pytest.mark.parametrize("order", list(permutations("zrh")), ids="".join)
@pytest.mark.parametrize("reset_after", [False, True])
def test_every_order_of_gates_of_a_gru(order: tuple[str, ...], reset_after: bool) -> None:
    kernel, recurrent, bias = weights(3)
    of_input, of_state = Affine(((X, kernel),), (bias,)), Affine(((H, recurrent),))
    (x_z, x_r, x_h), (h_z, h_r, h_h) = ([columns(a, order.index(g)) for g in "zrh"] for a in (of_input, of_state))
    z, r = σ(x_z + h_z), σ(x_r + h_r)
    if reset_after:
        candidate = tanh(x_h + r * h_h)
    else:
        block = of_state.columns(order.index("h") * UNITS, (order.index("h") + 1) * UNITS)
        candidate = tanh(x_h + Form.of(Affine(((r * H, block.maps[0][1]),))))
    new = z * H + z.scaled(np.asarray(-1.0)).plus_constant(np.asarray(1.0)) * candidate
    match = one_cell(("h", new))
    cell = match.cell
    assert isinstance(cell, GRUCell)
    assert cell.reset_after == reset_after
    assert_array_equal(cell.kernel, in_order(kernel, order, GRUCell.gate_order))
    assert_array_equal(cell.recurrent_kernel, in_order(recurrent, order, GRUCell.gate_order))
    assert order_of(match, kernel) == ", ".join(order)


AT_ROWS = np.random.default_rng(6).uniform(-3, 3, (7, UNITS))


def assert_same_function(found: ActivationFunction, way: str) -> None:
    """Whether an activation is the one that is written out in some way, whatever its name."""
    (base,) = bases_of(DECOMPOSED[way][1](X)).values()
    assert_allclose(found(AT_ROWS), evaluate(DECOMPOSED[way][1](X), base, AT_ROWS), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("way", DECOMPOSED)
@pytest.mark.parametrize("coupled", [None, "i", "f"])
def test_every_activation_in_an_lstm(way: str, coupled: str | None) -> None:
    kernel, recurrent, bias = weights(4)
    z = Affine(((X, kernel), (H, recurrent)), (bias,))
    i, f, c, o = (columns(z, place) for place in range(4))
    g = DECOMPOSED[way][1]
    for gate, squash in ((g, tanh), (σ, g)):
        mine, forget = gate(i), gate(f)
        mine = one_minus(forget) if coupled == "i" else mine
        forget = one_minus(mine) if coupled == "f" else forget
        new = forget * C + mine * squash(c)
        cell: Any = one_cell(("h", gate(o) * squash(new)), ("c", new)).cell
        assert getattr(cell, "coupled", None) == coupled
        assert_array_equal(cell.kernel, np.delete(kernel, columns_of("if".index(coupled)) if coupled else [], axis=1))
        assert_same_function(cell.activation, way if squash is g else "tanh")
        assert_same_function(cell.recurrent_activation, way if gate is g else "sigmoid")


def columns_of(place: int) -> list[int]:
    return list(range(place * UNITS, (place + 1) * UNITS))


@pytest.mark.parametrize("way", DECOMPOSED)
@pytest.mark.parametrize("reset_after", [False, True])
@pytest.mark.parametrize("written", ["z h + (1 - z) c", "c + z (h - c)", "(1 - z) h + z c"])
def test_every_activation_in_a_gru(way: str, reset_after: bool, written: str) -> None:
    kernel, recurrent, bias = weights(3)
    of_input, of_state = Affine(((X, kernel),), (bias,)), Affine(((H, recurrent),))
    (x_z, x_r, x_h), (h_z, h_r, h_h) = ([columns(a, place) for place in range(3)] for a in (of_input, of_state))
    g = DECOMPOSED[way][1]
    for gate, squash in ((g, tanh), (σ, g)):
        if written == "(1 - z) h + z c" and gate is g:
            continue  # 1 - z is a gate of the same kind for the sigmoid alone
        z, r = gate(x_z + h_z), gate(x_r + h_r)
        if reset_after:
            candidate = squash(x_h + r * h_h)
        else:
            candidate = squash(x_h + Form.of(Affine(((r * H, recurrent[:, 2 * UNITS :]),))))
        ways = {
            "z h + (1 - z) c": lambda z, h, c: z * h + one_minus(z) * c,
            "c + z (h - c)": lambda z, h, c: c + z * (h + times(c, -1)),
            "(1 - z) h + z c": lambda z, h, c: one_minus(z) * h + z * c,
        }
        cell: Any = one_cell(("h", ways[written](z, H, candidate))).cell
        assert cell.reset_after == reset_after
        inverted = written == "(1 - z) h + z c"
        assert_array_equal(
            cell.kernel, np.concatenate([-kernel[:, :UNITS], kernel[:, UNITS:]], 1) if inverted else kernel
        )
        assert_same_function(cell.activation, way if squash is g else "tanh")
        assert_same_function(cell.recurrent_activation, way if gate is g else "sigmoid")


@pytest.mark.parametrize("states", [("h", "c"), ("c", "h")])
def test_the_order_of_states_does_not_count(states: tuple[str, str]) -> None:
    kernel, recurrent, bias = weights(4)
    z = Affine(((X, kernel), (H, recurrent)), (bias,))
    i, f, c, o = (columns(z, place) for place in range(4))
    new = σ(f) * C + σ(i) * tanh(c)
    forms = {"h": σ(o) * tanh(new), "c": new}
    match = one_cell(*((name, forms[name]) for name in states))
    assert [state.leaf.name for state in match.states] == ["h", "c"]


def test_a_simple_cell() -> None:
    kernel, recurrent, bias = weights(1)
    match = one_cell(("h", tanh(Form.of(Affine(((X, kernel), (H, recurrent)), (bias,))))))
    cell = match.cell
    assert isinstance(cell, SimpleRNNCell)
    x, h = RNG.uniform(-1, 1, (2, FEATURES)), RNG.uniform(-1, 1, (2, UNITS))
    assert_allclose(cell.step(x, (h,))[0], np.tanh(x @ kernel + h @ recurrent + bias))


def almost_one_minus(form: Form) -> Form:
    return times(form, -0.9).plus_constant(np.asarray(1.0))


def test_what_is_almost_coupled_is_no_cell() -> None:
    kernel, recurrent, bias = weights(3)
    z = Affine(((X, kernel), (H, recurrent)), (bias,))
    f, c, o = (columns(z, place) for place in range(3))
    for complement, count in ((one_minus, 1), (almost_one_minus, 0)):
        new = σ(f) * C + complement(σ(f)) * tanh(c)
        states = [RecurrentState(Leaf("h"), σ(o) * tanh(new), UNITS), RecurrentState(Leaf("c"), new, UNITS)]
        assert len(list(cells(states, "cell"))) == count


def test_what_is_almost_a_gru_is_no_cell() -> None:
    kernel, recurrent, bias = weights(3)
    of_input, of_state = Affine(((X, kernel),), (bias,)), Affine(((H, recurrent),))
    (x_z, x_r, x_h), (h_z, h_r, h_h) = ([columns(a, place) for place in range(3)] for a in (of_input, of_state))
    z, candidate = σ(x_z + h_z), tanh(x_h + σ(x_r + h_r) * h_h)
    for complement, count in ((one_minus, 1), (almost_one_minus, 0)):
        new = z * H + complement(z) * candidate
        assert len(list(cells([RecurrentState(Leaf("h"), new, UNITS)], "cell"))) == count


@pytest.mark.parametrize("which", ["no recurrence", "product of states", "two inputs"])
def test_what_is_no_cell(which: str) -> None:
    kernel, recurrent, bias = weights(1)
    forms = {
        "no recurrence": tanh(Form.of(Affine(((X, kernel),), (bias,)))),
        "product of states": H * H,
        "two inputs": tanh(Form.of(Affine(((X, kernel), (Form.of(Leaf("y")), kernel), (H, recurrent))))),
    }
    assert not list(cells([RecurrentState(Leaf("h"), forms[which], UNITS)], "cell"))
