"""Entries of a made-up table that are no operations: versions, refusals, loops and branches, variables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.graph.compute import Compute, Option
from lstm_verify.graph.ir import Graph, Node, Ref
from lstm_verify.graph.translate import (
    Assign,
    Entry,
    If,
    Refused,
    Same,
    Since,
    Variable,
    While,
    at_version,
)
from lstm_verify.layers.loop import Branch, Loop
from tests.graph.toy import built, constant, node, run

BY_ATTRIBUTE = Compute("sum", {"axis": Option("axis")})
BY_INPUT = Compute("sum", keywords={1: Option("axis", int)})
SUM = {"Sum": Since({1: BY_ATTRIBUTE, 13: BY_INPUT}), "Old": Refused("gone"), "New": Since({9: Same()})}
X, Y = [[1.0, 2.0], [3.0, 4.0]], 0.0


@pytest.mark.parametrize(("version", "entry"), [(1, BY_ATTRIBUTE), (12, BY_ATTRIBUTE), (13, BY_INPUT), (99, BY_INPUT)])
def test_the_newest_entry_that_is_not_newer_than_the_file(version: int, entry: Entry) -> None:
    assert at_version(SUM, version)["Sum"] is entry
    assert at_version(SUM, version)["Old"] is SUM["Old"]


def test_an_axis_by_either_version_is_one_operation() -> None:
    old = built(at_version(SUM, 12), [node("s", "Sum", "x", axis=1)], "s")
    new = built(at_version(SUM, 13), [constant("axis", 1), node("s", "Sum", "x", "axis")], "s")
    assert run(old, X, Y) == run(new, X, Y) == [[3.0, 7.0]]
    assert old.layers["s"].options == new.layers["s"].options  # type: ignore[attr-defined]


def test_what_another_version_takes_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="operation Sum with axis=1 is not supported"):
        built(at_version(SUM, 13), [node("s", "Sum", "x", axis=1)], "s")


def test_an_operation_that_is_newer_than_the_file() -> None:
    with pytest.raises(UnsupportedError, match=r"node 'n': version 8 of this .* from 9 on"):
        built(at_version(SUM, 8), [node("n", "New", "x")], "n")


def test_refusals_say_why() -> None:
    with pytest.raises(UnsupportedError, match=r"^node 'n': gone$"):
        built(at_version(SUM, 1), [node("n", "Old", "x")], "n")
    with pytest.raises(UnsupportedError, match=r"^node 'n': operation Unheard is not supported$"):
        built({}, [node("n", "Unheard", "x")], "n")
    with pytest.raises(ModelFileError, match="node 'n': a constant without a value"):
        built({}, [node("n", "Constant")], "n")


ARITHMETIC: dict[str, Entry] = {
    "Plus": Compute("add"),
    "Times": Compute("multiply"),
    "Below": Compute("less"),
    "While": While("test", "body"),
    "If": If("yes", "no"),
}


def function(result: str, *nodes: Node, inputs: tuple[str, ...]) -> Graph:
    return Graph({item.name: item for item in nodes}, inputs, (Ref(result),))


def test_a_loop_runs_as_long_as_its_condition_holds() -> None:
    test = function("go", constant("most", 100.0), node("go", "Below", "v", "most"), inputs=("v",))
    body = function("twice", node("twice", "Plus", "v", "v"), inputs=("v",))
    loop = replace(node("loop", "While", "x"), subgraphs={"test": test, "body": body})
    model = built(ARITHMETIC, [loop], "loop", inputs="x")
    assert isinstance(model.layers["loop"], Loop)
    assert run(model, 3.0) == [192.0]


@pytest.mark.parametrize(("choice", "result"), [(True, 8.0), (False, 16.0)])
def test_a_branch_runs_one_of_two_bodies(choice: bool, result: float) -> None:
    yes = function("sum", node("sum", "Plus", "v", "v"), inputs=("v",))
    no = function("product", node("product", "Times", "v", "v"), inputs=("v",))
    branch = replace(node("branch", "If", "x", "y"), subgraphs={"yes": yes, "no": no})
    model = built(ARITHMETIC, [branch], "branch")
    assert isinstance(model.layers["branch"], Branch)
    assert run(model, choice, 4.0) == [result]


def test_a_variable_that_is_assigned_is_a_state() -> None:
    entries = ARITHMETIC | {"Variable": Variable(lambda node: np.asarray(5.0)), "Assign": Assign()}
    still = built(entries, [node("v", "Variable"), node("z", "Plus", "x", "v")], "z")
    assert not still.stateful
    assert run(still, 1.0, Y) == [6.0]
    nodes = [node("v", "Variable"), node("z", "Plus", "x", "v"), node("put", "Assign", "v", "z")]
    assert built(entries, nodes, "z").stateful


def test_each_input_as_the_output_of_its_number() -> None:
    assert run(built({"Each": Same(each=True)}, [node("n", "Each", "x", "y")], "n:1", "n"), X, Y) == [Y, X]
