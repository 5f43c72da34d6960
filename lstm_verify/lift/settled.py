"""Loops that are a recurrent layer at one setting of the graph, such as a keep probability of 1, and there alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from lstm_verify.layers import Run, Signals
from lstm_verify.layers.base import Array
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.scan import Scan
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
class SettledScan(Scan):
    """A recurrent layer in the place of a loop, where some loop variables are 1; where they are not, the loop."""

    loop: Loop
    ones: tuple[int, ...]
    """The loop variables that are to be 1."""
    variables: int
    """How many loop variables the loop has."""

    @classmethod
    def of(cls, scan: Scan, loop: Loop, ones: tuple[int, ...], variables: int) -> SettledScan:
        """The same recurrent layer, if some of so many loop variables are 1."""
        settings = {entry.name: getattr(scan, entry.name) for entry in fields(scan)}
        return cls(**settings, loop=loop, ones=ones, variables=variables)

    def weights(self) -> Iterator[tuple[str, Array]]:
        return self.rnn.weights()

    @property
    def holds(self) -> str:
        """Under which condition it stands for the loop, in words."""
        body = self.loop.body
        names = [body.inputs[place].name for place in self.ones] if isinstance(body, Model) else []
        return f"where {' and '.join(names) or 'what is fed'} is 1, else the loop runs operation by operation"

    @property
    def needed(self) -> set[int]:
        return super().needed | set(range(self.variables))

    def apply(self, inputs: Signals, run: Run) -> Signals:
        if all(inputs[place].value == 1 for place in self.ones):
            return super().apply(inputs, run)
        return self.loop.apply(inputs[: self.variables], run) + inputs[self.variables :]
