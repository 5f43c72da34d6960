"""The oracle for rounding errors: many of them, drawn at random, sent through plain NumPy, and how results spread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_verify.layers import Array
from lstm_verify.rounded import PRECISIONS, Rounded, Rounding

DRAWS = 4000
SIGMA = 1e-5
"""The size of the errors: far above what float64 adds, so small that every smooth function is straight there."""
UNIT = 2.0**-24
"""The unit roundoff of float32."""


@dataclass(frozen=True)
class Uncertain:
    """An operand: its values, and the standard deviation of the error of each."""

    value: Array
    sigma: Array

    def rounded(self, precision: str = "float64") -> Any:
        return Rounded(self.value.copy(), np.square(self.sigma), Rounding(PRECISIONS[precision]))

    def exact(self) -> Rounded:
        return Rounded(self.value.copy(), rounding=Rounding(PRECISIONS["float64"]))


def uncertain(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> Uncertain:
    """Values between `low` and `high`, whose errors differ from element to element."""
    generator = np.random.default_rng(seed)
    return Uncertain(generator.uniform(low, high, shape), SIGMA * generator.uniform(0.5, 2.0, shape))


def constant(*shape: int, seed: int = 9, low: float = -2.0, high: float = 2.0) -> Array:
    """Values without an error: float32 numbers, read-only like weights."""
    values = np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32).astype(np.float64)
    values.flags.writeable = False
    return values


def sampled(function: Callable[..., Any], *operands: Any, seed: int = 1) -> Array:
    """The standard deviation of a function's result when its uncertain operands err at random."""
    generator = np.random.default_rng(seed)
    results = []
    for _ in range(DRAWS):
        drawn = [
            o.value + o.sigma * generator.standard_normal(o.value.shape) if isinstance(o, Uncertain) else o
            for o in operands
        ]
        results.append(np.asarray(function(*drawn)))
    spread: Array = np.std(np.stack(results), axis=0)
    return spread


def propagated(function: Callable[..., Any], *operands: Any) -> Array:
    """What `Rounded` says of the same, without what it says of exact operands: what the function itself adds."""
    result = function(*(o.rounded() if isinstance(o, Uncertain) else o for o in operands))
    exact = function(*(o.exact() if isinstance(o, Uncertain) else o for o in operands))
    assert isinstance(result, Rounded)
    passed_on: Array = np.sqrt(np.maximum(result.variances() - exact.variances(), 0))
    return passed_on


def agree(function: Callable[..., Any], *operands: Any, within: float = 0.1) -> None:
    """Check that both say the same of every element, and that the values are those of plain NumPy."""
    plain = function(*(o.value if isinstance(o, Uncertain) else o for o in operands))
    result = function(*(o.rounded() if isinstance(o, Uncertain) else o for o in operands))
    assert isinstance(result, Rounded)
    np.testing.assert_allclose(result.value, plain, rtol=1e-12, atol=1e-14)
    wanted, found = sampled(function, *operands), propagated(function, *operands)
    assert found.shape == wanted.shape
    assert (wanted > 0).all()
    np.testing.assert_allclose(found, wanted, rtol=within)


def claimed(function: Callable[..., Any], *operands: Array, precision: str = "float32") -> Array:
    """σ of a function of exact operands: what it adds itself."""
    rounding = Rounding(PRECISIONS[precision])
    result = function(*(Rounded(operand.astype(np.float64), rounding=rounding) for operand in operands))
    σ: Array = np.sqrt(result.variances())
    return σ


def own_error_ratio(function: Callable[..., Any], *operands: Array, run: Callable[..., Any] | None = None) -> float:
    """The true error of float32 arithmetic over σ: the root of the mean of its square.

    Args:
        function: for float64 and `Rounded` arrays.
        operands: float32.
        run: what computes it in float32; None: the function itself.
    """
    exact = function(*(operand.astype(np.float64) for operand in operands))
    computed = (run or function)(*operands)
    assert computed.dtype == np.float32
    error = computed.astype(np.float64) - exact
    return float(np.sqrt(np.mean(np.square(error / claimed(function, *operands)))))
