"""Softmax with a mask: masked positions get no weight.

    y_i = exp(x_i) / Σ_j exp(x_j)        i, j: the places that the mask keeps; elsewhere y_i = 0

Frameworks hide a place by a large number L: its x becomes -L, or x - L. Where that happens to all places they get what
is left, and versions differ in what they do with it:

    rounded   Keras 2, and Keras 3.0 to 3.9: x - L, rounded to the step between numbers of the size of L: in float32,
              L = 1e9, they are multiples of 64
    equal     Keras 2 with `robust_masking`: -L everywhere, and so equal shares
    zero      Keras 3.10 and later: no share at all

Over several axes the frameworks compute exp(x - log Σ exp(x)) instead, where the logarithm of a sum near -L is lost in
rounding: the largest get 1 each.

Source: `keras.layers.Softmax` (3.0 to 3.15, and tf_keras 2.21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.activation import Activation
from lstm_verify.layers.base import Array, Mask, Run, Signal, Signals
from lstm_verify.operations.activations import ActivationFunction

STEPS = {"float64": 2.0**-23, "float32": 64.0, "bfloat16": 2.0**22}
"""The step between the numbers near 1e9, by dtype; float16 has no such numbers."""


def step_of(dtype: str, in_float16: float = 16.0) -> float:
    """Return the spacing of floats of the size of the penalty subtracted from masked scores."""
    return in_float16 if dtype == "float16" else STEPS.get(dtype, STEPS["float32"])


def distribution(scores: Array, kept: Mask, step: float | None, axes: tuple[int, ...] = (-1,)) -> Array:
    """Compute the softmax over some axes of the unmasked scores.

    Args:
        scores: (..., queries, values) in attention, else of any shape
        kept: booleans that broadcast to the scores; None keeps all.
        step: what scores are rounded to where none is kept; None makes them equal.
        axes: those that the shares add up to 1 over.
    """
    softmax = ActivationFunction.of("softmax", axis=axes[0] if len(axes) == 1 else axes)
    if kept is None:
        return softmax(scores)
    kept = np.broadcast_to(kept, scores.shape)
    all_hidden = np.zeros_like(scores) if step is None else step * np.round(scores / step)
    any_kept = kept.any(axis=axes, keepdims=True)
    return softmax(np.where(any_kept, np.where(kept, scores, -np.inf), all_hidden))


def fitting(mask: Array, x: Array, name: str) -> Array:
    """Return the mask with the shape of the input.

    Raises:
        UnsupportedError: its axes are not those of the input, so that its samples would meet another axis.
    """
    if mask.ndim != x.ndim or any(m not in (1, n) for m, n in zip(mask.shape, x.shape, strict=True)):
        raise UnsupportedError(
            f"layer '{name}': a mask of shape {mask.shape} does not fit its input of shape {x.shape}, in the framework "
            "only where lengths agree by chance. Pass a mask with all axes of the input"
        )
    return np.broadcast_to(mask, x.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Softmax(Activation):
    """The softmax as a layer, which leaves out masked positions.

    Example:
        >>> layer = Softmax(name="softmax", activation=ActivationFunction.of("softmax", axis=-1))
        >>> hidden = Signal(np.array([[2.0, 5.0, 2.0]]), np.array([[True, False, True]]))
        >>> layer.apply((hidden,), Run())[0].value
        array([[0.5, 0. , 0.5]])
    """

    all_hidden: str = "zero"
    """What places get where all are hidden: `rounded`, `equal` or `zero`."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        ((x, mask),) = inputs
        if mask is None or self.activation.name != "softmax":  # which a fault puts in its place
            return super().apply(inputs, run)
        return (Signal(self._masked(x, fitting(mask, x, self.name)), mask),)

    def _masked(self, x: Array, kept: Array) -> Array:
        axes = self._axes()
        step = step_of(self.compute_dtype)
        y = distribution(x, kept, step if self.all_hidden == "rounded" else None, axes)
        any_kept = kept.any(axis=axes, keepdims=True)
        if self.all_hidden == "zero":
            shares: Array = y * any_kept
            return shares
        if len(axes) > 1 and step > 1:
            y = np.where(any_kept, y, y / np.max(y, axis=axes, keepdims=True))
        return y

    def _axes(self) -> tuple[int, ...]:
        axis: Any = dict(self.activation.parameters).get("axis", -1)
        return axis if isinstance(axis, tuple) else (axis,)
