"""How NumPy's universal functions propagate rounding errors, and what they add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.rounded.array import SIGMAS, Array, Rounded, own_error, parts
from lstm_verify.rounded.discrete import decided, discrete

Rule = Callable[..., Any]
"""From the result, the values of the operands and their variances: what they pass on to the variance of the result."""


def _no_nan(variance: Any, *given: Any) -> Any:
    """0 where the operands have no error, though their slope there may be infinite."""
    certain = np.logical_and.reduce([np.equal(v, 0) for v in given])
    return np.where(certain, 0.0, variance) if np.any(certain) else variance


def _extreme(larger: bool) -> Rule:
    def rule(y: Array, a: Any, b: Any, va: Any, vb: Any) -> Any:
        """The error of the operand that was chosen, or the larger where rounding may have chosen the other."""
        gap, either = np.abs(np.subtract(a, b)), np.maximum(va, vb)
        chosen = np.where(np.greater(a, b) if larger else np.less(a, b), va, vb)
        return np.where(gap > SIGMAS * np.sqrt(either), chosen, either)

    return rule


def _chosen(factor: Any, variance: Any, other: Any) -> Any:
    """What a factor makes of the variance of a truth value: nothing if it is 0 for certain, whatever that is."""
    with np.errstate(invalid="ignore"):
        return np.where(np.equal(factor, 0) & np.equal(variance, 0), 0.0, np.square(factor) * other)


def _multiply(y: Array, a: Any, b: Any, va: Any, vb: Any) -> Any:
    if np.result_type(a).kind == "b" or np.result_type(b).kind == "b":
        return _chosen(b, vb, va) + _chosen(a, va, vb)
    return np.square(b) * va + np.square(a) * vb


def _power(y: Array, a: Any, p: Any, va: Any, vp: Any) -> Any:
    return np.square(p * np.power(a, p - 1)) * va + _no_nan(np.square(y * np.log(np.abs(a))) * vp, vp)


RULES: dict[np.ufunc, Rule] = {
    np.add: lambda y, a, b, va, vb: va + vb,
    np.subtract: lambda y, a, b, va, vb: va + vb,
    np.multiply: _multiply,
    np.true_divide: lambda y, a, b, va, vb: (va + np.square(y) * vb) / np.square(b),
    np.power: _power,
    np.maximum: _extreme(True),
    np.minimum: _extreme(False),
    np.negative: lambda y, a, va: va,
    np.absolute: lambda y, a, va: va,
    np.square: lambda y, a, va: 4 * np.square(a) * va,
    np.sqrt: lambda y, a, va: _no_nan(va / (4 * a), va),
    np.reciprocal: lambda y, a, va: np.square(np.square(y)) * va,
    np.exp: lambda y, a, va: np.square(y) * va,
    np.log: lambda y, a, va: va / np.square(a),
    np.log1p: lambda y, a, va: va / np.square(1 + a),
    np.expm1: lambda y, a, va: np.square(y + 1) * va,
    np.tanh: lambda y, a, va: np.square(1 - np.square(y)) * va,
}
EXACT = {np.maximum, np.minimum, np.negative, np.absolute, np.positive}
"""What adds no error of its own."""
CORRECTLY_ROUNDED = {np.add, np.subtract, np.multiply, np.true_divide, np.square, np.sqrt, np.reciprocal}
ELEMENTARY = 4.0
"""The error, in units of u, of functions that a framework approximates: exp, tanh and the like."""


def applied(like: Rounded, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a ufunc, or one of its methods.

    Raises:
        UnsupportedError: there is no rule for it.
    """
    if method in ("reduce", "accumulate"):
        return _along_an_axis(ufunc, method, inputs, kwargs)
    if method != "__call__" or "out" in kwargs:
        raise UnsupportedError(f"rounding errors have no rule for {ufunc.__name__}.{method} or writing in place")
    if ufunc is np.matmul:
        return product(like, np.matmul, *inputs)
    if ufunc is np.arctan2:
        return _angle(like, *inputs)
    found = discrete(like, ufunc, inputs)
    if found is not NotImplemented:
        return found
    values, variances = zip(*(parts(item, like.rounding) for item in inputs), strict=True)
    y = ufunc(*values, **kwargs)
    result = like.like(y, _passed_on(ufunc, y, values, variances) + _added(like, ufunc, y, inputs))
    if ufunc is np.add:
        _begun_with(result, inputs, values)
    return result


def _angle(like: Rounded, a: Any, b: Any) -> Rounded:
    """arctan2(a, b), of which nothing can be said where rounding may turn π into -π."""
    (y, vy), (x, vx) = parts(a, like.rounding), parts(b, like.rounding)
    angle = np.arctan2(y, x)
    with np.errstate(all="ignore"):
        turned = ~(np.abs(y) > SIGMAS * np.sqrt(vy)) & ~(x > SIGMAS * np.sqrt(vx)) & np.not_equal(vx + vy, 0)
        variance = (np.square(x) * vy + np.square(y) * vx) / np.square(np.square(x) + np.square(y))
    decided(like, angle, turned)
    passed_on = np.where(turned, np.inf, _no_nan(variance, vx + vy))
    return like.like(angle, passed_on + own_error(angle, like.rounding.precision, ELEMENTARY))


