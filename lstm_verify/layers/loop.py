"""Loops and branches whose bodies are graphs.

Source: `tf.raw_ops.While` and `tf.raw_ops.If`; the ONNX operators `Loop` and `If`.
"""

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
    """Runs `body` on the loop variables as long as `condition` is true.

    The body returns as many values as it takes. A value may be anything that an operation returns, such as a list of
    tensors. What is in the body has no name for reports, and is not changed.

    Example:
        >>> from lstm_verify.layers.base import Signal
        >>> from lstm_verify.layers.operation import Operation, Slot
        >>> condition = Operation(name="less", operation="less", arguments=(Slot(0), 10.0))
        >>> body = Operation(name="double", operation="multiply", arguments=(Slot(0), 2.0))
        >>> Loop(name="while", condition=condition, body=body).apply((Signal(np.array(3.0)),), Run())[0].value
        array(12.)
    """

    computes: ClassVar[bool] = False
    is_resumable: ClassVar[bool] = False
    kind = "Loop, of an unknown cell: replayed operation by operation"

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
        raise UnsupportedError(f"loop '{self.name}': it did not end after {MOST_ROUNDS:,} rounds")


@dataclass(frozen=True, eq=False, kw_only=True)
class Branch(Layer):
    """Runs one of two graphs on all inputs but the first, depending on whether the first is true.

    What is in them has no name for reports, and is not changed.

    Example:
        >>> from lstm_verify.layers.base import Signal
        >>> from lstm_verify.layers.operation import Operation, Slot
        >>> double, half = (Operation(name="times", operation="multiply", arguments=(Slot(0), by)) for by in (2.0, 0.5))
        >>> branch = Branch(name="if", if_true=double, if_false=half)
        >>> branch.apply((Signal(np.array(False)), Signal(np.array(8.0))), Run())[0].value
        array(4.)
    """

    computes: ClassVar[bool] = False

    if_true: Layer
    if_false: Layer

    def children(self) -> dict[str, Weighted]:
        return {}

    def apply(self, inputs: Signals, run: Run) -> Signals:
        chosen = self.if_true if np.all(inputs[0].value) else self.if_false
        return chosen.apply(inputs[1:], run)
