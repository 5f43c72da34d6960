"""Loops that are a recurrent layer at one setting of the graph, such as a keep probability of 1, and there alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from lstm_verify.layers import Run, Signals
from lstm_verify.layers.base import Array
from lstm_verify.layers.constant import Constant, Spare
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.model import Model, Tensor


def settings(body: Model, values: Sequence[object], static: Sequence[bool]) -> tuple[int, ...]:
    """The loop variables that are fed, stay as they are, and are 1 in a run: numbers that 1 leaves without effect."""
    return tuple(
        place
        for place, (spec, output, value, same) in enumerate(zip(body.inputs, body.outputs, values, static, strict=True))
        if not same
        and output.tensor == Tensor(spec.name)
        and isinstance(value, np.ndarray)
        and value.dtype.kind == "f"
        and not value.ndim
        and value == 1
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class SpecialisedScan(Scan):
    """A recurrent layer in the place of a loop, where some loop variables are 1; where they are not, the loop."""

    loop: Loop
    ones: tuple[int, ...]
    """The loop variables that are to be 1."""
    variables: int
    """How many loop variables the loop has."""
    fed: tuple[str, ...] = ()
    """The names of what is fed to those that are to be 1."""

    @classmethod
    def of(cls, scan: Scan, loop: Loop, ones: tuple[int, ...], variables: int) -> SpecialisedScan:
        """The same recurrent layer, if some of so many loop variables are 1."""
        settings = {entry.name: getattr(scan, entry.name) for entry in fields(scan)}
        return cls(**settings, loop=loop, ones=ones, variables=variables)

    def fed_by(self, tensors: Sequence[Tensor]) -> SpecialisedScan:
        """The same, knowing what its loop variables are in the graph."""
        return replace(self, fed=tuple(dict.fromkeys(tensors[place].layer for place in self.ones)))

    def weights(self) -> Iterator[tuple[str, Array]]:
        return self.rnn.weights()

    @property
    def holds(self) -> str:
        """Under which condition it stands for the loop, in words."""
        return f"where {' and '.join(self.fed) or 'what is fed'} is 1, else the loop runs operation by operation"

    @property
    def needed(self) -> set[int]:
        return super().needed | set(range(self.variables))

    def apply(self, inputs: Signals, run: Run) -> Signals:
        if all(inputs[place].value == 1 for place in self.ones):
            return super().apply(inputs, run)
        return self.loop.apply(inputs[: self.variables], run) + inputs[self.variables :]


def with_spares(model: Model) -> Model:
    """The model with the weights of loops that recurrent layers stand for, reported once, as those of the layers."""
    takers: dict[str, list[bool]] = {}
    for node in model.nodes:
        for tensor in node.inputs:
            takers.setdefault(tensor.layer, []).append(isinstance(model.layers[node.layer], SpecialisedScan))
    wanted = {output.tensor.layer for output in model.outputs}
    layers = {
        name: Spare(name=layer.name, value=layer.value, compute_dtype=layer.compute_dtype)
        if isinstance(layer, Constant) and all(takers.get(name, [False])) and name not in wanted
        else layer
        for name, layer in model.layers.items()
    }
    return replace(model, layers=layers)
