"""Graphs made plainer: calls inlined, loops and branches of TensorFlow 1 made functions, variables found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.errors import LstmVerifyError, ModelFileError, UnsupportedError
from lstm_verify.formats.tensorflow.flatten import flatten, flatten_function
from lstm_verify.formats.tensorflow.v1_branches import choices
from lstm_verify.formats.tensorflow.v1_loops import functional, is_inside
from lstm_verify.formats.tensorflow.variables import checkpoint_keys, initial_value, settled
from lstm_verify.graph.ir import Graph, Node, Ref

COMPUTED = {
    "Add": lambda a, b: a + b,
    "Mul": lambda a, b: a * b,
    "Neg": lambda a: -a,
    "Less": lambda a, b: a < b,
    "Identity": lambda a: a,
}
"""The few operations of these graphs, in Python's numbers."""


def node(name: str, op: str, *inputs: str, controls: tuple[str, ...] = (), **attributes: Any) -> Node:
    called = {"f": attributes.pop("f")} if "f" in attributes else {}
    return Node(name, op, tuple(map(Ref.parse, inputs)), controls, attributes, called)


def graph(*nodes: Node) -> dict[str, Node]:
    return {item.name: item for item in nodes}


def run(nodes: Mapping[str, Node], ref: Ref, given: Mapping[str, Any]) -> Any:
    """The value of a tensor, with loops and branches run as what they say."""
    if ref.node in given:
        value = given[ref.node]
        return value[ref.output] if isinstance(value, tuple) else value
    item = nodes[ref.node]
    if item.op == "Const":
        return item.attributes["value"]
    values = [run(nodes, one, given) for one in item.inputs]
    if item.op == "If":
        part = item.subgraphs["then_branch" if values[0] else "else_branch"]
        return called(part, values[1:])[ref.output]
    if item.op == "While":
        while called(item.subgraphs["cond"], values)[0]:
            values = called(item.subgraphs["body"], values)
        return values[ref.output]
    return COMPUTED[item.op](*values)


def called(function: Graph | str, values: list[Any]) -> list[Any]:
    assert isinstance(function, Graph)
    given = dict(zip(function.inputs, values, strict=True))
    return [run(function.nodes, ref, given) for ref in function.outputs]


# --- flatten


def calling(name: str, inside: str) -> Graph:
    """A function of x and y that returns -(what another returns), x and a constant that is called like one outside."""
    return Graph(
        graph(node("call", inside, "x", "y"), node("n", "Neg", "call"), node("one", "Const", value=1)),
        ("x", "y"),
        (Ref("n"), Ref("x")),
        controls=("one",),
        attributes={"api_implements": name},
    )


ADD = Graph(graph(node("sum", "Add", "a", "b")), ("a", "b"), (Ref("sum"),))
FUNCTIONS = {"add": ADD, "negated": calling("negated", "add")}


def test_calls_are_inlined_in_whatever_order_they_stand() -> None:
    nodes = graph(
        node("result", "Mul", "call", "call:1"),
        node("call", "StatefulPartitionedCall", "x", "one", f="negated"),
        node("one", "Const", value=10),
        node("after", "Identity", "x", controls=("call",)),
    ) | graph(node("x", "Placeholder"))
    scope = flatten(Graph(nodes), FUNCTIONS)
    assert not {item.op for item in scope.flat.values()} & {"StatefulPartitionedCall", "add", "negated"}
    assert run(scope.flat, scope.resolve(Ref("result")), {"x": 3}) == -(3 + 10) * 3
    controls = [scope.flat[name] for name in scope.flat["after"].controls]
    assert {1, None} >= {item.attributes.get("value") for item in controls}
    assert any(item.attributes.get("value") == 1 for item in controls)


def test_two_calls_of_one_function_do_not_share_nodes() -> None:
    nodes = graph(
        node("x", "Placeholder"), node("y", "Placeholder"),
        node("first", "add", "x", "y"), node("second", "add", "first", "first"),
    )  # fmt: skip
    scope = flatten(Graph(nodes), FUNCTIONS)
    assert run(scope.flat, scope.resolve(Ref("second")), {"x": 3, "y": 4}) == 14


def test_a_function_keeps_its_arguments() -> None:
    flat = flatten_function(FUNCTIONS["negated"], FUNCTIONS)
    assert flat.inputs == ("x", "y")
    assert called(flat, [3, 4]) == [-7, 3]


def test_the_variant_for_the_cpu_is_taken() -> None:
    def variant(value: int, device: str) -> Graph:
        attributes = {"api_implements": "lstm", "api_preferred_device": device}
        return Graph(graph(node("c", "Const", value=value)), ("x",), (Ref("c"),), attributes=attributes)

    functions = {"gpu": variant(1, "GPU"), "cpu": variant(2, "CPU")}
    nodes = graph(node("x", "Placeholder"), node("call", "PartitionedCall", "x", f="gpu"))
    scope = flatten(Graph(nodes), functions)
    assert run(scope.flat, scope.resolve(Ref("call")), {}) == 2


