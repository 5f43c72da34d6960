"""Mismatches made by hand: a model, and what one with a fault predicts in float32."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify import Tolerance, replay
from lstm_verify.diagnosis import Diagnosis, diagnose
from lstm_verify.judging.judge import judge
from lstm_verify.layers import Array
from lstm_verify.model import Model

FALLBACK = Tolerance(1e-5, 1e-4, asked=False)


def float32(model: Model) -> Model:
    """The model with weights that float32 holds."""
    return model.astype("float32").astype("float64")


def with_layer(model: Model, name: str, **changes: Any) -> Model:
    """The model with a layer that has other options."""
    return replace(model, layers={**model.layers, name: replace(model.layers[name], **changes)})


def with_cell(model: Model, name: str, **changes: Any) -> Model:
    """The model with a layer whose cell has other options."""
    layer: Any = model.layers[name]
    return with_layer(model, name, cell=replace(layer.cell, **changes))


def predicted_by(model: Model, x: Array) -> dict[str, Array]:
    """What a runtime that computes this model predicts."""
    return dict(replay(model, x, "float32"))


def diagnosed(model: Model, x: Array, predicted: dict[str, Array], **options: Any) -> Diagnosis:
    """The diagnosis of a mismatch."""
    inputs = {model.inputs[0].name: x}
    replayed = dict(replay(model, inputs))
    judged = judge(model, inputs, predicted, replayed, Tolerance(), FALLBACK)
    with np.errstate(all="ignore"):
        return diagnose(model, inputs, predicted, judged.outputs, **options)


def names(diagnosis: Diagnosis) -> set[tuple[str, str]]:
    """Every fault that explains it, with its layer: those that go together, and those that compute the same."""
    changes = [c for e in diagnosis.explanations for c in (*(e.change.parts or (e.change,)), *e.also)]
    return {(change.fault, path) for change in changes for path in change.layers}
