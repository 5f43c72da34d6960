"""The ways through a graph."""

from __future__ import annotations

import pytest

from lstm_verify.errors import ModelFileError
from lstm_verify.graph.ir import Graph, Node, Ref


def graph(*nodes: Node) -> Graph:
    return Graph({node.name: node for node in nodes})


def node(name: str, *inputs: str, controls: tuple[str, ...] = (), op: str = "Neg") -> Node:
    return Node(name, op, tuple(map(Ref.parse, inputs)), controls)


FIVE = graph(node("c", "b", "a"), node("b", "a"), node("a"), node("d", "a:1", controls=("e",)), node("e"))


def test_each_node_comes_after_its_inputs() -> None:
    order = [node.name for node in FIVE.topological()]
    assert sorted(order) == sorted(FIVE.nodes)
    assert all(order.index(ref.node) < order.index(n.name) for n in FIVE.nodes.values() for ref in n.inputs)


def test_what_nodes_need() -> None:
    assert set(FIVE.reachable(["b"]).nodes) == {"a", "b"}
    assert set(FIVE.reachable(["d"]).nodes) == {"a", "d", "e"}
    assert set(FIVE.reachable(["d"], controls=False).nodes) == {"a", "d"}


def test_who_takes_a_tensor() -> None:
    takers = {ref: [node.name for node in nodes] for ref, nodes in FIVE.consumers().items()}
    assert takers == {Ref("a"): ["c", "b"], Ref("a", 1): ["d"], Ref("b"): ["c"]}


def test_a_walk_goes_where_it_is_sent() -> None:
    found = FIVE.backwards([Ref("c")], lambda ref, node: node.inputs[:1])
    assert [ref for ref, _ in found] == [Ref("c"), Ref("b"), Ref("a")]


def test_a_long_chain_needs_no_deep_stack() -> None:
    names = [str(number) for number in range(5000)]
    chain = graph(*(node(name, *names[:number][-1:]) for number, name in reversed(list(enumerate(names)))))
    assert [node.name for node in chain.topological()] == names
    assert len(chain.reachable(["4999"]).nodes) == 5000


def test_a_node_that_needs_itself() -> None:
    circle = graph(node("a", "b"), node("b", "a", op="Next"))
    with pytest.raises(ModelFileError, match="it depends on its own output"):
        circle.topological()
    assert [node.name for node in circle.topological(but=lambda node: node.op == "Next")] == ["b", "a"]


def test_a_node_that_is_not_there() -> None:
    with pytest.raises(ModelFileError, match="node 'x' is used but is not in the graph"):
        FIVE.node("x")