@pytest.mark.parametrize(
    ("nodes", "error", "words"),
    [
        (graph(node("n", "Neg", "lost")), ModelFileError, "node 'lost' is used but is not in the graph"),
        (graph(node("n", "PartitionedCall", f="g")), ModelFileError, "it calls the function 'g'"),
        (graph(node("n", "again")), UnsupportedError, "functions call each other endlessly"),
        (graph(node("n", "twice_0")), UnsupportedError, "functions call each other endlessly"),
        (
            graph(node("x", "Placeholder"), node("c", "add", "x", "x"), node("n", "Neg", "c:1")),
            ModelFileError,
            "it has 1 outputs, output 1 is used",
        ),
    ],
)
def test_what_cannot_be_inlined(nodes: dict[str, Node], error: type[LstmVerifyError], words: str) -> None:
    functions = {**FUNCTIONS, "again": Graph(graph(node("c", "again")), outputs=(Ref("c"),))}
    for number in range(50):  # 2^50 calls, if all were followed
        inside = graph(*(node(name, f"twice_{number + 1}") for name in ("a", "b")))
        functions[f"twice_{number}"] = Graph(inside, outputs=(Ref("a"), Ref("b")))
    functions["twice_50"] = Graph(graph(node("c", "Const", value=1)), outputs=(Ref("c"),))
    with pytest.raises(error, match=words):
        flatten(Graph(nodes), functions)


# --- loops of TensorFlow 1


def frame(name: str, start: str, step: str, limit: str, outer: str = "") -> dict[str, Node]:
    """``while i < limit: i += step``, with `i` from `start`; the step is an invariant. The result is `NAME/exit`."""
    n = f"{name}/"
    return graph(
        node(n + "i", "Enter", start, frame_name=name),
        node(n + "by", "Enter", step, frame_name=name, is_constant=True),
        node(n + "limit", "Enter", limit, frame_name=name, is_constant=True),
        node(n + "merge", "Merge", n + "i", n + "next"),
        node(n + "less", "Less", n + "merge", n + "limit"),
        node(n + "cond", "LoopCond", n + "less"),
        node(n + "switch", "Switch", n + "merge", n + "cond"),
        node(n + "body", "Identity", n + "switch:1"),
        node(n + "sum", "Add", n + "body", outer or n + "by"),
        node(n + "next", "NextIteration", n + "sum"),
        node(n + "exit", "Exit", n + "switch"),
    )


GIVEN = graph(node("x", "Placeholder"), node("two", "Const", value=2), node("ten", "Const", value=10))


def test_a_frame_becomes_a_loop() -> None:
    nodes = GIVEN | frame("loop", "x", "two", "ten") | graph(node("y", "Neg", "loop/exit"))
    found = functional(Graph(nodes), {"y"}).nodes
    assert {item.op for item in found.values()} <= {"Placeholder", "Const", "While", "Identity", "Neg"}
    assert [run(found, Ref("y"), {"x": x}) for x in (-1, 4, 5, 12)] == [-11, -10, -11, -12]


def test_a_frame_inside_another() -> None:
    inner = frame("inner", "outer/body", "outer/by", "outer/limit")
    outer = frame("outer", "x", "two", "ten", outer="inner/exit")
    found = functional(Graph(GIVEN | inner | outer), {"outer/exit"}).nodes
    # i := i + (i raised to 10 in steps of 2)
    assert [run(found, Ref("outer/exit"), {"x": x}) for x in (1, 9, 10)] == [12, 20, 10]
    assert is_inside(Graph(GIVEN | inner | outer), "inner/sum")
    assert not is_inside(Graph(GIVEN | inner | outer), "outer/exit")


def test_a_frame_without_its_condition() -> None:
    nodes = GIVEN | frame("loop", "x", "two", "ten") | graph(node("loop/cond", "Identity", "loop/less"))
    with pytest.raises(ModelFileError, match="loop 'loop': it has no condition"):
        functional(Graph(nodes), {"loop/exit"})


# --- branches of TensorFlow 1


def branch(predicate: str, name: str = "if", x: str = "x") -> dict[str, Node]:
    """``x + 1 if predicate else -x``; the result is `NAME/merge`."""
    n = f"{name}/"
    return graph(
        node(n + "switch", "Switch", x, predicate),
        node(n + "pivot", "Switch", predicate, predicate),
        node(n + "yes", "Identity", n + "pivot:1"),
        node(n + "one", "Const", value=1, controls=(n + "yes",)),
        node(n + "sum", "Add", n + "switch:1", n + "one"),
        node(n + "neg", "Neg", n + "switch:0"),
        node(n + "merge", "Merge", n + "neg", n + "sum"),
    )


