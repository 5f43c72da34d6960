"""What a verification keeps for a record: the arrays that were compared, and what decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.inputs import inputs_in_own_layout
from lstm_verify.judging.judge import share_of
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model

KINDS = ("inputs", "predicted", "replayed", "sigma", "least")


@dataclass
class Evidence:
    """The arrays of a verification and what decided, kept for a record."""

    inputs: dict[str, Array] = field(default_factory=dict)
    """By name, as a framework is given them."""
    predicted: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, ...) in the framework's dtype; empty if it did not predict."""
    replayed: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, ...) float64."""
    sigma: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, ...) float64: σ of every element; empty if it is not known."""
    least: dict[str, Array] = field(default_factory=dict)
    """By output name, (samples, units) float64: how large it is at least, where that was measured."""
    axes: dict[str, int | None] = field(default_factory=dict)
    """Which axis of an output has its samples where the model returns it; None if all of it is one sample."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    arithmetic: dict[str, Any] = field(default_factory=dict)

    def put(
        self,
        model: Model,
        inputs: Mapping[str, Rows],
        predicted: Mapping[str, Rows] | None,
        replayed: Mapping[str, Rows],
        judged: Judgement,
        tolerance: Tolerance,
        batch_size: int | None,
    ) -> None:
        """Keep what was compared, as copies."""
        self.inputs = inputs_in_own_layout(model, inputs)
        self.axes = {output.name: None if model.is_whole else output.axis or 0 for output in model.outputs}
        if predicted is not None and set(predicted) == set(self.axes):
            self.predicted = copied(predicted)
        self.replayed, self.sigma, self.least = copied(replayed), copied(judged.sigma), copied(judged.least)
        self.tolerance = tolerance
        self.arithmetic = {
            "batch_size": batch_size,
            "precision": model.precision,
            "products": model.products,
            "share": share_of(model),
        }

    def arrays(self) -> dict[str, Array]:
        """All arrays, by the names that they have in the file."""
        return {f"{kind}/{name}": array for kind in KINDS for name, array in getattr(self, kind).items()}


def copied(outputs: Mapping[str, Rows]) -> dict[str, Array]:
    """Copy arrays into memory."""
    return {name: np.array(whole(rows)) for name, rows in outputs.items()}
