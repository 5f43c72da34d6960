"""An oracle for the operators of quantisation, in whole numbers and float64.

Those of ONNX are written from their text (onnx.ai/onnx/operators). `com.microsoft.DynamicQuantizeLSTM` has no text that
says how its activations are quantised; this is what ONNX Runtime 1.32 computes with one thread: all of X by one range,
and in every step the states of the whole batch by one range. With more threads the batch is shared out among them, and
every part has a range of its own, so that its outputs are others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

UINT8 = 255


def quantise(x: Any, scale: Any, zero: Any) -> Any:
    """saturate(round(x / scale) + zero point), where halves are rounded to even."""
    limits = np.iinfo(zero.dtype)
    rounded = np.round(np.float32(x) / scale) + np.float32(zero)
    return np.clip(rounded, limits.min, limits.max).astype(zero.dtype)


def dynamic_quantise(x: Any) -> tuple[Any, Any, Any]:
    """Values in uint8, their scale and their zero point; the range always has 0 in it."""
    low, high = np.float32(min(0, x.min())), np.float32(max(0, x.max()))
    scale = np.float32((high - low) / np.float32(UINT8))
    if scale == 0:
        return np.zeros(x.shape, np.uint8), np.float32(1), np.uint8(0)
    zero = np.uint8(np.clip(np.round(-low / scale), 0, UINT8))
    return quantise(x, scale, zero), scale, zero


def product(x: Any, kernel: Any, scale: Any, zero: Any) -> Any:
    """The product of rows that are quantised together and a quantised kernel, in float64."""
    values, x_scale, x_zero = dynamic_quantise(x)
    whole = (values.astype(np.int64) - int(x_zero)) @ (kernel.astype(np.int64) - zero.astype(np.int64))
    return whole * np.float64(x_scale) * np.float64(scale)


def dynamic_quantize_lstm(
    X: Any, W: Any, R: Any, B: Any, scales: tuple[Any, Any], zeros: tuple[Any, Any], initial_h: Any, initial_c: Any
) -> dict[str, Any]:
    """Y, Y_h and Y_c of one direction.

    Args:
        X: (steps, batch, features).
        W, R: (1, features, 4*units) and (1, units, 4*units), gates i, o, f, c, int8 or uint8.
        B: (1, 8*units).
        scales, zeros: of W and of R, (1,) or (1, 4*units) each.
        initial_h, initial_c: (1, batch, units).
    """
    (steps, batch, features), width = X.shape, W.shape[2]
    a = product(X.reshape(-1, features), W[0], scales[0].ravel(), zeros[0].ravel()).reshape(steps, batch, width)
    H, C, Y = np.float64(initial_h[0]), np.float64(initial_c[0]), []
    for t in range(steps):
        z = a[t] + product(H, R[0], scales[1].ravel(), zeros[1].ravel()) + B[0, :width] + B[0, width:]
        i, o, f, c = np.split(z, 4, axis=1)
        C = sigmoid(f) * C + sigmoid(i) * np.tanh(c)
        H = sigmoid(o) * np.tanh(C)
        Y.append(H)
    return {"Y": np.stack(Y)[:, None], "Y_h": H[None], "Y_c": C[None]}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))
