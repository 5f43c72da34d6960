"""The operations that graphs are made of, as NumPy functions by name; one family, one file.

Names and behaviour are those of NumPy where it has them; no framework is meant by them. What a graph computes (tensors,
and also shapes and indices) is given as positional arrays; what it mostly fixes, such as an axis, is a keyword, and may
be an array all the same. An operation with several outputs returns a tuple, and so does one with a list of
outputs, though it be of one. A list of tensors is a `TensorList`, which is no tuple. Functions that make numbers out of
something else take a `dtype`. Results may be views of arguments, or NumPy scalars.

Sources: the documentation of NumPy, and of the operations in `tf.raw_ops` for what NumPy has not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstm_verify.operations.arithmetic import ARITHMETIC
from lstm_verify.operations.cells import CELLS
from lstm_verify.operations.convolution import CONVOLUTION
from lstm_verify.operations.creation import MAKING
from lstm_verify.operations.functions import ELEMENTWISE
from lstm_verify.operations.lists import LISTS, TensorList
from lstm_verify.operations.logic import LOGIC
from lstm_verify.operations.normalization import NORMALIZATION
from lstm_verify.operations.padding import PADDING
from lstm_verify.operations.pooling import POOLING
from lstm_verify.operations.quantization import QUANTIZATION
from lstm_verify.operations.reductions import REDUCTIONS
from lstm_verify.operations.resizing import RESIZING
from lstm_verify.operations.selection import SELECTION
from lstm_verify.operations.shapes import SHAPES

__all__ = ["OPERATIONS", "TensorList"]

OPERATIONS: dict[str, Callable[..., Any]] = {
    **ARITHMETIC,
    **ELEMENTWISE,
    **LOGIC,
    **REDUCTIONS,
    **SHAPES,
    **PADDING,
    **SELECTION,
    **MAKING,
    **LISTS,
    **CONVOLUTION,
    **POOLING,
    **NORMALIZATION,
    **RESIZING,
    **QUANTIZATION,
    **CELLS,
}
