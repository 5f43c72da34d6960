"""Activation functions one number at a time, in plain `math`, as the docstrings of `keras.activations` define them.

`SCALAR` maps one number to one; `VECTOR` maps a list to a list. `function(name)` gives either kind as a function of a
list, so that the recurrent oracles need not know which it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Vector = list[float]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def softplus(x: float) -> float:
    return math.log(math.exp(x) + 1) if x < 30 else x


def hard_sigmoid(x: float, slope: float, offset: float = 0.5) -> float:
    return min(max(slope * x + offset, 0.0), 1.0)


def hard_silu(x: float) -> float:
    if x < -3:
        return 0.0
    return x if x > 3 else x * (x + 3) / 6


def relu(x: float, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> float:
    if x <= threshold:
        return negative_slope * (x - threshold)
    return max_value if max_value is not None and x > max_value else max(x, 0.0)


def elu(x: float, alpha: float = 1.0) -> float:
    return x if x > 0 else alpha * (math.exp(x) - 1)


def selu(x: float) -> float:
    return 1.05070098735548049342 * elu(x, 1.67326324235437728481)


def celu(x: float, alpha: float = 1.0) -> float:
    return x if x >= 0 else alpha * (math.exp(x / alpha) - 1)


def gelu(x: float, approximate: bool = False) -> float:
    if approximate:
        return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))
    return x * 0.5 * math.erfc(-x / math.sqrt(2))


def soft_shrink(x: float, threshold: float = 0.5) -> float:
    if x > threshold:
        return x - threshold
    return x + threshold if x < -threshold else 0.0


def sparse_plus(x: float) -> float:
    if x <= -1:
        return 0.0
    return (x + 1) ** 2 / 4 if x < 1 else x


def sparse_sigmoid(x: float) -> float:
    if x <= -1:
        return 0.0
    return 0.5 * (x + 1) if x < 1 else 1.0


SCALAR: dict[str, Callable[..., float]] = {
    "linear": lambda x: x,
    "tanh": math.tanh,
    "sigmoid": sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "relu": relu,
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "leaky_relu": lambda x, negative_slope: x if x >= 0 else negative_slope * x,
    "elu": elu,
    "selu": selu,
    "celu": celu,
    "softplus": softplus,
    "softsign": lambda x: x / (abs(x) + 1),
    "exponential": math.exp,
    "silu": lambda x: x * sigmoid(x),
    "hard_silu": hard_silu,
    "gelu": gelu,
    "mish": lambda x: x * math.tanh(softplus(x)),
    "log_sigmoid": lambda x: -softplus(-x),
    "hard_tanh": lambda x: -1.0 if x < -1 else 1.0 if x > 1 else x,
    "hard_shrink": lambda x, threshold=0.5: x if abs(x) > threshold else 0.0,
    "soft_shrink": soft_shrink,
    "tanh_shrink": lambda x: x - math.tanh(x),
    "affine": lambda x, alpha, beta: alpha * x + beta,
    "scaled_tanh": lambda x, alpha, beta: alpha * math.tanh(beta * x),
    "threshold": lambda x, threshold, default_value: x if x > threshold else default_value,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "squareplus": lambda x, b=4.0: (x + math.sqrt(x * x + b)) / 2,
}


def softmax(xs: Vector) -> Vector:
    return [1 / sum(math.exp(other - x) for other in xs) for x in xs]


def log_softmax(xs: Vector) -> Vector:
    return [-math.log(sum(math.exp(other - x) for other in xs)) for x in xs]


def glu(xs: Vector) -> Vector:
    half = len(xs) // 2
    return [a * sigmoid(b) for a, b in zip(xs[:half], xs[half:], strict=True)]


def sparsemax(xs: Vector) -> Vector:
    """Sparsemax as Keras computes it, whose τ takes all the cumulative sums in the support (the paper: the last)."""
    sums: Vector = []
    for x in sorted(xs, reverse=True):
        if 1 + (len(sums) + 1) * x > (sums[-1] if sums else 0.0) + x:
            sums.append((sums[-1] if sums else 0.0) + x)
    tau = (sum(sums) - 1) / len(sums)
    return [max(x - tau, 0.0) for x in xs]


VECTOR: dict[str, Callable[[Vector], Vector]] = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "glu": glu,
    "sparsemax": sparsemax,
}


def function(name: str, **parameters: Any) -> Callable[[Vector], Vector]:
    """An activation as a function of a list of numbers."""
    if name in VECTOR:
        return VECTOR[name]
    return lambda xs: [SCALAR[name](x, **parameters) for x in xs]
