"""What an ONNX file stores: tensors, attributes and declarations, as arrays and plain Python values.

Source: `onnx/onnx.proto`, messages TensorProto, SparseTensorProto, AttributeProto and ValueInfoProto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.onnx.attributes import dtype_name
from lstm_verify.graph.ir import Node, Shape

UNKNOWN = "unknown"
"""The dtype of what is no tensor, or one of something else than numbers."""


@dataclass(frozen=True)
class End:
    """An input or output as the file declares it."""

    dtype: str
    shape: Shape


class Values:
    """Reads them, with the package `onnx`."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx

    def constant(self, name: str, value: Any) -> Node:
        """Make a node for a value in the file; one that is not numeric gets an operation that no table has."""
        array = self.array(value) if isinstance(value, self._stored) else value
        if isinstance(array, list | float | int):
            array = np.asarray(array, np.float32 if np.asarray(array).dtype.kind == "f" else np.int64)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            return Node(name, "Constant of strings")
        dtype = dtype_name(value.data_type) if isinstance(value, self.onnx.TensorProto) else str(array.dtype)
        return Node(name, "Constant", attributes={"value": array, "dtype": dtype})

    @property
    def _stored(self) -> tuple[type, ...]:
        return (self.onnx.TensorProto, self.onnx.SparseTensorProto)

    def array(self, tensor: Any) -> Array | None:
        """Return the values of a tensor; None if they are not numbers.

        Raises:
            UnsupportedError: it is of a dtype that NumPy has not.
            ModelFileError: it has not as many numbers as its shape says.
        """
        if isinstance(tensor, self.onnx.SparseTensorProto):
            return self._dense(tensor)
        if tensor.data_type == tensor.STRING:
            return None
        try:
            dtype = dtype_name(tensor.data_type)
        except ValueError:
            raise UnsupportedError(
                f"tensor '{tensor.name}' has a dtype that is not supported, {tensor.data_type}"
            ) from None
        if any(length < 0 for length in tensor.dims):  # which NumPy would take for whatever is left
            raise ModelFileError(f"tensor '{tensor.name}' has the shape {list(tensor.dims)}. Was the file damaged?")
        try:
            array: Array = self.onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise ModelFileError(
                f"tensor '{tensor.name}' is damaged ({error}). Was the file copied completely?"
            ) from None
        # every value of a bfloat16 is a float32
        return np.array(array.astype(np.float32) if dtype == "bfloat16" else array)

    def _dense(self, tensor: Any) -> Array:
        values, indices = self.array(tensor.values), self.array(tensor.indices)
        if values is None or indices is None:
            raise UnsupportedError(f"tensor '{tensor.values.name}': a sparse tensor without numbers")
        dense = np.zeros(tuple(tensor.dims), values.dtype)
        if indices.ndim == 1:
            dense.reshape(-1)[indices] = values
        else:
            dense[tuple(indices.T)] = values
        return dense

    def value(self, attribute: Any) -> Any:
        """Return an attribute as a plain Python value; tensors as arrays."""
        found = self.onnx.helper.get_attribute_value(attribute)
        if isinstance(found, bytes):
            return found.decode(errors="replace")
        if isinstance(found, self._stored):
            return self.array(found)
        if isinstance(found, int | float):
            return found
        return [each.decode(errors="replace") if isinstance(each, bytes) else each for each in found]

    def end(self, value: Any) -> End:
        """Read the declaration of a tensor."""
        tensor = value.type.tensor_type
        try:
            dtype = dtype_name(tensor.elem_type)
        except ValueError:
            dtype = UNKNOWN
        if not tensor.HasField("shape"):
            return End(dtype, None)
        shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
        if any(length is not None and length < 0 for length in shape):
            raise ModelFileError(f"tensor '{value.name}' has the shape {shape}, expected lengths of 0 or more")
        return End(dtype, shape)
