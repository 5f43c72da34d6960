"""A value together with its form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from lstm_verify.graph.lift.expressions import Form, FunctionCall
from lstm_verify.layers.operation import Operation, Slot


@dataclass(frozen=True)
class Columns:
    """Forms side by side: what a concatenation along the last axis gives."""

    parts: tuple[tuple[Form, int], ...]
    """Each form with its number of columns."""


@dataclass(frozen=True)
class Written:
    """A list that an item was written to."""

    items: str
    """The name of the loop variable that holds the list."""
    index: str | None
    """The name of the loop variable that says which item; None: always the first."""
    value: Traced


class Traced(NamedTuple):
    """A value of one round of the loop, and its form; None if it depends on no loop variable."""

    value: Any
    form: Form | Columns | Written | None = None

    def as_form(self) -> Form:
        """The form, as one: of a constant or of forms side by side, an opaque one."""
        if isinstance(self.form, Form):
            return self.form
        if self.form is None and np.ndim(self.value) <= 1:
            return Form((), np.asarray(self.value))
        parts = [part for part, _ in self.form.parts] if isinstance(self.form, Columns) else [self.value]
        return Form.of(FunctionCall("columns", tuple(parts)))


def settled(operation: Operation, given: Sequence[Traced]) -> Operation | None:
    """The operation with the values of those options that are inputs; None if one of these depends on a loop variable.

    Args:
        operation: an operation.
        given: its inputs.
    """
    slots = {key: given[value.number] for key, value in operation.options.items() if isinstance(value, Slot)}
    if any(item.form is not None for item in slots.values()):
        return None
    return replace(operation, options=operation.options | {key: item.value for key, item in slots.items()})
