"""Masks and padding: `mask`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.faults.edit import Edit, Edits, around, is_plain, remade, replaced
from lstm_verify.faults.interface import Fault
from lstm_verify.faults.time import FirstOutputRNN, mask_of
from lstm_verify.layers import RNN, Bidirectional, Embedding, Identity, Masking, Run, Signal, Signals, TimeDistributed
from lstm_verify.layers.attention import Attending
from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.scan import Scan

MaskChange = Callable[[Signals], Signals]
"""From an input or an output of a layer to the same with another mask."""


def _unmasked(item: Masking | Embedding) -> Any:
    if isinstance(item, Embedding):
        return replace(item, mask_zero=False)
    return Identity(name=item.name, compute_dtype=item.compute_dtype)  # which leaves the values of hidden steps too


def without_mask(signals: Signals) -> Signals:
    """Return the signals without any mask."""
    return tuple(Signal(value) for value, _ in signals)


def mask(item: Any) -> Edits:
    """A mask is partly or entirely ignored; masked steps are zero or repeat an output; padding is on the other side."""
    yield from _at_its_source(item)
    yield from _where_it_is_read(item)
    yield from _of_hidden_steps(item)
    if isinstance(item, Masking | Embedding):
        for side, change in SIDES.items():
            if _makes_a_mask(item):
                yield Edit("mask", HIDES, side, partial(around, item, after=change))
    if isinstance(item, RNN | Bidirectional):
        for side, change in SIDES.items():
            yield Edit("padding", "where it is", side, partial(around, item, before=change))
        yield Edit(
            "padding",
            "where it is",
            "on the other side",
            lambda: around(item, before=padding_moved, after=padding_moved_back),
        )


HIDES = "hides steps from all layers after it"
ENDS_HIDDEN = "output of a sample that ends with padding"


def _makes_a_mask(item: Masking | Embedding) -> bool:
    return isinstance(item, Masking) or item.mask_zero


def _at_its_source(item: Any) -> Edits:
    """A mask that nothing reads, that some do not read, or that the file does not ask for."""
    if isinstance(item, Masking | Embedding) and _makes_a_mask(item):
        yield Edit("mask", HIDES, "ignored", lambda: _unmasked(item))
        for words, change in PARTS.items():
            yield Edit("mask", HIDES, words, partial(around, item, after=of_mask(change)))
    elif isinstance(item, Embedding):
        yield Edit("mask_zero", "False", "True", replaced(item, mask_zero=True))
    if isinstance(item, Scan) and item.mask is not None:
        yield Edit("mask", "used", "ignored", replaced(item, mask=None, masked_by=()))


def _where_it_is_read(item: Any) -> Edits:
    """A mask that one layer does not read, and so does not pass on."""
    if isinstance(item, RNN | Bidirectional | Attending) or (isinstance(item, TimeDistributed) and item.stateful):
        yield Edit("mask", "used", "ignored", partial(around, item, before=without_mask))
    if isinstance(item, RNN | Bidirectional):
        for words, change in PARTS.items():
            yield Edit("mask", "used", words, partial(around, item, before=of_mask(change)))
    if isinstance(item, Attending):
        yield Edit("use_causal_mask", str(item.causal), str(not item.causal), replaced(item, causal=not item.causal))


def _of_hidden_steps(item: Any) -> Edits:
    """What is returned at hidden steps: zeros, or the output before once more."""
    if not (isinstance(item, RNN) or is_plain(item)):
        return
    if not item.return_sequences:
        backwards = isinstance(item, RNN) and item.go_backwards
        if not backwards and not (isinstance(item, Bidirectional) and item.forward_layer.go_backwards):
            yield Edit(ENDS_HIDDEN, "is that of its last step", "is zero", lambda: _at_the_end(item))
        return
    zero = (item.forward_layer if isinstance(item, Bidirectional) else item).zero_output_for_mask
    words = ("repeats the output before", "is zero")
    yield Edit("output of a hidden step", words[zero], words[not zero], lambda: _hidden_steps(item, not zero))


def _hidden_steps(item: RNN | Bidirectional, zero: bool) -> Any:
    if isinstance(item, RNN):
        return replace(item, zero_output_for_mask=zero)
    halves = {name: _hidden_steps(getattr(item, name), zero) for name in ("forward_layer", "backward_layer")}
    return replace(item, **halves)


def _at_the_end(item: RNN | Bidirectional) -> Any:
    """The layer with its output at index -1, which is zero there in samples that end with padding."""
    if isinstance(item, RNN):
        return LastIndexRNN.of(item)
    forward, backward = item.forward_layer, item.backward_layer
    return replace(item, forward_layer=LastIndexRNN.of(forward), backward_layer=FirstOutputRNN.of(backward))


@dataclass(frozen=True, eq=False, kw_only=True)
class LastIndexRNN(RNN):
    """A recurrent layer that returns zeros for samples whose last step is masked."""

    @classmethod
    def of(cls, rnn: RNN) -> RNN:
        """Return the layer as one of this class."""
        return remade(cls, rnn)

    def apply(self, inputs: Signals, run: Run) -> Signals:
        mask_of(self, inputs)
        sequences = RNN(**vars(self) | {"return_sequences": True, "zero_output_for_mask": True})
        (y, _), *states = sequences.apply(inputs, run)
        return (Signal(y[:, -1]), *states)


def padding_moved(signals: Signals) -> Signals:
    """Move the masked steps at the start of each sample to its end, or back."""
    (x, kept), *others = signals
    if kept is None or kept.ndim != 2:
        return signals
    order = _order(kept)
    return (Signal(_taken(x, order), np.take_along_axis(kept, order, axis=1)), *others)


def padding_moved_back(signals: Signals) -> Signals:
    """Move the steps of outputs back to where they were."""
    (y, kept), *others = signals
    if kept is None or kept.ndim != 2 or y.ndim < 3:
        return signals
    order = _order(kept)  # of the mask as it was moved: once more is back
    return (Signal(_taken(y, order), np.take_along_axis(kept, order, axis=1)), *others)


def counted_from(start: bool) -> MaskChange:
    """Return a mask that keeps as many steps as before, but the first or last ones: padding on the other side."""

    def change(signals: Signals) -> Signals:
        (x, kept), *others = signals
        if kept is None or kept.ndim != 2:
            return signals
        steps = np.arange(kept.shape[1])
        count = kept.sum(axis=1, keepdims=True)
        return (Signal(x, steps < count if start else steps >= kept.shape[1] - count), *others)

    return change


SIDES: dict[str, MaskChange] = {
    "as many steps from the start as are kept": counted_from(True),
    "as many steps up to the end as are kept": counted_from(False),
    "padding on the other side": padding_moved,
}


def all_padding_kept(kept: Array) -> Array:
    """Mask no step in samples of which every step is masked."""
    return np.asarray(kept | ~kept.any(axis=1, keepdims=True))


def first_step_kept(kept: Array) -> Array:
    """Keep the first step of samples of which every step is masked, as a length that must not be 0 does."""
    first = np.arange(kept.shape[1]) == 0
    return np.asarray(kept | (first & ~kept.any(axis=1, keepdims=True)))


def of_mask(change: Callable[[Array], Array]) -> MaskChange:
    """Turn a change of masks, (samples, timesteps), into a change of a layer's inputs."""

    def changed(signals: Signals) -> Signals:
        (x, kept), *others = signals
        return signals if kept is None or kept.ndim != 2 else (Signal(x, change(kept)), *others)

    return changed


PARTS: dict[str, Callable[[Array], Array]] = {
    "ignored in samples that are all padding": all_padding_kept,
    "one step at least, in samples that are all padding": first_step_kept,
}


def _order(kept: Array) -> Array:
    """For each sample, its steps in the order in which its padding is on the other side."""
    left = ~kept[:, :1]
    return np.where(left, np.argsort(~kept, axis=1, kind="stable"), np.argsort(kept, axis=1, kind="stable"))


def _taken(x: Array, order: Array) -> Array:
    return np.take_along_axis(x, order.reshape(*order.shape, *(1,) * (x.ndim - 2)), axis=1)


MASK = Fault(
    "mask",
    mask,
    "Carry the mask, or the lengths of sequences, into the runtime.",
)
