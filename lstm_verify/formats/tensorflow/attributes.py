"""The meaning of attributes of TensorFlow operations."""

from __future__ import annotations

import numpy as np

from lstm_verify.operations.windows import Padding

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
    """Return a number as an attribute holds it: in float32."""
    return float(np.float32(number))


def channels_axis(data_format: str) -> int:
    return {"NHWC": -1, "NCHW": 1}[data_format]


def lengths(values: list[int]) -> tuple[int, ...]:
    """Return the values for the lengths of (samples, *lengths, channels), if they are 1 for the other axes."""
    samples, *each, channels = values
    if samples != 1 or channels != 1:
        raise ValueError
    return tuple(each)


def padding(value: str, explicit: list[int] | None = None) -> Padding:
    """Return a padding by name, or as the amounts before and after each axis of (samples, rows, columns, channels)."""
    if value != "EXPLICIT":
        return {"SAME": "same", "VALID": "valid"}[value]
    before, after = (explicit or [])[::2], (explicit or [])[1::2]
    samples, *sides, channels = zip(before, after, strict=True)
    if any(samples) or any(channels):
        raise ValueError
    return tuple(sides)


def some(values: list[int]) -> tuple[int, ...] | None:
    return tuple(values) or None


def positive(value: float) -> float | None:
    """Return a limit; None if it is not positive."""
    return value if value > 0 else None


def bits(mask: int) -> tuple[int, ...]:
    """Return the indices of the bits that are set."""
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)
