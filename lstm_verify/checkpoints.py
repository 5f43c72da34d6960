"""Checkpoints: states of recurrent layers, recorded during one run, from which a later run computes only some steps.

A run that notes them is the replay as it is; one that resumes begins a layer that returns its last output with its last
steps, and one that returns them all with stretches side by side. What rounding makes of those steps is a part of what
it makes of all (`budget`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lstm_verify.layers.base import Array, Mask, Run, Signal
from lstm_verify.layers.recurrent.cell import States
from lstm_verify.layers.recurrent.rnn import RNN

RECENT = 2
"""The last steps of a layer that returns the last output, which a run may begin at."""
STRETCH = 16
"""The steps of a layer that returns all outputs, which may run side by side."""

Checkpoints = Mapping[str, list[States]]
"""By the path of a recurrent layer, its output and states before each of its `checkpoints_of`."""


def checkpoints_of(rnn: RNN, timesteps: int) -> range:
    """Return the steps, counted in the order they run, before which output and states are recorded."""
    first = max(timesteps - RECENT, 0)
    return range(0, timesteps, STRETCH) if rnn.return_sequences else range(first, first + 1)


@dataclass(frozen=True)
class Noting:
    """Runs recurrent layers as they are, and records their states."""

    noted: dict[str, list[States]] = field(default_factory=dict)

    def __call__(self, rnn: RNN, x: Array, mask: Mask, begun: States, run: Run) -> tuple[Array, States]:
        wanted, noted = checkpoints_of(rnn, x.shape[1]), []

        def before_step(position: int, states: States) -> None:
            if position in wanted:
                noted.append(tuple(value.copy() for value in states))

        result = rnn.scan(x, mask, begun, run, before_step)
        # of several calls of one layer, none can be singled out
        self.noted[run.path] = [] if run.path in self.noted else noted
        return result


@dataclass(frozen=True)
class Resuming:
    """Runs recurrent layers from their checkpoints; those without one, from the first step."""

    checkpoints: Checkpoints

    def __call__(self, rnn: RNN, x: Array, mask: Mask, begun: States, run: Run) -> tuple[Array, States]:
        noted = [_entered(rnn, states, run) for states in self.checkpoints.get(run.path, ())]
        if len(noted) != len(checkpoints_of(rnn, x.shape[1])) or len(noted[0][0]) != len(x):
            return rnn.scan(x, mask, begun, run)
        if rnn.go_backwards:
            rnn, x, mask = replace(rnn, go_backwards=False), x[:, ::-1], None if mask is None else mask[:, ::-1]
        return (_stretches if rnn.return_sequences else _last_steps)(rnn, x, mask, noted, run)


def _entered(rnn: RNN, states: States, run: Run) -> States:
    """Exact values as what the arithmetic of a run computes with."""
    if run.arithmetic is None:
        return states
    signals = run.arithmetic.enter(rnn, run.arithmetic.leave(rnn, tuple(map(Signal, states))))
    return tuple(signal.value for signal in signals)


def _last_steps(rnn: RNN, x: Array, mask: Mask, noted: list[States], run: Run) -> tuple[Array, States]:
    start = checkpoints_of(rnn, x.shape[1])[0]
    return rnn.scan(x[:, start:], None if mask is None else mask[:, start:], noted[0], run)


def _stretches(rnn: RNN, x: Array, mask: Mask, noted: list[States], run: Run) -> tuple[Array, States]:
    """All steps, in stretches that run side by side, and what is left of them."""
    samples, whole = len(x), x.shape[1] // STRETCH
    end = whole * STRETCH

    def side_by_side(a: Array) -> Array:
        return a[:, :end].reshape(samples * whole, STRETCH, *a.shape[2:])

    parts: list[Array] = []
    state: States = ()
    if whole:
        begun = tuple(
            np.stack(arrays, axis=1).reshape(samples * whole, *arrays[0].shape[1:])
            for arrays in zip(*noted[:whole], strict=True)
        )
        y, ends = rnn.scan(side_by_side(x), None if mask is None else side_by_side(mask), begun, run)
        parts.append(y.reshape(samples, end, *y.shape[2:]))
        state = tuple(s.reshape(samples, whole, *s.shape[1:])[:, -1] for s in ends)
    if end < x.shape[1]:
        y, state = rnn.scan(x[:, end:], None if mask is None else mask[:, end:], noted[-1], run)
        parts.append(y)
    return np.concatenate(parts, axis=1), state
