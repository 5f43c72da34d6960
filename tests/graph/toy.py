"""A made-up framework with a handful of operations, and its graphs run on numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_verify.graph.build import Builder
from lstm_verify.graph.ir import Graph, Node, Ref
from lstm_verify.graph.translate import Entry, Fixed, Same, Table
from lstm_verify.layers import Layer, Run, Signal
from lstm_verify.model import Input, Model

CONSTANT, HAND_ON = Fixed(lambda node: node.attributes.get("value")), Same()


def node(name: str, op: str, *inputs: str, **attributes: Any) -> Node:
    return Node(name, op, tuple(map(Ref.parse, inputs)), attributes=attributes)


def constant(name: str, value: Any) -> Node:
    return node(name, "Constant", value=np.asarray(value))


def built(entries: Mapping[str, Entry], nodes: list[Node], *outputs: str, inputs: str = "xy") -> Model:
    """The model of a graph, whose inputs have names of one letter."""
    table = Table({"Constant": CONSTANT, "HandOn": HAND_ON, **entries}, frozenset({"note"}))
    graph = Graph({item.name: item for item in nodes})
    given = {Ref(name): Input(name, None, "float32") for name in inputs}
    wanted = {output: Ref.parse(output) for output in outputs}
    return Builder(table, lambda name: graph).model("toy", graph, given, wanted)


def run(model: Model, *values: Any) -> list[Any]:
    signals = tuple(Signal(np.asarray(value)) for value in values)
    return [np.asarray(signal.value).tolist() for signal in model.apply(signals, Run())]


def layer(model: Model, name: str) -> Layer:
    return model.layers[name]
