"""Model: a graph of named layers with read-only weights, independent of the file it came from.

A model is a layer like any other, so models nest, and a model inside `TimeDistributed` needs no special case. Layers
are held by name and nodes refer to them, so that a layer used twice is one layer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from lstm_verify.errors import InputError, ModelFileError, UnsupportedError, let_mistakes_through
from lstm_verify.layers.base import PRECISIONS, Array, Layer, Run, Signal, Signals, Weighted
from lstm_verify.layers.constant import State, Update
from lstm_verify.layers.recurrent.scan import Unrolled


class Tensor(NamedTuple):
    """A value in the graph: which output of which call of which layer."""

    layer: str
    call: int = 0
    output: int = 0


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer."""

    layer: str
    inputs: tuple[Tensor, ...]
    call: int = 0
    mask: Tensor | None = None
    """A mask given by hand, which stands in for the one that travels with the first input."""
    mask_goes_on: bool = True
    """Whether that mask goes on with the output. False (Keras 3.0 to 3.10): the one of the input does."""
    unmasked: tuple[int, ...] = ()
    """The places of inputs that come without their mask, which a layer before took away."""


@dataclass(frozen=True)
class Input:
    """An input of a model; its tensor is `Tensor(name)`."""

    name: str
    shape: tuple[int | None, ...] | None
    """The shape of the input with samples first; None where any length will do, or for the whole if unknown."""
    dtype: str
    axis: int | None = 0
    """The axis of the samples in the array that a user and the framework have; None if it has none, such as a setting
    that is the same for all of them. It comes to the model once a sample then, unless it is a lone number."""

    @property
    def own_shape(self) -> tuple[int | None, ...] | None:
        """The shape of the input for a user and for the framework."""
        if not self.shape or self.axis == 0:
            return self.shape
        samples, *rest = self.shape
        if self.axis is not None:
            rest.insert(self.axis, samples)
        return tuple(rest)


@dataclass(frozen=True)
class Output:
    """An output of a model."""

    name: str
    tensor: Tensor
    axis: int | None = 0
    """The axis of the samples in the array that the framework returns; None if it has none, or is one sample."""
    inside: tuple[str, str] | None = None
    """Of a value inside the model the path of its layer and what it is there, such as `i`; empty for its output."""


