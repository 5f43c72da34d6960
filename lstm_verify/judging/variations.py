"""Variations of the inputs, which show how large an output can be: a value near 0 does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.inputs import vocabulary
from lstm_verify.judging.tolerance import largest
from lstm_verify.model import Model


def variations(model: Model, inputs: Mapping[str, Rows]) -> Iterator[dict[str, Rows]]:
    """The same samples with other inputs: numbers negated, larger by the largest, next to 0 (where gates are open that
    large ones close), and in the opposite order; tokens counted back.

    None is of another size than a user's: what outputs come to for inputs that he never has is no measure of them.
    """
    arrays = {name: np.asarray(whole(rows)) for name, rows in inputs.items()}
    floats = {spec.name for spec in model.inputs if spec.axis is not None and arrays[spec.name].dtype.kind == "f"}
    sizes = {name: vocabulary(model, name) for name in arrays}
    yield {name: -array if name in floats else array for name, array in arrays.items()}
    yield {name: _raised(array) if name in floats else array for name, array in arrays.items()}
    yield {name: array * 1e-3 if name in floats else array for name, array in arrays.items()}
    yield {name: array[:, ::-1] if array.ndim > 1 else array for name, array in arrays.items()}
    yield {name: array if (n := sizes[name]) is None else n - 1 - array for name, array in arrays.items()}


def _raised(array: Array) -> Array:
    """Every number of a sample, (samples, ...), larger by the largest of them, or by 1 if they are all 0."""
    most = largest(array.reshape(len(array), -1, 1)).max(axis=1, initial=0)
    raised: Array = array + np.where(most > 0, most, 1).astype(array.dtype).reshape(-1, *(1,) * (array.ndim - 1))
    return raised
