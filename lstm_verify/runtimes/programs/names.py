"""What the programs for TensorFlow graphs share: choosing a signature, and casting values for a tensor."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

DEFAULT_SIGNATURE = "serving_default"
LISTED = 12
"""How many names a message lists."""


def directory_of(path: str) -> str:
    """Return the directory of a SavedModel, given the directory or the file in it."""
    return os.path.dirname(path) if os.path.isfile(path) else path


def listed(names: Iterable[str]) -> str:
    """List names for a message, but not too many of them."""
    every = sorted(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + more if every else "none"


def chosen_signature(signatures: Iterable[str], wanted: str | None) -> str | None:
    """Choose a signature: the requested one, the default one, or the only one.

    Raises:
        LookupError: there is none of the name that is asked for.
    """
    names = list(signatures)
    if wanted is None:
        return DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in names else names[0] if len(names) == 1 else None
    if wanted not in names:
        raise LookupError(f"it has no signature '{wanted}'; its signatures: {listed(names)}")
    return wanted


def cast(name: str, values: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """Cast values to the dtype of a tensor (a `tf.DType`), as long as that does not change integers.

    Raises:
        ValueError: the tensor takes no numbers, or whole numbers or booleans, and some of the values are none.
    """
    wanted = np.dtype(dtype.as_numpy_dtype)
    if wanted.hasobject:
        raise ValueError(f"input '{name}' takes {dtype.name}, expected numbers")
    with np.errstate(invalid="ignore", over="ignore"):
        converted = values.astype(wanted)
    if wanted.kind in "iub" and not np.array_equal(converted, values):
        raise ValueError(f"input '{name}' takes {dtype.name}, and not every given value fits")
    return converted
