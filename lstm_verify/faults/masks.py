"""Masks and padding: `mask`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.faults.edit import Edit, Edits, around, replaced
from lstm_verify.layers import RNN, Bidirectional, Embedding, Identity, Masking, Signal, Signals, TimeDistributed
from lstm_verify.layers.attention import Attending
from lstm_verify.layers.base import Array
from lstm_verify.layers.scan import Scan


def _unmasked(item: Masking | Embedding) -> Any:
    if isinstance(item, Embedding):
        return replace(item, mask_zero=False)
    return Identity(name=item.name, compute_dtype=item.compute_dtype)  # which leaves the values of hidden steps too


def without_mask(signals: Signals) -> Signals:
    """The signals without any mask."""
    return tuple(Signal(value) for value, _ in signals)


def mask(item: Any) -> Edits:
    """A mask that is ignored, or causal; hidden steps that repeat an output or are zero, padding on the other side."""
    if isinstance(item, Masking | Embedding):
        if isinstance(item, Masking) or item.mask_zero:
            says = "hides steps from all layers after it"
            yield Edit("mask", says, "ignored", lambda: _unmasked(item))
            for side, change in SIDES.items():
                yield Edit("mask", says, side, partial(around, item, after=change))
        elif not item.mask_zero:
            yield Edit("mask_zero", "False", "True", replaced(item, mask_zero=True))
    if isinstance(item, Scan) and item.mask is not None:
        yield Edit("mask", "used", "ignored", replaced(item, mask=None, masked_by=()))
    if isinstance(item, RNN | Bidirectional | Attending):
        yield Edit("mask", "used", "ignored", partial(around, item, before=without_mask))
    if isinstance(item, Attending):
        yield Edit("use_causal_mask", str(item.causal), str(not item.causal), replaced(item, causal=not item.causal))
    if isinstance(item, RNN | Bidirectional):
        yield Edit(
            "padding",
            "where it is",
            "on the other side",
            lambda: around(item, before=padding_moved, after=padding_moved_back),
        )
        for side, change in SIDES.items():
            yield Edit("padding", "where it is", side, partial(around, item, before=change))
    if isinstance(item, RNN) and item.return_sequences:
        words = ("repeats the output before", "is zero")
        zero = item.zero_output_for_mask
        yield Edit(
            "output of a hidden step",
            words[zero],
            words[not zero],
            replaced(item, zero_output_for_mask=not zero),
        )
    if isinstance(item, Bidirectional) and item.return_sequences:
        zero = item.forward_layer.zero_output_for_mask
        yield Edit(
            "output of a hidden step",
            "is zero" if zero else "repeats the output before",
            "repeats the output before" if zero else "is zero",
            lambda: replace(
                item,
                forward_layer=replace(item.forward_layer, zero_output_for_mask=not zero),
                backward_layer=replace(item.backward_layer, zero_output_for_mask=not zero),
            ),
        )
    if isinstance(item, TimeDistributed) and item.stateful:
        yield Edit("mask", "used", "ignored", partial(around, item, before=without_mask))


def padding_moved(signals: Signals) -> Signals:
    """Every sample's steps with the hidden ones before the first that counts moved behind the last, or back."""
    (x, kept), *others = signals
    if kept is None or kept.ndim != 2:
        return signals
    order = _order(kept)
    return (Signal(_taken(x, order), np.take_along_axis(kept, order, axis=1)), *others)


def padding_moved_back(signals: Signals) -> Signals:
    """The same for outputs, back to where they were."""
    (y, kept), *others = signals
    if kept is None or kept.ndim != 2 or y.ndim < 3:
        return signals
    order = _order(kept)  # of the mask as it was moved: once more is back
    return (Signal(_taken(y, order), np.take_along_axis(kept, order, axis=1)), *others)


def counted_from(start: bool) -> Any:
    """As many steps as the mask keeps, but the first or the last ones: for padding that is on the other side."""

    def change(signals: Signals) -> Signals:
        (x, kept), *others = signals
        if kept is None or kept.ndim != 2:
            return signals
        steps = np.arange(kept.shape[1])
        count = kept.sum(axis=1, keepdims=True)
        return (Signal(x, steps < count if start else steps >= kept.shape[1] - count), *others)

    return change


SIDES = {
    "as many steps from the start as are kept": counted_from(True),
    "as many steps up to the end as are kept": counted_from(False),
    "padding on the other side": padding_moved,
}


def _order(kept: Array) -> Array:
    """For each sample, its steps in the order in which its padding is on the other side."""
    left = ~kept[:, :1]
    return np.where(left, np.argsort(~kept, axis=1, kind="stable"), np.argsort(kept, axis=1, kind="stable"))


def _taken(x: Array, order: Array) -> Array:
    return np.take_along_axis(x, order.reshape(*order.shape, *(1,) * (x.ndim - 2)), axis=1)
