"""Operations on tensors that are not layers: `x * 2.0`, `a + b`, `x[:, -1]`, and everything that graphs consist of.

Source: the NumPy functions of the same names, which `keras.ops` follows; `operations` has them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.base import PRECISIONS, Array, Layer, Run, Signal, Signals
from lstm_verify.operations import OPERATIONS
from lstm_verify.rounded.precision import in_format


class Slot(NamedTuple):
    """Stands for the input with a given index among the arguments of an operation."""

    number: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation(Layer):
    """One of `OPERATIONS`, called with inputs and constants; masks are dropped.

    Example:
        >>> half = Operation(name="half", operation="multiply", arguments=(0.5, Slot(0)))
        >>> half.apply((Signal(np.array([4.0])),), Run())[0].value
        array([2.])
    """

    is_operation: ClassVar[bool] = True
    computed_with: ClassVar[str] = "f"  # whole numbers, such as places and shapes, stay what they are

    operation: str
    arguments: tuple[Any, ...]
    """Positional arguments, nested as they are written, with a `Slot` in place of each input."""
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments."""
    one: Array = field(default_factory=lambda: np.ones((), np.float32))
    """A number in the dtype that the replay computes in, for operations that make floats out of other things."""

    @property
    def kind(self) -> str:
        return self.operation

    @property
    def precision(self) -> str:
        is_cast = self.operation == "cast" and self.options.get("dtype") in PRECISIONS
        return str(self.options["dtype"]) if is_cast else super().precision

    def apply(self, inputs: Signals, run: Run) -> Signals:
        values = [signal.value for signal in inputs]
        arguments = [_filled(argument, values) for argument in self.arguments]
        options = {key: _filled(value, values) for key, value in self.options.items()}
        if options.get("dtype") in PRECISIONS:
            if self.operation == "cast":
                arguments[0] = in_format(arguments[0], options["dtype"])
            options["dtype"] = str(self.one.dtype)
        try:
            results = OPERATIONS[self.operation](*arguments, **options)
        except TypeError as error:  # NumPy is who checks what a file calls it with
            raise UnsupportedError(
                f"operation {self.operation}: it is called with what it does not take ({error})"
            ) from error
        return tuple(map(_signal, results)) if type(results) is tuple else (_signal(results),)

    def weights(self) -> Iterator[tuple[str, Array]]:
        return ((path, array) for path, array in super().weights() if path != "one")


def _signal(value: Any) -> Signal:
    return Signal(np.asarray(value) if isinstance(value, np.generic | int | float) else value)


def _filled(argument: Any, values: list[Array]) -> Any:
    if isinstance(argument, Slot):
        return values[argument.number]
    if isinstance(argument, list):
        return [_filled(item, values) for item in argument]
    return argument
