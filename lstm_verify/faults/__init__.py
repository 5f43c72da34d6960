"""The faults that people have met: what a runtime may compute instead of what the file says.

A fault is a function from a layer or a cell to its edits, each of which is the layer that a faulty runtime computes.
It yields nothing for layers that cannot have it. A new fault is one function, and one line in `FAULTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lstm_verify.faults.activation import activation, recurrent_activation
from lstm_verify.faults.convolution import channels_first, kernel_flipped, key_value, padding_symmetric
from lstm_verify.faults.edit import Edit, Edits, Fit, Site, site_at, sites
from lstm_verify.faults.gate_order import coupled_gates, gate_order, peephole, update_gate_inverted
from lstm_verify.faults.handwritten import earlier_cell_state, time_steps
from lstm_verify.faults.initial import initial_weights, normalization
from lstm_verify.faults.masks import mask
from lstm_verify.faults.numbers import clip, epsilon, forget_bias, gelu_approximation, negative_slope
from lstm_verify.faults.states import initial_state, state_order
from lstm_verify.faults.time import backward_order, direction, directions_swapped, merge_mode
from lstm_verify.faults.weights import (
    PRECISIONS,
    bias,
    in_precision,
    kernel_layout,
    own_weights,
    recurrent_kernel_dropped,
    recurrent_kernel_transposed,
    reset_after,
    swapped_inside,
    weight_precision,
)

__all__ = [
    "FAULTS",
    "PRECISIONS",
    "Edit",
    "Fit",
    "Site",
    "edits",
    "in_precision",
    "own_weights",
    "site_at",
    "sites",
]

FAULTS: tuple[tuple[str, Callable[[Any], Edits]], ...] = (
    ("recurrent_activation", recurrent_activation),
    ("activation", activation),
    ("negative_slope", negative_slope),
    ("gelu_approximation", gelu_approximation),
    ("epsilon", epsilon),
    ("forget_bias", forget_bias),
    ("gate_order", gate_order),
    ("bias", bias),
    ("initial_weights", initial_weights),
    ("normalization", normalization),
    ("reset_after", reset_after),
    ("update_gate_inverted", update_gate_inverted),
    ("recurrent_kernel_transposed", recurrent_kernel_transposed),
    ("recurrent_kernel_dropped", recurrent_kernel_dropped),
    ("kernel_layout", kernel_layout),
    ("coupled_gates", coupled_gates),
    ("earlier_cell_state", earlier_cell_state),
    ("peephole", peephole),
    ("clip", clip),
    ("kernel_flipped", kernel_flipped),
    ("padding_symmetric", padding_symmetric),
    ("channels_first", channels_first),
    ("key_value", key_value),
    ("mask", mask),
    ("direction", direction),
    ("time_steps", time_steps),
    ("backward_order", backward_order),
    ("directions_swapped", directions_swapped),
    ("merge_mode", merge_mode),
    ("initial_state", initial_state),
    ("state_order", state_order),
    ("weight_precision", weight_precision),
    ("equal_shape_weights_swapped", swapped_inside),
)
"""By name; of two that explain a deviation alike, the one that comes first is named first."""


def edits(item: Any, only: str | None = None) -> Iterator[tuple[str, Edit | Fit]]:
    """Every edit of a layer or cell, with the name of its fault; or those of one fault alone."""
    for name, fault in FAULTS:
        if only is None or name == only:
            for edit in fault(item):
                yield name, edit
