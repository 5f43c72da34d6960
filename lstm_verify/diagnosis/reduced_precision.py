"""Matrix products with rounded factors: a replay as NVIDIA GPUs, oneDNN and TPUs compute float32.

    x W   is computed as   r(x) r(W)            r: to 10 bits of a significand (TF32) or to 7 (bfloat16)

The rounding budget has no direction: nearly any small fault lies within what such products may be off by. So the
factors are rounded in a replay too, and it is looked at whether that is nearer to what was predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.diagnosis.changes import Change
from lstm_verify.faults import own_weights, sites
from lstm_verify.layers import Layer, Run, Signal, Signals
from lstm_verify.model import Model
from lstm_verify.rounded.precision import PRODUCTS, rounded_to
from lstm_verify.run_arithmetic import Textbook

FUNCTIONS = {np.dot, np.tensordot, np.einsum, np.inner, np.vdot}
"""The functions of NumPy, besides the operator, that sum up products."""


class Way(Protocol):
    """How matrix products are computed."""

    def factor(self, values: Array) -> Array:
        """Round a factor of any product of floats."""

    def pair(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Round the factors of a product of two matrices."""


@dataclass(frozen=True)
class Shorter:
    """Both factors are rounded to fewer bits."""

    format: str

    def factor(self, values: Array) -> Array:
        """Round the values to the format."""
        return rounded_to(values, self.format)

    def pair(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Round both to the format."""
        return self.factor(a), self.factor(b)


@dataclass(frozen=True)
class Hybrid:
    """Large weights are int8, and what is multiplied by them is quantised row by row, as in TensorFlow Lite.

    Source: what TensorFlow 2.21 converts with `tf.lite.Optimize.DEFAULT`, which leaves fewer than 1024 alone, and runs
    with XNNPACK; older kernels are symmetric in their inputs, and had one scale for all weights.
    """

    by_column: bool
    """Whether weights have a scale for each column, and not one for all."""
    around_zero: bool
    """Whether a row's numbers reach as far below 0 as above, and not from its least to its largest number."""

    def factor(self, values: Array) -> Array:
        """Return the values unchanged."""
        return values

    def pair(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Quantise both to int8, times their scales, if the second is a large weight matrix."""
        if b.ndim != 2 or b.size < FEWEST_WEIGHTS or b.flags.writeable:
            return a, b
        rows = in_int8(a, -1) if self.around_zero else in_range(a)
        return rows, in_int8(b, 0 if self.by_column else None)


FEWEST_WEIGHTS = 1024


def in_int8(values: Array, axis: int | None) -> Array:
    """Quantise to multiples of a scale, -127 to 127 of it, with one scale for all values along an axis."""
    scale = np.abs(values).max(axis=axis, keepdims=True) / 127
    scale = np.where(scale == 0, 1, scale)
    return np.asarray(np.round(values / scale) * scale)


def in_range(values: Array) -> Array:
    """Quantise each row to 256 steps between its smallest and largest value; 0 is always one of the steps."""
    least, largest = (np.minimum(values, 0).min(-1, keepdims=True), np.maximum(values, 0).max(-1, keepdims=True))
    scale = (largest - least) / 255
    scale = np.where(scale == 0, 1, scale)
    zero = np.round(-128 - least / scale)
    return np.asarray((np.clip(np.round(values / scale) + zero, -128, 127) - zero) * scale)


class Shortened(np.ndarray[Any, Any]):
    """An array whose products with other arrays are computed in another way."""

    way: Way

    @classmethod
    def of(cls, values: Any, way: Way) -> Any:
        """Wrap an array of floats; return anything else unchanged."""
        if not _is_float(values):
            return values
        made = values.view(cls)
        made.way = way
        return made

    def __array_finalize__(self, other: Any) -> None:
        if isinstance(other, Shortened):
            self.way = other.way

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        given = [plain_array(value) for value in inputs]
        if ufunc is np.matmul and all(map(_is_float, given)):
            given = list(self.way.pair(*given))
        options = {} if out is None else {"out": tuple(map(plain_array, out))}
        return self._like(getattr(ufunc, method)(*given, **options, **kwargs))

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.tensordot and all(map(_is_float, args[:2])):
            args = (*self.way.pair(*map(plain_array, args[:2])), *args[2:])
        change = self._rounded if function in FUNCTIONS else plain_array
        return self._like(function(*_mapped(args, change), **_mapped(kwargs, plain_array)))

    def _rounded(self, values: Any) -> Any:
        plain = plain_array(values)
        return self.way.factor(plain) if _is_float(plain) else plain

    def _like(self, result: Any) -> Any:
        if isinstance(result, tuple | list):
            return type(result)(self._like(item) for item in result)
        return Shortened.of(result, self.way)


def _is_float(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "f"


def plain_array(values: Any) -> Any:
    """Return the values as a plain array."""
    return values.view(np.ndarray) if isinstance(values, Shortened) else values


def _mapped(arguments: Any, change: Callable[[Any], Any]) -> Any:
    """Arguments with a change of the arrays among them, which may be in lists."""
    if isinstance(arguments, tuple | list):
        return type(arguments)(_mapped(item, change) for item in arguments)
    if isinstance(arguments, dict):
        return {name: _mapped(item, change) for name, item in arguments.items()}
    return change(arguments)


@dataclass(frozen=True, eq=False, kw_only=True)
class ShortProducts(Model):
    """A model that is replayed with rounded factors; where errors are tracked, the budget already covers them."""

    way: Way

    @classmethod
    def of(cls, model: Model, way: Way, products: str) -> Model:
        """Return the model with such products, and their budget."""
        given = {entry.name: getattr(model, entry.name) for entry in fields(Model)}
        return cls(**given | {"way": way, "products": products})

    def _call(self, layer: Layer, inputs: Signals, run: Run) -> Signals:
        if run.arithmetic is not None:
            return super()._call(layer, inputs, run)
        given = tuple(Signal(Shortened.of(value, self.way), mask) for value, mask in inputs)
        textbook = replace(run, arithmetic=Textbook())  # since fast steps have arrays of their own
        return tuple(Signal(plain_array(value), mask) for value, mask in super()._call(layer, given, textbook))


def short_products(model: Model) -> Iterator[Change]:
    """Yield the model with all matrix products in fewer bits, or in int8."""
    if model.precision != "float32":
        return
    for products in PRODUCTS:
        if products not in ("float32", model.products):
            yield _change(model, "product_precision", products, Shorter(products), products)
    if any(weight.ndim == 2 and weight.size >= FEWEST_WEIGHTS for _, weight in model.weights()):
        for by_column, around_zero in ((True, False), (True, True), (False, True)):
            words = f"int8, a scale for each {'column' if by_column else 'tensor'}"
            words += ", inputs symmetric" if around_zero else ""
            yield _change(model, "dynamic_range", words, Hybrid(by_column, around_zero), "bfloat16")


def _change(model: Model, fault: str, behaves_as: str, way: Way, products: str) -> Change:
    return Change(
        fault,
        tuple(site.path for site in sites(model) if own_weights(site.item)) or ("",),
        "products of matrices",
        "float32",
        behaves_as,
        partial(ShortProducts.of, way=way, products=products),
        frozenset(model.layers),
        is_coarser=True,
    )
