"""The base of all layers: frozen dataclasses that map signals to signals.

A *signal* is a value together with the mask that travels with it, as in Keras. A layer that has one tensor in and
one out only writes `forward`; the mask passes through it when `supports_masking` says so, and ends there otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from lstm_verify.errors import ModelFileError
from lstm_verify.operations.activations import ActivationFunction

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_] | None
PRECISIONS = ("bfloat16", "float16", "float32", "float64")
"""The dtypes that a layer may be computed in, the coarsest first."""


class Signal(NamedTuple):
    """A value of shape (samples, ...) and its boolean mask of shape (samples, timesteps), or None."""

    value: Array
    mask: Mask = None


Signals = tuple[Signal, ...]


class Arithmetic(Protocol):
    """The arithmetic of a run, which may compute with another type of array than NumPy's."""

    def enter(self, layer: Layer, inputs: Signals) -> Signals:
        """Convert the inputs of a layer."""

    def leave(self, layer: Layer, outputs: Signals) -> Signals:
        """Convert the outputs of a layer."""


@dataclass
class Run:
    """The context of one pass through a model, besides the signals."""

    states: dict[str, tuple[Array, ...]] = field(default_factory=dict)
    """The states of `stateful` layers, by layer path; they outlive a batch."""
    trace: dict[str, Array] | None = None
    """Where to keep every layer's output and every gate, by path; None keeps nothing."""
    arithmetic: Arithmetic | None = None
    """None computes with plain arrays."""
    over_time: Callable[[Any, Array, Mask, tuple[Array, ...], Run], tuple[Array, tuple[Array, ...]]] | None = None
    """What runs a recurrent layer over time in place of `RNN.scan`: given the layer, what `scan` takes, and this
    run. See `lstm_verify.checkpoints`."""
    path: str = ""
    """The path of the layer being run, such as `encoder/lstm`."""

    def inside(self, name: str) -> Run:
        """Return the same run, one level further down."""
        return replace(self, path=f"{self.path}/{name}" if self.path else name)

    def record(self, name: str, value: Array) -> None:
        """Keep `value` as `path`, `path/name` or, for a further output, `path:1`; another call adds `@1`."""
        if self.trace is None:
            return
        path = self.path + (name if name.startswith(":") else f"/{name}" if name else "")
        again = sum(key == path or key.startswith(f"{path}@") for key in self.trace)
        # a value with rounding errors stays one
        self.trace[f"{path}@{again}" if again else path] = value if hasattr(value, "shape") else np.asarray(value)


