"""What the attributes of TensorFlow's operations mean."""

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
    """A number as an attribute holds it, which is in float32."""
    return float(np.float32(number))


def channels_axis(data_format: str) -> int:
    return {"NHWC": -1, "NCHW": 1}[data_format]


def lengths(values: list[int]) -> tuple[int, ...]:
    """What is said of the lengths of (samples, *lengths, channels), if it is 1 for the others."""
    samples, *each, channels = values
    if samples != 1 or channels != 1:
        raise ValueError
    return tuple(each)


def padding(value: str, explicit: list[int] | None = None) -> Padding:
    """A padding by its name, or by what lies before and after each axis of (samples, rows, columns, channels)."""
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
    """A limit, which one that is not positive is not."""
    return value if value > 0 else None


def bits(mask: int) -> tuple[int, ...]:
    """The numbers of the bits that are set."""
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)
