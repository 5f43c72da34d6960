"""JSON: nested lists of numbers, or an object of them by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lstm_verify.array_files.interface import ArrayFormat, Source
from lstm_verify.array_files.numbers import numbers_in
from lstm_verify.array_files.shapes import in_given_shape
from lstm_verify.array_files.text import text_of
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.arrays import Rows
from lstm_verify.errors import InputError

MOST_AXES = 32


class _Number(str):
    """A number as it is written, which a string is not."""

    __slots__ = ()


def read(source: Source) -> dict[str, Rows]:
    """Read lists, or an object of them.

    Raises:
        InputError: it is no JSON, or holds anything else, or lists of different lengths.
    """
    content = _parsed(source)
    if not isinstance(content, dict):
        return {"": _array(source, "", content)}
    if source.shape is not None:
        raise InputError(f"{source}: an object, whose arrays have their own shapes. Leave the shape out")
    if not content:
        raise InputError(f"{source}: an empty object, expected one array for each input or output")
    names = [name.removesuffix(":0") for name in content]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"{source}: more than one array is named '{min(twice)}', expected one for each")
    return {name: _array(source, name, value) for name, value in zip(names, content.values(), strict=True)}


def _parsed(source: Source) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(f"{source}: more than one array is named '{min(twice)}', expected one for each")
        return dict(found)

    try:
        return json.loads(
            text_of(source), parse_float=_Number, parse_int=_Number, parse_constant=_Number, object_pairs_hook=pairs
        )
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: line {error.lineno}, column {error.colno}: no JSON ({error.msg})") from None
    except RecursionError:
        raise InputError(f"{source}: lists in lists, too deep to be an array") from None


def _array(source: Source, name: str, value: Any) -> TextRows:
    where = f"{source}: '{name}'" if name else str(source)
    shape = tuple(_shape(where, value))
    texts = list(_flat(where, value, shape, ()))
    if not texts:
        raise InputError(f"{where}: holds no numbers, shape {shape}")

    def place(number: int) -> str:
        return f"{where} at {_index(number, shape)}"

    values = numbers_in(texts, place).reshape(shape)
    return in_given_shape(TextRows(values, texts, str(source)), source)


def _shape(where: str, value: Any) -> Iterator[int]:
    """The lengths of the first list, of the first list in it, and so on."""
    for _ in range(MOST_AXES):
        if not isinstance(value, list):
            return
        yield len(value)
        if not value:
            return
        value = value[0]
    raise InputError(f"{where}: lists in lists, too deep to be an array")


def _flat(where: str, value: Any, shape: tuple[int, ...], at: tuple[int, ...]) -> Iterator[str]:
    """The numbers of nested lists that all have the lengths of the first, one after the other."""
    place = f"{where} at {list(at)}" if at else where
    if not isinstance(value, list):
        if shape:
            raise InputError(f"{place}: {_what(value)}, expected a list of {shape[0]}")
        yield _text(place, value)
        return
    if not shape or len(value) != shape[0]:
        expected = f"{shape[0]} as in the first of the lists" if shape else "a number"
        raise InputError(f"{place}: a list of {len(value)}, expected {expected}")
    if len(shape) == 1 and all(type(item) is _Number for item in value):
        yield from value
        return
    for number, item in enumerate(value):
        yield from _flat(where, item, shape[1:], (*at, number))


def _text(place: str, value: Any) -> str:
    if isinstance(value, _Number | bool):
        return str(value)
    raise InputError(f"{place}: {_what(value)}, expected a number{_hint(value)}")


def _what(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, _Number) else f"the string {json.dumps(value[:40])}"


def _hint(value: Any) -> str:
    if value is None:
        return "; write NaN where one is missing"
    return " without quotation marks" if isinstance(value, str) else ""


def _index(number: int, shape: tuple[int, ...]) -> list[int]:
    found = []
    for length in reversed(shape):
        number, place = divmod(number, length)
        found.append(place)
    return found[::-1]


JSON = ArrayFormat("JSON", (".json",), read, takes_shape=True)
