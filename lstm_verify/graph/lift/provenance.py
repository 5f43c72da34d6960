"""Where the weights of a recognised cell come from: which variables of the graph, and in which order their gates are.

A block of a kernel is a view of the variable that it was cut from, so that its place in memory is its place there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lstm_verify.graph.lift.gates import Match
from lstm_verify.layers import Layer
from lstm_verify.layers.base import Array
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.recurrent.scan import Recovered

Place = tuple[str, int]
"""A variable, and the column of it at which a block begins; the row, where it is used transposed."""


class Variables:
    """The variables of a graph by their place in memory."""

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self._found: list[tuple[int, int, str, Array]] = []
        for name, layer in layers.items():
            if isinstance(layer, Constant) and layer.value.size:
                low, high = np.lib.array_utils.byte_bounds(layer.value)
                self._found.append((low, high, name, layer.value))

    def place(self, view: Array) -> Place | None:
        """The variable that an array is a part of; None if it was computed from several."""
        low, _ = np.lib.array_utils.byte_bounds(view)
        for start, stop, name, value in self._found:
            if start <= low < stop:
                row, column = divmod((low - start) // value.itemsize, value.shape[-1] if value.ndim else 1)
                return name, int(row if _is_transposed(view, value) else column)
        return None


def _is_transposed(view: Array, whole: Array) -> bool:
    return view.ndim == whole.ndim == 2 and view.strides == whole.strides[::-1] != whole.strides


def recovered(match: Match, variables: Variables) -> Recovered:
    """Say which variables a cell is made of, and the order of its gates in them."""
    places = {gate: variables.place(parts.first) for gate, parts in match.gates.items()}
    known = {gate: place for gate, place in places.items() if place}
    order = sorted(known, key=lambda gate: (_first_use(known, known[gate][0]), known[gate][1]))
    names = [variables.place(array) for parts in match.gates.values() for array in parts.arrays]
    return Recovered(", ".join(order), tuple(_unique(place[0] for place in names if place)))


def _first_use(places: Mapping[str, Place], name: str) -> int:
    return [place[0] for place in places.values()].index(name)


def _unique(names: Iterable[str]) -> Sequence[str]:
    return list(dict.fromkeys(names))


def scope(found: Recovered) -> str:
    """The scope that the variables of a cell have in common."""
    scopes = [name.split("/")[:-1] for name in found.variables]
    return "/".join(parts[0] for parts in zip(*scopes, strict=False) if len(set(parts)) == 1)
