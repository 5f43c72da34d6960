"""Layers that merge several inputs into one: Concatenate, Dot, Add, Subtract, Multiply, Average, Maximum, Minimum.

Masks merge differently in Keras 2 and in Keras 3, of which the first versions (3.0 to 3.3) lost them: there a layer did
not see the masks of inputs that came as a list. Of masks m_1, m_2, ... on the inputs:

    elementwise   Keras 2:    m_1 and m_2 and ..., leaving out inputs without a mask
                  Keras 3.4:  m_1 or m_2 or ...,  and no mask at all if one input has none;
                  Multiply, Maximum and Minimum leave out the steps that an input's mask hides
    Concatenate   the masks concatenated like the values (all true where there is none), then over the last axis
                  Keras 2: all(...)     Keras 3.4: any(...)

Source: `keras.layers.Concatenate` and `keras.src.layers.merging.base_merge` (3.4 to 3.15, and tf_keras 2.21);
`previous_mask` in `keras.src.layers.layer.Layer.__call__` (3.0 to 3.3).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals

OPERATIONS: dict[str, Callable[[list[Array]], Array]] = {
    "Add": lambda xs: reduce(np.add, xs),
    "Subtract": lambda xs: reduce(np.subtract, xs),
    "Multiply": lambda xs: reduce(np.multiply, xs),
    "Average": lambda xs: reduce(np.add, xs) / len(xs),
    "Maximum": lambda xs: reduce(np.maximum, xs),
    "Minimum": lambda xs: reduce(np.minimum, xs),
}


def _product_of_kept(xs: list[Array], masks: list[Mask]) -> Array:
    """The product in which a hidden step counts as 1, or as 0 where all are hidden."""
    product = reduce(np.multiply, [x if m is None else np.where(m, x, 1) for x, m in zip(xs, masks, strict=True)])
    given = [m for m in masks if m is not None]
    return np.where(reduce(np.logical_or, given), product, 0) if len(given) == len(masks) else product


def _extreme_of_kept(function: Callable[[Array, Array], Array]) -> Callable[[list[Array], list[Mask]], Array]:
    """The extreme in which a hidden step does not count."""

    def extreme(xs: list[Array], masks: list[Mask]) -> Array:
        output, kept = xs[0], masks[0]
        for x, mask in zip(xs[1:], masks[1:], strict=True):
            other = x if mask is None else np.where(mask, x, output)
            output = function(output if kept is None else np.where(kept, output, other), other)
            kept = None if kept is None or mask is None else kept | mask
        return output

    return extreme


HIDING: dict[str, Callable[[list[Array], list[Mask]], Array]] = {
    "Multiply": _product_of_kept,
    "Maximum": _extreme_of_kept(np.maximum),
    "Minimum": _extreme_of_kept(np.minimum),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Joining(Layer):
    """The base of `Merge` and `Concatenate`: the rules for masks."""

    masks_agree: bool = False
    """True (Keras 2): a step counts if every mask keeps it. False (Keras 3): if any does."""
    supports_masking: bool = True
    """False (Keras 3.0 to 3.3): masks change nothing, and end here."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        if not self.supports_masking:
            inputs = tuple(Signal(x) for x, _ in inputs)
        return (self.join(inputs),)

    @abstractmethod
    def join(self, inputs: Signals) -> Signal:
        """Return the output with the combined mask of `inputs`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Merge(Joining):
    """One of `OPERATIONS`, element by element; inputs of lower rank get axes of length 1 after the first.

    Example:
        >>> layer = Merge(name="add", operation="Add")
        >>> layer.apply((Signal(np.array([[1.0, 2.0]])), Signal(np.array([[10.0, 20.0]]))), Run())[0].value
        array([[11., 22.]])
    """

    operation: str

    @property
    def kind(self) -> str:
        return self.operation

    def join(self, inputs: Signals) -> Signal:
        rank = max(x.ndim for x, _ in inputs)
        values = [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x, _ in inputs]
        masks = [mask for _, mask in inputs]
        mask = self._mask(masks)
        if self.operation in HIDING and not self.masks_agree and any(m is not None for m in masks):
            hidden = [None if m is None else m[..., None] for m in masks]
            return Signal(HIDING[self.operation](values, hidden), mask)
        return Signal(OPERATIONS[self.operation](values), mask)

    def _mask(self, masks: list[Mask]) -> Mask:
        given = [mask for mask in masks if mask is not None]
        if not given or (len(given) < len(masks) and not self.masks_agree):
            return None
        return reduce(np.logical_and if self.masks_agree else np.logical_or, given)


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenate(Joining):
    """Concatenates inputs along `axis`, which counts the batch axis.

    Example:
        >>> layer = Concatenate(name="both")
        >>> layer.apply((Signal(np.array([[1.0, 2.0]])), Signal(np.array([[3.0]]))), Run())[0].value
        array([[1., 2., 3.]])
    """

    axis: int = -1

    def join(self, inputs: Signals) -> Signal:
        return Signal(np.concatenate([x for x, _ in inputs], axis=self.axis), self._mask(inputs))

    def _mask(self, inputs: Signals) -> Mask:
        if all(mask is None for _, mask in inputs):
            return None
        try:
            masks = np.concatenate([self._like(x, mask) for x, mask in inputs], axis=self.axis)
        except ValueError:
            raise UnsupportedError(
                f"layer '{self.name}': masks of these inputs cannot be concatenated along axis {self.axis}, "
                "in Keras 2 either. Was the model saved by another version?"
            ) from None
        kept: Mask = np.all(masks, axis=-1) if self.masks_agree else np.any(masks, axis=-1)
        return kept

    def _like(self, x: Array, mask: Mask) -> Array:
        """The mask with the rank of `x`, and in Keras 3 with its shape."""
        if mask is None:
            return np.ones(x.shape, bool)
        if mask.ndim == x.ndim:
            return mask
        return mask[..., None] if self.masks_agree else np.broadcast_to(mask[..., None], x.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Dot(Layer):
    """Dot products of two inputs along an axis of each, sample by sample; masks are dropped.

    Example:
        >>> layer = Dot(name="dot", axes=(1, 1))
        >>> layer.apply((Signal(np.array([[1.0, 2.0]])), Signal(np.array([[3.0, 4.0]]))), Run())[0].value
        array([[11.]])
    """

    axes: tuple[int, int]
    """Both count the axis of samples."""
    normalize: bool = False
    """Bring both inputs to length 1 along their axis before, which makes it a cosine."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        moved = []
        for (x, _), axis in zip(inputs, self.axes, strict=True):
            if self.normalize:
                x = x / np.sqrt(np.maximum(np.sum(np.square(x), axis=axis, keepdims=True), 1e-12))
            moved.append(np.moveaxis(x, axis, -1))
        a, b = (m.reshape(len(m), -1, m.shape[-1]) for m in moved)
        shape = (len(a), *moved[0].shape[1:-1], *moved[1].shape[1:-1])
        return (Signal((a @ b.swapaxes(1, 2)).reshape(shape if len(shape) > 1 else (*shape, 1))),)
