"""What the zoo of faults says about a case, and whether the fault shows as it must."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fixtures.make import largest_difference
from tests.zoo.faults.case import HARD_SIGMOID, Fault, Value
from tests.zoo.faults.plan import Array

TINY = {"weight_precision": 3e-6, "gelu_approximation": 3e-6, "epsilon": 3e-6, "product_precision": 1e-5}
"""How far faulty predictions must be from honest ones, where that is below ``CLEAR``."""
CLEAR = 1e-4
HONEST = 1e-5
"""How far two honest predictions, with other batch sizes, may be from each other."""
SAME = 1e-6
"""How far the predictions of a fault that changes nothing may be from honest ones."""

NOTHING = ("fault", "layer", "layers", "or_layers", "parameter", "file_says", "behaves_as")
"""What describes a fault, for a case without one."""

Record = dict[str, Any]


def distance(one: Array, other: Array) -> float:
    """Return the largest difference of two arrays.

    Raises:
        ValueError: their shapes differ, or not all values are finite.
    """
    if one.shape != other.shape or not np.all(np.isfinite(one)) or not np.all(np.isfinite(other)):
        raise ValueError(f"shapes {one.shape} and {other.shape}, or values that are not finite")
    return largest_difference(one, other)


def record_of(faults: Sequence[Fault], target: str, framework: str) -> Record:
    """Return what there is to say about the faults of a case, of whose model ``target`` is the layer it is about."""
    described = [described_fault(fault, target, framework) for fault in faults]
    return {
        **(described[0] if described else dict.fromkeys(NOTHING)),
        "pair": described[1] if len(described) > 1 else None,
    }


def described_fault(fault: Fault, target: str, framework: str) -> Record:
    """Return what there is to say about one fault."""
    return {
        "fault": fault.name,
        "layer": fault.layer or target,
        "layers": list(fault.layers) or [fault.layer or target],
        "or_layers": list(fault.or_layers),
        "parameter": fault.parameter,
        "file_says": in_full(fault.file_says, framework),
        "behaves_as": fault.behaves_as,
    }


def in_full(value: Value, framework: str) -> Value:
    """Return what a name in a file means in the framework that wrote it."""
    meanings = {"hard_sigmoid": HARD_SIGMOID[framework], "leaky_relu": "leaky_relu(negative_slope=0.2)"}
    return meanings.get(value, value) if isinstance(value, str) else value


def complaint(record: Record, hidden: bool) -> str:
    """Return what is wrong with a case, if anything: its fault does not show, or it shows where it must not."""
    deviation = record["max_abs_deviation"]
    if hidden or not record["fault"]:
        limit = SAME if hidden else HONEST
        return "" if deviation <= limit else f"{record['name']}: shows, {deviation:.1e}"
    limit = TINY.get(record["fault"], CLEAR)
    return "" if deviation > limit else f"{record['name']}: does not show, {deviation:.1e}"
