"""Operations on tensors: every one against plain Python on each element, with constants on either side."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lstm_verify.formats.keras.operations import KERAS_OPERATIONS
from lstm_verify.layers import Array, Run, Signal
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.operations import OPERATIONS
from tests.builders import random_array, sequences
from tests.oracle_activations import sigmoid, softmax

X, Y = sequences(), sequences(seed=5)

TWO: dict[str, Callable[[float, float], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "maximum": max,
    "minimum": min,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
}
ONE: dict[str, Callable[[float], Any]] = {
    "negative": operator.neg,
    "absolute": abs,
    "square": lambda x: x * x,
    "exp": math.exp,
    "tanh": math.tanh,
    "sigmoid": sigmoid,
    "relu": lambda x: max(x, 0.0),
    "zeros_like": lambda x: 0.0,
    "ones_like": lambda x: 1.0,
}
OVER: dict[str, Callable[[list[float]], Any]] = {
    "sum": math.fsum,
    "mean": lambda xs: math.fsum(xs) / len(xs),
    "max": max,
    "min": min,
    "any": any,
    "all": all,
}


def call(operation: str, *arguments: Any, values: tuple[Array, ...] = (X,), **options: Any) -> Array:
    layer = Operation(name="op", operation=operation, arguments=arguments, options=options)
    ((value, mask),) = layer.apply(tuple(Signal(v, np.ones(v.shape[:2], bool)) for v in values), Run())
    assert mask is None
    return value


@pytest.mark.parametrize("name", TWO)
def test_two_tensors_element_by_element(name: str) -> None:
    x, y = X.round(1), Y.round(1)  # rounded, so that some are equal
    y[y == 0] = 0.5
    got = call(name, Slot(0), Slot(1), values=(x, y))
    wanted = [TWO[name](a, b) for a, b in zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)]
    assert got.ravel().tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("name", TWO)
def test_a_constant_on_either_side(name: str) -> None:
    flat = X.ravel().tolist()
    assert call(name, Slot(0), 0.5).ravel().tolist() == pytest.approx([TWO[name](x, 0.5) for x in flat])
    assert call(name, 0.5, Slot(0)).ravel().tolist() == pytest.approx([TWO[name](0.5, x) for x in flat])


@pytest.mark.parametrize("name", ONE)
def test_one_tensor_element_by_element(name: str) -> None:
    got = call(name, Slot(0))
    assert got.shape == X.shape
    assert got.ravel().tolist() == pytest.approx([ONE[name](x) for x in X.ravel().tolist()])


def test_operations_on_positive_numbers() -> None:
    x = np.abs(X) + 0.1
    flat = x.ravel().tolist()
    assert call("sqrt", Slot(0), values=(x,)).ravel().tolist() == pytest.approx([math.sqrt(v) for v in flat])
    assert call("log", Slot(0), values=(x,)).ravel().tolist() == pytest.approx([math.log(v) for v in flat])
    assert call("power", Slot(0), 1.5, values=(x,)).ravel().tolist() == pytest.approx([v**1.5 for v in flat])


@pytest.mark.parametrize("name", OVER)
@pytest.mark.parametrize("keepdims", [True, False])
def test_reductions_over_an_axis(name: str, keepdims: bool) -> None:
    x = X > 0 if name in ("any", "all") else X
    got = call(name, Slot(0), values=(x,), axis=1, keepdims=keepdims)
    assert got.shape == ((5, 1, 3) if keepdims else (5, 3))
    for sample, feature in np.ndindex(5, 3):
        wanted = OVER[name](x[sample, :, feature].tolist())
        assert got.reshape(5, 3)[sample, feature] == pytest.approx(wanted)


def test_choices() -> None:
    """Which of two, within bounds, and where the largest and the smallest are."""
    a, b = X.round(1), Y.round(1)
    chosen, bounded = call("where", Slot(0), Slot(1), Slot(2), values=(a > 0, a, b)), call("clip", Slot(0), -0.3, 0.4)
    for place in np.ndindex(5, 6, 3):
        assert chosen[place] == (a[place] if a[place] > 0 else b[place])
        assert bounded[place] == min(max(X[place], -0.3), 0.4)
    for sample, feature in np.ndindex(5, 3):
        column = X[sample, :, feature].tolist()
        assert call("argmax", Slot(0), axis=1)[sample, feature] == column.index(max(column))
        assert call("argmin", Slot(0), axis=1)[sample, feature] == column.index(min(column))


def test_whole_numbers_and_signs() -> None:
    x = np.array([[-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 2.4, -2.6]])
    for name, one in (("floor", math.floor), ("ceil", math.ceil), ("round", round)):
        assert call(name, Slot(0), values=(x,)).tolist() == [[float(one(value)) for value in x[0].tolist()]]
    assert call("sign", Slot(0), values=(x,)).tolist() == [[-1, -1, -1, 0, 1, 1, 1, 1, -1]]


def test_logic() -> None:
    a, b = X > 0, Y > 0
    for place in np.ndindex(5, 6, 3):
        p, q = bool(a[place]), bool(b[place])
        assert call("logical_and", Slot(0), Slot(1), values=(a, b))[place] == (p and q)
        assert call("logical_or", Slot(0), Slot(1), values=(a, b))[place] == (p or q)
        assert call("logical_not", Slot(0), values=(a, b))[place] == (not p)


def test_softmax_along_the_last_axis() -> None:
    got = call("softmax", Slot(0))
    assert got[2, 3].tolist() == pytest.approx(softmax(X[2, 3].tolist()))


def test_matmul_of_sequences() -> None:
    y = random_array(5, 3, 2)
    got = call("matmul", Slot(0), Slot(1), values=(X, y))
    for sample, t, unit in np.ndindex(5, 6, 2):
        assert got[sample, t, unit] == pytest.approx(sum(X[sample, t, k] * y[sample, k, unit] for k in range(3)))


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ([slice(None), -1], X[:, -1]),
        ((slice(None), slice(1, 5, 2)), X[:, 1:5:2]),
        ([slice(None), slice(None), slice(None, None, -1)], X[:, :, ::-1]),
        ([Ellipsis, 0], X[..., 0]),
        ([slice(None), None, 2], X[:, None, 2]),
    ],
)
def test_get_item(key: Any, wanted: Array) -> None:
    assert_array_equal(call("get_item", Slot(0), key), wanted)


def test_several_tensors_become_one() -> None:
    joined = call("concatenate", Slot(1), Slot(0), values=(X, Y), axis=-1)
    assert_array_equal(joined[..., :3], Y)
    assert_array_equal(joined[..., 3:], X)
    assert_array_equal(call("stack", Slot(0), Slot(1), values=(X, Y), axis=1)[:, 1], Y)


def test_slots_are_filled_in_lists_and_options() -> None:
    assert_array_equal(call("get_item", Slot(0), [slice(None), Slot(1)], values=(X, np.array(2))), X[:, 2])
    joined = call("concatenate", Slot(0), Slot(1), values=(X, Y, np.array(-1)), axis=Slot(2))
    assert_array_equal(joined[..., 3:], Y)


def test_shapes() -> None:
    assert call("expand_dims", Slot(0), 1).shape == (5, 1, 6, 3)
    assert call("squeeze", Slot(0), 1, values=(X[:, :1],)).shape == (5, 3)
    assert_array_equal(call("flip", Slot(0), axis=1)[:, 0], X[:, -1])
    assert_array_equal(call("transpose", Slot(0), axes=[0, 2, 1])[2, 1], X[2, :, 1])
    assert call("reshape", Slot(0), (None, 9, 2)).shape == (5, 9, 2)
    assert call("reshape", Slot(0), newshape=(-1, 9, 2)).shape == (5, 9, 2)


def test_dtypes() -> None:
    assert call("cast", Slot(0), "int32").dtype == np.int32
    assert call("zeros_like", Slot(0), dtype="bool").dtype == bool
    assert call("ones_like", Slot(0), values=(X.astype("float32"),)).dtype == np.float32
    assert call("multiply", Slot(0), 2.0, values=(X.astype("float32"),)).dtype == np.float32


def test_every_operation_of_keras_is_tested_here() -> None:
    rest = {"sqrt", "log", "power", "logical_and", "logical_or", "logical_not", "softmax", "matmul", "get_item"}
    rest |= {"concatenate", "stack", "expand_dims", "squeeze", "flip", "transpose", "reshape", "cast"}
    rest |= {"where", "clip", "argmax", "argmin", "floor", "ceil", "round", "sign"}
    assert {*TWO, *ONE, *OVER, *rest} == KERAS_OPERATIONS
    assert set(OPERATIONS) >= KERAS_OPERATIONS
