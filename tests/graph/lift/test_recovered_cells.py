"""What is recovered of the recurrent cells in TensorFlow graphs: kind, gates, activations, numbers, weights.

The zoo of TensorFlow 1 declares what each graph was made of. A SavedModel of Keras is compared with the `.h5` file that
the same framework wrote of the same model, which has its config in words.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from lstm_verify import load, replay
from lstm_verify.formats.tensorflow import reader
from lstm_verify.graph import lift
from lstm_verify.graph.lift.candidates import GRID
from lstm_verify.graph.lift.gates import Match, Unlike
from lstm_verify.graph.lift.lstm import lstm
from lstm_verify.inspection import recurrences
from lstm_verify.layers import RNN, Bidirectional, Cell, Layer, StackedCells, TimeDistributed
from lstm_verify.layers.recurrent.scan import Recovered
from lstm_verify.layers.recurrent.written_out import WrittenOut
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from tests.conftest import FIXTURES
from tests.formats.test_graph_zoo import SAVED, TF1, UNSUPPORTED
from tests.graph_zoo import Zoo, loops, scans

STILL_LOOPS = {"residual", "raw", "raw_while", "unknown_multi"}
"""Graphs of TensorFlow 1 with a loop that does more than to run cells: they are told, and the loop stays."""

KINDS = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "simple_rnn"}
HALF = {"float16": 1e-3, "bfloat16": 1e-2}
"""How far weights may be off that a graph keeps in a coarser dtype than the `.h5` file."""

ROUNDING = 1e-7
"""How far the sum of two biases may be off in float32."""

Found = tuple[Any, Recovered]


def cells(model: Model) -> list[Found]:
    """Every cell that was recognised, with where it comes from."""
    looped = [pair for scan in scans(model) for pair in zip(scan.cells, scan.recovered, strict=True)]
    rolled = [(layer.rnn.cell, layer.recovered) for layer in model.layers.values() if isinstance(layer, WrittenOut)]
    return looped + rolled + [(found.cell, found.recovered) for found in model.unrolled]


# --- TensorFlow 1: what the zoo declares


def told(cell: Any, origin: Recovered) -> dict[str, Any]:
    """What was recovered of a cell, in the words of the zoo."""
    found = {
        "kind": KINDS[cell.kind],
        "units": cell.units,
        "gates": origin.gate_order.replace(", ", ""),
        "activation": str(cell.activation),
        "recurrent_activation": str(getattr(cell, "recurrent_activation", "")),
        "forget_bias": getattr(cell, "forget_bias", 0.0),
        "reset_after": getattr(cell, "reset_after", False),
        "peepholes": getattr(cell, "peephole_o", None) is not None,
        "coupled": getattr(cell, "coupled", None) is not None,
        "cell_clip": _rounded(getattr(cell, "cell_clip", None)),
        "projection": None if getattr(cell, "projection", None) is None else cell.projection.shape[1],
        "proj_clip": _rounded(getattr(cell, "projection_clip", None)),
        "layer_norm": getattr(cell, "layer_norm_epsilon", None) is not None,
    }
    return {key: value for key, value in found.items() if value}


def declared(cell: dict[str, Any], name: str) -> dict[str, Any]:
    """What the zoo says of a cell, in the letters that gates have here."""
    gates = {"lstm": cell.get("gates", ""), "gru": cell.get("gates", "") + "h", "simple_rnn": "h"}[cell["kind"]]
    if name == "lstm_sharded":  # each gate is put together from pieces of several variables
        gates = ""
    words = {**cell, "gates": gates.replace("j", "c").replace("u", "z")}
    if cell.get("recurrent_activation") == "hard_sigmoid":
        words["recurrent_activation"] = "hard_sigmoid(slope=0.2)"
    return {key: value for key, value in words.items() if value and key != "direction"}


def _rounded(value: float | None) -> float | None:
    """A number before float32 rounded it."""
    return None if value is None else float(f"{value:.6g}")


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name, form in TF1 if form not in ("unfrozen", "builder")], ids=lambda part: part
)
def test_cells_of_tensorflow_1(graph_zoo: Zoo, name: str, form: str) -> None:
    zoo = graph_zoo("tf1")
    model = zoo.load(zoo.files(name)[form])
    found = [told(*pair) for pair in cells(model)]
    expected = [declared(cell, name) for cell in zoo.entries[name]["cells"]]
    assert sorted(found, key=str) == sorted(expected, key=str)
    unknown = name.startswith("unknown") and "static" not in name
    assert bool(loops(model)) == (unknown or name in STILL_LOOPS)


@pytest.mark.parametrize("name", ["unknown", "unknown_while"])
def test_a_loop_of_no_known_cell_is_reported(graph_zoo: Zoo, name: str) -> None:
    zoo = graph_zoo("tf1")
    model = zoo.load(zoo.files(name)["pb"])
    assert [item["type"] for item in recurrences(model)] == [None]


def test_a_dropout_that_does_not_keep_everything_is_no_recurrent_layer(graph_zoo: Zoo) -> None:
    zoo = graph_zoo("tf1")
    path = zoo.files("dropout_placeholder")["pb"]
    model = zoo.load(path)
    with zoo.as_read(), mock.patch.object(lift, "recognise", side_effect=Unlike):
        as_written = load(path)
    assert (len(scans(model)), len(scans(as_written))) == (1, 0)
    x, _ = zoo.arrays("dropout_placeholder")
    found = {}
    for keep in (1.0, 0.5):
        given = {**x, "keep_prob": np.asarray(keep, np.float32)}
        found[keep], expected = (replay(each, given)["output"] for each in (model, as_written))
        np.testing.assert_allclose(found[keep], expected, rtol=1e-6, atol=1e-9)
    assert np.abs(found[1.0] - found[0.5]).max() > 0.1


@pytest.mark.parametrize(("name", "place"), [("raw", "cells"), ("static", "attempts")])
def test_a_cell_that_computes_something_else_is_not_told(graph_zoo: Zoo, name: str, place: str) -> None:
    def wrong(*given: Any) -> Match:
        match = lstm(*given)
        return replace(match, cell=replace(match.cell, forget_bias=0.9))

    zoo = graph_zoo("tf1")
    path = zoo.files(name)["pb"]
    module = importlib.import_module(f"lstm_verify.graph.lift.{place}")
    for recogniser, count in ((lstm, 1), (wrong, 0)):
        with zoo.as_read(), mock.patch.object(module, "lstm", recogniser):
            assert len(cells(load(path))) == count


@pytest.mark.parametrize("form", ["ckpt", "saved_model"])
@pytest.mark.parametrize("name", ["basic_lstm", "lstm_full", "multi", "gru_while"])
def test_weights_are_those_of_the_checkpoint(graph_zoo: Zoo, name: str, form: str, tmp_path: Path) -> None:
    zoo = graph_zoo("tf1")
    path = zoo.files(name)[form]
    with zoo.as_read():
        variables = reader.read_graph(path).variables
    assert variables
    for cell, origin in cells(zoo.load(path)):
        whole = np.concatenate([cell.kernel, cell.recurrent_kernel])
        blocks = dict(zip(cell.blocks, np.split(whole, len(cell.blocks), axis=1), strict=True))
        if cell.kind == "GRU":  # two variables: the gates, the candidate
            joined = [[blocks["r"], blocks["z"]], [blocks["h"]]]
        else:
            joined = [[blocks[gate] for gate in origin.gate_order.split(", ")]]
        kernels = [variables[key] for key in origin.variables if key.endswith("kernel") and "projection" not in key]
        for expected, parts in zip(kernels, joined, strict=True):
            np.testing.assert_array_equal(np.concatenate(parts, axis=1), expected)


# --- Keras: what the `.h5` file of the same model says


def cells_of(layer: Layer | Cell) -> Iterator[Any]:
    """The recurrent cells of a model that was read from a config."""
    if isinstance(layer, Model):
        for name in dict.fromkeys(node.layer for node in layer.nodes):
            yield from cells_of(layer.layers[name])
    elif isinstance(layer, Bidirectional):
        yield from (*cells_of(layer.forward_layer), *cells_of(layer.backward_layer))
    elif isinstance(layer, TimeDistributed):
        yield from cells_of(layer.layer)
    elif isinstance(layer, RNN):
        yield from cells_of(layer.cell)
    elif isinstance(layer, StackedCells):
        for cell in layer.cells:
            yield from cells_of(cell)
    elif isinstance(layer, Cell):
        yield layer


def same(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two cells compute the same, and have the same kind of gates."""
    if one.kind != other.kind or len(one.kernel) != len(other.kernel) or one.units != other.units:
        return False
    if getattr(one, "reset_after", None) != getattr(other, "reset_after", None):
        return False
    functions = all(
        _same_function(getattr(one, key), getattr(other, key))
        for key in ("activation", "recurrent_activation")
        if hasattr(one, key)
    )
    pairs = [(one.kernel, other.kernel), (one.recurrent_kernel, other.recurrent_kernel)]
    kernels = all(np.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in pairs)
    biases = all(
        np.allclose(a, b, rtol=tolerance, atol=tolerance or ROUNDING)
        for a, b in zip(*map(_biases, (one, other)), strict=True)
    )
    return functions and kernels and biases


