"""Work: a budget of computation, estimated from shapes, so that a search ends at the same change on every machine.

The estimate of a run is the time that it takes on one core of a usual machine: products by their multiplications, the
rest by elements, and a little for each layer and each step of a loop, which is all that small models are made of.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lstm_verify.layers import Layer, Signal
from lstm_verify.layers.base import Weighted
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.scan import Scan
from lstm_verify.model import Model, Tensor

PRODUCT, ELEMENT, CALL, STEP = 0.12e-9, 10e-9, 20e-6, 20e-6
"""Seconds for a multiplication in a product of matrices, an element of an input, a call of a layer, a loop's step."""
FLOAT32, ROUNDED = 0.6, 20.0
"""Times that: a run in float32, and one with σ."""


@dataclass
class Allowance:
    """How much work a search may do."""

    work: float = np.inf
    """In seconds of a usual machine."""
    seconds: float = np.inf
    """The time of this machine that a user allows besides."""
    spent: float = 0.0
    began: float = field(default_factory=lambda: time.monotonic())

    def spend(self, work: float) -> None:
        """Count work that was done."""
        self.spent += work

    def is_over(self, share: float = 1.0) -> bool:
        """Whether a share of the allowance is used up."""
        return self.spent >= share * self.work or time.monotonic() - self.began >= share * self.seconds


@dataclass(frozen=True)
class Estimate:
    """Estimates the work of running a model on some samples."""

    model: Model
    signals: Mapping[Tensor, Signal]
    """What its layers compute for a batch of them."""
    batches: int = 1

    @cached_property
    def _of_calls(self) -> list[float]:
        return [
            _work(self.model.layers[call.layer], [self._shape(tensor) for tensor in call.inputs])
            for call in self.model.nodes
        ]

    def _shape(self, tensor: Tensor) -> tuple[int, ...]:
        value = self.signals[tensor].value
        return value.shape if isinstance(value, np.ndarray) else ()  # a list of tensors has none

    def of(self, changed: Collection[str] | None = None) -> float:
        """Return the work of a run, or of some changed layers and all that depend on them."""
        total, stale = 0.0, set[str]()
        for call, work in zip(self.model.nodes, self._of_calls, strict=True):
            used = (*call.inputs, *([call.mask] if call.mask else []))
            if changed is None or call.layer in changed or any(tensor.layer in stale for tensor in used):
                stale.add(call.layer)
                total += work
        return total * self.batches


def _work(layer: Layer, shapes: list[tuple[int, ...]]) -> float:
    """The work of one call."""
    largest = max(shapes, key=lambda shape: int(np.prod(shape)), default=())
    weights = sum(weight.size for _, weight in layer.weights())
    places = int(np.prod(largest[:-1])) if len(largest) > 1 else 1
    steps = largest[1] if len(largest) > 1 and _has_loop(layer) else 0
    return CALL + STEP * steps + PRODUCT * places * weights + ELEMENT * int(np.prod(largest))


def _has_loop(layer: Weighted) -> bool:
    return isinstance(layer, RNN | Scan | Loop) or any(map(_has_loop, layer.children().values()))
