"""Tensor operations in a functional model: `Operation` objects in Keras 3, `TFOpLambda` layers in Keras 2.

Both are names and constants, not code: what is named here is computed, anything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.formats.keras.calls import read_tensor
from lstm_verify.formats.keras.config import Config, as_list, as_mapping
from lstm_verify.formats.keras.registry import snake_names
from lstm_verify.formats.keras.ways import NotExported
from lstm_verify.layers import Layer
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Tensor

KERAS2_FUNCTIONS = {
    "__operators__.add": "add",
    "__operators__.getitem": "get_item",
    "math.add": "add",
    "math.subtract": "subtract",
    "math.multiply": "multiply",
    "math.truediv": "true_divide",
    "math.divide": "true_divide",
    "math.pow": "power",
    "math.negative": "negative",
    "math.abs": "absolute",
    "math.square": "square",
    "math.sqrt": "sqrt",
    "math.exp": "exp",
    "math.tanh": "tanh",
    "math.sigmoid": "sigmoid",
    "math.maximum": "maximum",
    "math.minimum": "minimum",
    "math.not_equal": "not_equal",
    "math.equal": "equal",
    "math.greater": "greater",
    "math.less": "less",
    "math.logical_and": "logical_and",
    "math.logical_or": "logical_or",
    "math.logical_not": "logical_not",
    "expand_dims": "expand_dims",
    "linalg.matmul": "matmul",
    "nn.relu": "relu",
    "nn.softmax": "softmax",
    "cast": "cast",
}
KERAS_OPERATIONS = frozenset(
    {
        *("add", "subtract", "multiply", "divide", "true_divide", "power", "negative", "absolute", "square", "sqrt"),
        *("exp", "log", "maximum", "minimum", "matmul", "tanh", "sigmoid", "relu", "softmax", "cast"),
        *("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"),
        *("logical_and", "logical_or", "logical_not", "any", "all", "sum", "mean", "max", "min"),
        *("expand_dims", "squeeze", "concatenate", "stack", "flip", "zeros_like", "ones_like"),
        *("get_item", "reshape", "transpose", "where", "clip", "floor", "ceil", "round", "sign", "argmax", "argmin"),
    }
)
"""The operations that mean the same in Keras, and take the same arguments."""
ARGUMENTS = {"x_min": "low", "x_max": "high"}
"""Arguments of Keras operations that are called something else here."""
OTHER_NAMES = {"convert_to_tensor": "identity"}
"""Operations that are called something else here. Attention makes this one of a mask, which is a tensor anyway."""
JOINING = ("concatenate", "stack")
"""Operations that Keras gives a list of tensors."""
TURNED = ("transpose_a", "transpose_b", "adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse", "output_type")
"""What TensorFlow's product of matrices takes and NumPy's does not; false or none, they say nothing."""
KERAS2_CLASSES = ("TFOpLambda", "SlicingOpLambda")


def is_operation(entry: Mapping[str, Any], generation: int) -> bool:
    """Whether an entry of a model's list is an operation.

    A `.h5` file of Keras 3 does not say where a class is from, and `Add` is a layer as well as an operation; but
    the configs of the layers that share a name with an operation have `trainable`.
    """
    if entry.get("class_name") in KERAS2_CLASSES:
        return True
    if entry.get("module") is not None:
        return ".ops." in str(entry["module"])
    named = snake_names([str(entry.get("class_name"))])[0]
    known = named in KERAS_OPERATIONS or named in OTHER_NAMES
    values = entry.get("config")
    return generation == 3 and known and not (isinstance(values, Mapping) and "trainable" in values)


def build_operation(config: Config, node: Any) -> tuple[Layer, tuple[Tensor, ...]]:
    """Turn an operation and its only call into a layer and its inputs.

    Raises:
        UnsupportedError: the operation is not known.
    """
    inputs: list[Tensor] = []
    if config.class_name in KERAS2_CLASSES:
        function = str(config.get("function"))
        operation = KERAS2_FUNCTIONS.get(function)
        arguments, options = _keras2_arguments(config, as_list(node, f"{config.where}: its call"), inputs)
    else:
        function = config.class_name
        operation = snake_names([function])[0]
        called = as_mapping(node, f"{config.where}: its call")
        given_by_name = as_mapping(called.get("kwargs") or {}, f"{config.where}: kwargs of its call")
        arguments = [_value(config, item, inputs) for item in as_list(called.get("args", []), f"{config.where}: args")]
        options = {key: _value(config, value, inputs) for key, value in given_by_name.items()}
        options |= {key: config.get(key) for key in config.values if key != "name"}
    if operation not in KERAS_OPERATIONS and operation not in OTHER_NAMES:
        raise UnsupportedError(f"{config.where}: the operation {function} is not supported")
    given = {ARGUMENTS.get(key, key): value for key, value in options.items() if value is not None}
    if operation in JOINING:
        arguments, rest = list(arguments[0]), arguments[1:]
        given |= dict(zip(("axis",), rest, strict=False))
    if operation in ("argmax", "argmin") and given.pop("keepdims", False):
        raise NotExported(
            f"{config.where}: {function} with keepdims is not supported, not even in a SavedModel. "
            f"Build the model with keras.ops.expand_dims(keras.ops.{operation}(x, axis), axis) in its place"
        )
    if operation in ("argmax", "argmin") and "axis" not in given:
        raise NotExported(f"{config.where}: {function} of a whole tensor mixes its samples. Give it an axis")
    turned = [key for key in TURNED if given.pop(key, False)] if operation == "matmul" else []
    if turned:
        raise UnsupportedError(f"{config.where}: {turned[0]}=True is not supported")
    if operation in OTHER_NAMES and (given or arguments != [Slot(0)]):
        raise UnsupportedError(f"{config.where}: it is called with more than a tensor, which is not supported")
    made = Operation(
        name=config.name,
        operation=OTHER_NAMES.get(operation, operation),
        arguments=tuple(arguments),
        options=given,
        compute_dtype="",  # it computes in whatever it is given
    )
    return made, tuple(inputs)


def _keras2_arguments(config: Config, node: list[Any], inputs: list[Tensor]) -> tuple[list[Any], dict[str, Any]]:
    """A Keras 2 call: its first argument, a tensor, a constant or a list of tensors; then the rest by name."""
    items = [node] if isinstance(node[0], str) else [as_list(item, f"{config.where}: an argument") for item in node]
    first = [item[2] if item[0] == "_CONSTANT_VALUE" else _tensor(config, item, inputs) for item in items]
    keywords = as_mapping(items[0][3] if len(items[0]) > 3 else {}, f"{config.where}: its arguments by name")
    named = {key: value for key, value in keywords.items() if key not in ("name", "slice_spec")}
    rest = {key: _keras2_value(config, value, inputs) for key, value in named.items()}
    if "slice_spec" in keywords:
        return [first[0], _value(config, keywords["slice_spec"], inputs)], rest
    positional = [rest.pop(key) for key in ("y",) if key in rest]
    return [first[0] if len(first) == 1 else first, *positional], rest


def _keras2_value(config: Config, value: Any, inputs: list[Tensor]) -> Any:
    if isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str):
        return _tensor(config, value, inputs)
    return _value(config, value, inputs)


def _tensor(config: Config, item: Any, inputs: list[Tensor]) -> Slot:
    inputs.append(read_tensor(item, config))
    return Slot(len(inputs) - 1)


def _value(config: Config, value: Any, inputs: list[Tensor]) -> Any:
    """A tensor, a constant, or a list of them, as Keras 3 writes arguments."""
    if isinstance(value, list):
        return [_value(config, item, inputs) for item in value]
    if not isinstance(value, Mapping):
        return value
    kind, inner = value.get("class_name"), value.get("config")
    if kind == "__keras_tensor__" and isinstance(inner, Mapping):
        return _tensor(config, inner.get("keras_history"), inputs)
    if kind in ("__tensor__", "__numpy__") and isinstance(inner, Mapping):
        return np.asarray(inner["value"], str(inner["dtype"]))
    bounds = inner if kind == "__slice__" and isinstance(inner, Mapping) else value
    if set(bounds) == {"start", "stop", "step"}:
        return slice(bounds["start"], bounds["stop"], bounds["step"])
    raise UnsupportedError(f"an operation is called with {str(value)[:80]}, which is not supported")
