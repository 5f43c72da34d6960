"""What a framework's table of operations is made of: an entry for each says what becomes of its nodes.

    Compute     an operation of the NumPy vocabulary, with the node's inputs and attributes as its arguments
    Same        its input, handed on as it is
    Fixed       a value from the file
    Variable    a value from the file that the model may assign
    Assign      such an assignment
    While, If   a loop or a branch, whose bodies are graphs
    Refused     an error that says why

Every attribute is used, or checked, or is on the list of those that change no result; with any other, or with a value
that is not known, a node is not supported. An attribute that is missing has its default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import LstmVerifyError, ModelFileError, UnsupportedError
from lstm_verify.graph.ir import ABSENT, Graph, Node, Ref
from lstm_verify.layers import Layer
from lstm_verify.layers.base import PRECISIONS
from lstm_verify.layers.constant import Constant, State, Update
from lstm_verify.layers.loop import Branch, Loop
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Model


class Made(NamedTuple):
    """What becomes of a node."""

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


class Entry:
    """What becomes of the nodes of an operation."""

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

    def entry(self, op: str) -> Entry:
        """The entry of an operation; one that refuses it if there is none."""
        return self.entries.get(op, Refused(f"operation {op} is not supported"))


@dataclass(frozen=True)
class Option:
    """An attribute that becomes a keyword argument of the operation."""

    name: str
    convert: Callable[[Any], Any] = lambda value: value
    """Raises ValueError or KeyError for a value that is not supported."""
    default: Any = None
    """The attribute's default, if it is not that of the keyword argument."""


@dataclass(frozen=True)
class Only:
    """An attribute that must have one of these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Compute(Entry):
    """An operation of the NumPy vocabulary.

    Example:
        >>> concatenation = Compute("concatenate_last", arguments=lambda axis, *values: (*values, axis))
        >>> concatenation.arguments("axis", "a", "b")
        ('a', 'b', 'axis')
    """

    operation: str
    """One of `OPERATIONS`."""
    attributes: Mapping[str, Option | Only] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    """Attributes of this operation that change no result."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments that it always has."""
    arguments: Callable[..., tuple[Any, ...]] = lambda *inputs: inputs
    """The positional arguments, made of the node's inputs: in another order, without some, with what stands for those
    that are left out, which are None."""

    def make(self, node: Node, graph: Building) -> Made:
        try:
            options = self.translated(node.op, node.attributes, graph.table)
        except UnsupportedError as error:
            raise UnsupportedError(f"node '{node.name}': {error}") from None
        layer = Operation(
            name=node.name,
            operation=self.operation,
            arguments=self._arguments(node),
            options=options,
            compute_dtype=graph.table.compute_dtype(node),
        )
        return Made(layer, tuple(ref for ref in node.inputs if ref != ABSENT))

    def _arguments(self, node: Node) -> tuple[Any, ...]:
        numbers = count()
        slots = [None if ref == ABSENT else Slot(next(numbers)) for ref in node.inputs]
        try:
            return self.arguments(*slots)
        except TypeError:
            raise ModelFileError(f"node '{node.name}': {len(slots)} inputs, which {node.op} does not have") from None

    def translated(self, op: str, attributes: Mapping[str, Any], table: Table) -> dict[str, Any]:
        """The keyword arguments that the attributes of a node come to.

        Args:
            op: the operation as the framework has it, for errors.
            attributes: plain Python; dtypes by name, shapes as lists.
            table: the table that the entry is of.

        Raises:
            UnsupportedError: an attribute, or its value, is not supported.
        """
        for key, value in attributes.items():
            known = key in self.attributes or key in self.ignored or key in table.ignored or key.startswith("_")
            if table.is_foreign(value) or not known:
                raise UnsupportedError(f"operation {op} with {key}={value!r} is not supported")
        options = dict(self.options)
        for key, use in self.attributes.items():
            value = attributes.get(key)
            if value is None and isinstance(use, Option):
                value = use.default
            if value is None:
                continue
            try:
                _use(use, value, options)
            except (KeyError, ValueError, TypeError, IndexError):
                raise UnsupportedError(f"operation {op} with {key}={value!r} is not supported") from None
        return options


def _use(use: Option | Only, value: Any, options: dict[str, Any]) -> None:
    if isinstance(use, Option):
        options[use.name] = use.convert(value)
    elif value not in use.values:
        raise ValueError


@dataclass(frozen=True)
class Same(Entry):
    """An input as it is: the first one, or each as the output of its number."""

    each: bool = False

    def handed_on(self, node: Node, output: int) -> Ref | None:
        return node.inputs[output if self.each else 0]


@dataclass(frozen=True)
class Fixed(Entry):
    """A value that the file has."""

    value: Callable[[Node], Array | None]
    """None if the node should have one and has none."""

    def make(self, node: Node, graph: Building) -> Made:
        value = self.value(node)
        if not isinstance(value, np.ndarray):
            raise ModelFileError(f"node '{node.name}': a constant without a value")
        return Made(Constant(name=node.name, value=value.copy(), compute_dtype=""), ())


@dataclass(frozen=True)
class Variable(Entry):
    """A value that the file has, and that the model may assign."""

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


@dataclass(frozen=True)
class While(Entry):
    """A loop: a body that is run as long as a condition holds."""

    condition: str
    """The attribute that has it."""
    body: str

    def make(self, node: Node, graph: Building) -> Made:
        condition, body = (
            graph.function(f"{node.name}/{part}", node.subgraphs[part]) for part in (self.condition, self.body)
        )
        layer = Loop(name=node.name, condition=condition, body=body, compute_dtype=body.precision)
        return Made(layer, node.inputs)


@dataclass(frozen=True)
class If(Entry):
    """A branch: one of two bodies, by whether the first input is true."""

    if_true: str
    """The attribute that has it."""
    if_false: str

    def make(self, node: Node, graph: Building) -> Made:
        if_true, if_false = (
            graph.function(f"{node.name}/{part}", node.subgraphs[part]) for part in (self.if_true, self.if_false)
        )
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
    """One that would happen although no output depends on it."""

    is_effect: ClassVar[bool] = True
