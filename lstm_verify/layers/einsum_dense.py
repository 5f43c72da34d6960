"""EinsumDense: Dense with its product given as an einsum equation.

    y = g(einsum(equation, x, W) + b)            g: activation

Source: `keras.layers.EinsumDense`.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from lstm_verify.layers.base import Array, Unary, given
from lstm_verify.operations.activations import LINEAR, ActivationFunction
from lstm_verify.operations.products import einsum


@dataclass(frozen=True, eq=False, kw_only=True)
class EinsumDense(Unary):
    """A sum of products of the input and the kernel.

    Example:
        >>> import numpy as np
        >>> heads = EinsumDense(name="query", equation="abc,cde->abde", kernel=np.ones((3, 2, 4)))
        >>> heads.forward(np.ones((5, 6, 3))).shape
        (5, 6, 2, 4)
    """

    equation: str
    """Such as `abc,cd->abd` or `...x,xy->...y`; the axes of the input, of the kernel, of the output."""
    kernel: Array
    bias: Array | None = None
    bias_axes: str = ""
    """The axes of the output that the bias has; it has 1 for those between them and after them."""
    activation: ActivationFunction = LINEAR
    cancels: tuple[str, ...] = ()
    """The weights that change nothing in the model: a bias of the keys of attention adds the same to all scores."""

    def forward(self, x: Array) -> Array:
        axes, kernel_axes, output_axes = self.axes(x.ndim)
        lengths = dict(zip(kernel_axes, self.kernel.shape, strict=True)) | dict(zip(axes, x.shape, strict=True))
        self.expect("kernel", self.kernel, tuple(lengths[axis] for axis in kernel_axes), f"{kernel_axes} for its input")
        if self.bias is not None:
            first = min(output_axes.index(axis) for axis in self.bias_axes)
            shape = tuple(lengths[axis] if axis in self.bias_axes else 1 for axis in output_axes[first:])
            self.expect("bias", self.bias, shape, f"{self.bias_axes} of {output_axes}")
        y = einsum(f"{axes},{kernel_axes}->{output_axes}", x, self.kernel)
        return self.activation(y + given(self.bias, 0))

    def axes(self, rank: int) -> tuple[str, str, str]:
        """Return the letters of input, kernel and output, with the ellipsis spelled out for an input of rank `rank`."""
        sides, output = self.equation.replace(" ", "").split("->")
        first, kernel = sides.split(",")
        free = [letter for letter in string.ascii_letters if letter not in self.equation]
        dots = "".join(free[: rank - len(first.replace("...", ""))])
        return first.replace("...", dots), kernel, output.replace("...", dots)