def _same_function(one: Any, other: Any) -> bool:
    if not (one.elementwise and other.elementwise):
        return bool(one == other)
    return np.allclose(one(GRID), other(GRID), rtol=1e-6, atol=1e-6)


def _biases(cell: Any) -> Iterator[np.ndarray]:
    """The biases; two that are always added to each other count as one, and none as zeros."""
    bias = np.zeros(cell.kernel.shape[1]) if cell.bias is None else np.array(cell.bias, np.float64)
    if bias.ndim == 2:
        gates = 2 * cell.units
        yield bias[1, gates:]
        bias[0, :gates] += bias[1, :gates]
        bias = bias[0]
    yield bias + np.repeat([0, getattr(cell, "forget_bias", 0.0), 0, 0], cell.units) if cell.kind == "LSTM" else bias


WITH_CELLS = [pair for pair in SAVED if pair not in UNSUPPORTED]


@pytest.mark.parametrize(("framework", "name"), WITH_CELLS)
def test_cells_of_keras(graph_zoo: Zoo, zoo: Callable[[str], Path], framework: str, name: str) -> None:
    saved = graph_zoo(f"saved_{framework}")
    (path,) = saved.files(name).values()
    model = saved.load(path)
    # the loop of Keras 2 around a layer that assigns its states in each round
    assert bool(loops(model)) == ((framework, name.startswith("each_stateful")) == ("tf_keras", True))
    expected = list(cells_of(load(zoo(framework) / f"{name.partition('.')[0]}.h5")))
    found = [cell for cell, _ in cells(model)]
    tolerance = HALF.get(model.precision, 0.0)
    assert all(any(same(one, other, tolerance) for other in found) for one in expected)
    assert all(any(same(one, other, tolerance) for other in expected) for one in found)


