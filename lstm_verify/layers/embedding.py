"""Embedding, a table of vectors.

    y[s, t] = embeddings[x[s, t]]            mask[s, t] = x[s, t] != 0, with mask_zero

Source: `keras.layers.Embedding`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_verify.errors import InputError
from lstm_verify.layers.base import Array, Layer, Run, Signal, Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class Embedding(Layer):
    """A row of `embeddings` for each token."""

    embeddings: Array
    """(input_dim, output_dim)"""
    mask_zero: bool = False

    def apply(self, inputs: Signals, run: Run) -> Signals:
        tokens = inputs[0].value.astype(np.int64)
        input_dim = len(self.embeddings)
        outside = (tokens < 0) | (tokens >= input_dim)
        if outside.any():
            where = tuple(int(i) for i in np.argwhere(outside)[0])
            raise InputError(
                f"layer '{self.name}': token {tokens[where]} at {list(where)} of its input is out of range, "
                f"expected 0 to {input_dim - 1} (input_dim={input_dim}). Is the vocabulary the one it was trained with?"
            )
        return (Signal(self.embeddings[tokens], tokens != 0 if self.mask_zero else None),)
