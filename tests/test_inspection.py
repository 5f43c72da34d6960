"""What `inspect` says of recurrent cells: all that decides what they compute, as plain data."""

from __future__ import annotations

import json as standard
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_verify.inspection import inspect
from lstm_verify.layers import Layer, LSTMVariantCell, StackedCells
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.reporters import json
from tests.builders import gru_cell, lstm_cell, random_array, rnn, sequential

WEIGHTS = {"kernel": random_array(3, 16), "recurrent_kernel": random_array(4, 16, seed=1)}
COUPLED = {"kernel": random_array(3, 12), "recurrent_kernel": random_array(4, 12, seed=1)}


def found_for(layer: Layer) -> dict[str, Any]:
    """The description of a layer, after a round trip through JSON."""
    found = standard.loads(json.render(inspect(sequential(layer))))["layers"][0]
    assert isinstance(found, dict)
    return found


def settings_of(**options: Any) -> dict[str, Any]:
    cell = LSTMVariantCell(name="cell", **{**WEIGHTS, **options})
    settings = found_for(rnn(cell))["settings"]
    assert isinstance(settings, dict)
    return settings


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, {"units": 4, "gates": "i, f, c, o", "activation": "tanh", "recurrent_activation": "sigmoid"}),
        ({"forget_bias": 1.0}, {"forget_bias": 1.0}),
        ({"cell_clip": 3.0}, {"cell_clip": 3.0}),
        ({"cell_clip": np.float32(0.5)}, {"cell_clip": 0.5}),
        ({"cell_clip": float("inf")}, {"cell_clip": "inf"}),
        ({"peephole_i": np.ones(4), "peephole_o": np.ones(4)}, {"peepholes": "i, o"}),
        ({**COUPLED, "coupled": "i"}, {"units": 4, "gates": "f, c, o", "coupled": "i = 1 - f"}),
        ({**COUPLED, "coupled": "f"}, {"units": 4, "gates": "i, c, o", "coupled": "f = 1 - i"}),
        ({"layer_norm_epsilon": 1e-12}, {"layer_norm_epsilon": 1e-12}),
        ({"output_activation": ActivationFunction.of("relu")}, {"activation": "tanh", "output_activation": "relu"}),
        (
            {"recurrent_kernel": np.ones((2, 16)), "projection": np.ones((4, 2)), "projection_clip": 0.25},
            {"units": 4, "projected_to": 2, "projection_clip": 0.25},
        ),
    ],
)
def test_every_option_of_an_lstm_is_shown(options: dict[str, Any], shown: dict[str, Any]) -> None:
    settings = settings_of(**options)
    assert {key: settings.get(key) for key in shown} == shown


def test_what_an_lstm_has_not_is_not_shown() -> None:
    absent = {"peepholes", "coupled", "cell_clip", "projected_to", "projection_clip", "layer_norm_epsilon"}
    assert not absent & set(settings_of())


def test_the_weights_of_a_variant_are_listed() -> None:
    cell = LSTMVariantCell(name="cell", **WEIGHTS, peephole_f=np.ones(4), layer_norm_epsilon=1.0, gamma=np.ones(16))
    shapes = {name: weight["shape"] for name, weight in found_for(rnn(cell))["weights"].items()}
    assert shapes == {"kernel": [3, 16], "recurrent_kernel": [4, 16], "peephole_f": [4], "gamma": [16]}


def test_the_forget_bias_of_a_plain_lstm() -> None:
    assert found_for(rnn(lstm_cell()))["settings"]["forget_bias"] == 0.0
    assert found_for(rnn(lstm_cell(forget_bias=1.0)))["settings"]["forget_bias"] == 1.0


def test_stacked_cells_are_described_one_by_one() -> None:
    upper = replace(gru_cell(units=2, features=4), activation=ActivationFunction.of("relu"))
    found = found_for(rnn(StackedCells(name="stack", cells=(lstm_cell(), upper))))
    assert found["type"] == "StackedRNNCells"
    assert [(layer["name"], layer["type"]) for layer in found["layers"]] == [("cells/0", "LSTM"), ("cells/1", "GRU")]
    assert [layer["settings"]["units"] for layer in found["layers"]] == [4, 2]
    assert found["layers"][1]["settings"]["activation"] == "relu"
    assert found["layers"][1]["weights"]["kernel"]["shape"] == [4, 6]
    assert "cells/1/kernel" in found["weights"]
