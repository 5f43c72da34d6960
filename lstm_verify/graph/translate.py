"""The parts of a framework's operation table: an entry for each operation says how its nodes are translated.

    Compute     an operation of the NumPy vocabulary, with the node's inputs and attributes as its arguments (`compute`)
    Expand      several operations of the framework that together are the one (`expand`)
    Since       one of several entries, by the version of the operation that the file means
    Same        its input, handed on as it is
    Fixed       a value from the file
    Variable    a value from the file that the model may assign
    Assign      such an assignment
    While, If   a loop or a branch, whose bodies are graphs
    Refused     an error that says why

A table is that of one file: which version of its operations the file means is settled when the table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import LstmVerifyError, ModelFileError, UnsupportedError
from lstm_verify.graph.ir import Graph, Node, Ref
from lstm_verify.layers import Layer
from lstm_verify.layers.base import PRECISIONS
from lstm_verify.layers.constant import Constant, State, Update
from lstm_verify.layers.loop import Branch, Loop
from lstm_verify.model import Model


class Made(NamedTuple):
    """The translation of a node."""

    layer: Layer
    inputs: tuple[Ref, ...]
    """The tensors that the layer is called with."""


class Building(Protocol):
    """The graph that is being built, as far as an entry may ask about it."""

    @property
    def table(self) -> Table:
        """What becomes of the operations of its framework."""

    def function(self, name: str, function: Graph | str) -> Model:
        """The model of a subgraph."""

    def is_assigned(self, name: str) -> bool:
        """Whether the graph assigns a variable."""

    def source(self, ref: Ref) -> Ref:
        """A tensor itself, behind nodes that hand it on."""

    def constant(self, ref: Ref) -> Array | None:
        """The value of a tensor, if the file has it."""

    def folded(self, ref: Ref) -> Array | None:
        """The value of a tensor, if it is computed of nothing but what the file has."""


class Entry:
    """How the nodes of an operation are translated."""

    is_effect: ClassVar[bool] = False
    """Whether it happens although no output depends on it."""

    def handed_on(self, node: Node, output: int) -> Ref | None:
        """The tensor that an output is, if that is one of the node's inputs."""
        return None

    def make(self, node: Node, graph: Building) -> Made:
        """The layer of a node.

        Raises:
            UnsupportedError: something about it is not supported.
            ModelFileError: something about it is missing.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Table:
    """How the operations of a framework are computed."""

    entries: Mapping[str, Entry]
    ignored: frozenset[str] = frozenset()
    """Attributes of any operation that change no result."""
    is_foreign: Callable[[Any], bool] = lambda value: False
    """Whether the value of an attribute is something that nothing here computes with."""
    compute_dtype: Callable[[Node], str] = lambda node: ""
    """The float type that the framework computes a node in; nothing if it computes with none."""

    def check(self, op: str, attributes: Mapping[str, Any], known: Collection[str]) -> None:
        """Check that no attribute of an operation is dropped.

        Raises:
            UnsupportedError: an attribute is not known, or is something that nothing here computes with.
        """
        for key, value in attributes.items():
            if self.is_foreign(value) or not (key in known or key in self.ignored or key.startswith("_")):
                raise UnsupportedError(f"operation {op} with {key}={value!r} is not supported")

    def entry(self, op: str) -> Entry:
        """The entry of an operation; one that refuses it if there is none."""
        return self.entries.get(op, Refused(f"operation {op} is not supported"))


@dataclass(frozen=True)
class Same(Entry):
    """Passes inputs through: the first one, or each as the output with its index."""

    each: bool = False

    def handed_on(self, node: Node, output: int) -> Ref | None:
        return node.inputs[output if self.each else 0]


@dataclass(frozen=True)
class Fixed(Entry):
    """A value stored in the file."""

    value: Callable[[Node], Array | None]
    """None if the node should have one and has none."""

    def make(self, node: Node, graph: Building) -> Made:
        value = self.value(node)
        if not isinstance(value, np.ndarray):
            raise ModelFileError(f"node '{node.name}': a constant without a value")
        return Made(Constant(name=node.name, value=value.copy(), compute_dtype=""), ())


@dataclass(frozen=True)
class Variable(Entry):
    """A value stored in the file that the model may assign."""

    value: Callable[[Node], Array]

    def make(self, node: Node, graph: Building) -> Made:
        value = self.value(node)
        if graph.is_assigned(node.name):
            return Made(State(name=node.name, initial=value, compute_dtype=""), ())
        return Made(Constant(name=node.name, value=value, compute_dtype=""), ())


@dataclass(frozen=True)
class Assign(Entry):
    """An assignment of the second input to the variable that the first one is."""

    is_effect: ClassVar[bool] = True

    def make(self, node: Node, graph: Building) -> Made:
        variable = graph.source(node.inputs[0]).node
        return Made(Update(name=node.name, state=variable, compute_dtype=""), node.inputs[1:])


def _bodies(node: Node, graph: Building, *attributes: str) -> tuple[Model, ...]:
    """The models of the graphs that a node has by some attributes."""
    return tuple(graph.function(f"{node.name}/{each}", node.subgraphs[each]) for each in attributes)


@dataclass(frozen=True)
class While(Entry):
    """A loop: a body that is run as long as a condition holds."""

    condition: str
    """The attribute that has it."""
    body: str

    def make(self, node: Node, graph: Building) -> Made:
        condition, body = _bodies(node, graph, self.condition, self.body)
        layer = Loop(name=node.name, condition=condition, body=body, compute_dtype=body.precision)
        return Made(layer, node.inputs)


@dataclass(frozen=True)
class If(Entry):
    """A branch: one of two bodies, by whether the first input is true."""

    if_true: str
    """The attribute that has it."""
    if_false: str

    def make(self, node: Node, graph: Building) -> Made:
        if_true, if_false = _bodies(node, graph, self.if_true, self.if_false)
        dtype = min(if_true.precision, if_false.precision, key=PRECISIONS.index)
        layer = Branch(name=node.name, if_true=if_true, if_false=if_false, compute_dtype=dtype)
        return Made(layer, node.inputs)


@dataclass(frozen=True)
class Refused(Entry):
    """An operation that is not supported, and why."""

    reason: str
    error: type[LstmVerifyError] = UnsupportedError

    def make(self, node: Node, graph: Building) -> Made:
        raise self.error(f"node '{node.name}': {self.reason}")


class RefusedEffect(Refused):
    """A refused operation with a side effect, which would happen even if no output depends on it."""

    is_effect: ClassVar[bool] = True


@dataclass(frozen=True)
class Since:
    """The entries of an operation whose meaning changed, by the first version of each.

    Example:
        >>> squeeze = Since({1: Same(), 13: Refused("its axes are an input")})
        >>> squeeze.at(11)
        Same(each=False)
    """

    entries: Mapping[int, Entry]

    def at(self, version: int) -> Entry:
        """The entry that holds in a version; one that refuses the operation where there is none."""
        first = max((since for since in self.entries if since <= version), default=None)
        if first is None:
            return Refused(f"version {version} of this operation is not supported, only from {min(self.entries)} on")
        return self.entries[first]


def at_version(entries: Mapping[str, Entry | Since], version: int) -> dict[str, Entry]:
    """The entries that hold in a version of a set of operations."""
    return {op: entry.at(version) if isinstance(entry, Since) else entry for op, entry in entries.items()}
