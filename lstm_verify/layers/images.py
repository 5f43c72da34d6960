"""What layers of images share: they take (samples, rows, columns, channels), and pass no mask on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from lstm_verify.errors import ModelFileError
from lstm_verify.layers.base import Array, Unary

Pair = tuple[int, int]
"""Of rows, and of columns."""


@dataclass(frozen=True, eq=False, kw_only=True)
class OfPictures(Unary):
    """A layer of (samples, rows, columns, channels)."""

    def has_time(self, output: int) -> bool:
        return False

    def forward(self, x: Array) -> Array:
        """Check the shape of the input, and that something is left of it.

        Raises:
            ModelFileError: it is no image, or too small a one, as Keras says too when it builds the layer.
        """
        if x.ndim != 4:
            raise ModelFileError(
                f"layer '{self.name}': its input has shape {x.shape}, expected (samples, rows, columns, channels). "
                "Is a Reshape missing, or a TimeDistributed around it?"
            )
        y: Array = self.of_pictures(x)
        if y.size == 0 < x.size:
            raise ModelFileError(f"layer '{self.name}': nothing is left of an input of shape {x.shape}")
        return y

    @abstractmethod
    def of_pictures(self, x: Array) -> Any:
        """Return the layer's output for `x`, (samples, rows, columns, channels)."""
