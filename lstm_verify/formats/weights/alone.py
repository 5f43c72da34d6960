"""Weights without an architecture: tensors to inspect, and which layers they may belong to, by their shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lstm_verify.formats.weights.interface import Weights
from lstm_verify.layers.stored import Stored
from lstm_verify.model import Model, Source

Shape = tuple[int, ...]

MISSING = (
    "Weights alone: which layers they belong to, how these are called and what their activations are is not in the "
    "file. Give it with --architecture model.json, which is model.to_json(), or a .keras or .h5 file of the same model."
)
CELLS = {1: "SimpleRNN", 3: "GRU", 4: "LSTM"}
"""Recurrent layers by the number of their kernel's blocks, each as wide as there are units."""
BEFORE, AFTER = ", reset_after=False", ", reset_after=True"


def alone(path: Path, weights: Weights) -> Model:
    """Return a model of stored tensors, which cannot be replayed."""
    layers = {
        place: Stored(
            name=place,
            arrays={name: array.copy() for name, array in arrays.items()},
            looks_like=looks_like([array.shape for array in arrays.values()]),
        )
        for place, arrays in weights.tensors()
    }
    source = Source(str(path), weights.format, "", "keras", weights.suffix)
    return Model(name=str(path), layers=layers, nodes=(), inputs=(), outputs=(), source=source, findings=(MISSING,))


def looks_like(shapes: Sequence[Shape]) -> str:
    """Describe which layers tensors of these shapes, in order, may belong to; empty if none is recognised.

    Example:
        >>> looks_like([(3, 16), (4, 16), (16,)])
        'LSTM of 4 units'
    """
    return "; ".join(words for _, words in runs(shapes) if words)


def runs(shapes: Sequence[Shape]) -> Iterator[tuple[int, str]]:
    """Split a list of shapes into layers: how many tensors each has, and what it looks like."""
    start = 0
    while start < len(shapes):
        count, words = _first(shapes[start:])
        yield count, words
        start += count


def _first(shapes: Sequence[Shape]) -> tuple[int, str]:
    """What the first tensors look like, and how many of them are one layer."""
    kernel, second, third = (*shapes[:3], (), ())[:3]
    blocks = _blocks(kernel, second)
    if blocks in CELLS:
        width, units = kernel[-1], second[-2]
        cell = f"{'Conv' if len(kernel) > 2 else ''}{CELLS[blocks]} of {units} units"
        biased = _biased(blocks, width, third, cell)
        if biased:
            return 3, biased
        if blocks > 1:
            return 2, f"{cell} without bias"
    if len(kernel) > 1 and second == kernel[-1:]:
        return 2, f"Dense of {kernel[-1]} units" if len(kernel) == 2 else f"convolution of {kernel[-1]} filters"
    if len(kernel) == 1 and list(shapes[:4]) == [kernel] * 4:
        return 4, f"BatchNormalization of {kernel[0]} values"
    return 1, ""


def _blocks(kernel: Shape, recurrent_kernel: Shape) -> int:
    """How many times as wide as its units a recurrent layer's kernels are; 0 if they cannot be those of one."""
    if len(kernel) < 2 or len(recurrent_kernel) != len(kernel) or kernel[-1] != recurrent_kernel[-1]:
        return 0
    units = recurrent_kernel[-2]
    return kernel[-1] // units if units and kernel[-1] % units == 0 else 0


def _biased(blocks: int, width: int, bias: Shape, cell: str) -> str:
    """A recurrent layer with the bias that it has, in words; empty if that is no bias of such a layer."""
    known: dict[Shape, str] = {(width,): cell + BEFORE if blocks == 3 else cell}
    if blocks > 1:
        known[(2 * width,)] = f"CuDNN{cell}"
    if blocks == 3:
        known[(2, width)] = cell + AFTER
    return known.get(bias, "")
