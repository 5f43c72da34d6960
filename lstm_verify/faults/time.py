"""Time and direction: `direction`, `backward_order`, `directions_swapped`, `merge_mode`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.faults.edit import Edit, Edits, around, is_plain, remade, replaced
from lstm_verify.faults.interface import Fault
from lstm_verify.layers import RNN, Bidirectional, Run, Signal, Signals
from lstm_verify.layers.base import Array
from lstm_verify.layers.recurrent.bidirectional import MERGES


def flipped(signals: Signals) -> Signals:
    """Reverse the time steps of the first signal."""
    (x, mask), *others = signals
    return (Signal(np.flip(x, axis=1), None if mask is None else np.flip(mask, axis=1)), *others)


def direction(item: Any) -> Edits:
    """A sequence is read from the other end."""
    if isinstance(item, Bidirectional):
        yield Edit("sequence", "from the first step", "from the last step", partial(around, item, before=flipped))
    if not isinstance(item, RNN):
        return
    words = ("forwards", "backwards")
    says, behaves = words[item.go_backwards], words[not item.go_backwards]
    turned = replace(item, go_backwards=not item.go_backwards)
    yield Edit("go_backwards", says, behaves, lambda: turned)
    if item.return_sequences:
        yield Edit(
            "go_backwards",
            says,
            f"{behaves}, outputs in the order of time",
            lambda: around(turned, after=flipped),
        )


def backward_order(item: Any) -> Edits:
    """The outputs of a backward layer are in the order of computation, or its first is taken for its last."""
    if isinstance(item, RNN) and item.go_backwards and item.return_sequences:
        yield Edit("order of outputs", "as computed", "in the order of time", partial(around, item, after=flipped))
    if not isinstance(item, Bidirectional):
        return
    backward = item.backward_layer
    if item.return_sequences:
        yield Edit(
            "order of the backward outputs",
            "in the order of time",
            "as computed, from the last step to the first",
            lambda: replace(item, backward_layer=FlippedRNN.of(backward)),
        )
    else:
        yield Edit(
            "backward output",
            "of the first time step, index 0",
            "of the last time step, index -1",
            lambda: replace(item, backward_layer=FirstOutputRNN.of(backward)),
        )
        yield Edit(
            "backward output",
            "of the first time step, index 0",
            "of the last time step that is no padding",
            lambda: replace(item, backward_layer=FirstValidRNN.of(backward)),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class FlippedRNN(RNN):
    """A recurrent layer whose outputs are in reverse order."""

    @classmethod
    def of(cls, rnn: RNN) -> RNN:
        """Return the layer as one of this class."""
        return remade(cls, rnn)

    def apply(self, inputs: Signals, run: Run) -> Signals:
        return flipped(super().apply(inputs, run))


@dataclass(frozen=True, eq=False, kw_only=True)
class FirstOutputRNN(FlippedRNN):
    """A recurrent layer that returns the output of its first step."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        sequences = RNN(**vars(self) | {"return_sequences": True})
        (y, _), *states = sequences.apply(inputs, run)
        return (Signal(y[:, 0]), *states)


def mask_of(layer: RNN, inputs: Signals) -> Array:
    """Return the mask of a call, (samples, timesteps).

    Raises:
        UnsupportedError: there is none, so that no fault can be in it.
    """
    mask = layer.mask_for(inputs)
    if mask is None or mask.ndim != 2:
        raise UnsupportedError(f"layer '{layer.name}': no mask says which steps are padding")
    return mask


@dataclass(frozen=True, eq=False, kw_only=True)
class FirstValidRNN(FlippedRNN):
    """A recurrent layer that returns the output of its first step that is not masked."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        kept = mask_of(self, inputs)
        sequences = RNN(**vars(self) | {"return_sequences": True})
        (y, _), *states = sequences.apply(inputs, run)
        as_run = kept[:, ::-1] if self.go_backwards else kept
        return (Signal(y[np.arange(len(y)), as_run.argmax(axis=1)]), *states)


def directions_swapped(item: Any) -> Edits:
    """The directions of a bidirectional layer, or their weights, are swapped."""
    if not isinstance(item, Bidirectional):
        return
    forward, backward = item.forward_layer, item.backward_layer
    if item.merge_mode == "concat":
        yield Edit(
            "outputs",
            "forward, then backward",
            "backward, then forward",
            partial(around, item, after=_halves_exchanged),
        )
    if item.merge_mode is None:
        yield Edit(
            "outputs",
            "forward, then backward",
            "backward, then forward",
            partial(around, item, after=_outputs_exchanged),
        )
    if not is_plain(item):
        return
    try:
        exchanged = replace(
            item,
            forward_layer=replace(forward, cell=replace(backward.cell, name=forward.cell.name)),
            backward_layer=replace(backward, cell=replace(forward.cell, name=backward.cell.name)),
        )
    except (TypeError, ValueError):
        return
    if [w.shape for _, w in forward.weights()] == [w.shape for _, w in backward.weights()]:
        yield Edit("weights", "each direction's own", "exchanged", lambda: exchanged)


def _halves_exchanged(signals: Signals) -> Signals:
    (y, mask), *states = signals
    forward, backward = np.split(y, 2, axis=-1)
    return (Signal(np.concatenate([backward, forward], axis=-1), mask), *states)


def _outputs_exchanged(signals: Signals) -> Signals:
    forward, backward, *states = signals
    return (backward, forward, *states)


def merge_mode(item: Any) -> Edits:
    """The outputs of both directions are merged in another way."""
    if isinstance(item, Bidirectional) and item.merge_mode is not None:
        for mode in MERGES:
            if mode != item.merge_mode:
                yield Edit("merge_mode", item.merge_mode, mode, replaced(item, merge_mode=mode))


DIRECTION = Fault(
    "direction",
    direction,
    "Check go_backwards: the sequence is read from its other end.",
)

BACKWARD_ORDER = Fault(
    "backward_order",
    backward_order,
    "Put the backward outputs in time order, and take index 0 as the last.",
)

DIRECTIONS_SWAPPED = Fault(
    "directions_swapped",
    directions_swapped,
    "Swap the forward and the backward weights, or the halves of the output.",
    comes_with=("backward_order",),
)

MERGE_MODE = Fault(
    "merge_mode",
    merge_mode,
    "Set merge_mode as in the file.",
)
