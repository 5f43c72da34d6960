"""Conversions of attributes and inputs of ONNX operators that are not passed on unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify.graph.expand import Expand, step
from lstm_verify.graph.ir import ABSENT, Node
from lstm_verify.operations.reductions import axes_of
from lstm_verify.operations.windows import Padding, Pair

RULES_OF_PADDING = {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}


def single(number: float) -> float:
    """Return a number as an attribute holds it: in float32."""
    return float(np.float32(number))


def whole(value: Any) -> int:
    """Return a single number, which may be inside an array."""
    return int(np.asarray(value).item())


def some(axes: Any) -> Any:
    """Return axes; an empty list stands for all of them."""
    return axes_of(axes) if np.size(axes) else None


def pairs(pads: list[int]) -> tuple[Pair, ...]:
    """Return pairs of (before, after) for each axis, given all the values before and then all those after."""
    count = len(pads) // 2
    return tuple(zip(pads[:count], pads[count:], strict=True))


def padding(auto_pad: str | None, pads: list[int] | None) -> Padding:
    """Return a padding by rule or in numbers.

    Raises:
        ValueError: by both.
    """
    if auto_pad in (None, "NOTSET"):
        return pairs(pads) if pads else "valid"
    if pads and any(pads):
        raise ValueError
    return RULES_OF_PADDING[str(auto_pad)]


def explicit(equation: str) -> str:
    """Return an `einsum` equation with an explicit output: the letters that occur once, in alphabetical order."""
    equation = equation.replace(" ", "")
    if "->" in equation:
        return equation
    letters = equation.replace("...", "").replace(",", "")
    once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
    return f"{equation}->{'...' if '...' in equation else ''}{''.join(once)}"


def width(low: float | None, high: float | None) -> float:
    """How far it is from a limit, 0 if it is not given, to another, 1 if it is not."""
    return (1.0 if high is None else high) - (low or 0.0)


def constant(value: Any) -> Node:
    """Make a step that is a constant."""
    array = np.asarray(value)
    return step("Constant", value=array, dtype=str(array.dtype))


def number(value: float) -> Node:
    """Make a step that is a number, which does not widen the dtype of what it is combined with."""
    return constant(np.float32(value))


def has(node: Node, place: int) -> bool:
    """Whether a node has an optional input."""
    return place < len(node.inputs) and node.inputs[place] != ABSENT


def given(node: Node, *but: str) -> dict[str, Any]:
    """Return the attributes of a node, except some."""
    return {name: value for name, value in node.attributes.items() if name not in but}


def steps(
    into: Callable[[Node], Mapping[str, Node]], *known: str, elsewhere: Mapping[int, str] | None = None
) -> Expand:
    """An operator that is several, each of which computes in the type that it does itself.

    Args:
        into: its steps by name.
        known: its attributes.
        elsewhere: which output of which step its outputs are, if they are not those of the step without a name.
    """

    def typed(node: Node) -> dict[str, Node]:
        own = {name: value for name, value in node.attributes.items() if name.startswith("_")}
        return {name: replace(each, attributes={**own, **each.attributes}) for name, each in into(node).items()}

    return Expand(typed, elsewhere or {}, frozenset(known))
