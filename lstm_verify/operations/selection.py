"""Parts of tensors by position: slices, gathering and scattering. An index beyond the end is an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError
from lstm_verify.operations.shapes import ints


def get_item(x: Array, key: Any) -> Any:
    return x[tuple(key) if isinstance(key, list) else key]


def slice_sizes(x: Array, begin: Array, size: Array) -> Array:
    """The part that begins somewhere and has a size; -1 goes to the end.

    Raises:
        InputError: the part is not within the tensor.
    """
    key = []
    for start, length, whole in zip(ints(begin), ints(size), x.shape, strict=True):
        stop = whole if length == -1 else start + length
        if not 0 <= start <= stop <= whole:
            raise InputError(f"a slice from {start} to {stop} of an axis of length {whole}")
        key.append(slice(start, stop))
    return x[tuple(key)]


def slices(
    x: Array,
    starts: Array,
    stops: Array,
    steps: Array,
    *,
    from_start: Sequence[int] = (),
    to_end: Sequence[int] = (),
    indices: Sequence[int] = (),
    new_axes: Sequence[int] = (),
    ellipsis: Sequence[int] = (),
) -> Any:
    """`x[start:stop:step, …]`, an entry for each axis.

    Args:
        x: the array.
        starts, stops, steps: (entries,), integers.
        from_start, to_end: the numbers of entries of which the start or the stop says nothing.
        indices: those that are one place, the start, and no slice.
        new_axes: those that are `None`.
        ellipsis: the one that is `...`, if there is one.

    Raises:
        InputError: an index is beyond the end.
    """
    key: list[Any] = []
    for number, (start, stop, step) in enumerate(zip(ints(starts), ints(stops), ints(steps), strict=True)):
        if number in ellipsis:
            key.append(Ellipsis)
        elif number in new_axes:
            key.append(None)
        elif number in indices:
            key.append(start)
        else:
            key.append(slice(None if number in from_start else start, None if number in to_end else stop, step))
    try:
        return x[tuple(key)]
    except IndexError as error:
        raise InputError(f"a slice of a tensor of shape {x.shape}: {error}") from None


def _check(indices: Array, length: int) -> None:
    outside = (indices < 0) | (indices >= length)  # NumPy would count negative ones from the end
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise InputError(f"index {indices[where]} at {list(where)} is out of range, expected 0 to {length - 1}")


def gather(x: Array, indices: Array, axis: Any = None, *, batch_dims: int = 0) -> Array:
    """Take slices of `x` along an axis, for each element of the first `batch_dims` axes its own.

    Without an axis it is the first that is no batch axis.
    """
    indices = np.asarray(indices)
    batch = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    along = batch if axis is None else int(axis) % x.ndim
    _check(indices, x.shape[along])
    if not batch:
        return np.take(x, indices, axis=along)
    moved = np.moveaxis(x, along, batch)
    grid = np.ogrid[tuple(slice(length) for length in indices.shape[:batch])]
    taken = moved[(*(g.reshape(*g.shape, *[1] * (indices.ndim - batch)) for g in grid), indices)]
    # (batch, indices, before the axis, behind it) → (batch, before the axis, indices, behind it)
    picked = list(range(batch, indices.ndim))
    return np.moveaxis(taken, picked, [axis + along - batch for axis in picked])


def gather_nd(x: Array, indices: Array) -> Array:
    """The parts of `x` at the positions in the last axis of `indices`."""
    parts: Array = x[_positions(x.shape, indices)]
    return parts


def _positions(lengths: tuple[int, ...], indices: Array) -> tuple[Array, ...]:
    positions = tuple(np.moveaxis(np.asarray(indices), -1, 0))
    for position, length in zip(positions, lengths, strict=False):
        _check(position, length)
    return positions


def scatter_nd(indices: Array, updates: Array, shape: Array) -> Array:
    """Zeros with `updates` added at positions."""
    y = np.zeros(ints(shape), updates.dtype)
    np.add.at(y, _positions(y.shape, indices), updates)
    return y


def scatter_update(x: Array, indices: Array, updates: Array) -> Array:
    """`x` with `updates` at positions."""
    y = x.copy()
    y[_positions(x.shape, indices)] = updates
    return y


def scatter_add(x: Array, indices: Array, updates: Array) -> Array:
    y = x.copy()
    np.add.at(y, _positions(x.shape, indices), updates)
    return y


def band_part(x: Array, lower: Array, upper: Array) -> Array:
    """Keep a band around the diagonal of each matrix; a negative number of diagonals is all of them."""
    rows, columns = np.ogrid[: x.shape[-2], : x.shape[-1]]
    below, above = int(lower), int(upper)
    kept = ((below < 0) | (rows - columns <= below)) & ((above < 0) | (columns - rows <= above))
    return np.where(kept, x, np.zeros((), x.dtype))


SELECTION: dict[str, Callable[..., Any]] = {
    "get_item": get_item,
    "slice_sizes": slice_sizes,
    "slices": slices,
    "gather": gather,
    "gather_nd": gather_nd,
    "scatter_nd": scatter_nd,
    "scatter_update": scatter_update,
    "scatter_add": scatter_add,
    "positions": lambda condition: np.argwhere(condition).astype(np.int64),
    "band_part": band_part,
}
