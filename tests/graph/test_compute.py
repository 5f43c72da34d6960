"""Entries of a made-up table: what becomes of the inputs and the attributes of its operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.graph.compute import Argument, Compute, Only, Option
from lstm_verify.graph.translate import Entry
from lstm_verify.model import Model, Tensor
from tests.graph.toy import built, constant, node, run

X, Y = [[1.0, 2.0]], [[3.0, 4.0]]
JOIN: dict[str, Entry] = {"Join": Compute("concatenate", keywords={-1: Option("axis", int)})}
MINUS = {"Minus": Compute("subtract")}


def inputs_of(model: Model, name: str) -> list[str]:
    (call,) = (call for call in model.nodes if call.layer == name)
    return [tensor.layer for tensor in call.inputs]


def test_inputs_in_their_order() -> None:
    assert run(built(MINUS, [node("z", "Minus", "x", "y")], "z"), X, Y) == [[[-2.0, -2.0]]]


def test_inputs_in_another_order() -> None:
    entries = {"Minus": Compute("subtract", arguments=lambda x, y: (y, x))}
    model = built(entries, [node("z", "Minus", "x", "y")], "z")
    assert run(model, X, Y) == [[[2.0, 2.0]]]
    assert inputs_of(model, "z") == ["x", "y"]


def test_an_input_that_is_dropped_is_not_asked_for() -> None:
    entries = {"Negate": Compute("negative", arguments=lambda seed, x: (x,))}
    model = built(entries, [node("z", "Negate", "x", "y")], "z")
    assert run(model, X, Y) == [[[-3.0, -4.0]]]
    assert inputs_of(model, "z") == ["y"]


@pytest.mark.parametrize("inputs", [("x",), ("x", ""), ("x", "", "")])
def test_what_stands_for_an_input_that_is_left_out(inputs: tuple[str, ...]) -> None:
    def bounds(x: Any, low: Any = None, high: Any = None) -> tuple[Any, ...]:
        return x, np.float32(1.5) if low is None else low, np.float32(3.5) if high is None else high

    model = built({"Bound": Compute("clip", arguments=bounds)}, [node("z", "Bound", *inputs)], "z")
    assert run(model, [0.0, 2.0, 9.0], Y) == [[1.5, 2.0, 3.5]]


def test_a_constant_input_becomes_a_keyword() -> None:
    model = built(JOIN, [constant("axis", 1), node("z", "Join", "x", "y", "axis")], "z")
    assert run(model, X, Y) == [[[1.0, 2.0, 3.0, 4.0]]]
    assert model.layers["z"].options == {"axis": 1}  # type: ignore[attr-defined]
    assert inputs_of(model, "z") == ["x", "y", "axis"]


def test_a_constant_is_found_behind_what_hands_it_on() -> None:
    nodes = [constant("axis", 0), node("same", "HandOn", "axis"), node("z", "Join", "x", "y", "same")]
    assert built(JOIN, nodes, "z").layers["z"].options == {"axis": 0}  # type: ignore[attr-defined]


def test_an_input_that_is_computed_is_a_keyword_too() -> None:
    nodes = [constant("one", 1), node("axis", "Minus", "one", "one"), node("z", "Join", "x", "y", "axis")]
    assert run(built(JOIN | MINUS, nodes, "z"), X, Y) == [[[1.0, 2.0], [3.0, 4.0]]]


def test_an_input_of_the_graph_is_a_keyword_too() -> None:
    model = built(JOIN, [node("z", "Join", "x", "y", "a")], "z", inputs="xya")
    assert run(model, X, Y, 1) == [[[1.0, 2.0, 3.0, 4.0]]]


def test_a_keyword_by_its_place_from_the_start_and_left_out() -> None:
    entries = {"Join": Compute("concatenate", keywords={0: Option("axis", int)})}
    assert run(built(entries, [node("z", "Join", "", "x", "y")], "z"), X, Y) == [[[1.0, 2.0], [3.0, 4.0]]]
    nodes = [constant("axis", 1), node("z", "Join", "axis", "x", "y")]
    assert run(built(entries, nodes, "z"), X, Y) == [[[1.0, 2.0, 3.0, 4.0]]]


@pytest.mark.parametrize("inputs", [("x", "y"), ("x", "y", "")])
def test_the_default_of_a_keyword_that_is_left_out(inputs: tuple[str, ...]) -> None:
    along = {2: Option("axis", int, default="1")}
    halves = Compute("split_evenly", {"parts": Option("parts")}, arguments=lambda x, y: (x,), keywords=along)
    model = built({"Halves": halves}, [node("z", "Halves", *inputs, parts=2)], "z", "z:1")
    assert run(model, X, Y) == [[[1.0]], [[2.0]]]


def test_a_constant_that_is_none_of_the_known_values() -> None:
    entries = {"Join": Compute("concatenate", keywords={-1: Option("axis", {0: 0}.__getitem__)})}
    with pytest.raises(UnsupportedError, match=r"^node 'z': operation Join with axis=.* is not supported"):
        built(entries, [constant("axis", [7]), node("z", "Join", "x", "y", "axis")], "z")


def test_an_attribute_becomes_a_keyword_converted_or_by_default() -> None:
    entries = {"Join": Compute("concatenate", {"along": Option("axis", {"rows": 0, "columns": 1}.__getitem__)})}
    assert run(built(entries, [node("z", "Join", "x", "y", along="columns")], "z"), X, Y) == [[[1.0, 2.0, 3.0, 4.0]]]
    entries = {"Join": Compute("concatenate", {"along": Option("axis", default=1)})}
    assert run(built(entries, [node("z", "Join", "x", "y")], "z"), X, Y) == [[[1.0, 2.0, 3.0, 4.0]]]
    entries = {"Join": Compute("concatenate", {"along": Option("axis", {"rows": 0}.__getitem__)})}
    with pytest.raises(UnsupportedError, match="operation Join with along='depth' is not supported"):
        built(entries, [node("z", "Join", "x", "y", along="depth")], "z")


def test_attributes_that_mean_something_together() -> None:
    entries = {"Join": Compute("concatenate", {("along", "from_end"): Option("axis", lambda n, end: -n if end else n)})}
    for attributes in ({"along": 1}, {"along": 1, "from_end": True}):
        assert run(built(entries, [node("z", "Join", "x", "y", **attributes)], "z"), X, Y) == [[[1.0, 2.0, 3.0, 4.0]]]
    assert run(built(entries, [node("z", "Join", "x", "y", along=2, from_end=True)], "z"), X, Y) == [[*X, *Y]]


def test_attributes_become_arguments_where_others_have_inputs() -> None:
    bounds: dict[str, Any] = {"least": Argument(1, np.float32), "most": Argument(2, np.float32, default=9.0)}
    entries = {"Bound": Compute("clip", bounds)}
    assert run(built(entries, [node("z", "Bound", "x", least=2, most=3.0)], "z"), [1.0, 5.0], Y) == [[2.0, 3.0]]
    assert run(built(entries, [node("z", "Bound", "x", least=2)], "z"), [1.0, 50.0], Y) == [[2.0, 9.0]]


def test_attributes_that_must_have_one_value_and_those_without_effect() -> None:
    entries = {"Minus": Compute("subtract", {"mode": Only(("plain",))}, frozenset({"hint"}))}
    assert built(entries, [node("z", "Minus", "x", "y", mode="plain", hint=3, note="any", _made_by="a tool")], "z")
    for wrong in ({"mode": "round"}, {"unheard": 1}):
        ((key, value),) = wrong.items()
        with pytest.raises(UnsupportedError, match=f"^node 'z': operation Minus with {key}={value!r} is not supported"):
            built(entries, [node("z", "Minus", "x", "y", **wrong)], "z")


def test_more_inputs_than_there_are() -> None:
    entries = {"Negate": Compute("negative", arguments=lambda x: (x,))}
    with pytest.raises(ModelFileError, match="node 'z': 2 inputs, which Negate does not have"):
        built(entries, [node("z", "Negate", "x", "y")], "z")


def test_one_tensor_twice_is_two_inputs() -> None:
    model = built(MINUS, [node("z", "Minus", "x", "x")], "z")
    assert run(model, X, Y) == [[[0.0, 0.0]]]
    assert [call.inputs for call in model.nodes] == [(Tensor("x"), Tensor("x"))]
