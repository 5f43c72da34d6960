"""Activations written out, each in the ways in which frameworks compute it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.graph.lift.expressions import Form, FunctionCall


def call(operation: str, *arguments: Any, **options: Any) -> Form:
    return Form.of(FunctionCall(operation, arguments, options))


def times(form: Form, factor: float) -> Form:
    return form.scaled(np.asarray(factor))


def plus(form: Form, number: float) -> Form:
    return form.plus_constant(np.asarray(number))


def number(value: float) -> np.ndarray:
    return np.asarray(value, np.float32)


def sigmoid(x: Form) -> Form:
    return call("sigmoid", x)


DECOMPOSED: dict[str, tuple[str, Callable[[Form], Form]]] = {
    "sigmoid": ("sigmoid", sigmoid),
    "sigmoid by tanh": ("sigmoid", lambda x: plus(times(call("tanh", times(x, 0.5)), 0.5), 0.5)),
    "sigmoid by exp": ("sigmoid", lambda x: call("reciprocal", plus(call("exp", times(x, -1)), 1))),
    "sigmoid by division": ("sigmoid", lambda x: call("divide", number(1), plus(call("exp", times(x, -1)), 1))),
    "tanh": ("tanh", lambda x: call("tanh", x)),
    "tanh by sigmoid": ("tanh", lambda x: plus(times(sigmoid(times(x, 2)), 2), -1)),
    "hard_sigmoid of Keras 2": (
        "hard_sigmoid(slope=0.2)",
        lambda x: call("clip", plus(times(x, 0.2), 0.5), number(0), number(1)),
    ),
    "hard_sigmoid of Keras 3": ("hard_sigmoid(slope=0.166667)", lambda x: times(call("relu6", plus(x, 3)), 1 / 6)),
    "hard_sigmoid of two steps": (
        "hard_sigmoid(slope=0.25)",
        lambda x: call("minimum", call("maximum", plus(times(x, 0.25), 0.5), number(0)), number(1)),
    ),
    "relu": ("relu", lambda x: call("relu", x)),
    "relu by maximum": ("relu", lambda x: call("maximum", number(0), x)),
    "relu by absolute": ("relu", lambda x: times(x + call("absolute", x), 0.5)),
    "relu6": ("relu6", lambda x: call("minimum", call("relu", x), number(6))),
    "relu with a limit": ("relu(max_value=3.5)", lambda x: call("clip", x, number(0), number(3.5))),
    "leaky_relu": ("leaky_relu(negative_slope=0.3)", lambda x: call("maximum", x, times(x, 0.3))),
    "leaky_relu of two": (
        "leaky_relu(negative_slope=0.2)",
        lambda x: call("relu", x) + times(call("relu", times(x, -1)), -0.2),
    ),
    "elu": ("elu", lambda x: call("where", call("greater", x, number(0)), x, call("expm1", x))),
    "elu with alpha": (
        "elu(alpha=0.5)",
        lambda x: call("where", call("greater", x, number(0)), x, times(call("expm1", x), 0.5)),
    ),
    "selu": ("selu", lambda x: call("selu", x)),
    "softplus": ("softplus", lambda x: call("softplus", x)),
    "softplus by log": (
        "softplus",
        lambda x: call("relu", x) + call("log1p", call("exp", times(call("absolute", x), -1))),
    ),
    "log_sigmoid": ("log_sigmoid", lambda x: times(call("softplus", times(x, -1)), -1)),
    "softsign": ("softsign", lambda x: call("divide", x, plus(call("absolute", x), 1))),
    "exponential": ("exponential", lambda x: call("exp", x)),
    "silu": ("silu", lambda x: x * sigmoid(x)),
    "hard_silu": ("hard_silu", lambda x: times(x * call("relu6", plus(x, 3)), 1 / 6)),
    "gelu": ("gelu", lambda x: times(x * plus(call("erf", times(x, 0.5**0.5)), 1), 0.5)),
    "gelu, approximate": (
        "gelu(approximate=True)",
        lambda x: times(
            x * plus(call("tanh", times(x + times(x * x * x, 0.044715), (2 / np.pi) ** 0.5)), 1),
            0.5,
        ),
    ),
    "mish": ("mish", lambda x: x * call("tanh", call("softplus", x))),
    "hard_tanh": ("hard_tanh", lambda x: call("clip", x, number(-1), number(1))),
    "tanh_shrink": ("tanh_shrink", lambda x: x + times(call("tanh", x), -1)),
    "sparse_sigmoid": ("sparse_sigmoid", lambda x: call("clip", plus(times(x, 0.5), 0.5), number(0), number(1))),
    "squareplus": ("squareplus", lambda x: times(x + call("sqrt", plus(x * x, 4)), 0.5)),
    "linear": ("linear", lambda x: x),
    "celu": (
        "celu(alpha=0.7)",
        lambda x: (
            call("maximum", x, number(0)) + times(call("expm1", times(call("minimum", x, number(0)), 1 / 0.7)), 0.7)
        ),
    ),
    "hard_shrink": (
        "hard_shrink(threshold=0.3)",
        lambda x: call("where", call("greater", call("absolute", x), number(0.3)), x, number(0)),
    ),
    "soft_shrink": (
        "soft_shrink(threshold=0.7)",
        lambda x: call(
            "where",
            call("greater", x, number(0.7)),
            plus(x, -0.7),
            call("where", call("less", x, number(-0.7)), plus(x, 0.7), number(0)),
        ),
    ),
    "squareplus with b": ("squareplus(b=2)", lambda x: times(x + call("sqrt", plus(x * x, 2)), 0.5)),
    "sparse_plus": (
        "sparse_plus",
        lambda x: call(
            "where",
            call("less_equal", x, number(-1)),
            call("zeros_like", x),
            call("where", call("less", x, number(1)), times(call("square", plus(x, 1)), 0.25), x),
        ),
    ),
    "relu with a threshold": (
        "relu(threshold=0.3)",
        lambda x: x * call("cast", call("greater", x, number(0.3)), dtype="float32"),
    ),
    "relu with everything": (
        "relu(negative_slope=0.1, threshold=0.2, max_value=0.8)",
        lambda x: (
            call("minimum", call("where", call("greater", x, number(0.2)), x, number(0)), number(0.8))
            + times(call("relu", plus(times(x, -1), 0.2)), -0.1)
        ),
    ),
    "threshold": (
        "threshold(threshold=-0.5, default_value=-2)",
        lambda x: call("where", call("greater", x, number(-0.5)), x, number(-2)),
    ),
    "softmax": ("softmax", lambda x: call("softmax", x)),
    "softmax by exp": (
        "softmax",
        lambda x: call("divide", call("exp", x), call("sum", call("exp", x), np.asarray(-1), keepdims=True)),
    ),
    "log_softmax": ("log_softmax", lambda x: call("log_softmax", x)),
}
