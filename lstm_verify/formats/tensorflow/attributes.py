"""What the attributes of TensorFlow's operations mean."""

from __future__ import annotations

import numpy as np

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
