"""Convolution of each channel by itself, and the mixing of channels that may follow.

    d[t, c·m + j] = Σ_k x[t·strides + k·dilation, c] D[k, c, j]        D: depthwise_kernel
    DepthwiseConv1D   y = g(d + b)
    SeparableConv1D   y = g(d P + b)                                    P: pointwise_kernel

Source: `keras.layers.DepthwiseConv1D` and `keras.layers.SeparableConv1D`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lstm_verify.layers.base import Array, Unary, given
from lstm_verify.layers.windows import windows
from lstm_verify.operations.activations import LINEAR, ActivationFunction
from lstm_verify.operations.products import einsum


@dataclass(frozen=True, eq=False, kw_only=True)
class SeparableConv1D(Unary):
    """Depthwise convolution, then a pointwise one if there is a `pointwise_kernel`."""

    depthwise_kernel: Array
    """(kernel_size, channels, depth_multiplier)"""
    pointwise_kernel: Array | None = None
    """(1, channels * depth_multiplier, filters)"""
    bias: Array | None = None
    strides: int = 1
    padding: str = "valid"
    dilation: int = 1
    activation: ActivationFunction = LINEAR

    def forward(self, x: Array) -> Array:
        D = self.depthwise_kernel
        self.expect("depthwise_kernel", D, (len(D), x.shape[-1], D.shape[-1]), "(kernel_size, channels, multiplier)")
        seen = windows(x, len(D), self.strides, self.dilation, self.padding)
        d = einsum("stkc,kcm->stcm", seen, D)
        y = d.reshape(*d.shape[:2], -1)
        if self.pointwise_kernel is not None:
            y = y @ self.pointwise_kernel[0]
        return self.activation(y + given(self.bias, 0))
