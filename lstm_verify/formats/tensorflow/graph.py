"""What a TensorFlow file holds, as plain data: nodes, functions, signatures, tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import ModelFileError

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...] | None
"""The lengths of a tensor, None where they are open, or for the whole if not even their number is known."""


class Ref(NamedTuple):
    """A tensor: which output of which node; of an argument of a function, output 0 of its name."""

    node: str
    output: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `node:1`; a bare `node` is its first output."""
        name, colon, number = text.rpartition(":")
        return cls(name, int(number)) if colon and number.isdecimal() else cls(text)

    def __str__(self) -> str:
        return f"{self.node}:{self.output}"


@dataclass(frozen=True, eq=False)
class Node:
    """An operation of a graph."""

    name: str
    op: str
    inputs: tuple[Ref, ...] = ()
    controls: tuple[str, ...] = ()
    """Nodes that run before this one."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    types: tuple[str, ...] | None = None
    """The dtypes of its outputs, of nodes of the graph itself; None if the operation is not known."""
    shapes: tuple[Shape, ...] = ()
    """The shapes of its outputs, where the file has them."""


@dataclass(frozen=True, eq=False)
class Function:
    """A graph with arguments: a function of the library, or the condition or body of a loop."""

    arguments: tuple[str, ...]
    returns: tuple[Ref, ...]
    nodes: Mapping[str, Node]
    controls: tuple[str, ...] = ()
    """Nodes that run although no result depends on them."""
    attributes: Mapping[str, Any] = field(default_factory=dict)


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
    nodes: Mapping[str, Node]
    functions: Mapping[str, Function]
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
    """Build a `GraphFile` from what the reading child process wrote."""
    variables = found.get("variables")
    return GraphFile(
        kind=found["kind"],
        writer=found["writer"],
        tags=tuple(found["tags"]),
        signatures={
            name: Signature(_ends(item["inputs"]), _ends(item["outputs"])) for name, item in found["signatures"].items()
        },
        nodes=_nodes(found["nodes"], tensors),
        functions={name: _function(item, tensors) for name, item in found["functions"].items()},
        variables=None if variables is None else {key: _value(item, tensors) for key, item in variables.items()},
        keys={name: (key, "") for name, key in found.get("keys", {}).items()},
        keras=tuple(found.get("keras", ())),
        objects=tuple(found.get("objects", ())),
    )


def _ends(items: Mapping[str, Any]) -> dict[str, End]:
    return {key: End(Ref.parse(item["tensor"]), item["dtype"], as_shape(item["shape"])) for key, item in items.items()}


def _function(item: Mapping[str, Any], tensors: Mapping[str, Array]) -> Function:
    return Function(
        arguments=tuple(item["arguments"]),
        returns=tuple(Ref.parse(text) for text in item["returns"]),
        nodes=_nodes(item["nodes"], tensors),
        controls=tuple(item["controls"]),
        attributes=item["attributes"],
    )


def _nodes(items: list[Mapping[str, Any]], tensors: Mapping[str, Array]) -> dict[str, Node]:
    nodes = {}
    for item in items:
        if item["name"] in nodes:
            raise ModelFileError(f"two nodes are named '{item['name']}'. Was the file made by TensorFlow?")
        nodes[item["name"]] = Node(
            item["name"],
            item["op"],
            tuple(Ref.parse(text) for text in item["inputs"]),
            tuple(item["controls"]),
            {key: _value(value, tensors) for key, value in item["attributes"].items()},
            None if item.get("types") is None else tuple(item["types"]),
            tuple(as_shape(shape) for shape in item.get("shapes", ())),
        )
    return nodes


def as_shape(lengths: Sequence[int | None] | None) -> Shape:
    """A shape as the JSON has it."""
    return None if lengths is None else tuple(lengths)


def _value(value: Any, tensors: Mapping[str, Array]) -> Any:
    """An attribute as it came, with the array in place of a reference to one."""
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return np.array(value["strings"], dtype=object) if "strings" in value else value
