"""A model with its samples wherever a graph has them, called with samples first.

request    samples along the first axis of every array; what has none comes once a sample, the same each time
graph      samples along any axis: behind that of time, or of the layers whose states are fed; or all is one sample
"""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]


def samples_first(loaded: Any, axes: dict[str, dict[str, int | None]] | None) -> Any:
    """Wrap a loaded model so that it is called with samples first; `axes` are its batch axes by name, None for none."""
    return loaded if axes is None else Turned(loaded, axes["inputs"], axes["outputs"])


class Turned:
    """A loaded model whose inputs and outputs are transposed."""

    def __init__(self, loaded: Any, inputs: dict[str, int | None], outputs: dict[str, int | None]) -> None:
        self.loaded, self.inputs, self.outputs = loaded, inputs, outputs
        self.description, self.batch_size = loaded.description, loaded.batch_size

    def call(self, inputs: Arrays) -> list[tuple[str, Any]]:
        """Predict."""
        given = {name: _turned(values, self.inputs.get(name, 0)) for name, values in inputs.items()}
        return [(name, _back(values, self.outputs.get(name, 0))) for name, values in self.loaded.call(given)]


def _turned(values: np.ndarray[Any, Any], axis: int | None) -> np.ndarray[Any, Any]:
    return values[0] if axis is None else np.moveaxis(values, 0, axis) if axis else values


def _back(values: Any, axis: int | None) -> Any:
    if axis is None:
        return np.asarray(values)[None]
    return np.moveaxis(np.asarray(values), axis, 0) if axis else values
