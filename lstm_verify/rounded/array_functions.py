"""How NumPy's array functions propagate rounding errors: those that move elements, and reductions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.rounded import discrete
from lstm_verify.rounded.array import SIGMAS, Rounded, Undecided, own_error
from lstm_verify.rounded.discrete import certain_values
from lstm_verify.rounded.ufuncs import product

MOVING = {
    *(np.reshape, np.ravel, np.transpose, np.moveaxis, np.swapaxes, np.squeeze, np.expand_dims, np.broadcast_to),
    *(np.flip, np.roll, np.tile, np.repeat, np.take, np.take_along_axis, np.split, np.array_split, np.copy),
    *(np.diagonal, np.atleast_1d, np.atleast_2d, np.tril, np.triu, np.lib.stride_tricks.sliding_window_view),
}
"""Functions of one array that only move its elements."""
OF_VALUES = {
    *(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.result_type),
}
"""Functions of the shape and type of arrays."""
OF_CERTAIN_VALUES = {np.array_equal, np.isclose, np.allclose, np.argwhere, np.count_nonzero}
"""Functions whose result rests on every value."""


def called(like: Rounded, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function on arrays of which some are `Rounded`.

    Raises:
        UnsupportedError: there is no rule for it.
    """
    if function in RULES:
        return RULES[function](like, *args, **kwargs)
    if function in OF_VALUES:
        return function(*_values(args), **_values(kwargs))
    if function in OF_CERTAIN_VALUES:
        return function(*_certain(args), **_certain(kwargs))
    values = function(*_values(args), **_values(kwargs))
    if function in MOVING:
        x, *rest = args
        if not isinstance(x, Rounded):  # places that are in doubt
            raise Undecided
        _certain([rest, kwargs])
        return _each(like, values, 0.0 if x.exact else function(x.variances(), *_values(rest), **_values(kwargs)))
    if function in JOINING:
        joined = like.like(values, function(*JOINING[function](*args), **_values(kwargs)))
        joined.terms = _terms_of(args[0]) if function is np.concatenate else None
        return joined
    raise UnsupportedError(f"rounding errors have no rule for {function.__name__}")


def _certain(given: Any) -> Any:
    """Values that have to be known.

    Raises:
        Undecided: something discrete among them is in doubt.
    """
    if isinstance(given, list | tuple):
        return type(given)(_certain(item) for item in given)
    if isinstance(given, dict):
        return {key: _certain(item) for key, item in given.items()}
    return certain_values(given)


def _values(given: Any) -> Any:
    if isinstance(given, Rounded):
        return given.value
    if isinstance(given, list | tuple):
        return type(given)(_values(item) for item in given)
    if isinstance(given, dict):
        return {key: _values(item) for key, item in given.items()}
    return given


def _variance(x: Any) -> Any:
    return x.variances() if isinstance(x, Rounded) else np.zeros(np.shape(x))


def _of_a_list(arrays: Any, *rest: Any) -> tuple[Any, ...]:
    return ([_variance(array) for array in arrays], *_values(rest))


def _terms_of(arrays: Any) -> int | None:
    """How many terms there are in each of several sums of products, if they have the same number."""
    found = [array.terms if isinstance(array, Rounded) else None for array in arrays]
    return found[0] if isinstance(found[0], int) and all(isinstance(n, int) and n == found[0] for n in found) else None


JOINING: dict[Callable[..., Any], Callable[..., tuple[Any, ...]]] = {
    np.concatenate: _of_a_list,
    np.stack: _of_a_list,
    np.vstack: _of_a_list,
    np.hstack: _of_a_list,
}
"""Functions that put elements of several arrays into one, and their arguments with variances in the place of values."""


def _each(like: Rounded, values: Any, variances: Any) -> Any:
    if not isinstance(values, list | tuple):
        return like.like(values, variances)
    some = [variances] * len(values) if isinstance(variances, float) else variances
    return type(values)(like.like(v, s) for v, s in zip(values, some, strict=True))


