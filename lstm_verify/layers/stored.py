"""Tensors of a file that does not say what is computed from them: they can be inspected but not run.

Source: none, since nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_verify.errors import UnsupportedError
from lstm_verify.layers.base import Array, Layer, Run, Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class Stored(Layer):
    """Tensors that are stored together in a file.

    Example:
        >>> import numpy as np
        >>> stored = Stored(name="layers/dense", arrays={"vars/0": np.zeros((4, 2))}, looks_like="")
        >>> [(path, array.shape) for path, array in stored.weights()]
        [('vars/0', (4, 2))]
    """

    arrays: Mapping[str, Array]
    """The tensors by their names, of any shape and dtype."""
    looks_like: str
    """What layers they could be of, going by their shapes; empty if nothing is recognised."""

    @property
    def kind(self) -> str:
        return f"tensors, by their shapes of {self.looks_like}" if self.looks_like else "tensors"

    def settings(self) -> dict[str, Any]:
        return {}

    def weights(self) -> Iterator[tuple[str, Array]]:
        yield from self.arrays.items()

    def apply(self, inputs: Signals, run: Run) -> Signals:
        raise UnsupportedError(f"'{self.name}': tensors only, from which nothing is computed")
