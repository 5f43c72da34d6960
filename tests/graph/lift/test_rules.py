"""What dropout is where it keeps everything, in the two ways in which TensorFlow has written it; and options."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_verify.graph.lift.expressions import Form, FunctionCall, Leaf
from lstm_verify.graph.lift.rules import RULES
from lstm_verify.graph.lift.traced import Columns, Traced, settled
from lstm_verify.layers.operation import Operation, Slot

X = Form.of(Leaf("x"))
VALUE = np.full((2, 3), 0.25, np.float32)


def drawn(kind: str) -> Form:
    return Form.of(FunctionCall(kind, (np.array([2, 3]),)))


def result(name: str, *forms: Form | None) -> Form | None:
    """The form of an operation's result, from those of its arguments; None is a constant."""
    given = [Traced(VALUE if form is not None else np.float32(0), form) for form in forms]
    found = RULES[name](given, [VALUE], Operation(name=name, operation=name, arguments=()))
    form = found[0].form if found else None
    return form if isinstance(form, Form) else None


@pytest.mark.parametrize(
    ("kind", "added", "kept"),
    [("random_uniform", 1, True), ("random_uniform", 0.5, False), ("random_normal", 1, False)],
)
def test_dropout_by_floor(kind: str, added: float, kept: bool) -> None:
    found = result("floor", drawn(kind).plus_constant(np.asarray(added)))
    assert (found is not None and not found.terms and found.constant == added) == kept


@pytest.mark.parametrize(
    ("kind", "rate", "kept"), [("random_uniform", 0, True), ("random_uniform", 0.5, False), ("random_normal", 0, False)]
)
def test_dropout_by_choice(kind: str, rate: float, kept: bool) -> None:
    keeps = Form.of(FunctionCall("greater_equal", (drawn(kind), np.asarray(rate))))
    found = result("where", keeps, X, None)
    assert (found is not None and found.key == X.key) == kept


CONCATENATION = Operation(name="c", operation="concatenate", arguments=(Slot(0), Slot(1)), options={"axis": Slot(2)})


def test_an_option_that_is_a_constant_input_has_its_value() -> None:
    given = [Traced(VALUE, X), Traced(VALUE, X), Traced(np.asarray(-1))]
    operation = settled(CONCATENATION, given)
    assert operation is not None
    assert operation.options == {"axis": -1}
    wide = np.concatenate([VALUE, VALUE], -1)
    found = RULES["concatenate"](given[:2], [wide], operation)
    assert found is not None
    assert isinstance(found[0].form, Columns)
    assert [width for _, width in found[0].form.parts] == [3, 3]


def test_an_option_that_depends_on_a_loop_variable_leaves_the_operation_unknown() -> None:
    assert settled(CONCATENATION, [Traced(VALUE, X), Traced(VALUE, X), Traced(np.asarray(-1), X)]) is None


def test_rows_below_each_other_are_no_columns() -> None:
    operation = replace(CONCATENATION, options={"axis": 0})
    assert RULES["concatenate"]([Traced(VALUE, X)] * 2, [np.concatenate([VALUE, VALUE])], operation) is None