@dataclass(frozen=True)
class Source:
    """Where a model came from."""

    path: str
    format: str
    """The format in words, such as `Keras HDF5`."""
    writer: str
    """Who wrote the file, such as `Keras 2.4.0`."""
    runtime: str
    """The runtime of the framework that wrote it."""
    suffix: str
    """The file name suffix that the framework expects."""
    call: Mapping[str, Any] = field(default_factory=dict)
    """What the runtime has to know to call the model: names of a signature, of tensors."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Model(Layer):
    """A graph of layers, itself a layer.

    Example:
        >>> import numpy as np
        >>> from lstm_verify.layers import Dense
        >>> dense = Dense(name="dense", kernel=np.array([[2.0]]))
        >>> model = Model(
        ...     name="double",
        ...     layers={"dense": dense},
        ...     nodes=(LayerCall("dense", (Tensor("x"),)),),
        ...     inputs=(Input("x", (None, 1), "float32"),),
        ...     outputs=(Output("dense", Tensor("dense")),),
        ... )
        >>> model.apply((Signal(np.array([[3.0]])),), Run())[0].value
        array([[6.]])
    """

    computes: ClassVar[bool] = False
    is_resumable: ClassVar[bool] = False

    layers: Mapping[str, Layer]
    nodes: tuple[LayerCall, ...]
    """In an order in which every input is computed before it is used."""
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    source: Source | None = None
    unrolled: tuple[Unrolled, ...] = ()
    """Cells found in a graph that has no loop for them; the graph is replayed without them."""
    findings: tuple[str, ...] = ()
    """What a user should know about the file: where it contradicts itself, what it lacks."""
    products: str = "float32"
    """How the framework multiplies matrices in float32: with factors in `float32`, `tf32` or `bfloat16`; the rounding
    budget goes by it, the replay does not."""
    divisible: bool = True
    """Whether inputs and outputs have samples along their first axis, and those are independent of each other."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", MappingProxyType(dict(self.layers)))

    def __repr__(self) -> str:
        ends = ["(" + ", ".join(item.name for item in items) + ")" for items in (self.inputs, self.outputs)]
        origin = f", written by {self.source.writer}" if self.source else ""
        return f"<Model {self.name!r}: {ends[0]} → {ends[1]}, {len(self.layers)} layers{origin}>"

    def apply(self, inputs: Signals, run: Run) -> Signals:
        signals = self._given(inputs)
        for node, expiring in zip(self.nodes, self._last_uses, strict=True):
            signals.update(self._results(node, signals, run))
            for tensor in expiring:
                del signals[tensor]
        return self._outputs(signals)

    def signals(self, inputs: Signals, run: Run) -> dict[Tensor, Signal]:
        """Return every value computed on the way to the outputs, and the outputs themselves."""
        signals = self._given(inputs)
        for node in self.nodes:
            signals.update(self._results(node, signals, run))
        return signals

    def resumed(self, known: Mapping[Tensor, Signal], changed: Collection[str], run: Run) -> Signals:
        """Return the outputs after some layers were replaced, reusing known values from `signals`."""
        signals, stale = dict(known), set[Tensor]()
        for node in self.nodes:
            used = (*node.inputs, *([node.mask] if node.mask else []))
            if node.layer in changed or any(tensor in stale for tensor in used):
                results = self._results(node, signals, run)
                signals |= results
                stale |= set(results)
        return self._outputs(signals)

    def _given(self, inputs: Signals) -> dict[Tensor, Signal]:
        return {Tensor(spec.name): signal for spec, signal in zip(self.inputs, inputs, strict=True)}

    def _results(self, node: LayerCall, signals: Mapping[Tensor, Signal], run: Run) -> dict[Tensor, Signal]:
        given = [_found(signals, tensor) for tensor in node.inputs]
        for place in node.unmasked:
            given[place] = Signal(given[place].value)
        own = given[0].mask if given else None
        if node.mask is not None:
            given[0] = Signal(given[0].value, _given_mask(node.layer, _found(signals, node.mask).value))
        results = self._call(self.layers[node.layer], tuple(given), run.inside(node.layer))
        if node.mask is not None and not node.mask_goes_on:
            results = tuple(Signal(value, None if mask is None else own) for value, mask in results)
        return {Tensor(node.layer, node.call, index): signal for index, signal in enumerate(results)}

    def _outputs(self, signals: Mapping[Tensor, Signal]) -> Signals:
        return tuple(_found(signals, output.tensor) for output in self.outputs)

    def _call(self, layer: Layer, inputs: Signals, run: Run) -> Signals:
        if run.arithmetic:
            inputs = run.arithmetic.enter(layer, inputs)
        try:
            results = layer.apply(inputs, run)
        except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
            let_mistakes_through(error)
            shapes = ", ".join(str(np.shape(signal.value)) for signal in inputs)
            raise ModelFileError(
                f"layer '{run.path}': its config and weights do not fit an input of shape {shapes} "
                f"({type(error).__name__}). Was the model saved completely?"
            ) from error
        if run.arithmetic:
            results = run.arithmetic.leave(layer, results)
        for index, signal in enumerate(results):
            if hasattr(signal.value, "__array_ufunc__"):  # an array of any kind, and no list of tensors
                run.record(f":{index}" if index else "", signal.value)
        return results

    @cached_property
    def _last_uses(self) -> list[list[Tensor]]:
        """For each node, the tensors that nobody needs after it."""
        kept = {output.tensor for output in self.outputs}
        last: dict[Tensor, int] = {}
        for position, node in enumerate(self.nodes):
            for tensor in (*node.inputs, *([node.mask] if node.mask else [])):
                last[tensor] = position
        expiring: list[list[Tensor]] = [[] for _ in self.nodes]
        for tensor, position in last.items():
            if tensor not in kept:
                expiring[position].append(tensor)
        return expiring

    def pruned(self) -> Model:
        """Return the model without layers that neither its outputs nor its assignments need."""
        needed = {output.tensor.layer for output in self.outputs}
        needed |= {name for name, layer in self.layers.items() if isinstance(layer, Update)}
        nodes: list[LayerCall] = []
        for node in reversed(self.nodes):
            if node.layer in needed:
                nodes.append(node)
                needed |= {tensor.layer for tensor in (*node.inputs, *([node.mask] if node.mask else []))}
        layers = {name: layer for name, layer in self.layers.items() if name in needed}
        return replace(self, layers=layers, nodes=tuple(reversed(nodes)))

    def children(self) -> dict[str, Weighted]:
        return dict(self.layers)

    def with_child(self, path: str, child: Any) -> Self:
        return replace(self, layers={**self.layers, path: child})

    def weights(self) -> Iterator[tuple[str, Array]]:
        for name, layer in self.layers.items():
            for path, array in layer.weights():
                yield f"{name}/{path}", array

    @property
    def runtime(self) -> str:
        """The runtime of the framework that wrote the file."""
        return self.source.runtime if self.source else ""

    @property
    def suffix(self) -> str:
        """The file name suffix that the framework expects."""
        return self.source.suffix if self.source else ""

    @property
    def precision(self) -> str:
        """The coarsest dtype that the framework computes a layer in: `bfloat16`, `float16`, `float32` or `float64`."""
        return min((layer.precision for layer in self.layers.values()), key=PRECISIONS.index, default="float32")

    @property
    def is_whole(self) -> bool:
        """Whether all that is fed is one sample, and so is what comes of it."""
        return bool(self.inputs) and all(spec.axis is None for spec in self.inputs)

    @property
    def batch_size(self) -> int | None:
        """The batch size that the model requires, if it does."""
        sizes: set[int | None] = {spec.shape[0] for spec in self.inputs if spec.shape and spec.axis is not None}
        if len(sizes) > 1 and all(output.axis is None for output in self.outputs):  # it is not known where samples are
            sizes = set()
        states = (layer for layer in self.layers.values() if isinstance(layer, State))
        sizes |= {len(state.initial) for state in states if state.is_of_samples}
        sizes -= {None}
        if len(sizes) > 1 and self.divisible:
            raise InputError(f"model '{self.name}': its inputs ask for different batch sizes, {sizes}")
        return sizes.pop() if len(sizes) == 1 else None


def _found(signals: Mapping[Tensor, Signal], tensor: Tensor) -> Signal:
    if tensor not in signals:
        raise ModelFileError(
            f"layer '{tensor.layer}': nothing computes output {tensor.output} of its call {tensor.call}"
        )
    return signals[tensor]


def _given_mask(layer: str, value: Array) -> Array:
    """The mask that a tensor given by hand is.

    Raises:
        UnsupportedError: it holds numbers other than 0 and 1, with which layers compute in different ways.
    """
    mask: Array = value.astype(bool)
    if np.any(value != mask):
        raise UnsupportedError(f"layer '{layer}': its mask holds numbers other than 0 and 1, which is not supported")
    return mask
