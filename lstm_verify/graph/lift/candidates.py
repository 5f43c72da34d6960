"""Which activation a function is: found by its values, from which the numbers of an activation are read off first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lstm_verify.layers.base import Array
from lstm_verify.operations.activations import (
    ALONG_AN_AXIS,
    FUNCTIONS,
    SIGMOID,
    TANH,
    WITH_NUMBERS,
    ActivationFunction,
)

Values = Callable[[Array], Array]
"""A function by what it computes."""

GRID = np.concatenate([np.linspace(-8, 8, 161) + 1 / 73, [-40.0, -20.0, 20.0, 40.0]])
"""Where functions are compared: dense where they bend, and far out, where they are flat or grow.

No number that somebody may choose as a threshold is among them: there, rounding would decide.
"""
ROWS = np.random.default_rng(0).uniform(-2, 2, (8, 6))
"""Where functions are compared that look at all columns together."""
TOLERANCE = 1e-6
"""Constants of a float32 graph are rounded, such as 1/6 or the square root of 2."""
FAR = 40.0

PLAIN = tuple(
    ActivationFunction(name) for name in FUNCTIONS if name not in ALONG_AN_AXIS | WITH_NUMBERS | {"tanh", "sigmoid"}
)


def elementwise(f: Values, shift: float) -> tuple[ActivationFunction, float] | None:
    """The activation that a function of single numbers is, and what it adds to them before: nothing, or a shift."""

    def of_numbers(x: Array) -> Array:
        return f(x[:, np.newaxis])[:, 0]  # a row each, so that nothing looks at all of them together

    values = of_numbers(GRID)
    if np.ptp(values) <= TOLERANCE:  # such as softmax of a single number
        return None
    for by in (0.0, shift) if shift else (0.0,):
        for activation in _candidates(of_numbers):
            if _same(values, activation(GRID + by)):
                return activation, by
    return None


def along_an_axis(f: Values) -> tuple[ActivationFunction] | None:
    """The activation that a function of rows is, such as softmax."""
    values = f(ROWS)
    return next(((a,) for a in map(ActivationFunction, sorted(ALONG_AN_AXIS)) if _same(values, a(ROWS))), None)


def _same(first: Array, second: Array) -> bool:
    return first.shape == second.shape and bool(
        np.allclose(first, second, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=False)
    )


def _candidates(f: Values) -> Iterator[ActivationFunction]:
    """The activations that a function may be, the usual ones first."""
    yield from (SIGMOID, TANH)
    slope = _rounded((_at(f, 1e-3) - _at(f, -1e-3)) / 2e-3)
    yield from (ActivationFunction.of("hard_sigmoid", slope=value) for value in (0.2, 1 / 6, slope) if value > 0)
    yield from PLAIN
    yield ActivationFunction.of("gelu", approximate=True)
    yield ActivationFunction.of("leaky_relu", negative_slope=_rounded(-_at(f, -1)))
    lowest = _rounded(-_at(f, -FAR))
    yield ActivationFunction.of("elu", alpha=lowest)
    yield ActivationFunction.of("celu", alpha=lowest or 1.0)
    yield ActivationFunction.of("squareplus", b=_rounded(4 * _at(f, 0) ** 2))
    yield from _with_thresholds(f)


def _with_thresholds(f: Values) -> Iterator[ActivationFunction]:
    """Functions of which a part is zero, or constant, or straight; the part ends where they leave it."""
    dead = _end(lambda x: f(x) == 0, 0.0)
    yield ActivationFunction.of("hard_shrink", threshold=dead)
    yield ActivationFunction.of("soft_shrink", threshold=dead)
    left = _at(f, -FAR)
    slope = _at(f, 1 - FAR) - left
    edge = _end(lambda x: np.isclose(f(x), left + slope * (x + FAR), rtol=0, atol=1e-9), -FAR)
    settings = {"negative_slope": _rounded(slope), "threshold": edge}
    if _at(f, FAR) == _at(f, FAR - 1):
        settings["max_value"] = _rounded(_at(f, FAR))
    yield ActivationFunction.of("relu", **{key: value for key, value in settings.items() if value})
    yield ActivationFunction.of("threshold", threshold=edge, default_value=_rounded(left))


def _at(f: Values, x: float) -> float:
    return float(f(np.array([x]))[0])


def _end(holds: Callable[[Array], Array], start: float) -> float:
    """Where something that holds at a number ceases to hold, on the way to large numbers."""
    low, high = start, FAR
    while high - low > 1e-9:
        points = np.linspace(low, high, 65)
        held = int(np.argmin(np.append(holds(points), False)))  # as many from the first on
        if not 0 < held < len(points):
            return high
        low, high = float(points[held - 1]), float(points[held])
    return round(high, 6)


def _rounded(value: float) -> float:
    """A number as it was meant, before float32 rounded it."""
    return float(f"{value:.6g}") if np.isfinite(value) else 0.0
