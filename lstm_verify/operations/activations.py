"""Activation functions: every one Keras names, as NumPy expressions.

An `ActivationFunction` is a name with the numbers that make it definite, so that two frameworks which mean different
functions by one name differ in a number one can print. `hard_sigmoid` is the case in point:

    hard_sigmoid(x) = clip(slope * x + 1/2, 0, 1)     slope 1/5 in Keras 1 and 2, and by default in ONNX, 1/6 in Keras 3

Sources: the docstrings of `keras.activations` (3.15) and `tf_keras.activations` (2.21); gelu: Hendrycks and Gimpel,
arXiv:1606.08415; selu: Klambauer et al., arXiv:1706.02515; mish: Misra, arXiv:1908.08681; squareplus: Barron,
arXiv:2112.11687; sparsemax: Martins and Astudillo, arXiv:1602.02068.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_verify.arrays import Array
from lstm_verify.errors import UnsupportedError

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Array) -> Array:
    """The error function, element by element, from the C library: NumPy has none."""
    return np.asarray(_erf(x)).astype(x.dtype)


def sigmoid(x: Array) -> Array:
    # ½ tanh(½x) + ½ would have an error as large as small results; where exp overflows, 0 is right
    with np.errstate(over="ignore"):
        y: Array = 1 / (1 + np.exp(-x))
    return y


def softplus(x: Array) -> Array:
    y: Array = np.logaddexp(x, x.dtype.type(0))
    return y


def relu(
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    y = np.where(x > threshold, x, 0) if threshold else np.maximum(x, 0)
    if max_value is not None:
        y = np.clip(y, 0, max_value)
    return y - negative_slope * np.maximum(threshold - x, 0) if negative_slope else y


def elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu(x: Array, approximate: bool = False) -> Array:
    if approximate:
        Φ = 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    else:
        Φ = 0.5 * (1 + erf(x / math.sqrt(2)))
    y: Array = x * Φ
    return y


def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    y: Array = e / np.sum(e, axis=axis, keepdims=True)
    return y


def log_softmax(x: Array, axis: int = -1) -> Array:
    z = x - np.max(x, axis=axis, keepdims=True)
    y: Array = z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))
    return y


def sparsemax(x: Array, axis: int = -1) -> Array:
    # Keras 3 subtracts (Σ of the cumulative sums - 1) / k where the paper has (the last of them - 1) / k
    z = np.moveaxis(x, axis, -1)
    descending = -np.sort(-z, axis=-1)
    sums = np.cumsum(descending, axis=-1)
    k = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    support = descending - (sums - 1) / k > 0
    tau = (np.sum(sums, axis=-1, keepdims=True, where=support) - 1) / np.sum(support, axis=-1, keepdims=True)
    return np.moveaxis(np.maximum(z - tau.astype(x.dtype), 0), -1, axis)


def glu(x: Array, axis: int = -1) -> Array:
    a, b = np.split(x, 2, axis=axis)
    return a * sigmoid(b)


def thresholded(x: Array, threshold: float, default_value: float) -> Array:
    return np.where(x > threshold, x, default_value)


def sparse_plus(x: Array) -> Array:
    return np.where(x <= -1, 0, np.where(x < 1, 0.25 * (x + 1) ** 2, x))


def hard_sigmoid(x: Array, slope: float, offset: float = 0.5) -> Array:
    return np.clip(slope * x + offset, 0, 1)


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "linear": lambda x: x,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "relu": relu,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x, negative_slope: relu(x, negative_slope),
    "elu": elu,
    "selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
    "celu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exponential": np.exp,
    "silu": lambda x, beta=1.0: x * sigmoid(beta * x),
    "hard_silu": lambda x: x * hard_sigmoid(x, 1 / 6),
    "gelu": gelu,
    "mish": lambda x: x * np.tanh(softplus(x)),
    "log_sigmoid": lambda x: -softplus(-x),
    "affine": lambda x, alpha, beta: alpha * x + beta,
    "scaled_tanh": lambda x, alpha, beta: alpha * np.tanh(beta * x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_shrink": lambda x, threshold=0.5: np.where(np.abs(x) > threshold, x, 0),
    "soft_shrink": lambda x, threshold=0.5: np.sign(x) * np.maximum(np.abs(x) - threshold, 0),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "threshold": thresholded,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": lambda x: np.clip(0.5 * (x + 1), 0, 1),
    "squareplus": lambda x, b=4.0: 0.5 * (x + np.sqrt(x * x + b)),
    "glu": glu,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "sparsemax": sparsemax,
}

WITH_NUMBERS = frozenset({"hard_sigmoid", "leaky_relu", "threshold", "affine", "scaled_tanh"})
"""Those that are nothing without their numbers."""
ALONG_AN_AXIS = frozenset({"glu", "softmax", "log_softmax", "sparsemax"})


class InPlace(NamedTuple):
    """An activation in two parts: a factor to fold into what makes z, and what to do in place to factor · z."""

    factor: float
    finish: Callable[[Array], object]


@dataclass(frozen=True)
class ActivationFunction:
    """An activation function: `Activation("hard_sigmoid", (("slope", 0.2),))(x)`.

    Example:
        >>> ActivationFunction.of("leaky_relu", negative_slope=0.2)(np.array([-1.0, 2.0]))
        array([-0.2,  2. ])
    """

    name: str
    parameters: tuple[tuple[str, float | tuple[int, ...] | None], ...] = ()

    @classmethod
    def of(cls, name: str, **parameters: float | tuple[int, ...] | None) -> ActivationFunction:
        """Name an activation and its numbers.

        Raises:
            UnsupportedError: there is no function of that name; the message lists those there are.
        """
        if name not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise UnsupportedError(f"unknown activation '{name}'; the known ones are {known}")
        return cls(name, tuple(parameters.items()))

    def __call__(self, x: Array) -> Array:
        own_way = getattr(x, "activated", None)  # of an array type with arithmetic of its own
        result: Array = self.function(x) if own_way is None else own_way(self)
        return result

    def function(self, x: Array) -> Array:
        """The function itself, for plain arrays."""
        return FUNCTIONS[self.name](x, **dict(self.parameters))

    def in_place(self, dtype: npt.DTypeLike) -> InPlace:
        """Divide it so that σ and tanh need few passes over memory and no temporary arrays.

        In float64 σ is 1 / (1 + exp(-z)) and tanh is 2 / (1 + exp(-2z)) - 1, off by 2e-16 at most: NumPy's own tanh
        takes twice as long as exp, and almost three times as long as this form where the processor has no AVX-512.
        Where exp overflows, 1 / (1 + exp) is rightly 0. In float32 NumPy's own tanh is faster than exp, and the other
        form of tanh would be off by 1e-7; σ is ½ tanh(½z) + ½.
        """
        exact = np.dtype(dtype).itemsize == 8
        if np.dtype(dtype).itemsize >= 4:
            if self.name == "sigmoid":
                return InPlace(-1.0, _one_by_one_plus_exp) if exact else InPlace(0.5, _half_of_tanh_plus_one)
            if self.name == "tanh":
                return InPlace(-2.0, _tanh_of_minus_half) if exact else InPlace(1.0, lambda z: np.tanh(z, out=z))
        return InPlace(1.0, lambda z: np.copyto(z, self.function(z)))

    def clipped(self, limit: float | None) -> ActivationFunction:
        """The same function of what is cut to [-limit, limit] before; None: not at all."""
        return self if limit is None else Clipped(self.name, self.parameters, limit)

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(f'{key}={_number(value)}' for key, value in self.parameters)})"

    @property
    def elementwise(self) -> bool:
        """Whether each element of the result depends on that element alone."""
        return self.name not in ALONG_AN_AXIS


@dataclass(frozen=True)
class Clipped(ActivationFunction):
    """An activation of a value that is cut to [-limit, limit] before.

    Example:
        >>> ActivationFunction("linear").clipped(0.5)(np.array([-1.0, 0.25]))
        array([-0.5 ,  0.25])
    """

    limit: float = np.inf

    def __call__(self, x: Array) -> Array:
        return ActivationFunction(self.name, self.parameters)(np.clip(x, -self.limit, self.limit))

    def function(self, x: Array) -> Array:
        return super().function(np.clip(x, -self.limit, self.limit))

    def in_place(self, dtype: npt.DTypeLike) -> InPlace:
        factor, finish = ActivationFunction(self.name, self.parameters).in_place(dtype)
        most = abs(factor) * self.limit

        def cut_and_finish(z: Array) -> None:
            np.clip(z, -most, most, out=z)
            finish(z)

        return InPlace(factor, cut_and_finish)

    def __str__(self) -> str:
        return f"{super().__str__()} of what is clipped to ±{_number(self.limit)}"


def _one_by_one_plus_exp(z: Array) -> None:
    np.exp(z, out=z)
    np.add(z, 1, out=z)
    np.divide(1, z, out=z)  # np.reciprocal takes twice as long


def _half_of_tanh_plus_one(z: Array) -> None:
    np.tanh(z, out=z)
    np.multiply(z, 0.5, out=z)
    np.add(z, 0.5, out=z)


def _tanh_of_minus_half(z: Array) -> None:
    np.exp(z, out=z)
    np.add(z, 1, out=z)
    np.divide(2, z, out=z)
    np.subtract(z, 1, out=z)


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


LINEAR = ActivationFunction("linear")
TANH = ActivationFunction("tanh")
SIGMOID = ActivationFunction("sigmoid")
