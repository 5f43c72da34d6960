"""Dense, the fully connected layer.

    y = g(x W + b)            g: activation, over the last axis

Source: `keras.layers.Dense`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lstm_verify.layers.base import Array, Unary, given
from lstm_verify.operations.activations import LINEAR, ActivationFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Unary):
    """A matrix product along the last axis.

    Example:
        >>> import numpy as np
        >>> dense = Dense(name="dense", kernel=np.array([[1.0], [2.0]]), bias=np.array([0.5]))
        >>> dense.forward(np.array([[3.0, 4.0]]))
        array([[11.5]])
    """

    supports_masking: bool = True

    kernel: Array
    """(features, units)"""
    bias: Array | None = None
    """(units,)"""
    activation: ActivationFunction = LINEAR

    def __post_init__(self) -> None:
        super().__post_init__()
        self.expect(
            "kernel",
            self.kernel,
            (len(self.kernel), self.kernel.shape[-1]),
            "(features, units)",
        )
        self.expect("bias", self.bias, (self.kernel.shape[-1],), "(units,)")

    def forward(self, x: Array) -> Array:
        self.expect("kernel", self.kernel, (x.shape[-1], self.kernel.shape[-1]), "(features, units) for its input")
        W, b, g = self.kernel, given(self.bias, 0), self.activation
        return g(x @ W + b)
