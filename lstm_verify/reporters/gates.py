"""Gates of recurrent layers for one sample: found among activations, and drawn by matplotlib."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.reporters.drawing import BEYOND, GRID, WITHIN, count_along

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GATES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "z": "pre-activation z",
    "r": "reset gate r",
    "candidate": "candidate",
    "c": "cell state c",
    "h": "output h",
}
CALL = re.compile(r"^(?P<layer>.+)/(?P<gate>\w+)(?P<call>@\d+)?$")
LINES = 12
"""The units of a gate that are drawn one by one; of more, their median and how far they spread."""


def gates_of(activations: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Return the gates of every recurrent layer, (timesteps, units) each, from the activations of one sample."""
    found: dict[str, dict[str, Array]] = {}
    for path, values in activations.items():
        parts = CALL.match(path)
        if parts and parts["gate"] in GATES and values.ndim > 2:
            layer = parts["layer"] + (parts["call"] or "")
            found.setdefault(layer, {})[parts["gate"]] = values[0].reshape(values.shape[1], -1)
    return {layer: _of_a_cell(gates) for layer, gates in found.items() if "h" in gates and len(gates) > 1}


def _of_a_cell(gates: dict[str, Array]) -> dict[str, Array]:
    """The gates without the pre-activations of all of them, which an LSTM has beside them."""
    return {name: values for name, values in gates.items() if name != "z" or "c" not in gates}


def titles_of(gates: Collection[str]) -> dict[str, str]:
    """Return what to write above each gate; of a GRU, `z` is a gate."""
    return {**GATES, "z": "update gate z"} if "r" in gates else GATES


def draw_gates(figure: Figure, values: Mapping[str, Array], worst: int | None = None) -> None:
    """Draw gates over time, each in a place of its own.

    Args:
        figure: an empty figure.
        values: (timesteps, units) by gate.
        worst: the time step to mark, if any.
    """
    rows, titles = ceil(len(values) / 2), titles_of(values)
    for number, (name, units) in enumerate(values.items()):
        ax = figure.add_subplot(rows, 2, number + 1)
        _units(ax, np.where(np.isfinite(units), units, np.nan))
        ax.set_title(titles[name])
        count_along(ax.xaxis, len(units))
        ax.grid(axis="y", color=GRID, linewidth=0.6)
        if worst is not None:
            ax.axvline(worst, color=BEYOND, linewidth=1, linestyle=(0, (4, 2)))
        if number >= len(values) - 2:
            ax.set_xlabel("time step")


def _units(ax: Axes, values: Array) -> None:
    steps, marker = np.arange(len(values)), "o" if len(values) == 1 else ""
    if values.shape[1] <= LINES:
        ax.plot(steps, values, color=WITHIN, linewidth=0.9, alpha=0.6, marker=marker, markersize=3)
        return
    low, quarter, median, upper, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1], axis=1)
    ax.fill_between(steps, low, high, color=WITHIN, alpha=0.15, linewidth=0)
    ax.fill_between(steps, quarter, upper, color=WITHIN, alpha=0.25, linewidth=0)
    ax.plot(steps, median, color=WITHIN, linewidth=1.2, marker=marker, markersize=3)
