"""Models as data: a plan lists the inputs and the layers of a model, so that a faulty twin is a plan with an edit.

A layer is addressed by its path: its name, then `/forward_layer`, `/backward_layer` (of a Bidirectional) or `/layer`
(of another wrapper).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SIDES = ("forward_layer", "backward_layer")
"""The two inner layers of a Bidirectional."""


@dataclass(frozen=True)
class Source:
    """One input of a model and the array that feeds it."""

    array: Array
    """(samples, …), any dtype."""
    name: str = "input"
    batch_size: int | None = None
    """The declared batch size, which a stateful model needs."""


@dataclass(frozen=True)
class Layer:
    """One layer of a plan."""

    kind: str
    """A class of ``keras.layers``, or one of ``odd.LAYERS``."""
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inner: Mapping[str, Layer] = field(default_factory=dict)
    """Of a wrapper: ``layer``; of a Bidirectional also a layer for one side alone; of an RNN: ``cell``."""
    of: tuple[str, ...] = ()
    """The tensors it is called with, ``name`` or ``name:1`` of several outputs; empty for the previous layer's."""
    states: tuple[str, ...] = ()
    """The tensors that are its initial state."""
    weights_of: str = ""
    """The path of the honest layer that has its weights; empty for its own path."""


@dataclass(frozen=True)
class Plan:
    """A model."""

    inputs: tuple[Source, ...]
    layers: tuple[Layer, ...]
    target: str = ""
    """The path of the layer that the model was made for, where a fault is unless it says otherwise."""
    outputs: tuple[str, ...] = ()
    """The tensors it returns; empty for the last layer's."""
    functional: bool = False
    """Whether it is no Sequential model, though a chain of layers."""

    @property
    def sequential(self) -> bool:
        """Whether it can be written as a Sequential model."""
        plain = all(not layer.of and not layer.states for layer in self.layers)
        return plain and not self.functional and not self.outputs and len(self.inputs) == 1

    def fed(self, *arrays: Array) -> Plan:
        """Return the plan with other arrays as inputs."""
        pairs = zip(self.inputs, arrays, strict=True)
        return replace(self, inputs=tuple(replace(source, array=array) for source, array in pairs))


Edit = Callable[[Layer], Layer]


def edited(plan: Plan, path: str, edit: Edit) -> Plan:
    """Return the plan with one layer changed, whatever its depth.

    Raises:
        KeyError: there is no such layer.
    """
    name, _, rest = path.partition("/")
    if name not in [layer.name for layer in plan.layers]:
        raise KeyError(path)
    changed = [(edited_inside(layer, rest, edit) if layer.name == name else layer) for layer in plan.layers]
    return replace(plan, layers=tuple(changed))


def edited_inside(layer: Layer, rest: str, edit: Edit) -> Layer:
    """Return a layer with the layer changed that ``rest`` of the path says, or with a change to itself."""
    if not rest:
        return edit(layer)
    found = layer.inner.get(rest) or side_of(layer, rest)
    return replace(layer, inner={**layer.inner, rest: edit(found)})


def side_of(bidirectional: Layer, side: str) -> Layer:
    """Return one side of a Bidirectional as a layer of its own, as Keras would have made it."""
    if side not in SIDES:
        raise KeyError(side)
    common = bidirectional.inner["layer"]
    arguments = dict(common.arguments)
    arguments["zero_output_for_mask"] = arguments.get("return_sequences", False)
    if side == "backward_layer":
        arguments["go_backwards"] = not arguments.get("go_backwards", False)
    return replace(common, name=f"{side.split('_')[0]}_{common.name}", arguments=arguments)


def with_arguments(**arguments: Any) -> Edit:
    """Return the edit that gives a layer other arguments."""
    return lambda layer: replace(layer, arguments={**layer.arguments, **arguments})


def as_kind(kind: str, **arguments: Any) -> Edit:
    """Return the edit that makes a layer one of another class, with further arguments."""
    return lambda layer: replace(layer, kind=kind, arguments={**layer.arguments, **arguments})


def inserted(plan: Plan, after: str, layer: Layer) -> Plan:
    """Return the plan with a layer more, after one of a chain of layers."""
    place = [each.name for each in plan.layers].index(after) + 1
    return replace(plan, layers=(*plan.layers[:place], layer, *plan.layers[place:]))


def replaced(plan: Plan, name: str, *layers: Layer) -> Plan:
    """Return the plan with several layers instead of one, of which the last has its name, where others refer to it."""
    place = [each.name for each in plan.layers].index(name)
    return replace(plan, layers=(*plan.layers[:place], *layers, *plan.layers[place + 1 :]))


# --- the sizes of a model ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sizes:
    """How large a model and its input are; no two sizes of one model are equal, unless a fault needs it."""

    samples: int
    steps: int
    features: int
    units: int
    seed: int

    @classmethod
    def drawn(cls, seed: int) -> Sizes:
        """Draw sizes: 16…32 samples, 5…11 steps, 2…5 features, 6…14 units."""
        rng = np.random.default_rng(seed)
        samples, steps, features, units = (
            int(rng.integers(*limits)) for limits in ((16, 33), (5, 12), (2, 6), (6, 15))
        )
        return cls(samples, steps, features, units + (units == steps), seed)

    def rng(self, number: int) -> np.random.Generator:
        """Return the random numbers of one array."""
        return np.random.default_rng([self.seed, number])

    def normal(self, *shape: int, number: int = 1) -> Array:
        """Return standard normal float32 values."""
        return self.rng(number).standard_normal(shape, np.float32)

    def signal(self) -> Array:
        """Return a float32 input (samples, steps, features)."""
        return self.normal(self.samples, self.steps, self.features)

    def words(self, vocabulary: int) -> Array:
        """Return word numbers from 1 (samples, steps), int32."""
        return self.rng(2).integers(1, vocabulary, (self.samples, self.steps)).astype(np.int32)

    def padded(self) -> Array:
        """Return where an input is padding (samples, steps): left, right, in the middle, not at all; never all."""
        rng, padded = self.rng(3), np.zeros((self.samples, self.steps), bool)
        for sample, row in enumerate(padded):
            length = int(rng.integers(1, self.steps - 1))
            start = (0, self.steps - length, 1)[sample % 3]
            row[start : start + length] = sample % 4 != 3
        return padded
