"""Faults of one cell: each edit computes what it says, against one step in plain `math`."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lstm_verify.faults import Edit
from lstm_verify.layers import LSTMVariantCell
from lstm_verify.operations.activations import FUNCTIONS, ActivationFunction
from tests.builders import gru_cell, lstm_cell, simple_rnn_cell
from tests.faults.one_step import PEEPHOLES, WEIGHTS, plain_gru, plain_lstm, same, stepped
from tests.faults.steps import fit, found, only
from tests.oracle_activations import SCALAR, Vector, hard_sigmoid, sigmoid


def test_the_oracle_and_the_cells_agree_without_a_fault() -> None:
    for cell in (lstm_cell(), lstm_cell(bias=False)):
        same(cell, plain_lstm(cell))
    for reset_after in (True, False):
        same(gru_cell(reset_after=reset_after), plain_gru(gru_cell(reset_after=reset_after)))


# ------------------------------------------------------------------------------------------------ gate order


def parts_of(edit: Edit) -> tuple[str, list[str]]:
    """The order that an edit names, and the weights that it is about."""
    order = edit.behaves_as.split(" (")[0].replace(", ", "")
    words = (edit.parameter or "").replace(" and ", ", ").split(", ")
    return order, words


@pytest.mark.parametrize("kind", ["lstm", "gru", "gru reset before"])
def test_gates_read_in_another_order(kind: str) -> None:
    cell: Any = lstm_cell() if kind == "lstm" else gru_cell(reset_after=kind == "gru")
    for edit in found(cell, "gate_order"):
        order, names = parts_of(edit)
        orders = dict.fromkeys(names, order)
        plain = plain_lstm(cell, orders=orders) if kind == "lstm" else plain_gru(cell, orders=orders)
        same(edit.make(), plain)


@pytest.mark.parametrize(("cell", "gates"), [(lstm_cell(), "ifco"), (gru_cell(), "zrh")])
def test_every_order_is_tried_of_all_weights_of_the_kernels_and_of_the_bias(cell: Any, gates: str) -> None:
    tried: dict[tuple[str, ...], set[str]] = {}
    for edit in found(cell, "gate_order"):
        order, names = parts_of(edit)
        tried.setdefault(tuple(names), set()).add(order)
    others = {"".join(order) for order in permutations(gates)} - {gates}
    for several in (WEIGHTS, WEIGHTS[:2], WEIGHTS[2:]):
        assert tried[several] == others


@pytest.mark.parametrize(
    ("cell", "order", "framework"),
    [
        (lstm_cell(), "icfo", "TensorFlow 1"),
        (lstm_cell(), "iofc", "ONNX"),
        (lstm_cell(), "ifoc", "CoreML"),
        (lstm_cell(), "cfoi", "DL4J"),
        (lstm_cell(), "fico", "OpenVINO"),
        (gru_cell(), "rzh", "PyTorch"),
        (gru_cell(), "rhz", "CoreML"),
    ],
)
def test_orders_have_the_names_of_their_frameworks(cell: Any, order: str, framework: str) -> None:
    named = {parts_of(edit)[0]: edit.behaves_as for edit in found(cell, "gate_order")}
    assert framework in named[order]


def test_known_orders_come_first_and_a_cell_of_one_gate_has_none() -> None:
    whole = [edit.behaves_as for edit in found(lstm_cell(), "gate_order")][:23]
    known = [" (" in words for words in whole]
    assert known == sorted(known, reverse=True)
    assert known[0]
    assert found(simple_rnn_cell(), "gate_order") == []


def test_without_a_bias_only_kernels_are_reordered() -> None:
    cell = lstm_cell(bias=False)
    for edit in found(cell, "gate_order"):
        order, names = parts_of(edit)
        same(edit.make(), plain_lstm(cell, orders=dict.fromkeys(names, order)))
    assert not [edit for edit in found(cell, "gate_order") if edit.parameter == "bias"]


# ----------------------------------------------------------------------------------------------- activations


def scalar(name: str) -> Any:
    activation, _, rest = name.partition("(")
    parameters = {k: float(v) for k, v in (item.split("=") for item in rest[:-1].split(", ") if item)}
    return lambda x: SCALAR[activation](x, **parameters)


NEVER_FORGOTTEN = {"threshold", "affine", "scaled_tanh"}
"""Activations with numbers that nobody knows by heart, which nothing is taken for."""


@pytest.mark.parametrize("parameter", ["recurrent_activation", "activation"])
def test_other_activations(parameter: str) -> None:
    cell = lstm_cell()
    place = "gate" if parameter == "recurrent_activation" else "candidate"
    names = []
    for edit in found(cell, parameter, parameter=parameter):
        names.append(edit.behaves_as)
        got, wanted = stepped(edit.make()), plain_lstm(cell, **{place: scalar(edit.behaves_as)})
        assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)  # a slope of 0.166667 in words is 1/6
    tried = {name.split("(")[0] for name in names}
    now = "sigmoid" if place == "gate" else "tanh"
    assert tried == {n for n in FUNCTIONS if ActivationFunction(n).elementwise} - {now, *NEVER_FORGOTTEN}


@pytest.mark.parametrize("slope", [None, 0.2, 1 / 6, 0.5])
def test_all_four_hard_sigmoids_are_told_apart(slope: float | None) -> None:
    """Slopes 1/5 (Keras 2), 1/6 (Keras 3), 1/2 (QKeras), and sigmoid itself."""
    now = ActivationFunction.of("sigmoid") if slope is None else ActivationFunction.of("hard_sigmoid", slope=slope)
    cell = lstm_cell(recurrent_activation=now)
    for other in (None, 0.2, 1 / 6, 0.5):
        words = "sigmoid" if other is None else f"hard_sigmoid(slope={other:.6g})"
        edits = found(cell, "recurrent_activation", words)
        assert len(edits) == (other != slope)
        for edit in edits:
            gate = sigmoid if other is None else (lambda x, other=other: hard_sigmoid(x, other))
            same(edit.make(), plain_lstm(cell, gate=gate))


@pytest.mark.parametrize("name", ["linear", "sigmoid", "relu"])
def test_another_function_on_the_way_out_only(name: str) -> None:
    cell = lstm_cell()
    same(only(cell, "activation", name, "activation of the output"), plain_lstm(cell, output=SCALAR[name]))


# ------------------------------------------------------------------------------------- numbers in the cell


@pytest.mark.parametrize("now", [0.0, 1.0])
def test_forget_biases(now: float) -> None:
    cell = lstm_cell(forget_bias=now)
    for step in (1.0, -1.0):
        same(only(cell, "forget_bias", f"{now + step:g}"), plain_lstm(cell, forget_bias=now + step))
    same(fit(cell, "forget_bias", "forget_bias").make(0.37), plain_lstm(cell, forget_bias=0.37))


@pytest.mark.parametrize("limit", [0.5, 1.0, 3.0, 5.0, 10.0, 50.0])
def test_a_clipped_cell_state(limit: float) -> None:
    cell = lstm_cell(forget_bias=3.0)
    same(only(cell, "clip", f"{limit:g}", "cell_clip"), plain_lstm(cell, forget_bias=3.0, cell_clip=limit))


def test_a_clip_that_is_fitted_or_left_out() -> None:
    cell = lstm_cell()
    same(fit(cell, "clip", "cell_clip").make(0.123), plain_lstm(cell, cell_clip=0.123))
    same(fit(cell, "clip", "clip of what goes into the gates").make(0.2), plain_lstm(cell, gate_clip=0.2))
    clipped = fit(cell, "clip", "cell_clip").make(0.123)
    same(only(clipped, "clip", "none", "cell_clip"), plain_lstm(cell))


@pytest.mark.parametrize("limit", [0.5, 1.0, 3.0])
def test_a_clip_of_what_goes_into_the_gates(limit: float) -> None:
    """ONNX: of all four before their functions; the cell state on its way out is not cut."""
    cell = replace(lstm_cell(), kernel=4 * lstm_cell().kernel)
    made = only(cell, "clip", f"{limit:g}", "clip of what goes into the gates")
    same(made, plain_lstm(cell, gate_clip=limit))
    forgetful = replace(cell, forget_bias=1.0)
    made = only(forgetful, "clip", f"{limit:g}", "clip of what goes into the gates")
    same(made, plain_lstm(forgetful, gate_clip=limit, forget_bias=1.0))


# --------------------------------------------------------------------------------------- gates made of others


@pytest.mark.parametrize(("gate", "words"), [("i", "i = 1 - f"), ("f", "f = 1 - i")])
def test_coupled_gates(gate: str, words: str) -> None:
    cell = lstm_cell()
    same(only(cell, "coupled_gates", words), plain_lstm(cell, coupled=gate))
    assert found(only(cell, "coupled_gates", words), "coupled_gates") == []


@pytest.mark.parametrize("reset_after", [True, False])
def test_an_inverted_update_gate(reset_after: bool) -> None:
    cell = gru_cell(reset_after=reset_after)
    same(only(cell, "update_gate_inverted"), plain_gru(cell, inverted=True))
    assert found(lstm_cell(), "update_gate_inverted") == []


def with_peepholes(which: str = "ifo") -> LSTMVariantCell:
    plain = lstm_cell()
    weights: dict[str, Any] = {name: getattr(plain, name) for name in WEIGHTS}
    weights |= {f"peephole_{gate}": PEEPHOLES[gate] for gate in which}
    return LSTMVariantCell(name="cell", **weights)


def listed(*gates: str) -> dict[str, Vector]:
    return {gate: PEEPHOLES[gate].tolist() for gate in gates}


def test_peepholes() -> None:
    cell = with_peepholes()
    same(cell, plain_lstm(cell, peepholes=listed(*"ifo")))
    same(only(cell, "peephole", "none", "peepholes"), plain_lstm(cell))
    for gate in "ifo":
        others = [other for other in "ifo" if other != gate]
        same(only(cell, "peephole", "none", f"peephole_{gate}"), plain_lstm(cell, peepholes=listed(*others)))
    for order in permutations("ifo"):
        if order != ("i", "f", "o"):
            exchanged = {gate: PEEPHOLES[other].tolist() for gate, other in zip("ifo", order, strict=True)}
            same(only(cell, "peephole", ", ".join(order), "peepholes"), plain_lstm(cell, peepholes=exchanged))
    assert found(lstm_cell(), "peephole") == []
    same(only(with_peepholes("o"), "peephole", "none"), plain_lstm(cell))


def test_every_edit_of_a_cell_computes_something_else() -> None:
    """An edit that changes nothing would explain nothing, and make blind spots of what is seen."""
    cells: list[Any] = [lstm_cell(), gru_cell(), gru_cell(reset_after=False), simple_rnn_cell(), with_peepholes()]
    for cell in cells:
        before = stepped(cell)
        for name in ("gate_order", "bias", "kernel_layout", "activation", "recurrent_activation", "peephole"):
            for edit in found(cell, name):
                after = stepped(edit.make())
                assert max(float(np.abs(a - b).max()) for a, b in zip(after, before, strict=True)) > 1e-6, edit
