"""Steps cut out of a tensor: a loop may slice its inputs itself, where others read them from a list."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lstm_verify.graph.lift.expressions import Array, Form, Item, Leaf, leaves
from lstm_verify.graph.lift.functions import evaluate
from lstm_verify.graph.lift.traced import Traced
from lstm_verify.layers.operation import Operation
from lstm_verify.operations import OPERATIONS, TensorList


class Cut(NamedTuple):
    """A tensor that is cut into steps."""

    variable: int
    """The loop variable that it is."""
    axes: tuple[int, ...]
    """Its axes, that of the steps first."""

    def list(self, x: Array) -> Array:
        """The list of its parts."""
        empty: Any = TensorList((), None, str(x.dtype), grows=False)
        cut: Array = empty.cut(np.transpose(x, self.axes))
        return cut


TRIED = 2
"""The steps that are tried."""


def step(arguments: list[Traced], values: list[Any], operation: Operation) -> list[Traced] | None:
    """The part of a tensor at the place of an axis that a loop variable says: seen by doing it for several places."""
    x, *places = arguments
    items = x.form.atom if isinstance(x.form, Form) else None
    moving = [item.form for item in places if item.form is not None]
    if not isinstance(items, Leaf) or not all(isinstance(form, Form) for form in moving):
        return None
    found = {leaf.key: leaf for form in moving if isinstance(form, Form) for leaf in leaves(form)}
    if len(found) != 1:
        return None
    (index,) = found.values()
    cut = [_cut(x, places, index, number, operation) for number in range(TRIED)]
    for axis in range(np.ndim(x.value)):
        wanted = [np.take(x.value, number, axis) for number in range(min(TRIED, x.value.shape[axis]))]
        if len(wanted) == TRIED and all(map(np.array_equal, wanted, cut)):
            return [Traced(values[0], Form.of(Item.at(items.name, index.name, axis)))]
    return None


def _cut(x: Traced, places: list[Traced], index: Leaf, number: int, operation: Operation) -> Any:
    """The result of the operation where the loop variable is that number."""
    at = [
        evaluate(place.form, Form.of(index), np.asarray(number)) if isinstance(place.form, Form) else place.value
        for place in places
    ]
    integers = [
        np.asarray(value).astype(np.asarray(place.value).dtype) for value, place in zip(at, places, strict=True)
    ]
    return OPERATIONS[operation.operation](x.value, *integers, **operation.options)
