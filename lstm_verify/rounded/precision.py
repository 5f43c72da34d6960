"""Precision: what a floating-point format rounds to, and what it cannot represent.

Source: IEEE 754-2019, and the range of bfloat16 in the documentation of `tf.bfloat16`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Precision:
    """A floating-point format, as far as rounding is concerned."""

    name: str
    unit: float
    """The unit roundoff u: the largest relative error of rounding to nearest."""
    largest: float
    """The largest finite number."""
    smallest: float
    """The smallest number that computing keeps: below it some processors give 0."""
    adds_in: float
    """The unit roundoff of the format in which products of matrices are summed up."""
    factors: float = 0.0
    """The unit roundoff of what both factors of a product are rounded to before; 0 if they are not."""
    sigmoid_error: float = 0.0
    """The error of a sigmoid, in units of u, that there is however small the result, or 1 less the result, is; of whom
    has one, no tanh is 1 exactly either. 0 for those that are exact there."""

    @property
    def is_narrow(self) -> bool:
        """Whether weights and inputs, which files hold in float32, are rounded before they are used."""
        return self.unit > 2.0**-24

    def round(self, values: Array) -> Array:
        """Round values to the nearest number of the format, ties to even; their dtype is kept."""
        return rounded_to(values, self.name)


FLOAT32 = Precision("float32", 2.0**-24, 3.4028234663852886e38, 2.0**-126, 2.0**-24)
PRECISIONS = {
    "bfloat16": Precision("bfloat16", 2.0**-8, 3.3895313892515355e38, 2.0**-126, 2.0**-24),
    "float16": Precision("float16", 2.0**-11, 65504.0, 2.0**-24, 2.0**-24),
    "float32": FLOAT32,
    "float64": Precision("float64", 2.0**-53, 1.7976931348623157e308, 2.0**-1022, 2.0**-53),
}
"""By the name of the dtype."""
PRODUCTS = {"float32": 0.0, "tf32": 2.0**-11, "bfloat16": 2.0**-8}
"""What the factors of products of matrices in float32 may be rounded to, and the unit roundoff of that."""


def rounded_to(values: Array, name: str) -> Array:
    """Round floats to the nearest numbers of a format, ties to even.

    Args:
        values: floating-point numbers of any shape.
        name: `bfloat16`, `float16`, `tf32`, `float32` or `float64`.

    Returns:
        Numbers of the format, in an array of the dtype of `values`; infinite where they are too large for it.

    Example:
        >>> rounded_to(np.array([0.1, 1 / 3]), "bfloat16").tolist()
        [0.10009765625, 0.333984375]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if name in DROPPED_BITS:
            return _shortened(values.astype(np.float32), DROPPED_BITS[name]).astype(values.dtype)
        return values.astype(name).astype(values.dtype)


def in_format(values: Any, name: str) -> Any:
    """Cast numbers to a format as a framework does; only formats narrower than float32 change them.

    Args:
        values: a plain array, or one with arithmetic of its own.
        name: the format.
    """
    own_way = getattr(values, "in_format", None)
    if own_way is not None and name in PRECISIONS:
        return own_way(name)
    narrow = name in PRECISIONS and PRECISIONS[name].is_narrow
    return rounded_to(values, name) if narrow and np.result_type(values).kind == "f" else values


def _shortened(values: Array, bits: int) -> Array:
    """Numbers in float32 without the last bits of their significand."""
    pattern = values.view(np.uint32)
    even = (pattern >> np.uint32(bits)) & np.uint32(1)
    nearest = pattern + np.uint32(2 ** (bits - 1) - 1) + even
    kept: Array = (nearest & np.uint32(2**32 - 2**bits)).view(np.float32)
    return np.where(np.isfinite(values), kept, values)


DROPPED_BITS = {"bfloat16": 16, "tf32": 13}
"""Formats that are float32 with a shorter significand, by how many bits it is shorter."""
