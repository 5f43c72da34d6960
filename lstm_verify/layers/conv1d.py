"""Conv1D, convolution over time.

    y[t] = g(Σ_k x[t·strides + k·dilation] W[k] + b)            g: activation

Source: `keras.layers.Conv1D`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary, given
from lstm_verify.layers.windows import windows
from lstm_verify.operations.activations import LINEAR, ActivationFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv1D(Unary):
    """Convolution of (samples, timesteps, channels)."""

    kernel: Array
    """(kernel_size, channels / groups, filters)"""
    bias: Array | None = None
    """(filters,)"""
    strides: int = 1
    padding: str = "valid"
    dilation: int = 1
    groups: int = 1
    activation: ActivationFunction = LINEAR

    def __post_init__(self) -> None:
        super().__post_init__()
        self.expect(
            "kernel",
            self.kernel,
            self.kernel.shape[:3],
            "(kernel_size, channels / groups, filters)",
        )
        self.expect("bias", self.bias, (self.kernel.shape[-1],), "(filters,)")

    def forward(self, x: Array) -> Array:
        size, _, filters = self.kernel.shape
        channels = x.shape[-1] // self.groups
        self.expect("kernel", self.kernel, (size, channels, filters), "(kernel_size, channels / groups, filters)")
        seen = windows(x, size, self.strides, self.dilation, self.padding)
        groups = [
            group.reshape(*group.shape[:2], size * channels) @ kernel.reshape(size * channels, -1)
            for group, kernel in zip(
                np.split(seen, self.groups, axis=-1),
                np.split(self.kernel, self.groups, axis=-1),
                strict=True,
            )
        ]
        return self.activation(np.concatenate(groups, axis=-1) + given(self.bias, 0))