@dataclass(frozen=True, eq=False, kw_only=True)
class Weighted:
    """Something with a name and weights; its arrays are read-only."""

    name: str

    def __post_init__(self) -> None:
        for value in vars(self).values():
            for item in value.values() if isinstance(value, Mapping) else (value,):
                if isinstance(item, np.ndarray):
                    item.flags.writeable = False

    @property
    def kind(self) -> str:
        """The name of the kind of layer in reports, as in Keras."""
        return type(self).__name__

    def children(self) -> dict[str, Weighted]:
        """Return the layers and cells inside by path, such as `forward_layer` or `cells/0`.

        The path of one that is known by the path of the layer itself, such as the cell of a recurrent layer, is empty.
        """
        return {path: part for entry in fields(self) for path, part in _parts(entry.name, getattr(self, entry.name))}

    def with_child(self, path: str, child: Weighted) -> Self:
        """Return the layer with another child at one of the paths of `children`."""
        name, _, place = path.partition("/")
        changed: dict[str, Any] = {name: _put(getattr(self, name), int(place), child) if place else child}
        return replace(self, **changed)

    def settings(self) -> dict[str, Any]:
        """Return every number, flag and activation that is not a weight, by name."""
        return {entry.name: value for entry in fields(self) if (value := self._setting(entry.name)) is not None}

    def _setting(self, name: str) -> Any:
        value = getattr(self, name)
        if isinstance(value, ActivationFunction):
            return str(value)
        if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
            return list(value)
        return value if name != "name" and isinstance(value, bool | int | float | str | np.generic) else None

    def weights(self) -> Iterator[tuple[str, Array]]:
        """Yield every weight of the layer with its path inside the layer, such as `cell/kernel`."""
        for entry in fields(self):
            yield from _weights(entry.name, getattr(self, entry.name))

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Return the layer with every floating-point weight cast to `dtype`."""
        return replace(
            self,
            **{f.name: _cast(getattr(self, f.name), np.dtype(dtype)) for f in fields(self)},
        )

    def with_weights(self, change: Callable[[Array], Array]) -> Self:
        """Return the layer with a function applied to every floating-point weight."""
        return replace(self, **{f.name: _changed(getattr(self, f.name), change) for f in fields(self)})

    def with_parts(self, change: Callable[[Weighted], Weighted]) -> Self:
        """Return the layer with a function applied to every layer or cell inside."""
        return replace(
            self, **{f.name: _mapped(getattr(self, f.name), lambda array: array, change) for f in fields(self)}
        )

    def expect(self, what: str, array: Array | None, shape: tuple[int, ...], meaning: str) -> None:
        """Check a weight's shape; None, for a weight that the layer does not have, is accepted.

        Raises:
            ModelFileError: the shape is another one.
        """
        if array is not None and array.shape != shape:
            raise ModelFileError(
                f"layer '{self.name}': {what} has shape {array.shape}, expected {shape} = {meaning}. "
                "Do the weights belong to this config?"
            )


def given(weight: Array | None, default: float) -> Array | float:
    """Return a weight, or the number that stands for one that the layer does not have."""
    return default if weight is None else weight


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer(Weighted, ABC):
    """A layer: signals in, signals out."""

    compute_dtype: str = "float32"
    """The dtype that the framework computes this layer in, by its dtype policy; empty if it only moves numbers. The
    rounding budget goes by it, the replay does not."""

    is_operation: ClassVar[bool] = False
    """Whether it is a part of a graph, and no layer of a framework."""
    is_stored: ClassVar[bool] = False
    """Whether its output is what the file holds."""
    computes: ClassVar[bool] = True
    """False of one that only runs the layers inside, which the arithmetic of a run is asked about one by one."""
    casts_inputs: ClassVar[bool] = True
    """Whether its inputs are rounded to the dtype that it computes in."""
    rounds_outputs: ClassVar[bool] = False
    """Whether numbers of the file that it gives out are rounded to the dtype that it computes in."""
    computed_with: ClassVar[str] = "fiub"
    """The kinds of NumPy's dtypes that it makes floats of, so that errors are followed from there on."""
    is_resumable: ClassVar[bool] = True
    """Whether it may begin with what one like it reached; not if it holds recurrent layers that checkpoints are not
    told apart of."""

    @abstractmethod
    def apply(self, inputs: Signals, run: Run) -> Signals:
        """Return the outputs of the layer for its inputs."""

    @property
    def precision(self) -> str:
        """The coarsest dtype that the framework computes the layer in, one of `PRECISIONS`."""
        return self.compute_dtype if self.compute_dtype in PRECISIONS else PRECISIONS[-1]

    @property
    def stateful(self) -> bool:
        """Whether it, or a layer inside, carries its states from one batch to the next."""
        return any(isinstance(child, Layer) and child.stateful for child in self.children().values())

    def unwrapped(self) -> tuple[str, Layer]:
        """Return the layer that a wrapper runs at each time step, with its path; any other layer is its own."""
        return "", self

    def state_places(self) -> dict[int, str]:
        """Return the names of the states among the layer's inputs and outputs, by position."""
        return {}

    def state_input(self, output: int) -> int | None:
        """The place of the input that begins as the state which an output is; None if there is none."""
        return output

    def recurrences(self) -> list[tuple[Weighted | None, dict[str, Any]]]:
        """Return the cells recognised in a graph's loop, None for an unknown cell, with what the graph says of them."""
        return []

    def named_inputs(self, count: int) -> list[int]:
        """Return the positions of the inputs that a report names, among a number of inputs."""
        return list(range(count))

    def has_time(self, output: int) -> bool | None:
        """Return whether an output has a time axis; None if it has one whenever the input does."""
        return None

    def begins_like(self, other: Layer) -> bool:
        """Whether the states that this layer reached are such as the other could have reached."""
        return self.is_resumable and type(other) is type(self)

    def flags(self) -> dict[str, bool | str | None]:
        """The settings that select how the layer computes."""
        return {name: value for name, value in vars(self).items() if isinstance(value, bool | str | None)}


def _put(parts: tuple[Weighted, ...], place: int, child: Weighted) -> tuple[Weighted, ...]:
    return (*parts[:place], child, *parts[place + 1 :])


def _parts(path: str, value: object) -> Iterator[tuple[str, Weighted]]:
    if isinstance(value, Weighted):
        yield path, value
    elif isinstance(value, tuple):
        yield from ((f"{path}/{number}", item) for number, item in enumerate(value) if isinstance(item, Weighted))


def _weights(path: str, value: object) -> Iterator[tuple[str, Array]]:
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, Weighted):
        for inner, array in value.weights():
            yield f"{path}/{inner}", array
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _weights(f"{path}/{index}", item)


def _cast(value: Any, dtype: np.dtype[Any]) -> Any:
    return _mapped(value, lambda array: array.astype(dtype), lambda layer: layer.astype(dtype))


def _changed(value: Any, change: Callable[[Array], Array]) -> Any:
    return _mapped(value, change, lambda layer: layer.with_weights(change))


def _mapped(value: Any, of_weight: Callable[[Array], Array], of_layer: Callable[[Weighted], Weighted]) -> Any:
    """A field of a layer with every array of floats in it, bfloat16 among them, and every layer replaced."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fV":
        return of_weight(value)
    if isinstance(value, Weighted):
        return of_layer(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, of_weight, of_layer) for key, item in value.items()}
    if type(value) is tuple:
        return tuple(_mapped(item, of_weight, of_layer) for item in value)
    return value


@dataclass(frozen=True, eq=False, kw_only=True)
class Unary(Layer):
    """A layer with one tensor in and one out."""

    supports_masking: bool = False
    """Whether the mask of the input goes on with the output."""

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """Return the layer's output for `x`."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        ((x, mask),) = inputs
        return (Signal(self.forward(x), mask if self.supports_masking else None),)
