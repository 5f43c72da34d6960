"""Do the cells of two files have the same settings? Activations with their numbers, clips, directions, side by side.

Cells are taken in the order in which they run, those of a graph that was unrolled too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lstm_verify.layers.base import Weighted
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.model import Model

DEFAULTS: dict[str, Any] = {"forget_bias": 0.0}
"""Settings that need not be there."""
LEFT_OUT = {"name", "return_state", "return_sequences", "compute_dtype", "state_sizes", "zero_output_for_mask", "gates"}
LEFT_OUT |= {"mask_with_initial_state", "stateful", "holds", "masked", "given", "halves"}
"""What does not belong to the cell, or is up to the format."""


@dataclass(frozen=True)
class Difference:
    """A setting that is another one in the other file."""

    layer: str
    other: str
    """The layer there."""
    setting: str
    value: str
    other_value: str

    def __str__(self) -> str:
        return f"`{self.layer}` has {self.setting} {self.value}, and `{self.other}` {self.other_value}"


def differences(one: Model, other: Model) -> tuple[Difference, ...]:
    """The settings in which the cells of two models differ; none if they have not the same number of cells.

    Example:
        >>> from lstm_verify import load
        >>> keras2, keras3 = (load(f"fixtures/origin_tanh_sigmoid.{name}.h5") for name in ("keras2", "keras3"))
        >>> differences(keras2, keras3)
        ()
    """
    ours, theirs = list(cells(one)), list(cells(other))
    if len(ours) != len(theirs):
        return ()
    return tuple(found for a, b in zip(ours, theirs, strict=True) for found in differ(a, b))


@dataclass(frozen=True)
class Found:
    """A cell of a model."""

    path: str
    cell: Cell
    rnn: RNN | None = None
    """The layer that runs it; None of one that a graph has unrolled, and runs operation by operation."""

    def settings(self) -> dict[str, Any]:
        """Its settings, and its direction."""
        return self.cell.settings() | ({} if self.rnn is None else {"go_backwards": self.rnn.go_backwards})


def cells(item: Weighted, path: str = "") -> Iterator[Found]:
    """Yield the cells of a model, in the order of its layers."""
    for name, child in item.children().items():
        inner = "/".join(filter(None, (path, name)))
        if isinstance(child, Cell) and isinstance(item, RNN):
            yield Found(inner or path, child, item)
        else:
            yield from cells(child, inner)
    if isinstance(item, Model):
        for found in item.unrolled:
            yield Found(found.name, found.cell)


def differ(one: Found, other: Found) -> Iterator[Difference]:
    """Yield the settings in which two cells differ."""
    if one.cell.kind != other.cell.kind:
        yield Difference(one.path, other.path, "kind", one.cell.kind, other.cell.kind)
        return
    ours, theirs = one.settings(), other.settings()
    for key in dict.fromkeys((*ours, *theirs)):
        if key in LEFT_OUT:
            continue
        a, b = (plain(settings.get(key, _default(key, settings))) for settings in (ours, theirs))
        if a != b:
            yield Difference(one.path, other.path, key, a, b)


def _default(key: str, settings: dict[str, Any]) -> Any:
    return settings.get("activation") if key == "output_activation" else DEFAULTS.get(key, "none")


def plain(value: Any) -> str:
    """Return a setting as it is shown."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
