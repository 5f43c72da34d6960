"""The activation layers: an activation function on its own, and PReLU, which learns its slope.

    y = g(x)            PReLU: y = max(x, 0) + alpha min(x, 0)

Source: `keras.layers.Activation` and `keras.layers.PReLU` (He et al., arXiv:1502.01852).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary
from lstm_verify.operations.activations import ActivationFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class Activation(Unary):
    """An activation function as a layer.

    Example:
        >>> layer = Activation(name="relu", activation=ActivationFunction.of("relu"))
        >>> layer.forward(np.array([[-1.0, 2.0]]))
        array([[0., 2.]])
    """

    supports_masking: bool = True

    activation: ActivationFunction

    def forward(self, x: Array) -> Array:
        return self.activation(x)


@dataclass(frozen=True, eq=False, kw_only=True)
class PReLU(Unary):
    """A rectifier with a learned slope for negative values.

    Example:
        >>> PReLU(name="prelu", alpha=np.array([0.5, 0.25])).forward(np.array([[-2.0, 4.0], [6.0, -8.0]]))
        array([[-1.,  4.],
               [ 6., -2.]])
    """

    supports_masking: bool = True

    alpha: Array
    """The shape of one sample, with 1 on shared axes."""

    def forward(self, x: Array) -> Array:
        shape = tuple(1 if n == 1 else m for n, m in zip(self.alpha.shape, x.shape[1:], strict=True))
        self.expect("alpha", self.alpha, shape, "one sample, or 1 on shared axes")
        y: Array = np.maximum(x, 0) + self.alpha * np.minimum(x, 0)
        return y
