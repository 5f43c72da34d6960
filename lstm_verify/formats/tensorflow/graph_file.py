"""The content of a TensorFlow file: its graph, functions, signatures and tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import ModelFileError
from lstm_verify.graph.ir import Graph, Node, Ref, Shape

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class End:
    """An input or output of a signature."""

    ref: Ref
    dtype: str
    shape: Shape


@dataclass(frozen=True)
class Signature:
    """A way to call a graph: named inputs and outputs."""

    inputs: Mapping[str, End]
    outputs: Mapping[str, End]


@dataclass(frozen=True, eq=False)
class GraphFile:
    """A TensorFlow file."""

    kind: str
    """`saved_model`, `meta_graph`, `graph_def` or `checkpoint`."""
    writer: str
    tags: tuple[str, ...]
    signatures: Mapping[str, Signature]
    graph: Graph
    functions: Mapping[str, Graph]
    variables: Mapping[str, Array] | None
    """What the checkpoint holds, by its keys; None if there is none."""
    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The checkpoint's keys of some variables, by the names of their nodes, each with an empty text: all of it."""
    keras: tuple[Mapping[str, Any], ...] = ()
    """The configs of the Keras layers that the file was made from, where it holds them."""
    objects: tuple[Mapping[str, Any], ...] = ()
    """Of a checkpoint of TensorFlow 2: the objects, the first of which holds the others. Each has the numbers of its
    `children` by name, and the checkpoint's `key` of a variable, or None."""


def parse(found: Mapping[str, Any], tensors: Mapping[str, Array]) -> GraphFile:
    """Build a `GraphFile` from what the child process wrote."""
    variables = found.get("variables")
    return GraphFile(
        kind=found["kind"],
        writer=found["writer"],
        tags=tuple(found["tags"]),
        signatures={
            name: Signature(_ends(item["inputs"]), _ends(item["outputs"])) for name, item in found["signatures"].items()
        },
        graph=Graph(_nodes(found["nodes"], tensors)),
        functions={name: _function(item, tensors) for name, item in found["functions"].items()},
        variables=None if variables is None else {key: _value(item, tensors) for key, item in variables.items()},
        keys={name: (key, "") for name, key in found.get("keys", {}).items()},
        keras=tuple(found.get("keras", ())),
        objects=tuple(found.get("objects", ())),
    )


def _ends(items: Mapping[str, Any]) -> dict[str, End]:
    return {key: End(Ref.parse(item["tensor"]), item["dtype"], as_shape(item["shape"])) for key, item in items.items()}


def _function(item: Mapping[str, Any], tensors: Mapping[str, Array]) -> Graph:
    return Graph(
        nodes=_nodes(item["nodes"], tensors),
        inputs=tuple(item["arguments"]),
        outputs=tuple(Ref.parse(text) for text in item["returns"]),
        controls=tuple(item["controls"]),
        attributes=item["attributes"],
    )


def _nodes(items: list[Mapping[str, Any]], tensors: Mapping[str, Array]) -> dict[str, Node]:
    nodes = {}
    for item in items:
        if item["name"] in nodes:
            raise ModelFileError(f"two nodes are named '{item['name']}'. Was the file made by TensorFlow?")
        values = item["attributes"]
        nodes[item["name"]] = Node(
            item["name"],
            item["op"],
            tuple(Ref.parse(text) for text in item["inputs"]),
            tuple(item["controls"]),
            {key: _value(value, tensors) for key, value in values.items() if not _is_function(value)},
            {key: str(value["function"]) for key, value in values.items() if _is_function(value)},
            None if item.get("types") is None else tuple(item["types"]),
            tuple(as_shape(shape) for shape in item.get("shapes", ())),
        )
    return nodes


def as_shape(lengths: Sequence[int | None] | None) -> Shape:
    """Parse a shape from JSON."""
    return None if lengths is None else tuple(lengths)


def _is_function(value: Any) -> bool:
    return isinstance(value, dict) and "function" in value


def _value(value: Any, tensors: Mapping[str, Array]) -> Any:
    """An attribute as it came, with the array in place of a reference to one."""
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return np.array(value["strings"], dtype=object) if "strings" in value else value
