"""Sums, products and quotients of tensors. Integers stay integers, and never divide by zero."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError
from lstm_verify.operations import products


def _integer(*values: Any) -> bool:
    return all(np.issubdtype(np.result_type(value), np.integer) for value in values)


def _check(divisor: Any) -> None:
    if not np.all(divisor):
        raise InputError("an integer is divided by zero")


def floor_divide(x: Array, y: Array) -> Any:
    """Round the quotient down."""
    if not _integer(x, y):
        return np.floor(np.true_divide(x, y))
    _check(y)
    return np.floor_divide(x, y)


def divide_toward_zero(x: Array, y: Array) -> Any:
    """Divide as C does: integers are rounded toward zero, other numbers are not rounded."""
    if not _integer(x, y):
        return np.true_divide(x, y)
    _check(y)
    down = np.floor_divide(x, y)
    return down + ((down < 0) & (down * y != x)).astype(down.dtype)


def floor_mod(x: Array, y: Array) -> Any:
    """What remains of a division rounded down: it has the sign of `y`."""
    if _integer(x, y):
        _check(y)
    return np.mod(x, y)


def mod_toward_zero(x: Array, y: Array) -> Any:
    """What remains of a division rounded toward zero: it has the sign of `x`."""
    if _integer(x, y):
        _check(y)
    return np.fmod(x, y)


def mod(x: Array, y: Array, toward_zero: bool = False) -> Any:
    """What remains of a division rounded down, or toward zero."""
    return mod_toward_zero(x, y) if toward_zero else floor_mod(x, y)


def power_like(x: Array, y: Array) -> Any:
    """`x` to the power of `y`, of the type of `x`."""
    return np.power(x, y).astype(x.dtype)


def clip(x: Array, low: Array | None = None, high: Array | None = None) -> Any:
    """`x` between limits, of which one may be missing; where they cross it is the high one."""
    y = x if low is None else np.maximum(x, low)
    return y if high is None else np.minimum(y, high)


def divide_no_nan(x: Array, y: Array) -> Array:
    """0 where `y` is 0, whatever `x` is there."""
    zero = np.equal(y, 0)
    return np.where(zero, np.zeros((), y.dtype), np.true_divide(x, np.where(zero, np.ones((), y.dtype), y)))


def multiply_no_nan(x: Array, y: Array) -> Array:
    """0 where `y` is 0, whatever `x` is there."""
    return np.where(np.equal(y, 0), np.zeros((), y.dtype), np.multiply(x, y))


def add_n(*arrays: Array) -> Array:
    return reduce(np.add, arrays)


def mean_n(*arrays: Array) -> Any:
    return add_n(*arrays) / len(arrays)


def add_bias(x: Array, bias: Array, axis: int = -1) -> Array:
    """Add a vector along an axis."""
    shape = [1] * x.ndim
    shape[axis] = -1
    y: Array = x + bias.reshape(shape)
    return y


def matmul(x: Array, y: Array, transpose_x: bool = False, transpose_y: bool = False) -> Any:
    """Multiply the matrices of the last two axes."""
    left = np.swapaxes(x, -1, -2) if transpose_x else x
    return np.matmul(left, np.swapaxes(y, -1, -2) if transpose_y else y)


def einsum(*arrays: Array, equation: str) -> Any:
    return products.einsum(equation, *arrays)


def _accumulate(ufunc: np.ufunc, start: int) -> Callable[..., Array]:
    def accumulate(x: Array, axis: Any, exclusive: bool = False, reverse: bool = False) -> Array:
        """Accumulate along an axis; `exclusive` leaves each element itself out, `reverse` goes from the end."""
        z = np.moveaxis(x, int(axis), 0)
        z = z[::-1] if reverse else z
        if exclusive and len(z):
            z = np.concatenate([np.full_like(z[:1], start), z[:-1]])
        y = ufunc.accumulate(z, axis=0, dtype=x.dtype)
        return np.moveaxis(y[::-1] if reverse else y, 0, int(axis))

    return accumulate


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "add_n": add_n,
    "add_bias": add_bias,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "multiply_no_nan": multiply_no_nan,
    "divide": np.true_divide,
    "true_divide": np.true_divide,
    "divide_no_nan": divide_no_nan,
    "divide_toward_zero": divide_toward_zero,
    "floor_divide": floor_divide,
    "floor_mod": floor_mod,
    "mod_toward_zero": mod_toward_zero,
    "mod": mod,
    "power": np.power,
    "power_like": power_like,
    "squared_difference": lambda x, y: np.square(np.subtract(x, y)),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mean_n": mean_n,
    "maximum_n": lambda *arrays: reduce(np.maximum, arrays),
    "minimum_n": lambda *arrays: reduce(np.minimum, arrays),
    "clip": clip,
    "matmul": matmul,
    "einsum": einsum,
    "cumsum": _accumulate(np.add, 0),
    "cumprod": _accumulate(np.multiply, 1),
}
