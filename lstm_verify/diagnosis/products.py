"""Products of matrices whose factors are rounded: a replay as NVIDIA GPUs, oneDNN and TPUs compute float32.

    x W   is computed as   r(x) r(W)            r: to 10 bits of a significand (TF32) or to 7 (bfloat16)

The rounding budget has no direction: nearly any small fault lies within what such products may be off by. So the
factors are rounded in a replay too, and it is looked at whether that is nearer to what was predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.arithmetic import Textbook
from lstm_verify.diagnosis.changes import Change
from lstm_verify.faults import own_weights, sites
from lstm_verify.layers import Layer, Run, Signal, Signals
from lstm_verify.model import Model
from lstm_verify.rounded.precision import PRODUCTS, rounded_to

FUNCTIONS = {np.dot, np.tensordot, np.einsum, np.inner, np.vdot}
"""The functions of NumPy, besides the operator, that sum up products."""


class Shortened(np.ndarray[Any, Any]):
    """An array whose products with others are made of rounded factors."""

    format: str = "float32"

    @classmethod
    def of(cls, values: Any, format: str) -> Any:
        """The same numbers as such an array; what is no array of floats as it is."""
        if not (isinstance(values, np.ndarray) and values.dtype.kind == "f"):
            return values
        made = values.view(cls)
        made.format = format
        return made

    def __array_finalize__(self, other: Any) -> None:
        self.format = getattr(other, "format", "float32")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        change = self._rounded if ufunc is np.matmul else plain_array
        options = {} if out is None else {"out": tuple(map(plain_array, out))}
        result = getattr(ufunc, method)(*map(change, inputs), **options, **kwargs)
        return self._like(result)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        change = self._rounded if function in FUNCTIONS else plain_array
        result = function(*_mapped(args, change), **_mapped(kwargs, plain_array))
        return self._like(result)

    def _rounded(self, values: Any) -> Any:
        plain = plain_array(values)
        is_float = isinstance(plain, np.ndarray) and plain.dtype.kind == "f"
        return rounded_to(plain, self.format) if is_float else plain

    def _like(self, result: Any) -> Any:
        if isinstance(result, tuple | list):
            return type(result)(self._like(item) for item in result)
        return Shortened.of(result, self.format)


def plain_array(values: Any) -> Any:
    """The numbers without their way of being multiplied."""
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
    """A model that is replayed with rounded factors; where errors are followed instead, the budget has them already."""

    @classmethod
    def of(cls, model: Model, products: str) -> Model:
        """The same model so."""
        return cls(**{entry.name: getattr(model, entry.name) for entry in fields(model)} | {"products": products})

    def _call(self, layer: Layer, inputs: Signals, run: Run) -> Signals:
        if run.arithmetic is not None:
            return super()._call(layer, inputs, run)
        given = tuple(Signal(Shortened.of(value, self.products), mask) for value, mask in inputs)
        textbook = replace(run, arithmetic=Textbook())  # since fast steps have arrays of their own
        return tuple(Signal(plain_array(value), mask) for value, mask in super()._call(layer, given, textbook))


def short_products(model: Model) -> Iterator[Change]:
    """All products of matrices with factors in fewer bits."""
    for products in PRODUCTS if model.precision == "float32" else ():
        if products not in ("float32", model.products):
            yield Change(
                "product_precision",
                tuple(site.path for site in sites(model) if own_weights(site.item)) or ("",),
                "products of matrices",
                "float32",
                products,
                partial(ShortProducts.of, products=products),
                frozenset(model.layers),
                is_coarser=True,
            )
