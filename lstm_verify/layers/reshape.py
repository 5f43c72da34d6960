"""Layers that only move elements: Flatten, Reshape, Permute, RepeatVector.

None of them passes a mask on. Source: the layers of those names in `keras.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.layers.base import Array, Unary


@dataclass(frozen=True, eq=False, kw_only=True)
class Flatten(Unary):
    """Flattens (samples, ...) to (samples, features).

    Example:
        >>> Flatten(name="flat").forward(np.zeros((2, 3, 4))).shape
        (2, 12)
    """

    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), int(np.prod(x.shape[1:])))


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Unary):
    """Reshapes each sample to `target_shape`, in which one entry may be -1.

    Example:
        >>> Reshape(name="rows", target_shape=(-1, 6)).forward(np.zeros((2, 3, 4))).shape
        (2, 2, 6)
    """

    target_shape: tuple[int, ...]

    def has_time(self, output: int) -> bool:
        return True

    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), *self.target_shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Permute(Unary):
    """Permutes the axes of each sample; `dims` counts from 1.

    Example:
        >>> Permute(name="turned", dims=(2, 1)).forward(np.zeros((2, 3, 4))).shape
        (2, 4, 3)
    """

    dims: tuple[int, ...]

    def has_time(self, output: int) -> bool:
        return True

    def forward(self, x: Array) -> Array:
        return x.transpose(0, *self.dims)


@dataclass(frozen=True, eq=False, kw_only=True)
class RepeatVector(Unary):
    """Repeats (samples, features) to (samples, n, features).

    Example:
        >>> RepeatVector(name="repeated", n=2).forward(np.array([[1.0, 5.0]]))
        array([[[1., 5.],
                [1., 5.]]])
    """

    n: int

    def forward(self, x: Array) -> Array:
        return np.repeat(x[:, None], self.n, axis=1)
