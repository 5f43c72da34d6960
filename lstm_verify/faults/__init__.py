"""Known faults: what a runtime may compute instead of what the file says.

A fault is a function from a layer or a cell to its edits, each of which is the layer that a faulty runtime computes,
and what is known of it besides, in one object (`interface.py`). A new one is its function and its object in a file of
its kind, and its name in `FAULTS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lstm_verify.faults.activation import ACTIVATION, RECURRENT_ACTIVATION
from lstm_verify.faults.convolution import CHANNELS_FIRST, KERNEL_FLIPPED, KEY_VALUE, PADDING_SYMMETRIC
from lstm_verify.faults.edit import Edit, Fit, Site, site_at, sites
from lstm_verify.faults.gate_order import COUPLED_GATES, GATE_ORDER, PEEPHOLE, UPDATE_GATE_INVERTED
from lstm_verify.faults.handwritten import EARLIER_CELL_STATE, TIME_STEPS
from lstm_verify.faults.initial import INITIAL_WEIGHTS, NORMALIZATION
from lstm_verify.faults.interface import Fault
from lstm_verify.faults.masks import MASK
from lstm_verify.faults.model_wide import (
    DROPOUT_ACTIVE,
    DYNAMIC_RANGE,
    OTHER_SETTINGS,
    OTHER_WEIGHTS,
    PRODUCT_PRECISION,
)
from lstm_verify.faults.numbers import CLIP, EPSILON, FORGET_BIAS, GELU_APPROXIMATION, NEGATIVE_SLOPE
from lstm_verify.faults.onnx_runtime import CLIP_OF_THE_OUTPUT, DEFAULT_NUMBERS, EMPTY_SEQUENCES
from lstm_verify.faults.states import INITIAL_STATE, STATE_ORDER
from lstm_verify.faults.time import BACKWARD_ORDER, DIRECTION, DIRECTIONS_SWAPPED, MERGE_MODE
from lstm_verify.faults.weights import (
    BIAS,
    EQUAL_SHAPE_WEIGHTS_SWAPPED,
    KERNEL_LAYOUT,
    PRECISIONS,
    RECURRENT_KERNEL_DROPPED,
    RECURRENT_KERNEL_TRANSPOSED,
    RESET_AFTER,
    WEIGHT_PRECISION,
    in_precision,
    own_weights,
)

__all__ = [
    "BY_NAME",
    "FAULTS",
    "OTHER_SETTINGS",
    "PRECISIONS",
    "Edit",
    "Fault",
    "Fit",
    "Site",
    "edits",
    "in_precision",
    "own_weights",
    "site_at",
    "sites",
]

FAULTS: tuple[Fault, ...] = (
    CLIP_OF_THE_OUTPUT,
    DEFAULT_NUMBERS,
    EMPTY_SEQUENCES,
    RECURRENT_ACTIVATION,
    ACTIVATION,
    NEGATIVE_SLOPE,
    GELU_APPROXIMATION,
    EPSILON,
    FORGET_BIAS,
    GATE_ORDER,
    BIAS,
    INITIAL_WEIGHTS,
    NORMALIZATION,
    RESET_AFTER,
    UPDATE_GATE_INVERTED,
    RECURRENT_KERNEL_TRANSPOSED,
    RECURRENT_KERNEL_DROPPED,
    KERNEL_LAYOUT,
    COUPLED_GATES,
    EARLIER_CELL_STATE,
    PEEPHOLE,
    CLIP,
    KERNEL_FLIPPED,
    PADDING_SYMMETRIC,
    CHANNELS_FIRST,
    KEY_VALUE,
    MASK,
    DIRECTION,
    TIME_STEPS,
    BACKWARD_ORDER,
    DIRECTIONS_SWAPPED,
    MERGE_MODE,
    INITIAL_STATE,
    STATE_ORDER,
    WEIGHT_PRECISION,
    EQUAL_SHAPE_WEIGHTS_SWAPPED,
    PRODUCT_PRECISION,
    DYNAMIC_RANGE,
    OTHER_WEIGHTS,
    OTHER_SETTINGS,
    DROPOUT_ACTIVE,
)
"""Of two that explain a deviation alike, the one that comes first is named first."""
BY_NAME = {fault.name: fault for fault in FAULTS}


def edits(item: Any, only: str | None = None) -> Iterator[tuple[str, Edit | Fit]]:
    """Yield every edit of a layer or cell with the name of its fault, or those of one fault only."""
    for fault in FAULTS:
        if only is None or fault.name == only:
            for edit in fault.edits(item):
                yield fault.name, edit