@pytest.mark.parametrize(("framework", "slope"), [("keras", 1 / 6), ("tf_keras", 0.2)])
def test_hard_sigmoid_is_the_one_that_runs(graph_zoo: Zoo, framework: str, slope: float) -> None:
    saved = graph_zoo(f"saved_{framework}")
    ((cell, _),) = cells(saved.load(saved.folder / "lstm_recurrent_activation_hard_sigmoid"))
    assert cell.recurrent_activation.name == "hard_sigmoid"
    assert dict(cell.recurrent_activation.parameters)["slope"] == pytest.approx(slope, rel=1e-6)


def _exchanged(array: np.ndarray) -> np.ndarray:
    i, f, c, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, c, f, o], axis=-1)


def test_differences_are_seen() -> None:
    cell = next(cells_of(load(FIXTURES / "origin_tanh_sigmoid.keras3.h5")))
    assert same(cell, cell, 0.0)
    arrays = {key: _exchanged(getattr(cell, key)) for key in ("kernel", "recurrent_kernel", "bias")}
    hard = {"recurrent_activation": ActivationFunction.of("hard_sigmoid", slope=0.2)}
    softer = {"recurrent_activation": ActivationFunction.of("hard_sigmoid", slope=1 / 6)}
    changes: list[dict[str, Any]] = [
        *({key: array} for key, array in arrays.items()),
        {"forget_bias": 1.0},
        {"bias": None},
        hard,
    ]
    assert not any(same(cell, replace(cell, **change), 0.0) for change in changes)
    assert not same(replace(cell, **hard), replace(cell, **softer), 0.0)
