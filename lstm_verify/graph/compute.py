"""Operations that translate to a single one of the NumPy vocabulary: how their inputs and attributes map to it.

    input → argument        in its place, or in another, or dropped (`arguments`)
    input → keyword         as a value if the file has it (`keywords`)
    attribute → keyword     converted (`Option`)
    attribute → argument    where others have an input (`Argument`)
    attribute → nothing     if it has one of some values (`Only`), or changes no result (`ignored`)

Every attribute is used, or checked, or is on the list of those that change no result; with any other, or with a value
that is not known, a node is not supported. An attribute that is missing has its default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.graph.ir import ABSENT, Node
from lstm_verify.graph.translate import Building, Entry, Made, Table
from lstm_verify.layers.operation import Operation, Slot

Convert = Callable[..., Any]


@dataclass(frozen=True)
class Option:
    """An attribute, or an input, that becomes a keyword argument of the operation."""

    name: str
    convert: Convert = lambda value: value
    """Raises ValueError or KeyError for a value that is not supported."""
    default: Any = None
    """What it is if it is left out, converted too; None: what the keyword argument is then."""


@dataclass(frozen=True)
class Argument:
    """An attribute that becomes a positional argument."""

    place: int
    """Among all of them."""
    convert: Convert = np.asarray
    default: Any = None
    """The attribute's default; None: there is no such argument."""


@dataclass(frozen=True)
class Only:
    """An attribute that must have one of these values."""

    values: tuple[Any, ...]


Use = Option | Argument | Only


@dataclass(frozen=True)
class Compute(Entry):
    """An operation of the NumPy vocabulary.

    Example:
        >>> concatenation = Compute("concatenate", arguments=lambda axis, *values: values)
        >>> concatenation.arguments("axis", "a", "b")
        ('a', 'b')
    """

    operation: str
    """One of `OPERATIONS`."""
    attributes: Mapping[Any, Use] = field(default_factory=dict)
    """What becomes of each attribute, by its name, or of several that are converted together, by theirs."""
    ignored: frozenset[str] = frozenset()
    """Attributes of this operation that change no result."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments that it always has."""
    arguments: Callable[..., tuple[Any, ...]] = lambda *inputs: inputs
    """The positional arguments, made of those inputs of the node that become no keyword: in another order, without
    some, with what stands for those that are left out, which are None."""
    keywords: Mapping[int, Option] = field(default_factory=dict)
    """The inputs that become keyword arguments, by their place, from the end if it is negative. Those that the file has
    no value of are computed, and not converted."""

    def make(self, node: Node, graph: Building) -> Made:
        try:
            options = self.translated(node.op, node.attributes, graph.table) | self._keywords(node, graph)
            arguments = self._arguments(node)
        except UnsupportedError as error:
            raise UnsupportedError(f"node '{node.name}': {error}") from None
        # a constant stays an input although its value is known, so that what a file holds is shown as it is there
        constant = {place for place in self._places(node) if node.inputs[place] != ABSENT}
        used = sorted({*_slots([*arguments, *options.values()]), *constant})
        layer = Operation(
            name=node.name,
            operation=self.operation,
            arguments=tuple(_renumbered(argument, used) for argument in arguments),
            options={key: _renumbered(value, used) for key, value in options.items()},
            compute_dtype=graph.table.compute_dtype(node),
        )
        return Made(layer, tuple(node.inputs[place] for place in used))

    @property
    def known(self) -> set[str]:
        """The attributes that the operation may have."""
        return {name for names in self.attributes for name in _each(names)} | self.ignored

    def _places(self, node: Node) -> dict[int, Option]:
        """The inputs that become keyword arguments, counted from the first."""
        count = len(node.inputs)
        return {place % count: use for place, use in self.keywords.items() if -count <= place < count}

    def _keywords(self, node: Node, graph: Building) -> dict[str, Any]:
        given = {use.name: use.convert(use.default) for use in self.keywords.values() if use.default is not None}
        for place, use in self._places(node).items():
            ref = node.inputs[place]
            if ref == ABSENT:
                continue
            value = graph.constant(ref)
            known = value is not None
            given[use.name] = _converted(use.convert, (value,), node.op, use.name) if known else Slot(place)
        return given

    def _arguments(self, node: Node) -> list[Any]:
        """The positional arguments, with the place of an input as the number of its slot."""
        keywords = self._places(node)
        rest = [place for place in range(len(node.inputs)) if place not in keywords]
        slots = [None if node.inputs[place] == ABSENT else Slot(place) for place in rest]
        try:
            arguments = list(self.arguments(*slots))
        except TypeError:
            raise ModelFileError(
                f"node '{node.name}': {len(node.inputs)} inputs, which {node.op} does not have"
            ) from None
        for place, value in sorted(self._moved(node)):
            arguments.insert(place, value)
        return arguments

    def _moved(self, node: Node) -> Iterator[tuple[int, Any]]:
        """The attributes that are positional arguments, with their places."""
        for names, use in self.attributes.items():
            values = _values(names, use, node.attributes)
            if isinstance(use, Argument) and values is not None:
                yield use.place, _converted(use.convert, values, node.op, _named(names))

    def translated(self, op: str, attributes: Mapping[str, Any], table: Table) -> dict[str, Any]:
        """Return the keyword arguments that the attributes of a node translate to.

        Args:
            op: the operation as the framework has it, for errors.
            attributes: plain Python; dtypes by name, shapes as lists.
            table: the table that the entry is of.

        Raises:
            UnsupportedError: an attribute, or its value, is not supported.
        """
        table.check(op, attributes, self.known)
        options = dict(self.options)
        for names, use in self.attributes.items():
            values = _values(names, use, attributes)
            if isinstance(use, Only) and values is not None and values[0] not in use.values:
                raise UnsupportedError(f"operation {op} with {names}={values[0]!r} is not supported")
            if isinstance(use, Option) and values is not None:
                options[use.name] = _converted(use.convert, values, op, _named(names))
        return options


def _each(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _named(names: str | tuple[str, ...]) -> str:
    return ", ".join(_each(names))


def _values(names: str | tuple[str, ...], use: Use, attributes: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The values of one attribute, or of several together; None if it is missing, as are all of these."""
    values = tuple(attributes.get(name) for name in _each(names))
    if all(value is None for value in values):
        default = None if isinstance(use, Only) else use.default
        return None if default is None else (default,)
    return values


def _converted(convert: Convert, values: tuple[Any, ...], op: str, name: str) -> Any:
    try:
        return convert(*values)
    except (KeyError, ValueError, TypeError, IndexError):
        given = ", ".join(map(repr, values))
        raise UnsupportedError(f"operation {op} with {name}={given} is not supported") from None


def _slots(values: Iterable[Any]) -> Iterator[int]:
    """The numbers of the slots in arguments."""
    for value in values:
        if isinstance(value, Slot):
            yield value.number
        elif isinstance(value, list):
            yield from _slots(value)


def _renumbered(value: Any, used: list[int]) -> Any:
    """An argument with the places of inputs as they are among those that are used."""
    if isinstance(value, Slot):
        return Slot(used.index(value.number))
    return [_renumbered(item, used) for item in value] if isinstance(value, list) else value
