"""Entries of a made-up table for operations that are several in one."""

from __future__ import annotations

import pytest

from lstm_verify.errors import UnsupportedError
from lstm_verify.graph.compute import Compute, Option
from lstm_verify.graph.expand import Expand, expanded, step
from lstm_verify.graph.ir import ABSENT, Graph, Ref
from lstm_verify.graph.translate import Entry, Table
from lstm_verify.model import Input
from tests.graph.toy import CONSTANT, built, constant, node, run

ENTRIES: dict[str, Entry] = {
    "Minus": Compute("subtract"),
    "Times": Compute("multiply"),
    "Square": Expand(lambda node: {"": step("Times", "0", "0")}),
    # (x - y)², and of other outputs x - y
    "Distance": Expand(
        lambda node: {"difference": step("Minus", "0", "1"), "": step("Square", "difference")},
        elsewhere={1: "difference"},
    ),
    "Halves": Compute("split_evenly", {"parts": Option("parts")}),
    # the second half first, then the first
    "Swapped": Expand(lambda node: {"halves": step("Halves", "0", parts=2)}, elsewhere={0: "halves:1", 1: "halves"}),
}
X, Y = [5.0, 7.0], [1.0, 4.0]


def test_a_node_becomes_several() -> None:
    model = built(ENTRIES, [node("d", "Distance", "x", "y")], "d")
    assert run(model, X, Y) == [[16.0, 9.0]]
    assert list(model.layers) == ["d/difference", "d"]


def test_outputs_of_several_steps() -> None:
    assert run(built(ENTRIES, [node("d", "Distance", "x", "y")], "d:1", "d"), X, Y) == [[4.0, 3.0], [16.0, 9.0]]
    assert run(built(ENTRIES, [node("s", "Swapped", "x")], "s", "s:1"), X, Y) == [[7.0], [5.0]]


def test_steps_that_nobody_needs_are_not_built() -> None:
    assert list(built(ENTRIES, [node("d", "Distance", "x", "y")], "d:1").layers) == ["d/difference"]


def test_others_take_what_the_steps_give() -> None:
    nodes = [node("d", "Distance", "x", "y"), node("z", "Minus", "d:1", "d")]
    assert run(built(ENTRIES, nodes, "z"), X, Y) == [[4.0 - 16.0, 3.0 - 9.0]]


def test_steps_see_the_attributes_of_the_node() -> None:
    entries = ENTRIES | {
        "Power": Expand(
            lambda node: {"factor": step("Constant", value=node.attributes["by"]), "": step("Times", "0", "factor")},
            known=frozenset({"by"}),
        )
    }
    by = constant("", 3.0).attributes["value"]
    assert run(built(entries, [node("p", "Power", "x", by=by)], "p"), X, Y) == [[15.0, 21.0]]


def test_what_a_user_feeds_is_not_computed() -> None:
    """A tensor that is given is no output of a step, though its node has steps."""
    graph = Graph({"d": node("d", "Distance", "x", "y"), "z": node("z", "Minus", "d:1", "d:1")})
    from lstm_verify.graph.build import Builder

    table = Table({"Constant": CONSTANT, **ENTRIES})
    model = Builder(table, lambda name: graph).model(
        "toy", graph, {Ref("d", 1): Input("given", None, "float32")}, {"z": Ref("z")}
    )
    assert run(model, X) == [[0.0, 0.0]]


def test_an_input_that_is_left_out_is_left_out_in_the_steps() -> None:
    whole = Expand(lambda node: {"": step("Minus", "0", "1", "2")})
    (inner,) = whole.steps(node("n", "Whole", "x", ""))
    assert inner.inputs == (Ref("x"), ABSENT, ABSENT)


def test_what_is_not_supported_is_named_with_its_step() -> None:
    entries = ENTRIES | {"Odd": Expand(lambda node: {"inner": step("Wibble", "0"), "": step("Minus", "0", "inner")})}
    with pytest.raises(UnsupportedError, match="node 'n/inner': operation Wibble is not supported"):
        built(entries, [node("n", "Odd", "x")], "n")


def test_nodes_that_are_one_operation_stay_as_they_are() -> None:
    graph = Graph({"z": node("z", "Minus", "x", "y")}, outputs=(Ref("z"),))
    same, moved = expanded(graph, Table(ENTRIES))
    assert (dict(same.nodes), same.outputs, moved) == (dict(graph.nodes), graph.outputs, {})


def test_an_attribute_that_no_step_has_is_refused_where_the_node_is_needed() -> None:
    nodes = [node("d", "Distance", "x", "y", rounded=True), node("z", "Minus", "x", "y")]
    with pytest.raises(UnsupportedError, match=r"^node 'd': operation Distance with rounded=True is not supported"):
        built(ENTRIES, nodes, "d")
    assert run(built(ENTRIES, nodes, "z"), X, Y) == [[4.0, 3.0]]
    assert built(ENTRIES, [node("d", "Distance", "x", "y", note="without effect")], "d")
