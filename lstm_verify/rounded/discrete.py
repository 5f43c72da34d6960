"""Discrete results: comparisons, logic, integers, indices. Rounding leaves them unchanged or changes them entirely.

A comparison of numbers that carry errors comes out the same whatever the errors are, unless both sides lie within 8σ of
each other. So a discrete result is a plain array where nothing is in doubt. Where something is, it is a `Rounded` array
whose variance is infinite at the elements in doubt: what is computed from them cannot be judged. What would have to
know, such as the condition of a loop, raises `Undecided`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.rounded.array import SIGMAS, Array, Rounded, Undecided, parts

CHOICE = "choice"
"""What is noticed when something discrete comes of numbers that carry errors."""


def decided(like: Rounded, result: Array, doubt: Any) -> Any:
    """Return a discrete result: a plain array if none of it is in doubt.

    Args:
        like: an array of the computation.
        result: booleans, whole numbers, or floats that only take some values.
        doubt: booleans of its shape, or one for all: where rounding may make it another.
    """
    like.rounding.noticed.add(CHOICE)
    if not np.any(doubt):
        return result
    return like.like(result, np.where(np.broadcast_to(doubt, np.shape(result)), np.inf, 0.0))


def settled(like: Rounded, result: Array) -> Any:
    """Return a discrete result of exact numbers: a plain array, except for integers stored as floats."""
    return like.like(result, 0.0) if result.dtype.kind == "f" else result


def in_doubt(operand: Any) -> Any:
    """Return where a discrete operand is in doubt."""
    return ~np.isfinite(operand.variance) if isinstance(operand, Rounded) else False


def certain_values(operand: Any) -> Any:
    """Return the plain array of an operand that must be certain.

    Raises:
        Undecided: some of it is in doubt.
    """
    if not isinstance(operand, Rounded):
        return operand
    if np.any(in_doubt(operand)) and operand.dtype.kind != "f":
        raise Undecided
    return operand.value


# ------------------------------------------------------------------------------------------------------ ufuncs


def _compared(like: Rounded, ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """Both sides lie within reach of each other, and one of them carries an error."""
    (x, vx), (y, vy) = parts(a), parts(b)
    variance, result = vx + vy, ufunc(x, y)
    unlike = result != ufunc(flushed(like, x), flushed(like, y))
    if type(variance) is float:
        return decided(like, result, unlike) if np.any(unlike) else result
    with np.errstate(all="ignore"):
        away = np.abs(np.subtract(x, y, dtype=np.float64)) > SIGMAS * np.sqrt(variance)
    return decided(like, result, ~away & (variance != 0) | unlike)


def _and(like: Rounded, ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """False on one side, for certain, decides."""
    (x, dx), (y, dy) = _truth(a), _truth(b)
    return decided(like, ufunc(x, y), (dx | dy) & (x | dx) & (y | dy))


def _or(like: Rounded, ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """True on one side, for certain, decides."""
    (x, dx), (y, dy) = _truth(a), _truth(b)
    return decided(like, ufunc(x, y), (dx | dy) & ~(x & ~dx) & ~(y & ~dy))


def _truth(operand: Any) -> tuple[Any, Any]:
    """Whether an operand is true, and where that is in doubt: a float is if it is not 0."""
    if isinstance(operand, Rounded) and operand.dtype.kind == "f":
        operand = _compared(operand, np.not_equal, operand, 0.0)
    value = operand.value if isinstance(operand, Rounded) else np.asarray(operand)
    return value.astype(bool), np.asarray(in_doubt(operand), bool)


def _any_doubt(like: Rounded, ufunc: np.ufunc, *operands: Any) -> Any:
    """A doubt about one operand is one about the result."""
    doubts = [np.asarray(in_doubt(operand), bool) for operand in operands]
    result = ufunc(*(parts(operand)[0] for operand in operands))
    doubt = doubts[0] if len(doubts) == 1 else doubts[0] | doubts[1]
    return decided(like, result, doubt) if np.any(doubt) else result


def flushed(like: Rounded, values: Any) -> Any:
    """Flush subnormal numbers to 0, as some processors and frameworks do."""
    if np.result_type(values).kind != "f":
        return values
    return np.where(np.abs(values) < like.rounding.precision.smallest, 0.0, values)


def _stepped(like: Rounded, ufunc: np.ufunc, a: Rounded) -> Any:
    """A function that is constant but for jumps: in doubt where one lies within reach."""
    unlike = ufunc(a.value) != ufunc(flushed(like, a.value))
    if a.exact and not np.any(unlike & np.isfinite(a.value)):
        return settled(like, ufunc(a.value))
    reach = SIGMAS * np.sqrt(np.maximum(a.variances(), np.square(like.rounding.precision.smallest) * unlike))
    with np.errstate(all="ignore"):
        jumps = (ufunc(a.value + reach) != ufunc(a.value - reach)) | ~np.isfinite(reach)
    result = decided(like, ufunc(a.value), jumps)
    return result if isinstance(result, Rounded) else like.like(np.asarray(result), 0.0)


def _remainder(like: Rounded, ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """x - y n, in doubt where the whole number n is."""
    (x, vx), (y, vy) = parts(a, like.rounding), parts(b, like.rounding)
    whole = np.floor if ufunc is np.mod else np.trunc
    n = whole(np.true_divide(a, b))
    doubt, count = in_doubt(n), n.value if isinstance(n, Rounded) else n
    return like.like(ufunc(x, y), np.where(doubt, np.inf, vx + np.square(count) * vy))


COMPARISONS = {np.equal, np.not_equal, np.greater, np.greater_equal, np.less, np.less_equal}
STEPPED = {np.floor, np.ceil, np.rint, np.trunc, np.sign}
CLASSIFYING = {np.isnan, np.isinf, np.isfinite, np.signbit}
"""What tells of numbers that no rounding makes others: a value that may overflow has an infinite variance anyway."""
LOGICAL: dict[np.ufunc, Callable[..., Any]] = {
    np.logical_and: _and,
    np.logical_or: _or,
    np.bitwise_and: _and,
    np.bitwise_or: _or,
}


def discrete(like: Rounded, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
    """Compute a discrete ufunc; return NotImplemented for one that is not discrete."""
    if ufunc in COMPARISONS:
        return _compared(like, ufunc, *inputs)
    if ufunc in STEPPED:
        return _stepped(like, ufunc, *inputs)
    if ufunc in (np.mod, np.fmod) and any(_is_float(item) for item in inputs):
        return _remainder(like, ufunc, *inputs)
    if ufunc in CLASSIFYING:
        return ufunc(inputs[0].value)
    if ufunc in LOGICAL and not any(_is_whole(item) for item in inputs):
        return LOGICAL[ufunc](like, ufunc, *inputs)
    if ufunc in (np.logical_not, np.logical_xor) or not any(_is_float(item) for item in inputs):
        return _any_doubt(like, ufunc, *(_as_truth(item) if "logical" in ufunc.__name__ else item for item in inputs))
    return NotImplemented


def _as_truth(operand: Any) -> Any:
    """A float as a condition: whether it is not 0."""
    return np.not_equal(operand, 0.0) if _is_float(operand) else operand


def _is_float(operand: Any) -> bool:
    return np.result_type(operand.value if isinstance(operand, Rounded) else operand).kind == "f"


def _is_whole(operand: Any) -> bool:
    return np.result_type(operand.value if isinstance(operand, Rounded) else operand).kind in "iu"


# --------------------------------------------------------------------------------------------------- functions


def _any(like: Rounded, x: Any, axis: Any = None, keepdims: Any = False, **unused: Any) -> Any:
    """One that is true for certain decides."""
    value, doubt = _truth(x)
    if not np.any(doubt):
        return np.any(value, axis=axis, keepdims=keepdims)
    certain = np.any(value & ~doubt, axis=axis, keepdims=keepdims)
    return decided(like, np.any(value, axis=axis, keepdims=keepdims), ~certain & np.any(doubt, axis, keepdims=keepdims))


def _all(like: Rounded, x: Any, axis: Any = None, keepdims: Any = False, **unused: Any) -> Any:
    """One that is false for certain decides."""
    value, doubt = _truth(x)
    if not np.any(doubt):
        return np.all(value, axis=axis, keepdims=keepdims)
    denied = np.any(~value & ~doubt, axis=axis, keepdims=keepdims)
    return decided(like, np.all(value, axis=axis, keepdims=keepdims), ~denied & np.any(doubt, axis, keepdims=keepdims))


def _place(pick: Callable[..., Any]) -> Callable[..., Any]:
    def rule(like: Rounded, x: Rounded, axis: Any = None, keepdims: bool = False, **unused: Any) -> Any:
        """In doubt where another element is within reach of the extreme one."""
        place = pick(x.value, axis=axis, keepdims=keepdims)
        if x.exact:
            return place
        values, variances = x.value, x.variances()
        if axis is None:
            values, variances, axis = values.ravel(), variances.ravel(), 0
        at = pick(values, axis=axis, keepdims=True)
        variance = variances + np.take_along_axis(variances, at, axis)
        with np.errstate(all="ignore"):
            away = np.abs(values - np.take_along_axis(values, at, axis))
            near = ~(away > SIGMAS * np.sqrt(variance)) & (variance != 0)
        np.put_along_axis(near, at, False, axis)
        return decided(like, place, near.any(axis=axis).reshape(np.shape(place)))

    return rule


def _order(like: Rounded, x: Rounded, axis: int = -1, **options: Any) -> Any:
    """In doubt where a neighbour in the order lies within reach."""
    order = np.argsort(x.value, axis=axis, **options)
    if x.exact:
        return order
    z = np.moveaxis(np.take_along_axis(x.value, order, axis), axis, -1)
    v = np.moveaxis(np.take_along_axis(x.variances(), order, axis), axis, -1)
    variance = v[..., 1:] + v[..., :-1]
    near = ~(z[..., 1:] - z[..., :-1] > SIGMAS * np.sqrt(variance)) & (variance != 0)
    doubt = np.zeros(z.shape, bool)
    doubt[..., 1:] |= near
    doubt[..., :-1] |= near
    return decided(like, order, np.moveaxis(doubt, -1, axis))


def _rounded(like: Rounded, x: Rounded, decimals: int = 0, **unused: Any) -> Any:
    scale = 10.0**decimals
    result = _stepped(like, np.rint, x.like(x.value * scale, 0.0 if x.exact else x.variances() * scale**2))
    return like.like(np.round(x.value, decimals), result.variance)


def _where(like: Rounded, condition: Any, x: Any, y: Any) -> Any:
    """Of what is chosen by a condition in doubt nothing can be said, unless both choices are nearly the same.

    A kink, as of a relu, is no jump: there the two sides meet.
    """
    (a, va), (b, vb) = parts(x), parts(y)
    chosen, doubt = certain_or_doubt(condition)
    values, variances = np.where(chosen, a, b), np.where(chosen, va, vb)
    if np.any(doubt):
        wider = np.maximum(va, vb)
        with np.errstate(all="ignore"):
            meet = np.abs(np.subtract(a, b, dtype=np.float64)) <= SIGMAS * np.sqrt(wider)
        variances = np.where(doubt, np.where(meet, wider, np.inf), variances)
    if values.dtype.kind != "f" and not np.any(np.isinf(variances)):
        return values
    return like.like(values, variances)


def certain_or_doubt(condition: Any) -> tuple[Any, Any]:
    """Return the values of a condition, and where they are in doubt."""
    return (condition.value, in_doubt(condition)) if isinstance(condition, Rounded) else (condition, False)


RULES: dict[Callable[..., Any], Callable[..., Any]] = {
    np.any: _any,
    np.all: _all,
    np.argmax: _place(np.argmax),
    np.argmin: _place(np.argmin),
    np.argsort: _order,
    np.round: _rounded,
    np.where: _where,
}
"""Functions of arrays whose result is discrete, or is chosen by something discrete."""


def as_type(x: Rounded, dtype: Any) -> Any:
    """Convert floats to integers or booleans, or between discrete types."""
    if x.dtype.kind != "f":
        doubt = in_doubt(x)
        return decided(x, x.value.astype(dtype), doubt) if np.any(doubt) else x.value.astype(dtype)
    if np.dtype(dtype) == bool:
        return _compared(x, np.not_equal, x, 0.0)
    cut = _stepped(x, np.trunc, x)
    return decided(x, cut.value.astype(dtype), in_doubt(cut)) if not x.exact else cut.value.astype(dtype)
