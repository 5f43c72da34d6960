"""Picking rows: steps cut out of a sequence that was multiplied as a whole, as an unrolled graph does.

    pick(x W + b) = pick(x) W + b        pick(f(x)) = f(pick(x))        pick(x · y) = pick(x) · pick(y)

To take some rows of a value, along all axes but the last, commutes with whatever computes each row out of the same row.
So the form of the picked value is the form of the whole, with each of its leaves picked. Which rows an operation picks,
and that it leaves the columns alone, is seen by doing it to the numbers of the rows, and to those of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lstm_verify.graph.lift.expressions import Affine, Array, Atom, Form, FunctionCall, Leaf, SumFactor, Term
from lstm_verify.graph.lift.traced import Columns, Traced
from lstm_verify.layers import Run, Signal
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.operations.functions import ELEMENTWISE

PICKING = {
    "expand_dims",
    "flip",
    "gather",
    "move_axis",
    "reshape_to",
    "slice_sizes",
    "slices",
    "slices_of_axes",
    "split_evenly",
    "split_sizes",
    "squeeze",
    "transpose",
    "unstack",
}
"""Operations that may pick rows of their first argument; the others say which."""
BROADCASTING = {"add", "multiply", "subtract"}
OF_SHAPES = {"rank", "shape", "size"}
"""Operations whose results depend on no value."""


@dataclass(frozen=True, eq=False)
class Picked(Leaf):
    """Some rows of a value, and perhaps some of its columns."""

    base: Form = field(default_factory=lambda: Form(()))
    rows: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    """Their numbers in the value, whose axes but the last are one: an integer for each row that is picked."""
    all_rows: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    """The numbers of all its rows, in the shape of its axes but the last."""

    @classmethod
    def of(cls, base: Form, rows: Array, all_rows: Array, start: int = 0, stop: int | None = None) -> Picked:
        """The rows of a base."""
        return cls(f"{base.key}[{rows.tolist()}]", start, stop, base, rows, all_rows)

    def columns(self, start: int, stop: int) -> Picked:
        return replace(self, start=self.start + start, stop=self.start + stop)

    def again(self, rows: Array) -> Atom:
        """Rows of these rows; the whole again, if they are all of it in their order."""
        rows, atom = self.rows.ravel()[rows], self.base.atom
        if _are_all(rows, self.all_rows) and atom is not None:
            if isinstance(atom, Leaf):
                return Leaf(atom.name, self.start, self.stop)
            if (self.start, self.stop) == (0, None):
                return atom
        return Picked.of(self.base, rows, self.all_rows, self.start, self.stop)

    def value(self, base: Array) -> Array:
        """The rows (…, columns) of the value of the base (…, columns)."""
        taken: Array = base.reshape(-1, base.shape[-1])[self.rows][..., self.start : self.stop]
        return taken


def without_shapes(item: Traced) -> Traced:
    """The item; as a constant if it depends on nothing but the shapes of others."""
    return Traced(item.value) if isinstance(item.form, Form) and not _depends(item.form) else item


def _depends(form: Form) -> bool:
    """Whether a form depends on the value of anything."""
    return any(_atom_depends(atom) for term in form.terms for atom in term.product)


def _atom_depends(atom: Atom) -> bool:
    if isinstance(atom, SumFactor):
        return _depends(atom.form)
    if not isinstance(atom, FunctionCall):
        return True
    if atom.operation in OF_SHAPES:
        return False
    return atom.operation == "layer" or any(isinstance(each, Form) and _depends(each) for each in atom.arguments)


def picked(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    """The rule of an operation that picks rows; None if it does anything else."""
    x, *places = arguments
    form = x.form
    if operation.operation not in PICKING or any(item.form is not None for item in places):
        return None
    if not isinstance(form, Form | Columns) or not _has_rows(x):
        return None
    shape = x.value.shape
    numbers = np.arange(int(np.prod(shape[:-1]))).reshape(*shape[:-1], 1)
    of_rows = _done_to(np.broadcast_to(numbers, shape), places, operation)
    of_columns = _done_to(np.broadcast_to(np.arange(shape[-1]), shape), places, operation)
    results = []
    for value, rows, columns in zip(values, of_rows, of_columns, strict=True):
        if not rows.size or rows.shape[-1:] != shape[-1:] or (columns != np.arange(shape[-1])).any():
            return None
        results.append(Traced(value, _form(form, rows[..., 0], numbers[..., 0])))
    return results


def aligned(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced]:
    """The arguments with as many rows as the result, where some are broadcast: rows may be picked more than once."""
    return [_broadcast(item, values[0].shape) if operation.operation in BROADCASTING else item for item in arguments]


def _broadcast(item: Traced, shape: tuple[int, ...]) -> Traced:
    form, own = item.form, np.shape(item.value)
    if not isinstance(form, Form | Columns) or not _has_rows(item) or own == shape or own[-1:] != shape[-1:]:
        return item
    numbers = np.arange(int(np.prod(own[:-1]))).reshape(own[:-1])
    return Traced(np.broadcast_to(item.value, shape), _form(form, np.broadcast_to(numbers, shape[:-1]), numbers))


def _has_rows(x: Traced) -> bool:
    is_float = isinstance(x.value, np.ndarray) and x.value.dtype.kind == "f"
    return is_float and x.value.ndim > 1 and x.value.size > 0


def _done_to(numbers: Array, places: list[Traced], operation: Operation) -> list[Array]:
    """The results of the operation where some numbers are in the place of its first argument."""
    slots = tuple(Slot(n) for n in range(len(places) + 1))
    again = Operation(name="pick", operation=operation.operation, arguments=slots, options=operation.options)
    signals = (Signal(numbers), *(Signal(item.value) for item in places))
    return [signal.value for signal in again.apply(signals, Run())]


def _form(form: Form | Columns, rows: Array, all_rows: Array) -> Form | Columns:
    """The form of some rows of a value with a form."""
    if _are_all(rows, all_rows):
        return form
    if isinstance(form, Columns):
        return Columns(tuple((_rows_of(part, rows, all_rows), width) for part, width in form.parts))
    return _rows_of(form, rows, all_rows)


def _rows_of(form: Form, rows: Array, all_rows: Array) -> Form:
    terms = tuple(
        Term(tuple(_rows_of_atom(atom, rows, all_rows) for atom in term.product), term.coefficient)
        for term in form.terms
    )
    return Form(terms, form.constant)


def _rows_of_atom(atom: Atom, rows: Array, all_rows: Array) -> Atom:
    match atom:
        case Affine():
            return Affine(tuple((_rows_of(form, rows, all_rows), W) for form, W in atom.maps), atom.biases)
        case SumFactor():
            return SumFactor(_rows_of(atom.form, rows, all_rows))
        case FunctionCall() if _is_of_each_number(atom):
            arguments = tuple(_rows_of(a, rows, all_rows) if isinstance(a, Form) else a for a in atom.arguments)
            return FunctionCall(atom.operation, arguments, atom.options, atom.output)
        case Picked():
            return atom.again(rows)
        case Leaf():
            return Picked.of(Form.of(Leaf(atom.name)), rows, all_rows, atom.start, atom.stop)
    return Picked.of(Form.of(atom), rows, all_rows)


def _are_all(rows: Array, all_rows: Array) -> bool:
    return rows.shape == all_rows.shape and bool((rows == all_rows).all())


def _is_of_each_number(call: FunctionCall) -> bool:
    """Whether it is a function of one form, number by number, or along the last axis."""
    others = [argument for argument in call.arguments if not isinstance(argument, Form)]
    alone = len(others) == len(call.arguments) - 1 and not any(map(np.ndim, others))
    return alone and call.operation in ELEMENTWISE and "axis" not in call.options
