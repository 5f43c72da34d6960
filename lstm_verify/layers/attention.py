"""Attention and AdditiveAttention: for every query, a mean of the values, weighted by how well their keys match it.

    scores[t, s] = scale q[t]·k[s]                              dot (Luong)
                 = weight Σ tanh(scale (q[t] + k[s]))           concat
                 = Σ scale tanh(q[t] + k[s])                    additive (Bahdanau); Σ over the features
    y[t] = Σ_s softmax(scores[t])[s] v[s]

Values that a mask hides get the weight 0, and queries that a mask hides the result 0. Frameworks hide a value by taking
a large number L from its score. A query from which all values are hidden so gets a softmax of scores that were rounded
to the step between numbers of the size of L: in float32, L = 1e9, they are multiples of 64, and its weights are equal.

Sources: Luong, Pham and Manning, arXiv:1508.04025; Bahdanau, Cho and Bengio, arXiv:1409.0473; `keras.layers.Attention`
and `keras.layers.AdditiveAttention` (3.15), `BaseDenseAttention` (tf_keras 2.21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals, given
from lstm_verify.layers.softmax import distribution, step_of


def both(one: Mask, other: Mask) -> Mask:
    """Combine two masks, either of which may be None."""
    if one is None or other is None:
        return other if one is None else one
    return np.logical_and(one, other)


def causal_mask(queries: int, values: int) -> Mask:
    """Return the causal mask, (queries, values): a query sees the values up to its own position."""
    return np.tril(np.ones((queries, values), bool))


def as_mask(signal: Signal | None) -> Mask:
    """Convert a tensor given explicitly to a mask."""
    return None if signal is None else np.asarray(signal.value.astype(bool))


@dataclass(frozen=True, eq=False, kw_only=True)
class Attending(Layer):
    """The base of attention layers: how they are called."""

    roles: tuple[str, ...] = ("query", "value")
    """What each input is: `query`, `value` and `key`, and the masks that are given by hand."""
    causal: bool = False
    """Whether a query sees no value at a later place than its own."""
    returns_scores: bool = False
    """Whether the weights are a second output."""

    def called_with(self, inputs: Signals) -> Mapping[str, Signal]:
        """Return the inputs by role.

        Raises:
            UnsupportedError: query, value or key is no sequence of vectors.
        """
        found = dict(zip(self.roles, inputs, strict=True))
        for role in ("query", "value", "key"):
            if role in found and found[role].value.ndim != 3:
                raise UnsupportedError(
                    f"layer '{self.name}': its {role} has shape {found[role].value.shape}, expected (samples, "
                    "timesteps, features): attention over more or fewer axes is not supported. A SavedModel holds "
                    "what it computes: export the model, and verify the folder"
                )
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Attention(Attending):
    """Attention with one head; the mask of the query goes on with the output.

    Example:
        >>> query, value = np.array([[[1.0, 0.0]]]), np.array([[[50.0, 1.0], [0.0, 7.0]]])
        >>> y, weights = Attention(name="attention", returns_scores=True).apply((Signal(query), Signal(value)), Run())
        >>> y.value, weights.value.round(6)
        (array([[[50.,  1.]]]), array([[[1., 0.]]]))
    """

    score_mode: str = "dot"
    """`dot`, `concat` or `additive`"""
    scale: Array | None = None
    """(), or of `additive` (features,)"""
    concat_score_weight: Array | None = None
    """(), of `concat`"""
    masks_given: bool = False
    """Whether masks were given by hand, and so those that travel with the inputs do not count."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale is not None and self.score_mode == "additive":
            self.expect("scale", self.scale, (self.scale.size,), "(features,)")
        else:
            self.expect("scale", self.scale, (), "one number")
        self.expect("concat_score_weight", self.concat_score_weight, (), "one number")

    def apply(self, inputs: Signals, run: Run) -> Signals:
        found = self.called_with(inputs)
        query, value = found["query"], found["value"]
        query_mask, value_mask = query.mask, value.mask
        if self.masks_given:
            query_mask, value_mask = (as_mask(found.get(role)) for role in ("query_mask", "value_mask"))
        scores = self._scores(query.value, found.get("key", value).value)
        kept = None if value_mask is None else value_mask[:, None, :]
        kept = both(kept, causal_mask(*scores.shape[1:]) if self.causal else None)
        weights = distribution(scores, kept, step_of(self.compute_dtype, in_float16=32.0))
        y = weights @ value.value
        if query_mask is not None:
            y = np.where(query_mask[..., None], y, 0)
        return (Signal(y, query_mask), *([Signal(weights)] if self.returns_scores else []))

    def _scores(self, query: Array, key: Array) -> Array:
        if self.score_mode == "dot":
            return given(self.scale, 1) * (query @ key.swapaxes(1, 2))
        # query by query, since all sums of queries and keys at once may not fit into memory
        return np.stack([self._sums(query[:, t, None], key) for t in range(query.shape[1])], axis=1)

    def _sums(self, query: Array, key: Array) -> Array:
        """The scores of one query of each sample, (samples, values)."""
        together = query + key
        if self.score_mode == "concat":
            total: Array = np.sum(np.tanh(given(self.scale, 1) * together), axis=-1)
            return given(self.concat_score_weight, 1) * total
        self.expect("scale", self.scale, together.shape[-1:], "(features,) of its inputs")
        additive: Array = np.sum(given(self.scale, 1) * np.tanh(together), axis=-1)
        return additive
