"""Operations on tensors that are no layers: `x * 2.0`, `a + b`, `x[:, -1]`, and those by which Keras 3 computes masks.

Source: the NumPy functions of the same names, which `keras.ops` follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lstm_verify.layers.activations import FUNCTIONS as ACTIVATIONS
from lstm_verify.layers.base import Array, Layer, Run, Signal, Signals


class Slot(NamedTuple):
    """Stands for the input of that number among the arguments of an operation."""

    number: int


def _like(fill: int) -> Callable[..., Array]:
    return lambda x, dtype=None: np.full(x.shape, fill, dtype or x.dtype)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.true_divide,
    "true_divide": np.true_divide,
    "power": np.power,
    "negative": np.negative,
    "absolute": np.abs,
    "square": np.square,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "matmul": np.matmul,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "any": np.any,
    "all": np.all,
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "expand_dims": np.expand_dims,
    "squeeze": np.squeeze,
    "concatenate": np.concatenate,
    "stack": np.stack,
    "flip": np.flip,
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "cast": lambda x, dtype: x.astype(dtype),
    "get_item": lambda x, key: x[tuple(key) if isinstance(key, list) else key],
    "reshape": lambda x, newshape: x.reshape(len(x), *newshape[1:]),
    "transpose": lambda x, axes=None: np.transpose(x, axes),
    "tanh": np.tanh,
    "sigmoid": ACTIVATIONS["sigmoid"],
    "relu": ACTIVATIONS["relu"],
    "softmax": ACTIVATIONS["softmax"],
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation(Layer):
    """One of `OPERATIONS`, called with its inputs and with constants; it passes no mask on.

    Example:
        >>> half = Operation(name="half", operation="multiply", arguments=(0.5, Slot(0)))
        >>> half.apply((Signal(np.array([4.0])),), Run())[0].value
        array([2.])
    """

    operation: str
    arguments: tuple[Any, ...]
    """Positional arguments, nested as they are written, with a `Slot` in place of each input."""
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        values = [signal.value for signal in inputs]
        arguments = [_filled(argument, values) for argument in self.arguments]
        options = {key: _filled(value, values) for key, value in self.options.items()}
        return (Signal(np.asarray(OPERATIONS[self.operation](*arguments, **options))),)


def _filled(argument: Any, values: list[Array]) -> Any:
    if isinstance(argument, Slot):
        return values[argument.number]
    if isinstance(argument, list):
        return [_filled(item, values) for item in argument]
    return argument