CHOSEN = graph(node("x", "Placeholder"), node("p", "Placeholder"), node("q", "Placeholder"))


def test_a_branch_becomes_a_choice() -> None:
    found = choices(Graph(CHOSEN | branch("p"))).reachable(["if/merge"]).nodes
    assert not {item.op for item in found.values()} & {"Switch", "Merge"}
    assert [run(found, Ref("if/merge"), {"x": 5, "p": p}) for p in (True, False)] == [6, -5]


def test_a_branch_after_another_and_a_branch_in_a_branch() -> None:
    nodes = CHOSEN | branch("p") | branch("q", "then", "if/merge")
    found = choices(Graph(nodes)).nodes
    results = {(p, q): run(found, Ref("then/merge"), {"x": 5, "p": p, "q": q}) for p in (0, 1) for q in (0, 1)}
    assert results == {(0, 0): 5, (0, 1): -4, (1, 0): -6, (1, 1): 7}

    inner = graph(node("q/inner", "Switch", "q", "p"), node("if/neg", "Neg", "in/merge"))
    nodes = CHOSEN | branch("p") | inner | branch("q/inner", "in", "if/switch:0")
    found = choices(Graph(nodes)).nodes
    results = {(p, q): run(found, Ref("if/merge"), {"x": 5, "p": p, "q": q}) for p in (0, 1) for q in (0, 1)}
    assert results == {(0, 0): 5, (0, 1): -6, (1, 0): 6, (1, 1): 6}


def test_a_merge_of_something_else() -> None:
    with pytest.raises(UnsupportedError, match="node 'm': a Merge of 2 values"):
        choices(Graph(CHOSEN | graph(node("m", "Merge", "x", "p"))))


# --- variables

TENSORS = {"saved/w": np.arange(24.0).reshape(4, 6), "b": np.arange(3.0)}


def saver(keys: list[str], parts: list[str]) -> dict[str, Node]:
    """A saver that restores two variables, the second by way of an Identity."""
    return graph(
        node("w", "VarHandleOp", shape=[4, 6]),
        node("v", "VariableV2", shape=[4, 2]),
        node("names", "Const", value=np.array(keys, object)),
        node("slices", "Const", value=np.array(parts, object)),
        node("restore", "RestoreV2", "names", "names", "slices"),
        node("through", "Identity", "restore:1"),
        node("set/w", "AssignVariableOp", "w", "restore"),
        node("set/v", "Assign", "v", "through"),
    )


def test_variables_are_what_the_saver_restores() -> None:
    nodes = saver(["saved/w", "saved/w"], ["", "4 6 -:2,2"])
    keys = checkpoint_keys(nodes)
    assert_array_equal(initial_value(nodes["w"], keys, TENSORS), TENSORS["saved/w"])
    assert_array_equal(initial_value(nodes["v"], keys, TENSORS), TENSORS["saved/w"][:, 2:4])


def test_a_variable_without_a_saver_has_its_own_name() -> None:
    own, shared = node("b", "VariableV2"), node("scope/other", "VarHandleOp", shared_name="b")
    for variable in (own, shared):
        assert_array_equal(initial_value(variable, {}, TENSORS), TENSORS["b"])


@pytest.mark.parametrize(
    ("values", "variable", "words"),
    [
        (None, node("b", "VariableV2"), "its value is not in the graph, and there is no checkpoint"),
        (TENSORS, node("c", "VariableV2"), "the checkpoint has no tensor 'c'"),
        (TENSORS, node("b", "VariableV2", shape=[4]), r"tensor 'b' has shape \(3,\), expected \(4,\)"),
    ],
)
def test_a_variable_without_a_value(values: Any, variable: Node, words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        initial_value(variable, {}, values)


def test_a_read_after_an_assignment_has_what_was_assigned() -> None:
    nodes = graph(
        node("v", "VarHandleOp"),
        node("first", "ReadVariableOp", "v"),
        node("one", "Neg", "first"),
        node("set", "AssignVariableOp", "v", "one", controls=("first",)),
        node("wait", "NoOp", controls=("set",)),
        node("second", "ReadVariableOp", "v", controls=("wait",)),
        node("two", "Add", "second", "one"),
        node("set again", "AssignVariableOp", "v", "two", controls=("set", "second")),
        node("third", "ReadVariableOp", "v", controls=("set again",)),
        node("other", "ReadVariableOp", "v"),
    )
    found = settled(Graph(dict(reversed(nodes.items())))).nodes
    results = {name: run(found, Ref(name), {"v": 7, "first": 7, "other": 7}) for name in ("first", "second", "third")}
    assert results == {"first": 7, "second": -7, "third": -14}
    assert found["other"].op == "ReadVariableOp"
    assert [item.name for item in found.values() if item.op == "AssignVariableOp"] == ["set again"]
