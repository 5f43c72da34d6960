"""The recurrent layer: a cell applied to one time step after the other.

    state_t = cell(x_t, state_{t-1})        output_t = h_t, the first of the states

A masked step leaves the state as it was; its output repeats the output of the step before (zeros before the first),
or is zero when `zero_output_for_mask` (which Keras sets inside `Bidirectional`). `go_backwards` runs from the last
step to the first and returns the outputs in that order of processing.

Source: `keras.layers.RNN` and `keras.backend.rnn` (3.15 and tf_keras 2.21).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from lstm_verify.errors import InputError, UnsupportedError
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals, Weighted
from lstm_verify.layers.recurrent.cell import Cell, States, Step


@dataclass(frozen=True, eq=False, kw_only=True)
class Recurrent(Layer, ABC):
    """The base of `RNN` and `Bidirectional`: states as inputs and outputs."""

    return_sequences: bool = False
    return_state: bool = False
    mask_with_initial_state: bool = True
    """False where the framework forgets an implicit mask once an initial state is given (Keras 3)."""

    def mask_for(self, inputs: Signals) -> Mask:
        """The mask that the call sees, of shape (samples, timesteps), seldom with more axes, as the outputs have."""
        return inputs[0].mask if len(inputs) == 1 or self.mask_with_initial_state else None

    @property
    @abstractmethod
    def state_names(self) -> list[str]:
        """The states in the order in which it takes and gives them."""

    @property
    @abstractmethod
    def is_of_images(self) -> bool:
        """Whether a time step of it is an image."""

    @property
    def sequences(self) -> int:
        """How many of its outputs, which come before the states, have an axis of time if it returns sequences."""
        return 1

    def state_places(self) -> dict[int, str]:
        return dict(enumerate(self.state_names, 1))

    def has_time(self, output: int) -> bool:
        return not self.is_of_images or (output < self.sequences and self.return_sequences)


@dataclass(frozen=True, eq=False, kw_only=True)
class RNN(Recurrent):
    """A cell run over time: LSTM, GRU, SimpleRNN.

    Example:
        >>> from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> (output,) = RNN(name="rnn", cell=cell).apply((Signal(np.full((1, 3, 1), 0.5)),), Run())
        >>> output.value.round(4)
        array([[0.8469]])
    """

    cell: Cell
    go_backwards: bool = False
    stateful: bool = False
    zero_output_for_mask: bool = False

    @property
    def kind(self) -> str:
        return self.cell.kind

    @property
    def state_names(self) -> list[str]:
        return self.cell.state_names

    @property
    def is_of_images(self) -> bool:
        return len(self.cell.input_axes) > 1

    def children(self) -> dict[str, Weighted]:
        return {"": self.cell}

    def with_child(self, path: str, child: Any) -> Self:
        return replace(self, cell=child)

    def settings(self) -> dict[str, Any]:
        return self.cell.settings() | super().settings()

    def weights(self) -> Iterator[tuple[str, Array]]:
        return self.cell.weights()

    def begins_like(self, other: Layer) -> bool:
        if not isinstance(other, RNN):
            return False
        return self.flags() == other.flags() and self.cell.state_sizes == other.cell.state_sizes

    def apply(self, inputs: Signals, run: Run) -> Signals:
        x = self.expect_sequence(inputs[0].value)
        mask = self.mask_for(inputs)
        state = self.initial_state(x, tuple(signal.value for signal in inputs[1:]), run)
        begun = (np.zeros_like(self.cell.output(state)), *state)
        outputs, state = run.over_time(self, x, mask, begun, run) if run.over_time else self.scan(x, mask, begun, run)
        if self.stateful:
            run.states[run.path] = state
        states = tuple(Signal(value) for value in state) if self.return_state else ()
        return (
            Signal(outputs, inputs[0].mask if self.return_sequences else None),
            *states,
        )

    def expect_sequence(self, x: Array) -> Array:
        """Return `x`, a value of shape (samples, timesteps, features or more) with at least one time step.

        Raises:
            InputError: it has another rank, or no time step.
        """
        axes = ("samples", "timesteps", *self.cell.input_axes)
        if x.ndim != len(axes) or x.shape[1] == 0:
            raise InputError(
                f"layer '{self.name}': its input has shape {x.shape}, expected ({', '.join(axes)}) "
                "with at least one time step"
            )
        self.cell.expect_features(x.shape[-1])
        return x.astype(self.cell.dtype, copy=False)

    def initial_state(self, x: Array, given: States, run: Run) -> States:
        """The states to start from: given, carried over from the batch before, or zeros."""
        if given:
            return given
        carried = run.states.get(run.path) if self.stateful else None
        if carried is not None:
            return carried
        return tuple(np.zeros((len(x), *shape), x.dtype) for shape in self.cell.state_shapes(x.shape[2:]))

    @np.errstate(over="ignore")  # exp overflows in fast gates that are rightly 0
    def scan(
        self,
        x: Array,
        mask: Mask,
        begun: States,
        run: Run,
        before_step: Callable[[int, States], None] | None = None,
    ) -> tuple[Array, States]:
        """Run the cell over time.

        Args:
            x: (samples, timesteps, features or more).
            mask: (samples, timesteps), seldom with more axes; or None.
            begun: the output and the states to begin with.
            run: this run.
            before_step: called with the number of each step, as they are run, and the output and states before it.

        Returns:
            The outputs, (samples, timesteps, units) if `return_sequences` or else (samples, units), and the states.
        """
        step, recorded = self._step_for(x, run)
        timesteps = range(x.shape[1])[::-1] if self.go_backwards else range(x.shape[1])
        output, *rest = begun
        state = tuple(rest)
        kept = () if mask is None else self._shape_of_mask(mask, output)
        sequence: Array | None = None
        for position, t in enumerate(timesteps):
            if before_step:
                before_step(position, (output, *state))
            new = step(x[:, t], state)
            if mask is None:
                state, output = new, self.cell.output(new)
            else:
                keep = mask[:, t].reshape(kept)
                before = np.zeros_like(output) if self.zero_output_for_mask else output
                output = np.where(keep, self.cell.output(new), before)
                state = tuple(np.where(keep, n, s) for n, s in zip(new, state, strict=True))
            if self.return_sequences:
                if sequence is None:
                    sequence = np.empty_like(output, shape=(len(x), x.shape[1], *output.shape[1:]))
                sequence[:, position] = output
        for name, values in recorded.items():
            run.record(name, np.stack(values, axis=1))
        final = tuple(value.copy() for value in state)
        return (sequence if sequence is not None else output.copy()), final

    def _shape_of_mask(self, mask: Array, output: Array) -> tuple[int, ...]:
        """The shape of the mask of one step: for all of an output, or for each unit or place of it.

        Raises:
            UnsupportedError: none fits.
        """
        shape = (len(output), *mask.shape[2:], *(1,) * (output.ndim + 1 - mask.ndim))
        fits = len(shape) == output.ndim and all(m in (1, n) for m, n in zip(shape, output.shape, strict=True))
        if not fits:
            raise UnsupportedError(
                f"layer '{self.name}': a mask of shape {mask.shape} does not fit outputs of shape {output.shape} at "
                "each time step, in Keras either. Was the model saved by another version?"
            )
        return shape

    def _step_for(self, x: Array, run: Run) -> tuple[Step, dict[str, list[Array]]]:
        """The fast step; or, when a trace is wanted, the textbook one, with every gate it computes kept."""
        recorded: dict[str, list[Array]] = {}
        if run.trace is None:
            return self.cell.step if run.arithmetic else self.cell.fast(len(x), x.dtype), recorded

        def recording(x_t: Array, state: States) -> States:
            gates = self.cell.gates(x_t, state)
            for name, value in self.cell.recorded(gates).items():
                recorded.setdefault(name, []).append(value)
            return self.cell.new_state(gates)

        return recording, recorded
