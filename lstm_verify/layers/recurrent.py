"""The recurrent layer: a cell applied to one time step after the other.

    state_t = cell(x_t, state_{t-1})        output_t = h_t, the first of the states

A masked step leaves the state as it was; its output repeats the output of the step before (zeros before the first),
or is zero when `zero_output_for_mask` (which Keras sets inside `Bidirectional`). `go_backwards` runs from the last
step to the first and returns the outputs in that order of processing.

Every cell has its equations once, as `step`. `fast` returns the same step for large batches of plain arrays, with
its buffers and its weights laid out for one matrix product a step, samples last; a test holds the two equal.

Source: `keras.layers.RNN` and `keras.backend.rnn` (3.15 and tf_keras 2.21).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import InputError
from lstm_verify.layers.activations import SIGMOID, TANH, Activation
from lstm_verify.layers.base import (
    Array,
    Layer,
    Mask,
    Run,
    Signal,
    Signals,
    Weighted,
    given,
)

States = tuple[Array, ...]
Step = Callable[[Array, States], States]


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell(Weighted, ABC):
    """One time step of a recurrent layer."""

    kind: ClassVar[str]
    """The name of the Keras layer made of this cell, such as `LSTM`."""
    gate_order: ClassVar[tuple[str, ...]] = ()
    """The gates in the order of their blocks in the kernels."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that the cell computes in: that of its weights."""
        return next(array.dtype for _, array in self.weights())

    @property
    @abstractmethod
    def state_sizes(self) -> tuple[int, ...]:
        """The number of units in each state."""

    def output(self, states: States) -> Array:
        """The output of a step, among its new states: the first."""
        return states[0]

    @abstractmethod
    def gates(self, x: Array, state: States) -> tuple[Any, ...]:
        """Return every quantity of one step by its name in the equations, as a named tuple.

        Args:
            x: (samples, features), the input of this time step.
            state: the states, (samples, units) each.
        """

    @abstractmethod
    def new_state(self, gates: Any) -> States:
        """Pick the new states from what `gates` returned."""

    def expect_features(self, features: int) -> None:
        """Check that the cell takes inputs of that many features.

        Raises:
            ModelFileError: it takes more or fewer.
        """
        kernel = dict(self.weights())["kernel"]
        self.expect("kernel", kernel, (features, kernel.shape[-1]), "(features, …) for its input")

    def step(self, x: Array, state: States) -> States:
        """Return the states after one time step, by the textbook equations."""
        return self.new_state(self.gates(x, state))

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        """Return a function that does what `step` does, for batches of `samples` in `dtype`.

        The arrays it returns are its own buffers, overwritten by its next call but one.
        """
        return self.step


@dataclass(frozen=True, eq=False, kw_only=True)
class Recurrent(Layer, ABC):
    """What `RNN` and `Bidirectional` have in common: states that can come in and go out."""

    return_sequences: bool = False
    return_state: bool = False
    mask_with_initial_state: bool = True
    """False where the framework forgets an implicit mask once an initial state is given (Keras 3)."""

    def mask_for(self, inputs: Signals) -> Mask:
        """The mask that the call sees, of shape (samples, timesteps), seldom (samples, timesteps, units)."""
        return inputs[0].mask if len(inputs) == 1 or self.mask_with_initial_state else None


