"""Checking a recognised layer: it must return the same as the loop it replaces."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from lstm_verify.graph.lift.slices import Cut
from lstm_verify.layers import Array, Layer, Run, Signal
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.operations import TensorList


def agrees(loop: Layer, scan: Scan, values: Sequence[object], taken: Collection[int], cut: Cut | None = None) -> bool:
    """Whether a loop and the layer it was recognised as return the same for some loop variables, in float64.

    Only those results count that are taken by others: a loop may end before the last step if no sample is that long.

    Args:
        loop: the loop.
        scan: what it was recognised as.
        values: the loop variables.
        taken: the results that others take.
        cut: of what the scan gets the parts, as a list, beyond the loop's variables.
    """
    given = tuple(Signal(as_float64(value)) for value in values)
    more = () if cut is None else (Signal(cut.list(given[cut.variable].value)),)
    with np.errstate(all="ignore"):
        first = loop.astype(np.float64).apply(given, Run())
        second = scan.astype(np.float64).apply(given + more, Run())
    return all(
        close(one.value, other.value)
        for place, (one, other) in enumerate(zip(first, second[: len(first)], strict=True))
        if place in taken
    )


def as_float64(value: object) -> Array:
    if isinstance(value, TensorList):
        return value.of(tuple(None if item is None else as_float64(item) for item in value.items))  # type: ignore[return-value]
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def close(first: object, second: object) -> bool:
    if isinstance(first, TensorList) and isinstance(second, TensorList):
        pairs = zip(first.items, second.items, strict=True)
        zero = np.zeros(1)
        return all(close(zero if a is None else a, zero if b is None else b) for a, b in pairs)
    one, other = np.asarray(first), np.asarray(second)
    return bool(np.allclose(one, other, rtol=1e-5, atol=1e-6))
