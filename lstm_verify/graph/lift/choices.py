"""Choices that are written as arithmetic: m·a + (1-m)·b, with a mask m as numbers and its opposite, as tf2onnx does."""

from __future__ import annotations

from lstm_verify.graph.lift.expressions import Form, FunctionCall
from lstm_verify.graph.lift.traced import Traced


def choice_of(arguments: list[Traced]) -> Form | None:
    """Return the choice that a sum of two terms is; None if it is not one."""
    parts = [_masked(item) for item in arguments]
    if None in parts:
        return None
    (mask, yes), (opposite, no) = (part for part in parts if part is not None)
    for condition, other, one, two in ((mask, opposite, yes, no), (opposite, mask, no, yes)):
        call = other.atom
        if (
            isinstance(call, FunctionCall)
            and call.operation == "logical_not"
            and call.arguments[0].key == condition.key
        ):
            return Form.of(FunctionCall("where", (condition, one, two)))
    return None


def _masked(item: Traced) -> tuple[Form, Form] | None:
    """The mask and the value of a product of a mask, as numbers, with a value."""
    call = item.form.atom if isinstance(item.form, Form) else None
    if not isinstance(call, FunctionCall) or call.operation != "multiply":
        return None
    for first, second in (call.arguments, call.arguments[::-1]):
        cast = first.atom if isinstance(first, Form) and isinstance(second, Form) else None
        if isinstance(cast, FunctionCall) and cast.operation == "cast":
            return cast.arguments[0], second
    return None
