"""Waypoints: the states of recurrent layers that the replay came by, for later runs that begin there.

The rounding errors of the last steps are a part of those of all steps. Predictions that lie within 8σ of a part lie
within 8σ of the whole, so that the others need not be followed for a match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock

import numpy as np

from lstm_verify.arrays import Array

LIMIT = 64 * 2**20
"""The bytes that are kept; of larger replays nothing is."""

States = list[tuple[Array, ...]]
"""What one layer came by, one waypoint after the other: its output and its states, (samples, units) each."""


@dataclass
class Waypoints:
    """What the blocks of a replay came by."""

    blocks: dict[int, tuple[int, dict[str, States]]] = field(default_factory=dict)
    """By the first sample of a block: how many samples it has, and the waypoints by the path of the layer."""
    kept: int = 0
    """The bytes of them; more than `LIMIT` if it was too much to keep."""
    lock: Lock = field(default_factory=Lock)

    def put(self, block: slice, noted: dict[str, States]) -> None:
        """Keep what a block of samples came by."""
        size = block.stop - block.start
        fitting = {path: way for path, way in noted.items() if all(len(array) == size for array in chain(*way))}
        with self.lock:  # blocks run side by side
            self.kept += sum(array.nbytes for way in fitting.values() for array in chain(*way))
            if self.kept > LIMIT:
                self.blocks.clear()
            else:
                self.blocks[block.start] = size, fitting

    def of(self, samples: Array) -> dict[str, States] | None:
        """The waypoints of some samples, in rising order; None if they were not kept."""
        if self.kept > LIMIT or not self.blocks:
            return None
        parts = list(self._picked(samples))
        if sum(count for count, _ in parts) != len(samples):
            return None
        shared = [path for path in parts[0][1] if all(path in noted for _, noted in parts)]
        return {path: _joined([noted[path] for _, noted in parts]) for path in shared}

    def _picked(self, samples: Array) -> Iterator[tuple[int, Mapping[str, States]]]:
        for start, (size, noted) in sorted(self.blocks.items()):
            rows = samples[(samples >= start) & (samples < start + size)] - start
            if rows.size:
                yield len(rows), {path: [_rows(states, rows) for states in way] for path, way in noted.items()}


def _rows(states: tuple[Array, ...], rows: Array) -> tuple[Array, ...]:
    return tuple(array[rows] for array in states)


def _joined(ways: list[States]) -> States:
    """The waypoints of one layer, of all blocks."""
    if len({len(way) for way in ways}) != 1:
        return []
    return [tuple(np.concatenate(arrays) for arrays in zip(*at, strict=True)) for at in zip(*ways, strict=True)]
