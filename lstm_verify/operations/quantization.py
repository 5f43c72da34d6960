"""Quantisation: numbers as integers of few bits, and back.

    q = saturate(round(x / scale) + zero)        x ≈ (q − zero) · scale

A half is rounded to even; a scale, and a zero point, is one for all or one for each place of an axis.

Source: onnx.ai/onnx/operators/onnx__QuantizeLinear.html, onnx__DequantizeLinear.html, onnx__DynamicQuantizeLinear.html
and onnx__MatMulInteger.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify.arrays import Array

BEYOND = 2.0**40
"""What no whole number that is quantised to reaches."""


def quantize(x: Array, scale: Array, zero: Array | None = None, *, axis: int = 1, dtype: str = "uint8") -> Any:
    """Quantise.

    Args:
        x: the array, of floats.
        scale: one number, or one for each place of an axis.
        zero: whole numbers of the result's dtype, of the scale's shape; None is 0.
        axis: which axis that is.
        dtype: of the result if there is no `zero`.
    """
    kind = np.dtype(dtype) if zero is None else zero.dtype
    steps = np.round(x / _along(scale, x.ndim, axis))
    numbers = np.clip(steps, -BEYOND, BEYOND).astype(np.int64)
    limits = np.iinfo(kind)
    return np.clip(numbers + _zero(zero, x.ndim, axis), limits.min, limits.max).astype(kind)


def dequantize(x: Array, scale: Array, zero: Array | None = None, *, axis: int = 1) -> Any:
    """Dequantise; the arguments are those of `quantize`."""
    steps = x.astype(np.int64) - _zero(zero, x.ndim, axis)
    return steps.astype(scale.dtype) * _along(scale, x.ndim, axis)


def _along(values: Array, axes: int, axis: int) -> Any:
    """A number, or a vector along an axis, as an array of as many axes as are needed."""
    shape = [1] * axes
    if values.size != 1:
        shape[axis] = -1
    return values.reshape(shape)


def _zero(zero: Array | None, axes: int, axis: int) -> Any:
    return 0 if zero is None else _along(zero, axes, axis).astype(np.int64)


def quantize_by_range(x: Array) -> tuple[Any, Any, Any]:
    """Quantise to 0 … 255, with scale and zero point from the range of an array, extended to include 0.

    Returns:
        The quantised array, its scale, which is 1 if all is 0, and its zero point.
    """
    low, high = np.minimum(np.min(x), 0), np.maximum(np.max(x), 0)
    width = (high - low) / 255
    # the limits, and not the width, which rounding would leave in doubt: those of all zeros are exact
    scale = np.where(np.equal(low, high), np.ones((), x.dtype), width)
    zero = np.clip(np.round(-low / scale), 0, 255).astype(np.uint8)
    return quantize(x, scale, zero), scale, zero


def matmul_integer(x: Array, y: Array, x_zero: Array | None = None, y_zero: Array | None = None) -> Any:
    """Multiply quantised matrices, minus their zero points, in int32.

    The zero points are one for all, one for each row of `x`, or one for each column of `y`.
    """
    left, right = x.astype(np.int32), y.astype(np.int32)
    if x_zero is not None:
        left = left - (x_zero.reshape(-1, 1) if x_zero.ndim == 1 else x_zero).astype(np.int32)
    if y_zero is not None:
        right = right - y_zero.astype(np.int32)
    return np.matmul(left, right)


QUANTIZATION: dict[str, Callable[..., Any]] = {
    "quantize": quantize,
    "quantize_by_range": quantize_by_range,
    "dequantize": dequantize,
    "matmul_integer": matmul_integer,
}
