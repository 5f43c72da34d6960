"""A value together with its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lstm_verify.graph.lift.expressions import Form, FunctionCall


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
