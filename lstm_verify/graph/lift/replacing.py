"""What is put into a graph in the place of something else: layers, their calls, and the order of all calls."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from lstm_verify.layers import Layer
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import LayerCall, Model, Tensor

Values = Mapping[Tensor, Any]
"""Tensors of a run."""


class Place(NamedTuple):
    """A tensor, or a part of it."""

    tensor: Tensor
    axis: int | None = None
    part: int = 0
    """Which part along the axis."""


class Mask(NamedTuple):
    """Which samples a step counts for."""

    condition: Tensor
    """A number for each sample."""
    negated: bool
    """Whether it is true for those that the step does not count for."""


class Making:
    """Layers that are put into a graph, and their calls."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.layers = dict[str, Layer]()
        self.calls = list[LayerCall]()

    def add(self, layer: Layer, inputs: tuple[Tensor, ...]) -> Tensor:
        """Call a layer; its first output."""
        self.layers[layer.name] = layer
        self.calls.append(LayerCall(layer.name, inputs))
        return Tensor(layer.name)

    def taken(self, place: Place, columns: int) -> Tensor:
        """Return what is at a place, as a matrix of so many columns."""
        tensor, shape = place.tensor, self.values[place.tensor].shape
        if place.axis is not None:
            key = (*(slice(None),) * place.axis, place.part)
            name = f"part {place.part} along axis {place.axis} of {_called(tensor)}"
            tensor = self.add(_moving(name, "get_item", key), (tensor,))
            shape = shape[: place.axis] + shape[place.axis + 1 :]
        return tensor if len(shape) == 2 else self._reshaped(tensor, (-1, columns))

    def mask(self, mask: Mask) -> Tensor:
        """Return which samples count, (samples,)."""
        tensor = self._reshaped(mask.condition, (-1,))
        if not mask.negated:
            return tensor
        name = f"not {_called(tensor)}"
        return self.add(
            Operation(name=name, operation="logical_not", arguments=(Slot(0),), compute_dtype=""), (tensor,)
        )

    def shaped(self, tensor: Tensor, like: Tensor) -> Tensor:
        """Return a state of the layer in the shape that it had."""
        shape = self.values[like].shape
        if len(shape) == 2:
            return tensor
        samples = next(axis for axis, length in enumerate(shape) if length != 1)
        return self._reshaped(tensor, tuple(-1 if axis == samples else n for axis, n in enumerate(shape)))

    def _reshaped(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        name = f"{_called(tensor)} as {shape}"
        return self.add(_moving(name, "reshape_to", shape), (tensor,))


def _moving(name: str, operation: str, argument: object) -> Operation:
    return Operation(name=name, operation=operation, arguments=(Slot(0), argument), compute_dtype="")


def _called(tensor: Tensor) -> str:
    return f"{tensor.layer}:{tensor.output}"


def unused(model: Model, name: str) -> str:
    """Return a name that no layer has."""
    found, number = name, 1
    while found in model.layers:
        number += 1
        found = f"{name}_{number}"
    return found


def ordered(calls: list[LayerCall]) -> tuple[LayerCall, ...] | None:
    """Return calls, each after those whose outputs it takes; None if one needs its own."""
    by_name = {(call.layer, call.call): call for call in calls}
    before = {
        name: [(t.layer, t.call) for t in call.inputs if (t.layer, t.call) in by_name] for name, call in by_name.items()
    }
    try:
        return tuple(by_name[name] for name in TopologicalSorter(before).static_order())
    except CycleError:
        return None
