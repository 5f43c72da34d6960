"""Weights that were never loaded, and normalisation applied twice or not at all.

`initial_weights`: a layer has what its framework builds it with, for a file that was read in part, or by names that do
not fit. `normalization`: a layer that scales its input is left out of what was exported, or the data went through it
before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_verify.faults.edit import Edit, Edits, replaced
from lstm_verify.faults.interface import Fault
from lstm_verify.layers import (
    BatchNormalization,
    GroupNormalization,
    Identity,
    Layer,
    LayerNormalization,
    LSTMCell,
    Normalization,
    Rescaling,
    RMSNormalization,
    Run,
    Signals,
    UnitNormalization,
)
from lstm_verify.layers.base import Array, Weighted

STATISTICS, FACTORS = ("moving_mean", "moving_variance"), ("gamma", "beta", "scale")
ZERO = ("moving_mean", "beta")
"""The weights of normalisation that begin as 0; the others begin as 1."""
NORMALISING = BatchNormalization | LayerNormalization | GroupNormalization | RMSNormalization
SCALING = Normalization | Rescaling


def initial_weights(item: Any) -> Edits:
    """Weights still have their initial values, not those of the file."""
    if isinstance(item, NORMALISING):
        choices = [dict(_begun(item, names)) for names in (STATISTICS, FACTORS, (*STATISTICS, *FACTORS))]
        for changes in {tuple(choice): choice for choice in choices if choice}.values():
            words = f"as built: {' and '.join(sorted({_number(name) for name in changes}))}"
            yield Edit(_listed(list(changes)), "those of the file", words, replaced(item, **changes))
    if isinstance(item, LSTMCell) and item.bias is not None:
        bias = np.repeat(np.array([0.0, 1.0, 0.0, 0.0], item.bias.dtype), item.units)
        if not np.array_equal(bias, item.bias):
            words = "as built: 1 for the forget gate, else 0"
            yield Edit("bias", "that of the file", words, replaced(item, bias=bias))


def _begun(item: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Array]]:
    """Those of some weights that a layer has and that are not as they began, as they began."""
    for name in names:
        now = getattr(item, name, None)
        if now is not None and not np.all(now == float(_number(name))):
            yield name, np.full_like(now, float(_number(name)))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _number(name: str) -> str:
    """What every element of a weight is at first."""
    return "0" if name in ZERO else "1"


def normalization(item: Any) -> Edits:
    """A scaling or normalisation layer is left out, or applied twice."""
    if isinstance(item, NORMALISING | SCALING | UnitNormalization):
        yield Edit("the layer", "applied", "left out", lambda: Identity(name=item.name, compute_dtype=""))
    if isinstance(item, BatchNormalization | SCALING):
        yield Edit("the layer", "applied", "applied twice", lambda: _twice(item))


def _twice(item: Layer) -> Layer:
    return Twice(name=item.name, compute_dtype=item.compute_dtype, layer=item)


@dataclass(frozen=True, eq=False, kw_only=True)
class Twice(Layer):
    """A layer that is applied twice."""

    layer: Layer

    def children(self) -> dict[str, Weighted]:
        return {}  # nothing in it is changed once more

    def apply(self, inputs: Signals, run: Run) -> Signals:
        return self.layer.apply(self.layer.apply(inputs, run), run)


INITIAL_WEIGHTS = Fault(
    "initial_weights",
    initial_weights,
    ("Check which weights were loaded, and whether by name: a layer without a match keeps its initial weights."),
)

NORMALIZATION = Fault(
    "normalization",
    normalization,
    "Normalise the data once, in the model or before it.",
)
