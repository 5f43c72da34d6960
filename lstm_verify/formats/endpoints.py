"""Endpoints: where a user wants a graph to begin and end, by tensor name."""

from __future__ import annotations

from collections.abc import Mapping
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

    def __post_init__(self) -> None:
        for key in ("inputs", "outputs"):
            names = getattr(self, key)
            object.__setattr__(self, key, (names,) if isinstance(names, str) else tuple(names))

    @property
    def asked(self) -> tuple[str, ...]:
        """The tensors that are named on purpose; the names of arrays may mean something else."""
        return (*self.outputs, *self.inputs)


def with_given(endpoints: Endpoints | None, x: Any) -> Endpoints:
    """Return the endpoints with the shapes of the given arrays, whose names may be those of tensors."""
    endpoints = endpoints or Endpoints()
    if not isinstance(x, Mapping):
        return endpoints
    shapes = {str(name): getattr(rows, "shape", None) for name, rows in x.items()}
    return replace(
        endpoints, given={name: np.shape(x[name]) if shape is None else shape for name, shape in shapes.items() if name}
    )
