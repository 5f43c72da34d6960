"""Steps that a loop cuts out of a tensor itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.graph.lift.expressions import Array, Form, FunctionCall, Item, Leaf
from lstm_verify.graph.lift.slices import Cut, step
from lstm_verify.graph.lift.traced import Traced
from lstm_verify.layers.operation import Operation

X = np.random.default_rng(3).standard_normal((4, 5, 3))
T = Form.of(Leaf("t"))


def index(form: Form = T) -> Traced:
    return Traced(np.asarray(0), form)


def cut(x: Array, *places: Traced, **options: Any) -> Item | None:
    """The item that `gather` of a tensor is, if it is one."""
    operation = Operation(name="cut", operation="gather", arguments=(), options=options)
    found = step([Traced(x, Form.of(Leaf("x"))), *places], [np.take(x, 0, 0)], operation)
    atom = found[0].form.atom if found and isinstance(found[0].form, Form) else None
    return atom if isinstance(atom, Item) else None


@pytest.mark.parametrize("axis", [0, 1])
def test_a_step_is_a_place_of_an_axis(axis: int) -> None:
    item = cut(X, index(), Traced(np.asarray(axis)))
    assert item is not None
    assert (item.items, item.index, item.axis) == ("x", "t", axis)


@pytest.mark.parametrize(
    "place",
    [
        Form.of(FunctionCall("add", (T, np.asarray(1)))),
        Form.of(FunctionCall("multiply", (T, np.asarray(2)))),
        Form.of(FunctionCall("add", (T, Form.of(Leaf("u"))))),
    ],
    ids=["the next", "every other", "two variables"],
)
def test_another_place_is_none(place: Form) -> None:
    assert cut(X, index(place), Traced(np.asarray(1))) is None


def test_the_list_has_the_steps_in_order() -> None:
    items: Any = Cut(0, (1, 0, 2)).list(X)
    assert len(items.items) == 5
    np.testing.assert_array_equal(items.items[3], X[:, 3])