# ------------------------------------------------------------------------------------------------- reductions


def _sum(like: Rounded, x: Rounded, axis: Any = None, keepdims: Any = False, where: Any = True, **unused: Any) -> Any:
    value = np.where(where, x.value, 0) if where is not True else x.value
    variance = np.where(where, x.variances(), 0) if where is not True else x.variances()
    y = np.sum(value, axis=axis, keepdims=keepdims)
    n, precision = value.size / max(np.size(y), 1), like.rounding.precision
    ratio = (precision.adds_in / precision.unit) ** 2
    added = ratio * n / 6 * np.sum(own_error(value, precision), axis=axis, keepdims=keepdims)
    passed_on = np.sum(variance, axis=axis, keepdims=keepdims)
    added = added + own_error(y, precision, np.sqrt(1 + ratio * n / 9))
    # whole numbers below 1/u, such as those of a mask that is counted, are added without an error
    is_whole = np.all(value == np.rint(value), axis=axis, keepdims=keepdims)
    size = np.sum(np.abs(value), axis=axis, keepdims=keepdims) * max(precision.unit, precision.adds_in)
    return like.like(y, passed_on + np.where(is_whole & (size <= 1), 0.0, added))


def _mean(like: Rounded, x: Rounded, axis: Any = None, keepdims: Any = False, **unused: Any) -> Any:
    total = _sum(like, x, axis, keepdims)
    return total / (x.size / max(total.size, 1))


def _var(like: Rounded, x: Rounded, axis: Any = None, keepdims: Any = False, **unused: Any) -> Any:
    return _mean(like, np.square(x - _mean(like, x, axis, True)), axis, keepdims)


def _extreme(pick: Callable[..., Any]) -> Callable[..., Any]:
    def rule(like: Rounded, x: Rounded, axis: Any = None, keepdims: Any = False, **more: Any) -> Any:
        """The largest error among the elements that rounding may make the extreme one."""
        y = pick(x.value, axis=axis, keepdims=True, **more)
        errors = np.where(np.isnan(x.variances()), np.inf, x.variances())
        near = np.abs(x.value - y) <= SIGMAS * np.sqrt(errors)
        variance = np.max(np.where(near, errors, 0), axis=axis, keepdims=keepdims, initial=0)
        return like.like(y.reshape(np.shape(variance)), variance)

    return rule


def _sort(like: Rounded, x: Rounded, axis: int = -1, **options: Any) -> Any:
    order = np.argsort(x.value, axis=axis, **options)
    return like.like(np.take_along_axis(x.value, order, axis), np.take_along_axis(x.variances(), order, axis))


def _cumsum(like: Rounded, x: Rounded, axis: int, **unused: Any) -> Any:
    y, precision = np.cumsum(x.value, axis=axis), like.rounding.precision
    return like.like(y, np.cumsum(x.variances() + own_error(y, precision), axis=axis))


