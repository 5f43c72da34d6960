"""Rows that are picked out of a value: their form is that of the whole, of picked leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.graph.lift.expressions import Affine, Form, FunctionCall, Leaf
from lstm_verify.graph.lift.picked import Picked, picked
from lstm_verify.graph.lift.rules import RULES
from lstm_verify.graph.lift.traced import Traced
from lstm_verify.layers.operation import Operation
from lstm_verify.operations import OPERATIONS

RNG = np.random.default_rng(2)
X = RNG.standard_normal((2, 5, 3))
W, BIAS = RNG.standard_normal((3, 4)), RNG.standard_normal(4)


def after(x: Traced, operation: str, *places: int, **options: Any) -> Traced | None:
    """A value after an operation on it."""
    value = OPERATIONS[operation](x.value, *map(np.asarray, places), **options)
    given = [x, *(Traced(np.asarray(place)) for place in places)]
    found = picked(given, [value], Operation(name="pick", operation=operation, arguments=(), options=options))
    return found[0] if found else None


def leaf(value: Any = X) -> Traced:
    return Traced(value, Form.of(Leaf("x")))


def test_a_step_of_a_product_is_the_product_of_the_step() -> None:
    whole = Form.of(Affine(((Form.of(Leaf("x")), W),), (BIAS,)))
    z = after(Traced(X @ W + BIAS, whole), "gather", 3, axis=1)
    x = after(leaf(), "gather", 3, axis=1)
    assert z is not None
    assert x is not None
    assert isinstance(z.form, Form)
    assert isinstance(x.form, Form)
    assert z.form.key == Form.of(Affine(((x.form, W),), (BIAS,))).key
    assert isinstance(x.form.atom, Picked)
    np.testing.assert_array_equal(x.form.atom.value(X), X[:, 3])


def test_rows_of_rows() -> None:
    moved = after(leaf(), "transpose", axes=(1, 0, 2))
    step = after(moved, "gather", 3, axis=0) if moved else None
    back = after(moved, "transpose", axes=(1, 0, 2)) if moved else None
    assert step is not None
    assert back is not None
    assert isinstance(step.form, Form)
    assert isinstance(step.form.atom, Picked)
    np.testing.assert_array_equal(step.form.atom.value(X), X[:, 3])
    assert isinstance(back.form, Form)
    assert back.form.key == Form.of(Leaf("x")).key


def test_a_function_along_rows_stays_whole() -> None:
    summed = FunctionCall("softmax_from", (Form.of(Leaf("x")),), {"axis": 1})
    found = after(Traced(X, Form.of(summed)), "gather", 3, axis=1)
    assert found is not None
    assert isinstance(found.form, Form)
    assert isinstance(found.form.atom, Picked)
    assert found.form.atom.base.key == Form.of(summed).key


@pytest.mark.parametrize("options", [{"axes": (0, 2, 1)}, {"axes": (2, 1, 0)}])
def test_columns_must_stay(options: dict[str, Any]) -> None:
    assert after(leaf(), "transpose", **options) is None


def test_a_reversal_is_no_view() -> None:
    given = [leaf(), *(Traced(np.array([n])) for n in (-1, -100, 1, -1))]
    operation = Operation(name="reversed", operation="slices_of_axes", arguments=())
    assert RULES["slices_of_axes"](given, [X[:, ::-1]], operation) is None
