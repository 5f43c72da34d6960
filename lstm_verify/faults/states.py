"""States: `initial_state` and `state_order`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_verify.faults.edit import Edit, Edits, Fit, around, is_plain, remade
from lstm_verify.faults.interface import Fault
from lstm_verify.layers import RNN, Bidirectional, Run, Signals
from lstm_verify.layers.base import Array, Signal
from lstm_verify.layers.constant import State
from lstm_verify.layers.recurrent.cell import States

Change = Callable[[Signals], Signals]


def initial_state(item: Any) -> Edits:
    """States are carried over but should not be, or the other way round, or given initial states are not used."""
    if isinstance(item, State) and item.is_of_samples:
        yield Edit("initial state", "carried over from batch to batch", "as in the file", lambda: Forgetful.of(item))
    if not (isinstance(item, RNN) or is_plain(item)):
        return
    if item.stateful:
        yield Edit("initial state", "carried over from batch to batch", "zero", lambda: _stateful(item, False), True)
    else:
        yield Edit("initial state", "zero", "carried over from batch to batch", lambda: _stateful(item, True), True)
    if isinstance(item, RNN):
        yield Edit("initial state", "what is given", "zero", lambda: ChangedStates.of(item, before=_without_states))
        yield from _starts(item)
    else:
        yield Edit("initial state", "what is given", "zero", partial(around, item, before=_without_states))


@dataclass(frozen=True, eq=False, kw_only=True)
class ChangedStates(RNN):
    """A recurrent layer with its inputs or its outputs changed."""

    before: Change = lambda signals: signals
    after: Change = lambda signals: signals

    @classmethod
    def of(cls, rnn: RNN, **functions: Change) -> RNN:
        """Return the layer as one of this class."""
        return remade(cls, rnn, **functions)

    def apply(self, inputs: Signals, run: Run) -> Signals:
        return self.after(super().apply(self.before(inputs), run))


@dataclass(frozen=True, eq=False, kw_only=True)
class ResetRNN(RNN):
    """A recurrent layer that is reset after a number of steps, as when a sequence is split into calls."""

    every: int

    def apply(self, inputs: Signals, run: Run) -> Signals:
        """Run every part from the given states, or from zeros, whatever the batch before left."""
        (x, mask), *states = inputs
        fresh = {"stateful": False, "go_backwards": False}
        whole = RNN(**{name: value for name, value in vars(self).items() if name != "every"} | fresh)
        if self.go_backwards:
            x, mask = np.flip(x, axis=1), None if mask is None else np.flip(mask, axis=1)
        parts = [slice(start, start + self.every) for start in range(0, x.shape[1], self.every)]
        results = [
            whole.apply((Signal(x[:, part], None if mask is None else mask[:, part]), *states), run) for part in parts
        ]
        if not self.return_sequences:
            return results[-1]
        y = np.concatenate([result[0].value for result in results], axis=1)
        return (Signal(y, inputs[0].mask), *results[-1][1:])


def reset_every(item: Any, steps: int) -> Edit | None:
    """Return the edit that resets a recurrent layer after every `steps` time steps."""
    if not isinstance(item, RNN):
        return None
    words = f"zero again after every {steps} time steps" if steps > 1 else "zero at every time step"
    return Edit("initial state", "carried from step to step", words, lambda: remade(ResetRNN, item, every=steps))


@dataclass(frozen=True, eq=False, kw_only=True)
class StartedRNN(RNN):
    """A recurrent layer that starts from the same states for every sample instead of zeros."""

    start: tuple[Array, ...]
    """For every state, a number, or one for each unit."""

    def initial_state(self, x: Array, given: States, run: Run) -> States:
        begun = super().initial_state(x, given, run)
        if given or (self.stateful and run.path in run.states):
            return begun
        return tuple((zeros + start).astype(zeros.dtype) for zeros, start in zip(begun, self.start, strict=True))


def started(rnn: RNN, start: tuple[Array, ...]) -> RNN:
    """Return the layer with these initial states."""
    return remade(StartedRNN, rnn, start=start)


def _starts(item: RNN) -> Edits:
    """States that begin at one number in every unit: all of them, or one."""
    count = len(item.cell.state_sizes)
    whole = {"initial state": (1.0,) * count}
    each = {f"initial {name}": weights for name, weights in {"h": (1.0, 0.0), "c": (0.0, 1.0)}.items()}
    for parameter, weights in (whole | each if count == 2 else whole).items():

        def make(value: float, weights: tuple[float, ...] = weights) -> RNN:
            return started(item, tuple(np.asarray(value * weight) for weight in weights))

        yield Fit(parameter, "zero", make, 0.5)


class Forgetful(State):
    """A variable that keeps no value between runs."""

    @classmethod
    def of(cls, state: State) -> State:
        """Return the variable as one of this class."""
        return remade(cls, state)

    def apply(self, inputs: Signals, run: Any) -> Signals:
        return (Signal(self.initial),)


def _stateful(item: RNN | Bidirectional, stateful: bool) -> Any:
    if isinstance(item, RNN):
        return replace(item, stateful=stateful)
    halves = {name: replace(getattr(item, name), stateful=stateful) for name in ("forward_layer", "backward_layer")}
    return replace(item, **halves)


def _without_states(signals: Signals) -> Signals:
    return signals[:1]


def state_order(item: Any) -> Edits:
    """h and c, or the states of both directions, are swapped."""
    if isinstance(item, RNN) and len(item.cell.state_sizes) == 2 and len(set(item.cell.state_sizes)) == 1:
        if item.return_state:
            yield Edit("final states", "h, c", "c, h", lambda: ChangedStates.of(item, after=_pairs_exchanged))
        yield Edit("initial states", "h, c", "c, h", lambda: ChangedStates.of(item, before=_pairs_exchanged))
    if isinstance(item, Bidirectional):
        pairs = is_plain(item) and len(item.forward_layer.cell.state_sizes) == 2
        for words, wrap in (("final states", "after"), ("initial states", "before")):
            if wrap == "after" and not item.return_state:
                continue
            if pairs:
                yield Edit(words, "h, c", "c, h", partial(around, item, **{wrap: _pairs_exchanged}))
            yield Edit(
                words,
                "forward, then backward",
                "backward, then forward",
                partial(around, item, **{wrap: _halves_exchanged}),
            )


def _pairs_exchanged(signals: Signals) -> Signals:
    """The signals with every two states exchanged; the first is no state unless their number is even."""
    first = signals[: len(signals) % 2]
    states = signals[len(first) :]
    return (*first, *(states[place ^ 1] for place in range(len(states))))


def _halves_exchanged(signals: Signals) -> Signals:
    first = signals[: len(signals) % 2]
    states = signals[len(first) :]
    half = len(states) // 2
    return (*first, *states[half:], *states[:half])


INITIAL_STATE = Fault(
    "initial_state",
    initial_state,
    "Reset or carry over the states as in training: between calls, batches or files.",
)

STATE_ORDER = Fault(
    "state_order",
    state_order,
    "Keras and PyTorch have h, c; TensorFlow 1 and Flax c, h.",
)
