"""Dtypes that a config does not state: those of operations and constants.

A constant has the dtype of the tensor that it meets. Where that decides something, such as whether `x > 0.3` for an x
that is the float32 next to 0.3, it has to be the number that the framework compares with.

Source: `keras.ops` (3.15), whose arithmetic converts numbers to the dtype of the tensor they go with; its comparisons
make them float32 first, so that a float16 is compared as the float32 that it is.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from lstm_verify.layers import GroupNormalization, Layer, LayerNormalization, Masking
from lstm_verify.layers.operation import Operation
from lstm_verify.model import Model, Tensor
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.rounded.precision import rounded_to

FLOATS = ("float64", "float32", "float16", "bfloat16")
"""The widest first: of two that meet, the first is what both become."""
COMPARISONS = {"equal", "not_equal", "greater", "greater_equal", "less", "less_equal"}
COMPARED_IN = {2: None, 3: "float32"}
"""By the generation of Keras, what a constant becomes before it is compared; None: the dtype of the tensor."""
TRUTHS = {
    *COMPARISONS,
    *("logical_and", "logical_or", "logical_not", "any", "all"),
}
"""Operations that return booleans."""
UNCAST = (LayerNormalization, GroupNormalization)
"""Layers for which Keras 3 does not cast the input to their own dtype: they compute in that of the input."""
THRESHOLDS = ("threshold",)
"""The parameters of activations that decide something."""


def held(layer: Layer, dtype: str, generation: int) -> Layer:
    """Return the layer with its compute dtype, and with thresholds rounded as that dtype rounds them."""
    made: Layer = _with_thresholds(replace(layer, compute_dtype=dtype), dtype)
    if isinstance(made, Masking):
        return replace(made, mask_value=_nearest(made.mask_value, COMPARED_IN[generation] or dtype))
    return made


def _with_thresholds(item: Any, dtype: str) -> Any:
    """A layer or cell with the thresholds of its activations as a dtype holds them, and what computes in it inside."""
    for path, child in item.children().items():
        if not isinstance(child, Layer) or child.compute_dtype == dtype:  # another layer has its own
            item = item.with_child(path, _with_thresholds(child, dtype))
    functions = {entry.name: getattr(item, entry.name) for entry in fields(item)}
    held = {name: _held(f, dtype) for name, f in functions.items() if isinstance(f, ActivationFunction)}
    return replace(item, **held)


def _held(function: ActivationFunction, dtype: str) -> ActivationFunction:
    parameters = (
        (name, _nearest(value, dtype) if name in THRESHOLDS else value) for name, value in function.parameters
    )
    return ActivationFunction(function.name, tuple(parameters))


def _nearest(value: Any, dtype: str) -> Any:
    """A number as a dtype holds it."""
    return (
        float(rounded_to(np.asarray(value, np.float64), dtype))
        if isinstance(value, float) and dtype in FLOATS
        else value
    )


def with_dtypes(model: Model, generation: int) -> Model:
    """Return the model with the dtype of every operation, and with constants rounded to it."""
    dtypes = {Tensor(spec.name): spec.dtype for spec in model.inputs}
    layers = dict(model.layers)
    for node in model.nodes:
        layer = layers[node.layer]
        if isinstance(layer, Operation):
            dtype = _widest([dtypes.get(tensor, "float32") for tensor in node.inputs])
            constants = COMPARED_IN[generation] if layer.operation in COMPARISONS else None
            layer = layers[node.layer] = _in_dtype(layer, dtype, constants or dtype)
        elif isinstance(layer, UNCAST) and generation >= 3 and layer.compute_dtype == "float64":
            finest = _widest([dtypes.get(tensor, "float32") for tensor in node.inputs] + ["float32"])
            layer = layers[node.layer] = replace(layer, compute_dtype=finest)
        dtypes |= _given(layer, node.layer, node.call)
    return replace(model, layers=layers)


def _widest(dtypes: list[str]) -> str:
    """The dtype that tensors become when they meet; float32 if none of them is a float."""
    if "float16" in dtypes and "bfloat16" in dtypes:
        return "float32"
    return next((dtype for dtype in FLOATS if dtype in dtypes), "float32")


def _in_dtype(operation: Operation, dtype: str, constants: str) -> Operation:
    return replace(
        operation,
        compute_dtype=dtype,
        arguments=tuple(_constants_in(argument, constants) for argument in operation.arguments),
        options={key: _constants_in(value, constants) for key, value in operation.options.items()},
    )


def _constants_in(argument: Any, dtype: str) -> Any:
    return [_constants_in(item, dtype) for item in argument] if type(argument) is list else _nearest(argument, dtype)


def _given(layer: Layer, name: str, call: int) -> dict[Tensor, str]:
    """The dtypes of what a layer returns."""
    if isinstance(layer, Model):
        return {
            Tensor(name, call, number): _of_output(layer, output.tensor) for number, output in enumerate(layer.outputs)
        }
    if isinstance(layer, Operation):
        dtype = "bool" if layer.operation in TRUTHS else str(layer.options.get("dtype", layer.compute_dtype))
        return {Tensor(name, call): dtype}
    return {Tensor(name, call, number): layer.compute_dtype for number in range(4)}


def _of_output(model: Model, tensor: Tensor) -> str:
    for spec in model.inputs:
        if spec.name == tensor.layer:
            return spec.dtype
    return _given(model.layers[tensor.layer], tensor.layer, tensor.call).get(tensor, "float32")
