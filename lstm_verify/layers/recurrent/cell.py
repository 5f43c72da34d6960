"""Cells: one time step of a recurrent layer.

Every cell has its equations once, as `gates` and `step`. `fast` returns the same step for large batches of plain
arrays, with its buffers and its weights laid out for one matrix product a step, samples last; a test holds the two
equal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, ClassVar, get_type_hints

import numpy as np
import numpy.typing as npt

from lstm_verify.layers.base import Array, Weighted, given
from lstm_verify.operations.activations import TANH, ActivationFunction

States = tuple[Array, ...]
Step = Callable[[Array, States], States]


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell(Weighted, ABC):
    """One time step of a recurrent layer."""

    gate_order: ClassVar[tuple[str, ...]] = ()
    """The gates in the order of their blocks in the kernels."""
    input_axes: ClassVar[tuple[str, ...]] = ("features",)
    """What the axes of the input of one time step are, besides that of the samples."""

    @property
    def blocks(self) -> tuple[str, ...]:
        """The gates that this very cell has in its kernels: all of `gate_order`, but for a variant that lacks one."""
        return self.gate_order

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that the cell computes in: that of its weights; float64 of one whose weights carry their errors."""
        return next((array.dtype for _, array in self.weights()), np.dtype(np.float64))

    @property
    @abstractmethod
    def state_sizes(self) -> tuple[int, ...]:
        """The number of units in each state."""

    @property
    def state_names(self) -> list[str]:
        """The states in their order, as the equations call them."""
        return ["h", "c"][: len(self.state_sizes)]

    def state_shapes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """The shape of each state of one sample, for inputs of that shape at every time step."""
        return tuple((size,) for size in self.state_sizes)

    @property
    def output_size(self) -> int:
        """The number of units in the output of a step."""
        return self.state_sizes[0]

    def output(self, states: States) -> Array:
        """The output of a step, among its new states: the first."""
        return states[0]

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names of what a step computes, as `recorded` has them; a cell may be without some."""
        names: tuple[str, ...] = get_type_hints(type(self).gates)["return"]._fields
        return names

    def recorded(self, gates: Any) -> dict[str, Array]:
        """Return what `gates` returned by name, but for what this cell has not."""
        return {name: value for name, value in gates._asdict().items() if value is not None}

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

    @abstractmethod
    def expect_features(self, features: int) -> None:
        """Check that the cell takes inputs of that many features.

        Raises:
            ModelFileError: it takes more or fewer.
        """

    def step(self, x: Array, state: States) -> States:
        """Return the states after one time step, by the textbook equations."""
        return self.new_state(self.gates(x, state))

    def fast(self, samples: int, dtype: npt.DTypeLike) -> Step:
        """Return a function that does what `step` does, for batches of `samples` in `dtype`.

        The arrays it returns are its own buffers, overwritten by its next call but one.
        """
        return self.step


@dataclass(frozen=True, eq=False, kw_only=True)
class KernelCell(Cell):
    """A cell with a kernel for the input and one for the state, each with a block of columns for every gate.

    The kernels of a convolution have the axes of its window before these.
    """

    kernel: Array
    """(features, gates*units)"""
    recurrent_kernel: Array
    """(units, gates*units); its rows are the outputs, of which there are fewer than units after a projection"""
    bias: Array | None = None
    """(gates*units,)"""
    activation: ActivationFunction = TANH

    def __post_init__(self) -> None:
        super().__post_init__()
        units, gates, outputs = self.units, len(self.blocks), self.state_sizes[0]
        width = f"{gates}*units" if gates > 1 else "units"
        rows = "units" if outputs == units else "outputs of the projection"
        window, size = self.window, "kernel_size, " if self.window else ""
        features = self.kernel.shape[len(window) :][:1]
        recurrent = (*window, outputs, gates * units)
        self.expect("recurrent_kernel", self.recurrent_kernel, recurrent, f"({size}{rows}, {width})")
        self.expect("kernel", self.kernel, (*window, *features, gates * units), f"({size}features, {width})")
        self.expect("bias", self.bias, *self.bias_shape(gates * units, width))

    def bias_shape(self, width: int, meaning: str) -> tuple[tuple[int, ...], str]:
        """The shape of the bias for kernels of that width, and what it means."""
        return (width,), f"({meaning},)"

    @property
    def units(self) -> int:
        """The number of units."""
        return int(self.recurrent_kernel.shape[len(self.window)])

    def settings(self) -> dict[str, Any]:
        size = {"filters": self.units, "kernel_size": list(self.window)} if self.window else {"units": self.units}
        return size | {"gates": ", ".join(self.blocks)} | super().settings()

    @property
    def window(self) -> tuple[int, ...]:
        """The first axes of the kernels, if they are those of convolutions: the size of the window."""
        return self.kernel.shape[: len(self.input_axes) - 1]

    @property
    def state_sizes(self) -> tuple[int, ...]:
        return (self.units,)

    def expect_features(self, features: int) -> None:
        wanted = (*self.window, features, self.kernel.shape[-1])
        self.expect("kernel", self.kernel, wanted, f"({'…, ' * bool(self.window)}features, …) for its input")


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


def joined(kernels: Sequence[Array], bias: Array | None, dtype: npt.DTypeLike) -> Array:
    """Stack kernels of equal width and the bias, zeros if there is none; columns become rows.

    Returns:
        The matrix that a stack [h; x; 1] is multiplied with from the left, (width, rows of all kernels + 1).
    """
    row = np.zeros((1, kernels[0].shape[1]), dtype) + given(bias, 0)
    return np.ascontiguousarray(np.vstack([*kernels, row]).T, dtype)
