"""The `Rounded` array type; its rules for functions are in other files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import UnsupportedError
from lstm_verify.rounded.precision import FLOAT32, PRECISIONS, Precision

Array = npt.NDArray[Any]
SIGMAS = 8.0
"""How many standard deviations of rounding error are allowed."""
LEAST = 2.0**-500
"""An error that is no smaller, so that its square is not 0: of float64, which holds smaller numbers than that."""
DERIVED = 2.0
"""The error, in units of u, of a constant that was computed from weights, such as γ / √(σ² + ε)."""


class Undecided(Exception):
    """A choice that rounding may change decides what is computed at all."""


@dataclass(frozen=True)
class Rounding:
    """The shared settings of the arrays of one computation: its precision, and known weights."""

    precision: Precision = FLOAT32
    known: dict[Any, tuple[Array, Any]] = field(default_factory=dict)
    noticed: set[str] = field(default_factory=set)
    """What a user of its σ should know of the computation."""

    def square(self, weight: Array) -> Array:
        """Return the square of each element; for a read-only array it is computed once."""
        return np.square(weight) if weight.flags.writeable else self._once("square", weight, np.square)

    def error(self, operand: Any) -> Any:
        """Return the error variance of an operand that is not `Rounded`: a weight or another constant.

        Layers keep their weights read-only. They are exact, unless the precision has no such numbers; what was computed
        from them is not.
        """
        if isinstance(operand, np.ndarray) and operand.dtype.kind == "f":
            if operand.flags.writeable:
                return own_error(operand, self.precision, DERIVED)
            return self._once("error", operand, self._representing)
        if isinstance(operand, float | np.floating):
            return self._representing(np.asarray(operand))
        return 0.0

    def _representing(self, weight: Array) -> Any:
        """The error of representing numbers from a file, which has them in float32, or in a config in decimals."""
        if self.precision.is_narrow:
            return own_error(weight, self.precision) / 3
        exact = self.precision.name == "float64" or np.array_equal(weight, weight.astype(np.float32), equal_nan=True)
        return 0.0 if exact else own_error(weight, self.precision)

    def _once(self, what: str, weight: Array, compute: Callable[[Array], Any]) -> Any:
        place = weight.__array_interface__["data"][0]
        key = (what, self.precision.name, place, weight.shape, weight.strides, weight.dtype.str)
        if key not in self.known:
            self.known[key] = weight, compute(weight)  # as long as the weight is kept, no other has its place
        return self.known[key][1]


class Rules(NamedTuple):
    """The rules by which functions propagate errors, one for each function."""

    ufunc: Callable[..., Any]
    function: Callable[..., Any]
    activation: Callable[..., Any]
    approximated: Callable[..., Any]
    as_type: Callable[..., Any]


class Rounded(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of values, each with the variance of its rounding error.

    It goes through NumPy's functions and operators like an array. A function without a rule raises UnsupportedError,
    and so does turning it into a plain array, which would forget the variance.

    Attributes:
        value: float64, what is computed without rounding; booleans or whole numbers if rounding may change them.
        variance: of its shape; or 0.0 as long as there is no error.
        rounding: the precision that the framework computes in.
        terms: of a sum of products, how many there are, for all or each of its rows; what is added to it may have been
            its first partial sum. None of what is no such sum.

    Example:
        >>> x = Rounded(np.array([3.0, -4.0]))
        >>> y = x * x + 1
        >>> y.value
        array([10., 17.])
        >>> (np.sqrt(y.variance) / y.value / 2**-24).round(2)
        array([1.35, 1.37])
    """

    __slots__ = ("rounding", "terms", "value", "variance")
    rules: ClassVar[Rules]

    def __init__(self, value: Array, variance: Array | float = 0.0, rounding: Rounding | None = None) -> None:
        self.value, self.variance, self.rounding = value, variance, rounding or Rounding()
        self.terms: Any = None

    def like(self, value: Array, variance: Array | float) -> Self:
        """Return another array of the same computation."""
        return type(self)(value, variance, self.rounding)

    def rounded_to(self, rounding: Rounding) -> Self:
        """Return the array in another precision; a narrower one rounds it."""
        if rounding.precision == self.rounding.precision or self.dtype.kind != "f":
            return self
        variance = self.variance
        if rounding.precision.unit > self.rounding.precision.unit:
            variance = self._represented(rounding.precision) + variance
        return type(self)(self.value, variance, rounding)

    def in_format(self, name: str) -> Self:
        """Return the array cast to a format like `in_format`; exact values stay exact."""
        rounding = Rounding(PRECISIONS[name], noticed=self.rounding.noticed)
        if self.dtype.kind != "f" or rounding.precision.unit <= self.rounding.precision.unit:
            return type(self)(self.value, self.variance, rounding)
        value = rounding.precision.round(self.value)
        return type(self)(value, 0.0 if self.exact else own_error(value, rounding.precision) + self.variance, rounding)

    def _represented(self, precision: Precision) -> Any:
        """The variance of being rounded to a narrower precision: of an exact number it is known what that does."""
        if not self.exact:
            return own_error(self.value, precision)
        with np.errstate(all="ignore"):
            return np.square(precision.round(self.value) - self.value)

    @property
    def exact(self) -> bool:
        """Whether nothing has been rounded yet."""
        return type(self.variance) is float  # which a NumPy number, the variance of a lone value, is not

    def variances(self) -> Array:
        """The variance of every element, in the shape of the values."""
        variance = self.variance
        if isinstance(variance, np.ndarray) and variance.shape == self.value.shape:
            return variance
        return np.broadcast_to(np.asarray(variance, float), self.value.shape)

    def activated(self, activation: Any) -> Any:
        """Apply an activation to this array."""
        return self.rules.activation(self, activation)

    def mapped(self, function: Callable[[Array], Array]) -> Self:
        """Apply an elementwise function that a framework approximates."""
        made: Self = self.rules.approximated(self, function)
        return made

    # ------------------------------------------------------------------------------ NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.rules.ufunc(self, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return self.rules.function(self, function, args, kwargs)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if not self.exact:
            if self.dtype.kind != "f":
                raise Undecided
            raise UnsupportedError("an array with rounding errors would lose them as a plain array")
        return np.array(self.value, dtype, copy=copy)

    # ------------------------------------------------------------------------------ what arrays have

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype

    @property
    def T(self) -> Self:
        return self.moved(lambda a: a.T)

    def moved(self, move: Callable[[Array], Any]) -> Self:
        """Apply a function that only moves elements."""
        return self.like(move(self.value), self.variance if self.exact else move(self.variances()))

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Self]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: Any) -> Self:
        return self.moved(lambda a: a[key])

    def __setitem__(self, key: Any, new: Any) -> None:
        value, variance = parts(new)
        if self.exact:
            self.variance = np.zeros(self.value.shape)
        self.value[key] = value
        self.variance[key] = variance  # type: ignore[index]

    def __bool__(self) -> bool:
        return bool(np.asarray(self.rules.as_type(self, bool)))

    def reshape(self, *shape: Any) -> Self:
        return self.moved(lambda a: a.reshape(*shape))

    def transpose(self, *axes: Any) -> Self:
        return self.moved(lambda a: a.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Self:
        return self.moved(lambda a: a.swapaxes(first, second))

    def ravel(self) -> Self:
        return self.moved(np.ravel)

    def copy(self) -> Self:
        return self.moved(np.copy)

    def astype(self, dtype: npt.DTypeLike, copy: bool = True) -> Any:
        """Return the array itself for floating-point types, since its values stay exact; convert to discrete ones."""
        if not np.issubdtype(np.dtype(dtype), np.floating):
            return self.rules.as_type(self, dtype)
        return self if self.dtype.kind == "f" else self.like(self.value.astype(float), self.variance)

    def item(self) -> Any:
        return self.value.item()

    def any(self, axis: Any = None, **kwargs: Any) -> Any:
        return np.any(self, axis=axis, **kwargs)

    def all(self, axis: Any = None, **kwargs: Any) -> Any:
        return np.all(self, axis=axis, **kwargs)

    def sum(self, axis: Any = None, **kwargs: Any) -> Any:
        return np.sum(self, axis=axis, **kwargs)

    def mean(self, axis: Any = None, **kwargs: Any) -> Any:
        return np.mean(self, axis=axis, **kwargs)

    def var(self, axis: Any = None, **kwargs: Any) -> Any:
        return np.var(self, axis=axis, **kwargs)

    def max(self, axis: Any = None, **kwargs: Any) -> Any:
        return np.max(self, axis=axis, **kwargs)

    def min(self, axis: Any = None, **kwargs: Any) -> Any:
        return np.min(self, axis=axis, **kwargs)


def parts(operand: Any, rounding: Rounding | None = None) -> tuple[Any, Any]:
    """Return the values and variance of an operand of any kind."""
    if isinstance(operand, Rounded):
        return operand.value, operand.variance
    return operand, 0.0 if rounding is None else rounding.error(operand)


def own_error(value: Array, precision: Precision, factor: float = 1.0) -> Any:
    """Return the variance that rounding a result adds; infinite where the precision cannot represent it."""
    u, largest = factor * precision.unit, precision.largest
    variance = np.square(u * value)
    variance += max(precision.smallest * 0.5, LEAST) ** 2
    if not variance.size or variance.max() < (u * largest) * (u * largest):
        return variance
    return np.where(np.abs(value) <= largest, variance, np.inf)
