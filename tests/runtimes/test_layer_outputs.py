"""What a framework's layers compute, asked for to find the first that differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import load, runtimes
from lstm_verify.diagnosis.experiment import experiment
from lstm_verify.diagnosis.localise import SEQUENCE, place_in_layers
from lstm_verify.inputs import bind
from lstm_verify.judging.tolerance import SIGMAS
from lstm_verify.runtimes.layer_outputs import LayerOutputs

pytestmark = pytest.mark.framework
FIXTURES = Path(__file__).parents[2] / "fixtures"
SAMPLES = np.array([4, 1, 2])


@pytest.mark.parametrize(("framework", "suffix"), [("keras", "keras3"), ("tf_keras", "keras2")])
def test_layers_of_a_framework_are_those_of_the_replay(framework: str, suffix: str) -> None:
    path = FIXTURES / f"stacked_gru.{suffix}.h5"
    model = load(path)
    inputs, _ = bind(model, dict(np.load(FIXTURES / "stacked_gru.x.npz")))
    tapped = LayerOutputs(framework, runtimes.Request(path, inputs, model.suffix))(SAMPLES)
    assert tapped is not None
    assert f"{list(model.layers)[1]}{SEQUENCE}" in tapped
    place = place_in_layers(experiment(model, inputs, None, SAMPLES), tapped)
    assert place is not None
    assert place.layer is None
    assert [layer.layer for layer in place.layers] == list(model.layers)
    assert all(layer.carried < SIGMAS and (layer.introduced or 0) < SIGMAS for layer in place.layers)

    # the second layer of the file has another weight: it introduces what the third carries on
    name = list(model.layers)[1]
    rnn = model.layers[name]
    cell = rnn.cell  # type: ignore[attr-defined]
    changed = replace(rnn, cell=replace(cell, kernel=cell.kernel + 0.01))  # type: ignore[call-arg]
    other = replace(model, layers={**model.layers, name: changed})
    place = place_in_layers(experiment(other, inputs, None, SAMPLES), tapped)
    assert place is not None
    assert place.layer == name
    first, second, third = place.layers
    assert first.carried < SIGMAS < second.carried
    assert third.carried > SIGMAS > (third.introduced or 0)

    # one weight is another: the first layer returns all steps, and the second would
    for (name, rnn), weight, index, gate in zip(
        list(model.layers.items())[:2],
        ("kernel", "recurrent_kernel"),
        ((1, 7), (2, 1)),
        ("r", "z"),
        strict=True,
    ):
        cell = rnn.cell  # type: ignore[attr-defined]
        array = getattr(cell, weight).copy()
        array[index] += 0.25
        off = replace(rnn, cell=replace(cell, **{weight: array}))  # type: ignore[call-arg]
        other = replace(model, layers={**model.layers, name: off})
        place = place_in_layers(experiment(other, inputs, None, SAMPLES), tapped)
        assert place is not None
        assert (place.layer, place.gate) == (name, gate)
        assert place.weight is not None
        assert place.weight[:2] == (weight, index)
        assert abs(place.weight[2] + 0.25) < 1e-4
