"""What the attributes and inputs of ONNX operators come to, where they are not handed on as they are."""

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
    """A number as an attribute holds it, which is in float32."""
    return float(np.float32(number))


def whole(value: Any) -> int:
    """A lone number, that may be in an array."""
    return int(np.asarray(value).item())


def some(axes: Any) -> Any:
    """Axes, of which none at all are all."""
    return axes_of(axes) if np.size(axes) else None


def pairs(pads: list[int]) -> tuple[Pair, ...]:
    """What lies before and after each axis, of all that lies before and then all that lies after them."""
    count = len(pads) // 2
    return tuple(zip(pads[:count], pads[count:], strict=True))


def padding(auto_pad: str | None, pads: list[int] | None) -> Padding:
    """A padding by a rule or in numbers.

    Raises:
        ValueError: by both.
    """
    if auto_pad in (None, "NOTSET"):
        return pairs(pads) if pads else "valid"
    if pads and any(pads):
        raise ValueError
    return RULES_OF_PADDING[str(auto_pad)]


def explicit(equation: str) -> str:
    """An equation of `einsum` with what comes out: letters that are there once, in their order."""
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
    """A step that is a constant."""
    array = np.asarray(value)
    return step("Constant", value=array, dtype=str(array.dtype))


def number(value: float) -> Node:
    """A step that is a number, which does not make wider what it is combined with."""
    return constant(np.float32(value))


def has(node: Node, place: int) -> bool:
    """Whether an optional input of a node is there."""
    return place < len(node.inputs) and node.inputs[place] != ABSENT


def given(node: Node, *but: str) -> dict[str, Any]:
    """The attributes of a node, without some."""
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
