"""The comparison of models sees whatever differs, or the tests that use it would prove nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_verify import Model, load
from lstm_verify.layers import RNN, LSTMCell
from lstm_verify.operations.activations import ActivationFunction
from tests.command import model
from tests.same_models import differences

MODEL = load(model("origin_tanh_sigmoid"))


def with_cell(**changes: object) -> Model:
    lstm = MODEL.layers["lstm"]
    assert isinstance(lstm, RNN)
    return replace(MODEL, layers={**MODEL.layers, "lstm": replace(lstm, cell=replace(lstm.cell, **changes))})  # type: ignore[type-var, arg-type]


def kernel() -> np.ndarray:
    lstm = MODEL.layers["lstm"]
    assert isinstance(lstm, RNN)
    assert isinstance(lstm.cell, LSTMCell)
    return lstm.cell.kernel.copy()


def last_bit() -> np.ndarray:
    changed = kernel()
    changed[1, 2] = np.nextafter(changed[1, 2], changed.dtype.type(9))
    return changed


CHANGED = {
    "the last bit of a weight": (lambda: with_cell(kernel=last_bit()), "kernel"),
    "the dtype of a weight": (lambda: with_cell(kernel=kernel().astype("float64")), "kernel"),
    "a weight that is not there": (lambda: with_cell(bias=None), "bias"),
    "a setting": (lambda: with_cell(forget_bias=1.0), "forget_bias"),
    "a number of an activation": (
        lambda: with_cell(recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2)),
        "recurrent_activation",
    ),
    "a setting of the layer": (
        lambda: replace(MODEL, layers={**MODEL.layers, "lstm": replace(MODEL.layers["lstm"], go_backwards=True)}),
        "go_backwards",
    ),
    "the order of layers": (lambda: replace(MODEL, layers=dict(reversed(MODEL.layers.items()))), "layers"),
    "a node": (lambda: replace(MODEL, nodes=MODEL.nodes[:1]), "nodes"),
    "an input": (lambda: replace(MODEL, inputs=(replace(MODEL.inputs[0], dtype="int32"),)), "inputs"),
    "an output": (lambda: replace(MODEL, outputs=(replace(MODEL.outputs[0], name="other"),)), "outputs"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_difference_is_seen(what: str) -> None:
    change, where = CHANGED[what]
    found = [*differences(MODEL, change())]
    assert found
    assert all(where in one for one in found)


def test_a_model_is_the_same_as_itself_wherever_it_comes_from() -> None:
    assert not [*differences(MODEL, load(model("origin_tanh_sigmoid")))]
    assert not [*differences(MODEL, load(model("origin_tanh_sigmoid", "keras3.keras")))]