@dataclass(frozen=True, eq=False, kw_only=True)
class RNN(Recurrent):
    """A cell run over time: LSTM, GRU, SimpleRNN.

    Example:
        >>> from lstm_verify.layers.simple_rnn import SimpleRNNCell
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> (output,) = RNN(name="rnn", cell=cell).apply((Signal(np.full((1, 3, 1), 0.5)),), Run())
        >>> output.value.round(4)
        array([[0.8469]])
    """

    cell: Cell
    go_backwards: bool = False
    stateful: bool = False
    zero_output_for_mask: bool = False

    def weights(self) -> Iterator[tuple[str, Array]]:
        return self.cell.weights()

    def apply(self, inputs: Signals, run: Run) -> Signals:
        x = self.expect_sequence(inputs[0].value)
        mask = self.mask_for(inputs)
        state = self.initial_state(x, tuple(signal.value for signal in inputs[1:]), run)
        outputs, state = self.scan(x, mask, state, run)
        if self.stateful:
            run.states[run.path] = state
        states = tuple(Signal(value) for value in state) if self.return_state else ()
        return (
            Signal(outputs, inputs[0].mask if self.return_sequences else None),
            *states,
        )

    def expect_sequence(self, x: Array) -> Array:
        """Return `x`, a value of shape (samples, timesteps, features) with at least one time step.

        Raises:
            InputError: it has another rank, or no time step.
        """
        if x.ndim != 3 or x.shape[1] == 0:
            raise InputError(
                f"layer '{self.name}': its input has shape {x.shape}, expected (samples, timesteps, features) "
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
        return tuple(np.zeros((len(x), size), x.dtype) for size in self.cell.state_sizes)

    def scan(self, x: Array, mask: Mask, state: States, run: Run) -> tuple[Array, States]:
        """Run the cell over time.

        Returns:
            The outputs, (samples, timesteps, units) if `return_sequences` or else (samples, units), and the states.
        """
        step, recorded = self._step_for(x, run)
        timesteps = range(x.shape[1])[::-1] if self.go_backwards else range(x.shape[1])
        output = np.zeros_like(self.cell.output(state))
        sequence = np.empty((len(x), x.shape[1], output.shape[1]), x.dtype) if self.return_sequences else None
        for position, t in enumerate(timesteps):
            new = step(x[:, t], state)
            if mask is None:
                state, output = new, self.cell.output(new)
            else:
                keep = mask[:, t].reshape(len(x), -1)  # for all units, or with a third axis for each
                rest = np.zeros_like(output) if self.zero_output_for_mask else output
                output = np.where(keep, self.cell.output(new), rest)
                state = tuple(np.where(keep, n, s) for n, s in zip(new, state, strict=True))
            if sequence is not None:
                sequence[:, position] = output
        for name, values in recorded.items():
            run.record(name, np.stack(values, axis=1))
        final = tuple(value.copy() for value in state)
        return (sequence if sequence is not None else output.copy()), final

    def _step_for(self, x: Array, run: Run) -> tuple[Step, dict[str, list[Array]]]:
        """The fast step; or, when a trace is wanted, the textbook one, with every gate it computes kept."""
        recorded: dict[str, list[Array]] = {}
        if run.trace is None:
            return self.cell.fast(len(x), x.dtype), recorded

        def recording(x_t: Array, state: States) -> States:
            gates = self.cell.gates(x_t, state)
            for name, value in gates._asdict().items():  # type: ignore[attr-defined]
                if isinstance(value, np.ndarray):
                    recorded.setdefault(name, []).append(value)
            return self.cell.new_state(gates)

        return recording, recorded


class Stacks:
    """[h; x; 1] of shape (units + features + 1, samples), twice: one is read while the next h goes into the other.

    Samples come last, so that each gate of a product `weights @ [h; x; 1]` is one contiguous block, which ufuncs run
    through in one loop.
    """

    def __init__(self, units: int, features: int, samples: int, dtype: npt.DTypeLike) -> None:
        self._units = units
        pair = [np.ones((units + features + 1, samples), dtype) for _ in range(2)]
        self._turns = cycle([pair, pair[::-1]])

    def take(self, x: Array, h: Array) -> tuple[Array, Array]:
        """Stack the input (samples, features) and the state (samples, units) of a step.

        Returns:
            The stack, and the place for the new h, (units, samples); its transpose is the h of the next step.
        """
        stack, other = next(self._turns)
        stack[self._units : -1] = x.T
        if h.base is not stack:
            stack[: self._units] = h.T
        return stack, other[: self._units]


def activate(activation: Activation, z: Array, out: Array) -> None:
    """Write an activation of `z` to `out`, which may be `z` itself; σ and tanh without temporary arrays.

    In float64 tanh is 2 / (1 + exp(-2z)) - 1, off by 2e-16 at most: NumPy's own takes almost three times as long where
    the processor has no AVX-512. In float32 NumPy's own is fast, and the other form would be off by 1e-7. Where exp
    overflows, 1 / (1 + exp) is rightly 0.
    """
    if activation == SIGMOID or (activation == TANH and z.dtype.itemsize == 8):
        height = 1 if activation == SIGMOID else 2
        np.multiply(z, -height, out=out)
        with np.errstate(over="ignore"):
            np.exp(out, out=out)
        np.add(out, 1, out=out)
        np.divide(height, out, out=out)
        if activation == TANH:
            np.subtract(out, 1, out=out)
    elif activation == TANH:
        np.tanh(z, out=out)
    else:
        out[...] = activation(z)


def joined(kernels: Sequence[Array], bias: Array | None, dtype: npt.DTypeLike) -> Array:
    """Stack kernels of equal width and the bias, zeros if there is none; columns become rows.

    Returns:
        The matrix that a stack [h; x; 1] is multiplied with from the left, (width, rows of all kernels + 1).
    """
    row = np.zeros((1, kernels[0].shape[1]), dtype) + given(bias, 0)
    return np.ascontiguousarray(np.vstack([*kernels, row]).T, dtype)
