"""A cell written out step by step, which begins each batch with the state that the last one left in a variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify import Verdict, verify
from lstm_verify.graph.lift import lift
from lstm_verify.layers import Layer
from lstm_verify.layers.constant import Constant, State, Update
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor

STEPS, BATCH, FEATURES, UNITS = 4, 2, 3, 4
RNG = np.random.default_rng(11)
W, U = RNG.normal(size=(FEATURES, UNITS)), RNG.normal(size=(UNITS, UNITS))
X = RNG.normal(size=(6, STEPS, FEATURES)).astype(np.float32)


def graph() -> Model:
    """h = tanh(x_t W + h U) for every step, from a variable that is zero at first, to which the last h is assigned."""
    layers: dict[str, Layer] = {
        "h": State(name="h", initial=np.zeros((BATCH, UNITS), np.float32)),
        "W": Constant(name="W", value=W.astype(np.float32)),
        "U": Constant(name="U", value=U.astype(np.float32)),
    }
    calls = [LayerCall(name, ()) for name in layers]

    def add(name: str, operation: str, *inputs: str, arguments: Any = None) -> str:
        slots = arguments or tuple(map(Slot, range(len(inputs))))
        layers[name] = Operation(name=name, operation=operation, arguments=slots)
        calls.append(LayerCall(name, tuple(map(Tensor, inputs))))
        return name

    state = "h"
    for t in range(STEPS):
        step = add(f"x{t}", "get_item", "x", arguments=(Slot(0), (slice(None), t)))
        of_x, of_h = add(f"xW{t}", "matmul", step, "W"), add(f"hU{t}", "matmul", state, "U")
        state = add(f"h{t}", "tanh", add(f"z{t}", "add", of_x, of_h))
    layers["assign"] = Update(name="assign", state="h")
    calls.append(LayerCall("assign", (Tensor(state),)))
    inputs = (Input("x", (BATCH, STEPS, FEATURES), "float32"),)
    return Model(name="m", layers=layers, nodes=tuple(calls), inputs=inputs, outputs=(Output("y", Tensor(state)),))


def equations(carries: bool) -> Any:
    """The last state of every sample, in float64."""
    h, found = np.zeros((BATCH, UNITS)), []
    for batch in X.astype(np.float64).reshape(-1, BATCH, STEPS, FEATURES):
        h = h if carries else np.zeros_like(h)
        for step in batch.transpose(1, 0, 2):
            h = np.tanh(step @ np.float32(W).astype(np.float64) + h @ np.float32(U).astype(np.float64))
        found.append(h)
    return np.concatenate(found)


def test_a_state_that_is_carried_over_is_not_forgotten() -> None:
    """In a first batch it is zero, as that of a layer would be in every one."""
    model = lift(graph())
    assert model.stateful
    assert [cell.steps for cell in model.unrolled] == [STEPS]
    assert verify(model, X, expected=equations(carries=True), blind_spots=False).verdict is Verdict.MATCH
    wrong = verify(model, X, expected=equations(carries=False), diagnose=False)
    assert wrong.verdict is Verdict.MISMATCH
