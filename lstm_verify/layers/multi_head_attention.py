"""MultiHeadAttention: attention in several heads, each with projections of its own.

    q, k, v = x_q W_q + b_q, x_k W_k + b_k, x_v W_v + b_v        (samples, timesteps, heads, units of a head)
    weights[t, s] = softmax_s(q[t]·k[s] / √key_dim)              for each head
    y = [Σ_s weights[t, s] v[s]] W_o + b_o                       with a gate: [...] ∘ sigmoid(x_q W_g + b_g)

A query sees the values that all of these keep: the masks of query, value and key, `attention_mask`, a causal mask, a
window. Padded queries see none, and what they get differs:

    rounded   Keras 2, and Keras 3.0 to 3.6: a softmax of scores that were rounded, as in `layers/attention.py`
    equal     Keras 3.7 and later, and Keras 2 with `softmax_robust_masking`: equal weights
    zero      Keras 3.10 and later, if the layer returns scores or has a dropout, which is another way through its
              code: no weights at all; in 3.7 to 3.9 it was `rounded` there

Source: Vaswani et al., arXiv:1706.03762; `keras.layers.MultiHeadAttention` (3.0 to 3.15, and tf_keras 2.21).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.attention import Attending, as_mask, both, causal_mask
from lstm_verify.layers.base import Array, Mask, Run, Signal, Signals, Weighted
from lstm_verify.layers.einsum_dense import EinsumDense
from lstm_verify.layers.softmax import distribution, step_of


@dataclass(frozen=True, eq=False, kw_only=True)
class MultiHeadAttention(Attending):
    """Attention over (samples, timesteps, features); the mask of the query goes on with the output.

    Example:
        >>> def ones(name: str, equation: str, *shape: int) -> EinsumDense:
        ...     return EinsumDense(name=name, equation=equation, kernel=np.ones(shape))
        >>> first = {f"{name}_dense": ones(name, "abc,cde->abde", 3, 2, 4) for name in ("query", "key", "value")}
        >>> layer = MultiHeadAttention(name="heads", **first, output_dense=ones("output", "abcd,cde->abe", 2, 4, 5))
        >>> x = Signal(np.ones((1, 6, 3)))
        >>> layer.apply((x, x), Run())[0].value[0, 0]
        array([24., 24., 24., 24., 24.])
    """

    query_dense: EinsumDense
    """Its kernel: (features, heads, key_dim)"""
    key_dense: EinsumDense
    value_dense: EinsumDense
    """Its kernel: (features, heads, value_dim)"""
    output_dense: EinsumDense
    """Its kernel: (heads, value_dim, ...)"""
    gate_dense: EinsumDense | None = None
    sliding_window: int | None = None
    """How far a query sees, in either direction, its own place counted."""
    all_hidden: str = "equal"
    """The weights of a query that sees no value: `rounded`, `equal` or `zero`."""
    supports_masking: bool = True
    """False (Keras 2.9 and before): masks that travel with the inputs change nothing, and end here."""
    sees_query_mask: bool = True
    """False (Keras 2, where the layer casts its query to a dtype of its own): the query's mask only goes on."""
    takes_query_mask: bool = False
    """True (Keras 3.0 to 3.7): a mask of the query given by hand counts. False: only the one that travels with it."""
    counts_mask: bool = False
    """True (Keras 2): an `attention_mask` of numbers is computed with, so that it may only hold 0 and 1."""
    factor_in_float32: bool = False
    """True (Keras 3): 1/√key_dim is rounded to float32 in every dtype."""

    def children(self) -> dict[str, Weighted]:
        names = ("query_dense", "key_dense", "gate_dense", "value_dense", "output_dense")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def apply(self, inputs: Signals, run: Run) -> Signals:
        found = self.called_with(inputs if self.supports_masking else tuple(Signal(x) for x, _ in inputs))
        query, value = found["query"], found["value"]
        q = np.moveaxis(self.query_dense.forward(query.value), 2, 1)
        k = np.moveaxis(self.key_dense.forward(found.get("key", value).value), 2, 1)
        v = np.moveaxis(self.value_dense.forward(value.value), 2, 1)
        scores = (q * self._factor(q.shape[-1])) @ k.swapaxes(2, 3)
        weights = self._weights(scores, self._kept(found, *scores.shape[2:]))
        heads = np.moveaxis(weights @ v, 1, 2)
        if self.gate_dense is not None:
            heads = heads * self.gate_dense.forward(query.value)
        y = self.output_dense.forward(heads)
        return (Signal(y, query.mask), *([Signal(weights)] if self.returns_scores else []))

    def _factor(self, key_dim: int) -> float:
        exact = 1 / math.sqrt(key_dim)
        return float(np.float32(exact)) if self.factor_in_float32 else exact

    def _weights(self, scores: Array, kept: Mask) -> Array:
        """The weights, (samples, heads, queries, values)."""
        if kept is not None:
            kept = kept.reshape(*kept.shape[:-2], *(1,) * (4 - kept.ndim), *kept.shape[-2:])
        step = step_of(self.compute_dtype, in_float16=16.0) if self.all_hidden == "rounded" else None
        weights = distribution(scores, kept, step)
        if kept is None or self.all_hidden != "zero":
            return weights
        seeing: Array = weights * np.any(kept, axis=-1, keepdims=True)
        return seeing

    def _kept(self, found: Mapping[str, Signal], queries: int, values: int) -> Mask:
        """Which values a query sees: (samples or 1, queries, values), with an axis for heads before if it is given."""
        masks = {role: found[role].mask if role in found else None for role in ("query", "value", "key")}
        masks["query"] = masks["query"] if self.sees_query_mask else None
        for role in masks:
            if f"{role}_mask" in found and (role != "query" or self.takes_query_mask):
                masks[role] = as_mask(found[f"{role}_mask"])
        kept = None if masks["query"] is None else masks["query"][:, :, None]
        for mask in (masks["value"], masks["key"]):
            kept = both(kept, None if mask is None else mask[:, None, :])
        if self.causal:
            kept = both(kept, causal_mask(queries, values))
        if self.sliding_window is not None:
            distance = np.abs(np.arange(queries)[:, None] - np.arange(values))
            kept = both(kept, distance < self.sliding_window)
        return both(kept, self._attention_mask(found.get("attention_mask"), kept is not None))

    def _attention_mask(self, signal: Signal | None, among_others: bool) -> Mask:
        mask = as_mask(signal)
        if signal is not None and self.counts_mask and not among_others and not np.all(signal.value == mask):
            raise UnsupportedError(
                f"layer '{self.name}': its attention_mask holds numbers other than 0 and 1, with which Keras 2 computes"
            )
        return mask
