"""Endpoints: where a user wants a graph to begin and end, by tensor name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Endpoints:
    """Where a graph begins and ends: a signature, or tensors in place of its own inputs and outputs.

    Names are those of the file: in TensorFlow `dense/add:0`, of which `:0` may be left out.

    Example:
        >>> Endpoints(inputs=("IteratorGetNext:0",), outputs=("logits",)).outputs
        ('logits',)
    """

    inputs: tuple[str, ...] = ()
    """Tensors that are fed, though they may be no placeholders; what only computes them is not needed then."""
    outputs: tuple[str, ...] = ()
    """Tensors to compare; none for those that the graph is found to end in."""
    signature: str | None = None
    """Which signature of the file; None takes `serving_default`, or the only one."""
    given: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The shapes of arrays that are given by name; those that are named like tensors of the graph are fed to them."""

    in_order: tuple[tuple[int, ...], ...] = ()
    """The shapes of arrays that are given without names, in the order of the inputs."""

    def __post_init__(self) -> None:
        for key in ("inputs", "outputs"):
            names = getattr(self, key)
            object.__setattr__(self, key, (names,) if isinstance(names, str) else tuple(names))

    @property
    def asked(self) -> tuple[str, ...]:
        """The tensors that are named on purpose; the names of arrays may mean something else."""
        return (*self.outputs, *self.inputs)

    def shapes_for(self, inputs: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """The shapes of the arrays that are given for inputs, by the names of the inputs."""
        if len(self.in_order) == len(inputs):
            return dict(zip(inputs, self.in_order, strict=True))
        return {name.removesuffix(":0"): shape for name, shape in self.given.items()}


def with_given(endpoints: Endpoints | None, x: Any) -> Endpoints:
    """Return the endpoints with the shapes of the given arrays, whose names may be those of tensors."""
    endpoints = endpoints or Endpoints()
    if isinstance(x, Mapping):
        return replace(endpoints, given={str(name): _shape_of(rows) for name, rows in x.items() if str(name)})
    listed = x if isinstance(x, list | tuple) else [x] if hasattr(x, "shape") else []
    return replace(endpoints, in_order=tuple(map(_shape_of, listed)))


def _shape_of(rows: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] | None = getattr(rows, "shape", None)
    return np.shape(rows) if shape is None else tuple(shape)
