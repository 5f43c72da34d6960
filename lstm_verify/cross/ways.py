"""What one tensor is in another model: its name, and the order of its axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

TRIES = 64
"""The ways that are tried at most."""
CLEAR = 10.0
"""How many times nearer the best way must be than the next, if neither is right."""
NEAR = 1e-3
"""Relative to the size of an output: models that are so near compute the same, or almost."""

Axes = tuple[int, ...]


class Way(NamedTuple):
    """How one tensor becomes that of the other model."""

    source: str
    """Its name in the first model; of an output, in the second."""
    axes: Axes | None = None
    """The order of its axes there; None: as they are."""


def same_name(name: str, names: Mapping[str, Any]) -> str | None:
    """The name that is the same; or the only one that is, but for case and the number of an output."""
    if name in names:
        return name
    alike = [each for each in names if plain(each) == plain(name)]
    return alike[0] if len(alike) == 1 else None


def plain(name: str) -> str:
    return name.removesuffix(":0").lower()
