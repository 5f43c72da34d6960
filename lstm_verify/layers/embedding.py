"""Embedding, a table of vectors.

    y[s, t] = embeddings[x[s, t]]            mask[s, t] = x[s, t] != 0, with mask_zero

Source: `keras.layers.Embedding`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import InputError
from lstm_verify.layers.base import Array, Layer, Run, Signal, Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class Embedding(Layer):
    """Looks up a row of `embeddings` for each token.

    Example:
        >>> layer = Embedding(name="words", embeddings=np.array([[0.0, 0.0], [1.0, 2.0]], np.float32))
        >>> layer.apply((Signal(np.array([[1, 0]])),), Run())[0].value
        array([[[1., 2.],
                [0., 0.]]], dtype=float32)
    """

    rounds_outputs: ClassVar[bool] = True
    computed_with: ClassVar[str] = ""

    embeddings: Array
    """(input_dim, output_dim)"""
    mask_zero: bool = False
    dtype: npt.DTypeLike = np.float32
    """What its output is cast to; the table itself, which may be large, is not."""

    def astype(self, dtype: npt.DTypeLike) -> Self:
        return replace(self, dtype=dtype)

    def with_weights(self, change: Callable[[Array], Array]) -> Self:
        return self  # rows are looked up, and nothing is computed from them here

    def apply(self, inputs: Signals, run: Run) -> Signals:
        given, input_dim = inputs[0].value, len(self.embeddings)
        outside = ~((given >= 0) & (given < input_dim))  # before the cast, which would wrap what is too large
        if outside.any():
            where = tuple(int(i) for i in np.argwhere(outside)[0])
            raise InputError(
                f"layer '{self.name}': token {given[where]} at {list(where)} of its input is out of range, "
                f"expected 0 to {input_dim - 1} (input_dim={input_dim}). Is the vocabulary the one it was trained with?"
            )
        tokens = given.astype(np.int64)
        if isinstance(given, np.ndarray) and (tokens != given).any():  # the cast would cut off what is behind the point
            where = tuple(int(i) for i in np.argwhere(tokens != given)[0])
            raise InputError(
                f"layer '{self.name}': token {given[where]} at {list(where)} of its input is not whole, expected "
                f"0 to {input_dim - 1}. Is that the input of another layer?"
            )
        return (Signal(self.embeddings[tokens].astype(self.dtype), tokens != 0 if self.mask_zero else None),)
