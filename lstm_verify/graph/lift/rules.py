"""Which form the result of an operation has, given the forms of its arguments; one operation, one line in `RULES`."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from lstm_verify.graph.lift.blocks import gru_cell, lstm_cell
from lstm_verify.graph.lift.choices import choice_of
from lstm_verify.graph.lift.expressions import Affine, Array, Atom, Form, FunctionCall, Item, Leaf, SumFactor, Term
from lstm_verify.graph.lift.normalization import normalised
from lstm_verify.graph.lift.slices import step
from lstm_verify.graph.lift.traced import Columns, Traced, Written
from lstm_verify.layers import Run, Signal
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.operations.functions import ELEMENTWISE

Rule = Callable[[list[Traced], list[Any], Operation], list[Traced] | None]
"""Arguments, results and the operation → the results with their forms; None: it has no form but an opaque one."""


def _is_float(item: Traced) -> bool:
    return isinstance(item.value, np.ndarray) and item.value.dtype.kind == "f"


def _row(item: Traced) -> Array | None:
    """A constant as a number, or as one number for every column."""
    value = np.asarray(item.value)
    if item.form is not None or value.dtype.kind != "f":
        return None
    if value.ndim <= 1:
        return value
    return value.reshape(value.shape[-1]) if value.size == value.shape[-1] else None


def _sum(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    if not all(map(_is_float, arguments)):
        return None
    moving = [item for item in arguments if item.form is not None]
    if any(not isinstance(item.form, Form) or item.value.shape != values[0].shape for item in moving):
        return None
    rows = [_row(item) for item in arguments if item.form is None]
    if any(row is None for row in rows):
        return None
    form = reduce(Form.__add__, [item.as_form() for item in moving])
    for row in rows:
        assert row is not None
        form = form.plus_constant(row)
    return [Traced(values[0], normalised(form) or form)]


def _added(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    chosen = choice_of(arguments) if len(arguments) == 2 else None
    return _sum(arguments, values, operation) if chosen is None else [Traced(values[0], chosen)]


def _difference(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    first, second = arguments
    return _sum([first, _negated(second)], values, operation)


def _negated(item: Traced) -> Traced:
    if isinstance(item.form, Form):
        return Traced(item.value, item.form.scaled(np.asarray(-1.0)))
    if item.form is None and _is_float(item):
        return Traced(np.asarray(-item.value))  # the negative of an array without axes is none
    return item


def _negative(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    return [Traced(values[0], _negated(arguments[0]).form)] if isinstance(arguments[0].form, Form) else None


def _product(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    first, second = arguments
    if not _is_float(first) or not _is_float(second):
        return None
    if isinstance(first.form, Form) and isinstance(second.form, Form):
        same = first.value.shape == second.value.shape
        return [Traced(values[0], first.form * second.form)] if same else None
    form, row = (first.form, _row(second)) if second.form is None else (second.form, _row(first))
    if (
        not isinstance(form, Form)
        or row is None
        or values[0].shape != (first if form is first.form else second).value.shape
    ):
        return None
    return [Traced(values[0], form.scaled(row))]


def _quotient(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    first, second = arguments
    row = _row(second)
    if row is None or not isinstance(first.form, Form) or values[0].shape != first.value.shape:
        return None
    return [Traced(values[0], first.form.scaled(1 / row.astype(np.float64)))]


def _matmul(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    x, matrix = arguments
    options = operation.options
    if options.get("transpose_x") or matrix.form is not None or np.ndim(matrix.value) != 2 or not _is_float(x):
        return None
    return [Traced(values[0], Form.of(affine(x, matrix.value.T if options.get("transpose_y") else matrix.value)))]


def affine(x: Traced, matrix: Array) -> Affine:
    """A value times a matrix; of forms side by side, each meets its rows."""
    if not isinstance(x.form, Columns):
        return Affine(((x.as_form(), matrix),))
    maps, start = [], 0
    for form, width in x.form.parts:
        maps.append((form, matrix[start : start + width]))
        start += width
    return Affine(tuple(maps))


def _same(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    x = arguments[0]
    unchanged = (
        isinstance(x.value, np.ndarray) and values[0].shape == x.value.shape and values[0].dtype == x.value.dtype
    )
    return [Traced(values[0], x.form)] if unchanged else None


def _concatenated(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    axis, last = operation.options.get("axis", 0), (-1, values[0].ndim - 1)
    if isinstance(axis, Slot) or int(axis) not in last or not all(map(_is_float, arguments)):
        return None
    flat: list[tuple[Form, int]] = []
    for item in arguments:
        flat += item.form.parts if isinstance(item.form, Columns) else [(item.as_form(), item.value.shape[-1])]
    return [Traced(values[0], Columns(tuple(flat)))]


def _chosen(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    """A choice between rows that are forms side by side is the same choice in each of them."""
    condition, yes, no = arguments
    if _always(condition):
        return [Traced(values[0], yes.form)]
    sides = [item.form for item in (yes, no)]
    parts = next((side.parts for side in sides if isinstance(side, Columns)), None)
    if parts is None or condition.form is None or yes.value.shape != no.value.shape:
        return None
    chosen, start = [], 0
    for _, width in parts:
        both = [_columns(item, start, start + width) for item in (yes, no)]
        if None in both:
            return None
        chosen.append((Form.of(FunctionCall(operation.operation, (condition.as_form(), *both))), width))
        start += width
    return [Traced(values[0], Columns(tuple(chosen)))]


def _always(condition: Traced) -> bool:
    """Whether a condition is that uniform random numbers are not below 0: a dropout that keeps everything."""
    atom = condition.form.atom if isinstance(condition.form, Form) else None
    if not isinstance(atom, FunctionCall) or atom.operation != "greater_equal":
        return False
    drawn, rate = atom.arguments
    return isinstance(drawn, Form) and _is_uniform(drawn) and not isinstance(rate, Form) and rate <= 0


def _is_uniform(form: Form) -> bool:
    """Whether it is random numbers from 0 to below 1."""
    return isinstance(form.atom, FunctionCall) and form.atom.operation == "random_uniform"


def _floored(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    """Random numbers from 0 to below 1 make no difference to a whole number: a dropout as it was before 1.13."""
    form = arguments[0].form
    if not isinstance(form, Form) or form.constant.ndim or form.constant % 1 or not _is_uniform(Form(form.terms)):
        return None
    return [Traced(values[0], Form((), form.constant))]


def _view(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    """An operation that picks columns: which ones shows when it is done to their numbers."""
    place = next((n for n, item in enumerate(arguments) if item.form is not None), None)
    if place is None or sum(item.form is not None for item in arguments) != 1 or not _is_float(arguments[place]):
        return None
    x = arguments[place]
    if not np.ndim(x.value):
        return None
    numbers = np.arange(x.value.size).reshape(x.value.shape)
    signals = [Signal(numbers if n == place else item.value) for n, item in enumerate(arguments)]
    slots = tuple(Slot(n) for n in range(len(arguments)))
    again = Operation(name="view", operation=operation.operation, arguments=slots, options=operation.options)
    results = []
    for value, picked in zip(values, again.apply(tuple(signals), Run()), strict=True):
        if picked.value.ndim and not picked.value.shape[-1]:
            results.append(Traced(value))  # no columns at all depend on nothing
            continue
        if picked.value.shape[:-1] != x.value.shape[:-1] or not picked.value.size:
            return None
        first = picked.value.reshape(-1, picked.value.shape[-1])[0]
        if (picked.value != numbers[..., :1] + first).any() or (np.diff(first) != 1).any():
            return None
        form = _columns(x, int(first[0]), int(first[-1]) + 1)
        if form is None:
            return None
        results.append(Traced(value, form))
    return results


def _columns(x: Traced, start: int, stop: int) -> Form | None:
    """Some columns of a value."""
    width = x.value.shape[-1]
    if isinstance(x.form, Columns):
        begin = 0
        for form, count in x.form.parts:
            if begin <= start and stop <= begin + count:
                part = Traced(np.empty((1, count)), form)
                return _columns(part, start - begin, stop - begin)
            begin += count
        return None
    return x.as_form() if (start, stop) == (0, width) else columns_of(x.as_form(), start, stop)


def columns_of(form: Form, start: int, stop: int) -> Form | None:
    """Some columns of a form: of every atom in it, and of coefficients that differ from column to column."""

    def cut(values: Array) -> Array:
        return values[start:stop] if values.ndim else values

    terms = []
    for term in form.terms:
        atoms = [_columns_of_atom(atom, start, stop) for atom in term.product]
        if any(atom is None for atom in atoms):
            return None
        terms.append(Term(tuple(atom for atom in atoms if atom is not None), cut(term.coefficient)))
    return Form(tuple(terms), cut(form.constant))


def _columns_of_atom(atom: Atom, start: int, stop: int) -> Atom | None:
    if isinstance(atom, Leaf | Affine):
        return atom.columns(start, stop)
    if isinstance(atom, SumFactor):
        inner = columns_of(atom.form, start, stop)
        return None if inner is None else SumFactor(inner)
    if atom.operation not in ELEMENTWISE or any(np.ndim(a) for a in atom.arguments if isinstance(a, np.ndarray)):
        return None
    arguments = [columns_of(a, start, stop) if isinstance(a, Form) else a for a in atom.arguments]
    return None if any(a is None for a in arguments) else FunctionCall(atom.operation, tuple(arguments), atom.options)


def _leaf(item: Traced) -> Leaf | None:
    atom = item.form.atom if isinstance(item.form, Form) else None
    return atom if isinstance(atom, Leaf) else None


def _read(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    items, index = _leaf(arguments[0]), _leaf(arguments[1])
    return [Traced(values[0], Form.of(Item.at(items.name, index.name)))] if items and index else None


def _write(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    items, index = _leaf(arguments[0]), _leaf(arguments[1])
    first = arguments[1].form is None and int(arguments[1].value) == 0
    if items is None or not (index or first):
        return None
    return [Traced(values[0], Written(items.name, index.name if index else None, arguments[2]))]


def _cast(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    return [Traced(values[0], arguments[0].form)] if _is_float(arguments[0]) and values[0].dtype.kind == "f" else None


def _same_everywhere(value: float) -> Rule:
    return lambda arguments, values, operation: [Traced(values[0], Form((), np.asarray(value)))]


def _filled(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    """A constant of whatever shape."""
    constant = arguments[1].form is None and values[0].dtype.kind == "f"
    return [Traced(values[0], Form((), np.asarray(arguments[1].value, np.float64)))] if constant else None


RULES: dict[str, Rule] = {
    "full": _filled,
    "lstm_cell": lstm_cell,
    "gru_cell": gru_cell,
    "where": _chosen,
    "where_rows": _chosen,
    "floor": _floored,
    "ones_like": _same_everywhere(1.0),
    "zeros_like": _same_everywhere(0.0),
    "add": _added,
    "add_n": _sum,
    "add_bias": _sum,
    "subtract": _difference,
    "negative": _negative,
    "multiply": _product,
    "divide": _quotient,
    "true_divide": _quotient,
    "divide_toward_zero": _quotient,
    "matmul": _matmul,
    "identity": _same,
    "cast": _cast,
    "concatenate": _concatenated,
    "split_evenly": _view,
    "split_sizes": _view,
    "slices": lambda *given: _view(*given) or step(*given),
    "slices_of_axes": lambda *given: _view(*given) or step(*given),
    "gather": step,
    "slice_sizes": _view,
    "reshape_to": _view,
    "list_get": _read,
    "list_set": _write,
}
