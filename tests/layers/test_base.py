"""What all layers share: read-only weights, casts, paths and traces."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.layers import Bidirectional, Run, StackedCells
from lstm_verify.layers.operation import Operation, Slot
from tests.builders import gru_cell, lstm_cell, lstm_model, random_array, rnn


def nested() -> Bidirectional:
    ahead = rnn(StackedCells(name="stack", cells=(lstm_cell(), gru_cell(features=4))))
    return Bidirectional(name="bi", forward_layer=ahead, backward_layer=rnn(lstm_cell(bias=False)))


def test_every_weight_has_its_path() -> None:
    assert [path for path, _ in nested().weights()] == [
        *(f"forward_layer/cells/{cell}/{w}" for cell in (0, 1) for w in ("kernel", "recurrent_kernel", "bias")),
        "backward_layer/kernel",
        "backward_layer/recurrent_kernel",
    ]


def test_weights_cannot_be_written() -> None:
    for path, weight in (*nested().weights(), *lstm_model().weights()):
        with pytest.raises(ValueError, match="read-only"):
            weight[...] = 0
        assert weight.any(), path


def test_a_cast_reaches_every_weight_and_leaves_the_original() -> None:
    layer = nested()
    cast = layer.astype("float32")
    assert {str(weight.dtype) for _, weight in cast.weights()} == {"float32"}
    assert {str(weight.dtype) for _, weight in layer.weights()} == {"float64"}
    for (path, weight), (_, original) in zip(cast.weights(), layer.weights(), strict=True):
        assert_array_equal(weight, original.astype("float32"), err_msg=path)
        assert not weight.flags.writeable


def test_a_cast_reaches_the_constants_of_operations_but_not_integers() -> None:
    constant, index = random_array(3), np.array([0, 2])
    operation = Operation(name="op", operation="add", arguments=(Slot(0), constant), options={"out": index})
    cast = operation.astype("float32")
    assert cast.arguments[1].dtype == np.float32
    assert cast.options["out"].dtype == index.dtype
    assert cast.arguments[0] == Slot(0)
    assert isinstance(cast.arguments[0], Slot)


def test_a_run_records_calls_and_further_outputs_by_path() -> None:
    run = Run(trace={}).inside("outer").inside("layer")
    for _ in range(3):
        run.record("", np.zeros(1))
    run.record(":1", np.zeros(1))
    run.record("i", np.zeros(1))
    assert list(run.trace or {}) == [
        "outer/layer",
        "outer/layer@1",
        "outer/layer@2",
        "outer/layer:1",
        "outer/layer/i",
    ]


def test_a_run_without_a_trace_keeps_nothing() -> None:
    run = Run()
    run.record("", np.zeros(1))
    assert run.trace is None


def test_runs_further_down_share_their_states() -> None:
    run = Run()
    run.inside("a").states["a"] = (np.zeros(1),)
    assert list(run.inside("b").states) == ["a"]
