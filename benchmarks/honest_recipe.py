"""A recipe for honest runs: a model, its weights and its input, all seeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FRAMEWORKS = ("keras", "tf_keras")
CELLS = ("LSTM", "GRU", "GRU before", "SimpleRNN")
"""`GRU before` is GRU(reset_after=False)."""
MOST_WORK = 6e9
"""Samples times steps times units squared of a run, at most."""
MOST_ELEMENTS = 2e6
"""Elements of the output of a run, at most."""


@dataclass(frozen=True)
class Recipe:
    """A model, its weights and its input; the defaults are an ordinary one."""

    name: str
    cell: str = "LSTM"
    """One of `CELLS`, or `Dense`: no recurrent layer at all."""
    units: int = 8
    steps: int = 12
    features: int = 5
    depth: int = 1
    """The number of recurrent layers on top of each other."""
    options: dict[str, Any] = field(default_factory=dict)
    """What every recurrent layer gets besides."""
    merge: str | None = None
    """The merge mode of `Bidirectional` around each layer, if there is one; `none` keeps both outputs."""
    front: str = ""
    """A layer before the first: Conv1D, LayerNormalization, BatchNormalization, Masking or Embedding."""
    head: str = ""
    """A Dense layer at the end: its activation and its units, as `softmax 10`."""
    sequences: bool = False
    """Whether the last recurrent layer returns its whole sequence."""
    policy: str = "float32"
    weights: float = 1.0
    """The limit of the kernels, times Glorot's."""
    bias: tuple[float, float] = (-0.3, 0.3)
    """The limits of the biases."""
    growth: float = 0.0
    """If not 0, all kernels are positive, and the rows of recurrent ones have this sum on average."""
    opposed: bool = False
    """Whether the first half of every kernel is positive, and the second negative."""
    memory: float = 0.0
    """What is added to the bias of the gate that keeps the state."""
    inputs: float = 1.0
    """The standard deviation of the inputs."""
    offset: float = 0.0
    """The mean of the inputs."""
    constant: bool = False
    """Whether all steps of a sample are the same."""
    wide: bool = False
    """Whether the input is in float64 with digits that float32 has not."""
    regime: str = "ordinary"
    frameworks: tuple[str, ...] = FRAMEWORKS
    mode: tuple[bool, bool, int] | None = None
    """oneDNN, jit_compile and the batch size, if the recipe is for these only."""

    @property
    def kind(self) -> str:
        """What is around the cell, in a word or two."""
        around = [f"bidirectional {self.merge}"] if self.merge else []
        around += ["stacked"] if self.depth > 1 else []
        around += [self.front] if self.front else []
        around += ["Dense at the end"] if self.head and self.cell != "Dense" else []
        return " + ".join(around) or "alone"

    def samples(self, batch: int) -> int:
        """The number of samples of a run: some batches, the last one not full, unless that takes too long."""
        wanted = {1: 4, 7: 15, 32: 40}.get(batch, batch)
        work = self.steps * self.units * max(self.units, 16) * self.depth
        elements = self.units * (self.steps if self.sequences else 1)
        return max(2, int(min(wanted, MOST_WORK // work, MOST_ELEMENTS // elements)))


def plain(cell: str) -> str:
    """The name of a cell, as part of a file's name."""
    return cell.lower().replace(" ", "_")