def _prod(like: Rounded, x: Any, axis: Any = None, keepdims: Any = False, **unused: Any) -> Any:
    """Factor by factor, each product rounded."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    factors = np.moveaxis(x, axes, range(len(axes)))
    factors = factors.reshape(-1, *factors.shape[len(axes) :])
    y = reduce(operator.mul, factors, like.like(np.ones(factors.shape[1:]), 0.0))
    return np.expand_dims(y, axes) if keepdims else y


def _cumprod(like: Rounded, x: Any, axis: int, **unused: Any) -> Any:
    """Factor by factor, each product rounded."""
    factors = np.moveaxis(x, axis, 0)
    return np.stack(list(accumulate(factors, operator.mul)), axis) if len(factors) else x


def _clip(like: Rounded, x: Any, low: Any = None, high: Any = None, **unused: Any) -> Any:
    y = x if low is None else np.maximum(x, low)
    return y if high is None else np.minimum(y, high)


def _pad(like: Rounded, x: Rounded, width: Any, mode: str = "constant", **options: Any) -> Any:
    y = np.pad(x.value, width, mode, **_values(options))  # type: ignore[call-overload]
    return like.like(y, 0.0 if x.exact else np.pad(x.variances(), width, mode))  # type: ignore[call-overload]


def _empty_like(like: Rounded, x: Rounded, dtype: Any = None, *unused: Any, shape: Any = None, **more: Any) -> Any:
    y = np.zeros(x.shape if shape is None else shape)
    return like.like(y, np.zeros(y.shape))


# --------------------------------------------------------------------------------------------------- products


def _einsum_of_one(equation: str, x: Rounded) -> Any:
    terms, outcome = equation.replace(" ", "").split("->")
    summed = [axis for axis, letter in enumerate(terms) if letter not in outcome]
    if len(set(terms)) < len(terms) or (summed and "..." in terms):
        raise UnsupportedError(f"rounding errors have no rule for einsum '{equation}'")
    kept = "".join(letter for letter in terms if letter in outcome)
    y = np.sum(x, axis=tuple(summed)) if summed else x
    return y.moved(lambda a: np.einsum(f"{kept}->{outcome}", a))


def _einsum_of_many(equation: str, a: Any, b: Any, *others: Any) -> Any:
    """The product of the first two, which keeps what the others and the result need, and then theirs."""
    if "..." in equation:
        raise UnsupportedError(f"rounding errors have no rule for einsum '{equation}'")
    sides, outcome = equation.replace(" ", "").split("->")
    first, second, *rest = sides.split(",")
    kept = "".join(sorted(set(first + second) & set("".join([*rest, outcome]))))
    both = np.einsum(f"{first},{second}->{kept}", a, b)
    return np.einsum(f"{','.join([kept, *rest])}->{outcome}", both, *others)


def _einsum(like: Rounded, equation: str, *arrays: Any, **options: Any) -> Any:
    if len(arrays) == 1:
        return _einsum_of_one(equation, arrays[0])
    if len(arrays) > 2:
        return _einsum_of_many(equation, *arrays)
    sides, outcome = equation.replace(" ", "").replace("...", "").split("->")
    lengths: dict[str, int] = {}
    for letters, array in zip(sides.split(","), arrays, strict=True):
        lengths |= dict(zip(letters[::-1], np.shape(array)[::-1], strict=False))
    summed = int(np.prod([length for letter, length in lengths.items() if letter not in outcome]))
    a, b = arrays
    return product(like, lambda p, q: np.einsum(equation, p, q, optimize=True), a, b, terms=summed)


def _tensordot(like: Rounded, a: Any, b: Any, axes: int = 2) -> Any:
    if not isinstance(axes, int):
        raise UnsupportedError("rounding errors have no rule for tensordot over axes by number")
    terms = int(np.prod(np.shape(a)[np.ndim(a) - axes :]))
    y = product(like, lambda p, q: np.tensordot(p, q, axes), a, b, terms=terms)
    counting = np.any(_values(a), axis=tuple(range(-axes, 0)))
    if not counting.all():  # zeros, such as a state to begin with, are added without an error
        y.terms = terms * counting.reshape(*counting.shape, *(1,) * (np.ndim(b) - axes))
    return y


def _dot(like: Rounded, a: Any, b: Any) -> Any:
    return product(like, np.dot, a, b)


RULES: dict[Callable[..., Any], Callable[..., Any]] = {
    **discrete.RULES,
    np.sum: _sum,
    np.mean: _mean,
    np.var: _var,
    np.max: _extreme(np.max),
    np.min: _extreme(np.min),
    np.amax: _extreme(np.max),
    np.amin: _extreme(np.min),
    np.sort: _sort,
    np.cumsum: _cumsum,
    np.prod: _prod,
    np.cumprod: _cumprod,
    np.clip: _clip,
    np.pad: _pad,
    np.empty_like: _empty_like,
    np.einsum: _einsum,
    np.tensordot: _tensordot,
    np.dot: _dot,
}
