"""Precision: what a floating-point format rounds to, and what it cannot hold.

Source: IEEE 754-2019, and the range of bfloat16 in the documentation of `tf.bfloat16`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Precision:
    """A floating-point format, as far as rounding goes."""

    name: str
    unit: float
    """The unit roundoff u: the largest relative error of rounding to nearest."""
    largest: float
    """The largest finite number."""
    smallest: float
    """The smallest number that computing keeps: below it some processors give 0."""
    adds_in: float
    """The unit roundoff of the format in which products of matrices are summed up."""

    @property
    def is_narrow(self) -> bool:
        """Whether weights and inputs, which files hold in float32, are rounded before they are used."""
        return self.unit > 2.0**-24


FLOAT32 = Precision("float32", 2.0**-24, 3.4028234663852886e38, 2.0**-126, 2.0**-24)
PRECISIONS = {
    "bfloat16": Precision("bfloat16", 2.0**-8, 3.3895313892515355e38, 2.0**-126, 2.0**-24),
    "float16": Precision("float16", 2.0**-11, 65504.0, 2.0**-24, 2.0**-24),
    "float32": FLOAT32,
    "float64": Precision("float64", 2.0**-53, 1.7976931348623157e308, 2.0**-1022, 2.0**-53),
}
"""By the name of the dtype."""
