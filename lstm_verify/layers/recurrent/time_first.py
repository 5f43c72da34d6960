"""Time-major recurrent layers with an axis for their directions, as in ONNX.

    X (timesteps, samples, features) ─► Y (timesteps, directions, samples, units), Y_h, Y_c (directions, samples, units)

    samples_first:      X (samples, timesteps, features) ─► Y (samples, timesteps, directions, units), Y_h, Y_c
                                                             (samples, directions, units)

A sample ends after as many steps as `sequence_lens` says: the outputs behind that are 0, the final states are those of
its last step, and a backward direction begins there. Outputs are in the order of time in both directions.

Source: the operators' text, onnx.ai/onnx/operators/onnx__LSTM.html.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from lstm_verify.errors import InputError, ModelFileError, UnsupportedError
from lstm_verify.layers.base import Array, Layer, Mask, Run, Signal, Signals, Weighted
from lstm_verify.layers.recurrent.bidirectional import Bidirectional
from lstm_verify.layers.recurrent.rnn import RNN

STATES = ("initial_h", "initial_c")
GIVEN = ("sequence_lens", *STATES)
"""What such a layer may be given besides its input, in this order."""
Halves = tuple[Array, Array]


@dataclass(frozen=True, eq=False, kw_only=True)
class AnyTimeFirst(Layer, ABC):
    """What does not depend on where the weights come from."""

    state_sizes: tuple[int, ...]
    """The number of units in each state of a direction: of h, and of c if there is one."""
    samples_first: bool = False
    given: tuple[str, ...] = ()
    """What its inputs are, from the second on: some of `GIVEN`, in that order."""
    empties_keep_states: bool = True
    """Whether the final states of a sample without steps are the initial ones, and not zeros."""

    is_resumable: ClassVar[bool] = False
    computed_with: ClassVar[str] = "f"  # lengths stay what they are

    @abstractmethod
    def recurrent(self, inputs: Signals) -> Layer:
        """The layer that is run, which returns sequences and states; without merging those of two directions."""

    def state_places(self) -> dict[int, str]:
        return {place: name for place, name in enumerate(self.given, 1) if name in STATES}

    def state_input(self, output: int) -> int | None:
        name = STATES[output - 1]
        return self.given.index(name) + 1 if name in self.given else None

    def has_time(self, output: int) -> bool:
        return False  # not where others have it

    def apply(self, inputs: Signals, run: Run) -> Signals:
        layer = self.recurrent(inputs)
        rnn = inside(layer)
        named = {name: signal.value for name, signal in zip(self.given, inputs[1:], strict=False)}
        x = inputs[0].value if self.samples_first else np.moveaxis(inputs[0].value, 0, 1)
        mask = self._mask(named.get("sequence_lens"), x)
        states = self._states(rnn, named, x)
        results = [signal.value for signal in layer.apply((Signal(x, mask), *map(Signal, states)), run)]
        count, kinds = len(_directions(rnn)), len(self.state_sizes)
        # one that returns its last output alone has a sequence of one step
        sequences, final = [y if y.ndim > 2 else y[:, None] for y in results[:count]], results[count:]
        if isinstance(rnn, RNN) and rnn.go_backwards:
            sequences = [np.flip(y, axis=1) for y in sequences]
        y = _side_by_side(sequences, 2)  # (samples, timesteps, directions, units)
        if mask is not None and not self.empties_keep_states:
            final = [np.where(np.any(mask, axis=1, keepdims=True), state, 0) for state in final]
        axis = 1 if self.samples_first else 0
        return (
            Signal(y if self.samples_first else np.moveaxis(y, 0, 2)),
            *(Signal(_side_by_side(final[number::kinds], axis)) for number in range(kinds)),
        )

    def _mask(self, lengths: Array | None, x: Array) -> Mask:
        """Which steps count, (samples, timesteps).

        Raises:
            InputError: a length is negative, or longer than the input.
        """
        if lengths is None:
            return None
        samples, timesteps = x.shape[:2]
        if lengths.shape != (samples,) or np.any((lengths < 0) | (lengths > timesteps)):
            raise InputError(
                f"layer '{self.name}': sequence_lens is {lengths.tolist()}, "
                f"expected {samples} numbers from 0 to {timesteps}"
            )
        mask: Array = np.arange(timesteps) < lengths[:, None]
        return mask

    def _states(self, rnn: RNN | Bidirectional, named: dict[str, Array], x: Array) -> list[Array]:
        """The states of each direction; zeros for one that is not given, where the other is.

        Raises:
            ModelFileError: they have not the shape that they should have.
        """
        if not any(name in named for name in STATES):
            return []
        directions, whole = len(_directions(rnn)), []
        for name, size in zip(STATES, self.state_sizes, strict=False):
            shape = (len(x), directions, size) if self.samples_first else (directions, len(x), size)
            state = named.get(name, np.zeros(shape, x.dtype))
            if state.shape != shape:
                raise ModelFileError(
                    f"layer '{self.name}': {name} has shape {state.shape}, expected {shape}. "
                    "Was it exported from a layer with a projection, which ONNX has not?"
                )
            whole.append(state)
        axis = 1 if self.samples_first else 0
        return [np.take(state, number, axis) for number in range(directions) for state in whole]


def inside(layer: Weighted) -> RNN | Bidirectional:
    """Return the recurrent layer that one is, or is put around."""
    while not isinstance(layer, RNN | Bidirectional):
        (layer,) = layer.children().values()
    return layer


def _side_by_side(arrays: list[Array], axis: int) -> Array:
    """Arrays along a new axis; a lone one is not copied."""
    return np.expand_dims(arrays[0], axis) if len(arrays) == 1 else np.stack(arrays, axis=axis)


def _directions(rnn: RNN | Bidirectional) -> tuple[RNN, ...]:
    return (rnn.forward_layer, rnn.backward_layer) if isinstance(rnn, Bidirectional) else (rnn,)


@dataclass(frozen=True, eq=False, kw_only=True)
class TimeFirst(AnyTimeFirst):
    """A recurrent layer with its weights.

    Example:
        >>> from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
        >>> cell = SimpleRNNCell(name="cell", kernel=np.ones((1, 1)), recurrent_kernel=np.ones((1, 1)))
        >>> rnn = RNN(name="rnn", cell=cell, return_sequences=True, return_state=True)
        >>> layer = TimeFirst(name="rnn", rnn=rnn, state_sizes=(1,))
        >>> y, y_h = layer.apply((Signal(np.array([[[0.0]], [[0.5]]])),), Run())
        >>> y.value.shape, y_h.value.round(4)
        ((2, 1, 1, 1), array([[[0.4621]]]))
    """

    rnn: Layer
    """A `RNN` or a `Bidirectional`, or one with something put around it."""
    halves: tuple[Halves, ...] = ()
    """Of each direction, the biases of the input and of the recurrent product, whose sum its cell has as one; none
    where the cell has both, or neither is there."""

    @property
    def kind(self) -> str:
        return self.rnn.kind

    def children(self) -> dict[str, Weighted]:
        return {"": self.rnn}

    def with_child(self, path: str, child: Any) -> Self:
        return super().with_child("rnn", child)

    def settings(self) -> dict[str, Any]:
        return self.rnn.settings() | ({"samples_first": True} if self.samples_first else {})

    def weights(self) -> Iterator[tuple[str, Array]]:
        return self.rnn.weights()

    def with_biases(self, half: int) -> Self:
        """The same with one half of the biases alone: 0 is that of the input, 1 that of the recurrent product.

        Raises:
            UnsupportedError: something is put around its layers.
        """
        rnns = []
        whole = inside(self.rnn)
        if whole is not self.rnn or not all(isinstance(rnn, RNN) for rnn in _directions(whole)):
            raise UnsupportedError(f"layer '{self.name}': it has been changed before, and its biases are not at hand")
        for rnn, pair in zip(_directions(whole), self.halves, strict=True):
            cell: Any = rnn.cell
            rnns.append(replace(rnn, cell=replace(cell, bias=pair[half])))
        if isinstance(whole, Bidirectional):
            both = replace(whole, forward_layer=rnns[0], backward_layer=rnns[1])
            return replace(self, rnn=both, halves=())
        return replace(self, rnn=rnns[0], halves=())

    def recurrent(self, inputs: Signals) -> Layer:
        return self.rnn


@dataclass(frozen=True, eq=False, kw_only=True)
class FedTimeFirst(AnyTimeFirst):
    """A recurrent layer whose weights are computed or fed in every run; they are its last inputs.

    Example:
        >>> from lstm_verify.layers.recurrent.simple_rnn import SimpleRNNCell
        >>> def make(weights: tuple[Array, ...]) -> RNN:
        ...     cell = SimpleRNNCell(name="cell", kernel=weights[0].T, recurrent_kernel=weights[1].T)
        ...     return RNN(name="rnn", cell=cell, return_sequences=True, return_state=True)
        >>> x, one = np.full((2, 1, 1), 0.5), np.ones((1, 1))
        >>> layer = FedTimeFirst(name="rnn", make=make, state_sizes=(1,))
        >>> layer.apply((Signal(x), Signal(one), Signal(one)), Run())[1].value.round(4)
        array([[[0.7452]]])
    """

    make: Callable[[tuple[Array, ...]], RNN | Bidirectional]
    """From the weights to the layer."""

    def children(self) -> dict[str, Weighted]:
        return {}

    def recurrent(self, inputs: Signals) -> Layer:
        return self.make(tuple(signal.value for signal in inputs[1 + len(self.given) :]))
