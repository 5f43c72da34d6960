"""The arithmetic of a run: what its layers compute with in place of plain float64 arrays.

`RoundedArithmetic` carries the variance of the rounding error along, in the precision that the framework computes each
layer in; `Textbook` computes as the equations are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.layers.base import Layer, Signal, Signals
from lstm_verify.rounded import FLOAT32, PRECISIONS, Rounded, Rounding, own_error
from lstm_verify.rounded.precision import PRODUCTS


@dataclass
class RoundedArithmetic:
    """Makes a run compute with `Rounded` arrays, in the precision of each layer."""

    products: str = "float32"
    """How the framework multiplies matrices in float32: `float32`, `tf32` or `bfloat16`."""
    sigmoid_error: float = 0.0
    """The error of the framework's sigmoid that there is however small its result is, in units of u of float32 or
    float64."""
    roundings: dict[str, Rounding] = field(default_factory=dict)
    noticed: set[str] = field(default_factory=set)
    """What any of the roundings noticed."""

    def enter(self, layer: Layer, inputs: Signals) -> Signals:
        """Round inputs to a layer's precision, and track the errors of what it computes from integers."""
        if not layer.computes:
            return inputs  # layers inside are asked one by one
        rounding = self.rounding(layer.compute_dtype)
        if layer.compute_dtype in PRECISIONS and layer.casts_inputs:
            inputs = tuple(
                Signal(signal.value.rounded_to(rounding), signal.mask) if isinstance(signal.value, Rounded) else signal
                for signal in inputs
            )
        if any(isinstance(signal.value, Rounded) for signal in inputs):
            return inputs
        return tuple(Signal(_followed(layer, signal.value, rounding), signal.mask) for signal in inputs)

    def leave(self, layer: Layer, outputs: Signals) -> Signals:
        """Treat numbers that a layer makes out of something else, such as tokens, as exact."""
        if layer.is_stored:
            return outputs
        return tuple(Signal(self._rounded(layer, signal.value), signal.mask) for signal in outputs)

    def rounding(self, dtype: str) -> Rounding:
        """Return the rounding of a dtype; that of float32 if it is not a floating-point type."""
        name = dtype if dtype in PRECISIONS else "float32"
        if name not in self.roundings:
            precision = PRECISIONS[name]
            if not precision.is_narrow:
                precision = replace(precision, sigmoid_error=self.sigmoid_error)
            if name == "float32":
                precision = replace(precision, factors=PRODUCTS[self.products])
            self.roundings[name] = Rounding(precision, noticed=self.noticed)
        return self.roundings[name]

    def _rounded(self, layer: Layer, value: Any) -> Any:
        if not (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
            return value
        made = Rounded(value, rounding=self.rounding("float32"))
        return made.rounded_to(self.rounding(layer.compute_dtype)) if layer.rounds_outputs else made


def _followed(layer: Layer, value: Any, rounding: Rounding) -> Any:
    """Numbers that a layer computes floats from, as exact ones."""
    if not (isinstance(value, np.ndarray) and value.dtype.kind in layer.computed_with and value.ndim):
        return value
    return Rounded(value.astype(np.float64), rounding=rounding)


class Textbook:
    """Makes a run follow the textbook equations, in which small results are as accurate as large ones."""

    def enter(self, layer: Layer, inputs: Signals) -> Signals:
        """Return the inputs of the layer unchanged."""
        return inputs

    def leave(self, layer: Layer, outputs: Signals) -> Signals:
        """Return the outputs of the layer unchanged."""
        return outputs


def as_rounded(given: Any, dtype: str, arithmetic: RoundedArithmetic, is_cast: bool = False) -> Any:
    """Wrap an input that nothing has been rounded in yet, or an output that is fed back; integers stay as they are."""
    if given.dtype.kind != "f":
        return given
    rounding = arithmetic.rounding(dtype)
    again = isinstance(given, Rounded)
    made = given.rounded_to(rounding) if again else Rounded(given.astype(np.float64), rounding=rounding)
    value = made.value
    if dtype == "float64" and is_cast and not np.array_equal(value, value.astype(np.float32), equal_nan=True):
        made = made.like(value, made.variance + own_error(value, FLOAT32) / 3)
    return made


def output_value(value: Any) -> Array:
    """Return the values of an output, without its rounding errors."""
    return value.value if isinstance(value, Rounded) else np.asarray(value)


def deviation_of(value: Any) -> Array:
    """Return σ of an output; infinite where nothing is known of the error."""
    if not isinstance(value, Rounded):
        return np.zeros(np.shape(value))
    variances = value.variances()
    if value.rounding.precision.name == "float64":  # as that of the replay, which is rounded as well
        variances = 2 * variances
    return np.sqrt(np.where(np.isnan(variances), np.inf, variances))
