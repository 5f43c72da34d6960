"""The meaning of attributes of ONNX operators, and nodes for values."""

from __future__ import annotations

from typing import Any

import numpy as np

from lstm_verify.graph.ir import Node

DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
}
"""NumPy's names of the members of `TensorProto.DataType`, and bfloat16."""


def dtype_name(code: int) -> str:
    """Return the name of a dtype.

    Raises:
        ValueError: it is none that is supported.
    """
    if code not in DTYPES:
        raise ValueError(f"dtype {code}")
    return DTYPES[code]


def constant(name: str, value: np.ndarray[Any, Any]) -> Node:
    """A node for a value."""
    return Node(name, "Constant", attributes={"value": value, "dtype": str(value.dtype)}, types=(str(value.dtype),))