def _begun_with(result: Rounded, inputs: tuple[Any, ...], values: tuple[Any, ...]) -> None:
    """Add what all partial sums of a product are rounded to, if they begin with what is added to it."""
    for operand, addend in zip(inputs, values[::-1], strict=True):
        if isinstance(operand, Rounded) and operand.terms is not None:
            v = result.rounding.precision.adds_in
            more = np.square(addend) + addend * result.value  # besides that of the product itself
            result.variance = result.variance + v * v / 9 * operand.terms * np.maximum(more, 0)
            result.terms = operand.terms if result.terms is None else np.maximum(result.terms, operand.terms)


def _passed_on(ufunc: np.ufunc, y: Array, values: tuple[Any, ...], variances: tuple[Any, ...]) -> Any:
    if all(type(variance) is float for variance in variances):
        return 0.0
    if ufunc in RULES:
        return RULES[ufunc](y, *values, *variances)
    if len(values) == 1:
        return spread(ufunc, y, values[0], variances[0])
    raise UnsupportedError(f"rounding errors have no rule for {ufunc.__name__}")


def _added(like: Rounded, ufunc: np.ufunc, y: Array, inputs: tuple[Any, ...]) -> Any:
    if ufunc in EXACT or (ufunc is np.multiply and any(_is_boolean(item) for item in inputs)):
        return 0.0
    return own_error(y, like.rounding.precision, 1.0 if ufunc in CORRECTLY_ROUNDED else ELEMENTARY)


def _is_boolean(operand: Any) -> bool:
    return isinstance(operand, np.ndarray | np.generic | Rounded) and operand.dtype.kind == "b"


def spread(function: Callable[[Array], Array], y: Array, z: Array, variance: Any) -> Array:
    """Propagate an error through an elementwise function: by how far it moves over the allowed number of σ.

    Where it has a kink or a step within that reach, so has this.
    """
    reach = SIGMAS * np.sqrt(variance)
    with np.errstate(all="ignore"):
        moved = np.maximum(np.abs(function(z + reach) - y), np.abs(function(z - reach) - y))
    result: Array = np.where(reach > 0, np.square(moved / SIGMAS), 0.0)
    return np.where(np.isfinite(variance), result, np.inf)  # of what may be anything nothing can be said


def approximated(x: Rounded, function: Callable[[Array], Array]) -> Rounded:
    """Apply an elementwise function that a framework approximates."""
    y = function(x.value)
    passed_on = 0.0 if x.exact else spread(function, y, x.value, x.variances())
    return x.like(y, passed_on + own_error(y, x.rounding.precision, ELEMENTARY))


def product(like: Rounded, multiply: Callable[..., Any], a: Any, b: Any, terms: int | None = None) -> Rounded:
    """Compute a sum of products, such as `a @ b`, by a function that is linear in both.

    Args:
        like: an array of the computation.
        multiply: computes it.
        a, b: the factors.
        terms: how many products make a sum; None: as many as the last axis of `a` is long.
    """
    precision = like.rounding.precision
    (x, vx), (W, vW) = parts(a), parts(b)  # the error of weights is in `per_term`
    y = multiply(x, W)
    n = x.shape[-1] if terms is None else terms
    W2 = like.rounding.square(W) if isinstance(b, np.ndarray) else np.square(W)
    u2, v2 = precision.unit**2, precision.adds_in**2
    per_term = v2 * (n / 6 + 1) + (u2 / 3 if precision.is_narrow and isinstance(b, np.ndarray) else 0)
    per_term += 2 / 3 * precision.factors**2
    variance = multiply(per_term * np.square(x) + vx, W2)
    if type(vW) is not float:
        variance = variance + multiply(np.square(x), vW)
    result = like.like(y, variance + own_error(y, precision, (1 + v2 / u2 * n / 9) ** 0.5))
    result.terms = n
    if multiply is np.matmul and np.ndim(W) > 1:  # zeros, such as a state to begin with, are added without an error
        counting = x.any(axis=-1, keepdims=True)
        result.terms = n if counting.all() else n * counting
    return result


def _along_an_axis(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    running: dict[np.ufunc, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}
    if method == "accumulate" and ufunc in running:
        return running[ufunc](inputs[0], axis=kwargs.get("axis", 0))
    same: dict[np.ufunc, Callable[..., Any]] = {
        np.add: np.sum,
        np.multiply: np.prod,
        np.maximum: np.max,
        np.minimum: np.min,
    }
    if method != "reduce" or ufunc not in same:
        raise UnsupportedError(f"rounding errors have no rule for {ufunc.__name__}.{method}")
    kept = {key: value for key, value in kwargs.items() if key in ("axis", "keepdims")}
    return same[ufunc](*inputs, **{"axis": 0, **kept})
