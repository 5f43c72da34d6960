"""Values stored in the file: constants of a graph, and variables, which may keep values between runs.

Source: `tf.raw_ops.Const`, `tf.raw_ops.VariableV2` and `tf.raw_ops.Assign`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from lstm_verify.layers.base import Array, Layer, Run, Signal, Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class Constant(Layer):
    """A constant of a graph; a weight if it is an array of floats.

    Example:
        >>> Constant(name="axis", value=np.array(1)).apply((), Run())[0].value
        array(1)
    """

    is_operation: ClassVar[bool] = True
    is_stored: ClassVar[bool] = True
    computed_with: ClassVar[str] = ""

    value: Array

    def settings(self) -> dict[str, Any]:
        return {}

    def with_weights(self, change: Callable[[Array], Array]) -> Self:
        return self  # it may be what something is compared with

    def apply(self, inputs: Signals, run: Run) -> Signals:
        return (Signal(self.value),)

    def weights(self) -> Iterator[tuple[str, Array]]:
        if self.value.ndim and np.issubdtype(self.value.dtype, np.floating):
            yield "value", self.value


@dataclass(frozen=True, eq=False, kw_only=True)
class Spare(Constant):
    """A constant of a loop that only runs where the recurrent layer that replaces it does not apply.

    That layer has the same numbers as its weights; they are reported once, and changed there.

    Example:
        >>> list(Spare(name="kernel", value=np.ones((2, 3))).weights())
        []
    """

    cancels: ClassVar = ("value",)

    def weights(self) -> Iterator[tuple[str, Array]]:
        return iter(())


@dataclass(frozen=True, eq=False, kw_only=True)
class State(Layer):
    """A variable that the model assigns: its value from the previous run, and at first that of the file.

    Example:
        >>> run = Run()
        >>> state, update = State(name="h", initial=np.zeros(2)), Update(name="h+", state="h")
        >>> _ = update.apply((Signal(np.ones(2)),), run)
        >>> state.apply((), run)[0].value
        array([1., 1.])
    """

    is_stored: ClassVar[bool] = True

    initial: Array

    @property
    def stateful(self) -> bool:
        return True

    @property
    def is_of_samples(self) -> bool:
        """Whether it is a recurrent state, (samples, units) or of images, and so fixes the number of samples."""
        return self.initial.ndim >= 2 and np.issubdtype(self.initial.dtype, np.floating)

    @property
    def cancels(self) -> tuple[str, ...]:
        """The names of initial values that are all zeros, and so are not weights."""
        return () if self.initial.any() else ("initial",)

    def apply(self, inputs: Signals, run: Run) -> Signals:
        return (Signal(run.states.get(self.name, (self.initial,))[0]),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Update(Layer):
    """An assignment to a `State` of the same model, which takes effect in the next run.

    Example:
        >>> run = Run()
        >>> _ = Update(name="assign", state="h").apply((Signal(np.array([1.0, 2.0])),), run)
        >>> run.states["h"]
        (array([1., 2.]),)
    """

    state: str
    """The name of the state."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        run.states[self.state] = (inputs[0].value.copy(),)
        return inputs
