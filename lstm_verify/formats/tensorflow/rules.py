"""What is said of an operation of TensorFlow: which operation computes it, and what its attributes mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Option:
    """An attribute that becomes a keyword argument of the operation."""

    name: str
    convert: Callable[[Any], Any] = lambda value: value
    """Raises ValueError or KeyError for a value that is not supported."""
    default: Any = None
    """The attribute's default, if it is not that of the keyword argument."""


@dataclass(frozen=True)
class Only:
    """An attribute that must have one of these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Rule:
    """How an operation of TensorFlow is computed."""

    operation: str
    """One of `OPERATIONS`."""
    attributes: Mapping[str, Option | Only] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    """Attributes of this operation that change no result."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments that it always has."""


FLOATS = ("bfloat16", "float16", "float32", "float64")

IGNORED = frozenset(
    {
        *("T", "U", "TI", "TL", "N", "I", "S", "Taxis", "Tparams", "Tindices", "Tidx", "Tdim", "Tperm", "Tshape"),
        *("Tlen", "Tpaddings", "Tmultiples", "Tblock_shape", "Tcrops", "Tseed", "Tindex", "SrcT", "Index", "Tk"),
        *("index_type", "shape_type", "seed", "seed2", "validate_indices", "use_cudnn_on_gpu"),
    }
)
"""Types of inputs and outputs, which the tensors have anyway, seeds, and what no result depends on."""


def single(number: float) -> float:
    """A number as an attribute holds it, which is in float32."""
    return float(np.float32(number))


def channels_axis(data_format: str) -> int:
    return {"NHWC": -1, "NCHW": 1}[data_format]


def pair(values: list[int]) -> tuple[int, int]:
    """Rows and columns of (samples, rows, columns, channels)."""
    samples, rows, columns, channels = values
    if samples != 1 or channels != 1:
        raise ValueError
    return rows, columns


def padding(value: str) -> str:
    if value not in ("SAME", "VALID", "EXPLICIT"):
        raise ValueError
    return value


def some(values: list[int]) -> tuple[int, ...] | None:
    return tuple(values) or None
