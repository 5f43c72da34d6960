"""Loops and branches whose bodies are graphs: TensorFlow's `While` and `If`, ONNX's `Loop`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.base import Layer, Run, Signals, Weighted

MOST_ROUNDS = 250_000
"""A condition that always holds is no reason to compute for good."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Loop(Layer):
    """Run `body` on the loop variables as long as `condition` of them is true.

    The body returns as many values as it takes. A value may be anything that an operation returns, such as a list of
    tensors. What is in the body has no name for reports, and is not changed.
    """

    computes: ClassVar[bool] = False
    is_resumable: ClassVar[bool] = False
    kind = "Loop, of no known cell: replayed operation by operation"

    condition: Layer
    body: Layer

    def children(self) -> dict[str, Weighted]:
        return {}

    def recurrences(self) -> list[tuple[Weighted | None, dict[str, Any]]]:
        return [(None, {})]

    def apply(self, inputs: Signals, run: Run) -> Signals:
        # inside a loop nothing is recorded: there would be a value for every round
        silent = replace(run, trace=None)
        for _ in range(MOST_ROUNDS):
            if not np.all(self.condition.apply(inputs, silent)[0].value):
                return inputs
            inputs = self.body.apply(inputs, silent)
        raise UnsupportedError(f"loop '{self.name}': it has not ended after {MOST_ROUNDS:,} rounds")


@dataclass(frozen=True, eq=False, kw_only=True)
class Branch(Layer):
    """Run one of two graphs on all inputs but the first, by whether the first is true.

    What is in them has no name for reports, and is not changed.
    """

    computes: ClassVar[bool] = False

    if_true: Layer
    if_false: Layer

    def children(self) -> dict[str, Weighted]:
        return {}

    def apply(self, inputs: Signals, run: Run) -> Signals:
        chosen = self.if_true if np.all(inputs[0].value) else self.if_false
        return chosen.apply(inputs[1:], run)
