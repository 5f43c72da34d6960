"""The base of layers of sequences, images and volumes: they take (samples, *lengths, channels) and drop masks."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from lstm_verify.errors import ModelFileError
from lstm_verify.layers.base import Array, Unary

AXES = {1: ("timesteps",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}
"""What the axes between samples and channels are called, by their number."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Spatial(Unary):
    """A layer of (samples, *lengths, channels)."""

    axes: ClassVar[int]
    """How many lengths there are: 1 of sequences, 2 of images, 3 of volumes."""

    def has_time(self, output: int) -> bool | None:
        return False if self.axes > 1 else None

    def forward(self, x: Array) -> Array:
        """Check the shape of the input, and that the output is not empty.

        Raises:
            ModelFileError: it has other axes, or is too small, as Keras says too when it builds the layer.
        """
        if x.ndim != self.axes + 2:
            raise ModelFileError(
                f"layer '{self.name}': its input has shape {x.shape}, expected "
                f"(samples, {', '.join(AXES[self.axes])}, channels). "
                "Is a Reshape missing, or a TimeDistributed around it?"
            )
        y: Array = self.over(x)
        if y.size == 0 < x.size:
            raise ModelFileError(f"layer '{self.name}': its output is empty for an input of shape {x.shape}")
        return y

    @abstractmethod
    def over(self, x: Array) -> Any:
        """Return the layer's output for `x`, (samples, *lengths, channels)."""
