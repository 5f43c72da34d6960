"""Parts of tensors by position: slices, gathering and scattering.

An index beyond the end is an error, and so is a negative one unless `from_end` says that it counts from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
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


def slices_of_axes(
    x: Array, starts: Array, stops: Array, axes: Array | None = None, steps: Array | None = None
) -> Array:
    """`x[start:stop:step, …]`, for some axes; places beyond an end are that end.

    Args:
        x: the array.
        starts, stops: (entries,), integers.
        axes: (entries,), which those are; None: the first ones.
        steps: (entries,); None: 1.
    """
    key, count = [slice(None)] * x.ndim, np.size(starts)
    places = range(count) if axes is None else ints(axes)
    strides = (1,) * count if steps is None else ints(steps)
    for axis, start, stop, step in zip(places, ints(starts), ints(stops), strides, strict=True):
        key[axis] = slice(max(start, -x.shape[axis]), stop, step)
    return x[tuple(key)]


def _checked(indices: Array, length: int, from_end: bool) -> Array:
    """Places along an axis of some length, counted from its start.

    Raises:
        InputError: one is beyond an end.
    """
    indices = np.asarray(indices)
    if from_end:
        indices = np.where(indices < 0, indices + length, indices)
    _check(indices, length)
    return indices


def _check(indices: Array, length: int) -> None:
    outside = (indices < 0) | (indices >= length)  # NumPy would count negative ones from the end
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise InputError(f"index {indices[where]} at {list(where)} is out of range, expected 0 to {length - 1}")


def gather(x: Array, indices: Array, axis: Any = None, *, batch_dims: int = 0, from_end: bool = False) -> Array:
    """Take slices of `x` along an axis, for each element of the first `batch_dims` axes its own.

    Without an axis it is the first that is no batch axis.
    """
    indices = np.asarray(indices)
    batch = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    along = batch if axis is None else int(axis) % x.ndim
    indices = _checked(indices, x.shape[along], from_end)
    if not batch:
        return np.take(x, indices, axis=along)
    moved = np.moveaxis(x, along, batch)
    grid = np.ogrid[tuple(slice(length) for length in indices.shape[:batch])]
    taken = moved[(*(g.reshape(*g.shape, *[1] * (indices.ndim - batch)) for g in grid), indices)]
    # (batch, indices, before the axis, behind it) → (batch, before the axis, indices, behind it)
    picked = list(range(batch, indices.ndim))
    return np.moveaxis(taken, picked, [axis + along - batch for axis in picked])


def gather_nd(x: Array, indices: Array, *, batch_dims: int = 0, from_end: bool = False) -> Array:
    """The parts of `x` at the positions in the last axis of `indices`, for each element of the first axes its own."""
    grid: tuple[Array, ...] = np.indices(x.shape[:batch_dims], sparse=True)
    others = (1,) * (np.ndim(indices) - 1 - batch_dims)
    samples = (g.reshape(*g.shape, *others) for g in grid)
    parts: Array = x[(*samples, *_positions(x.shape[batch_dims:], indices, from_end))]
    return parts


def _positions(lengths: tuple[int, ...], indices: Array, from_end: bool = False) -> tuple[Array, ...]:
    positions = np.moveaxis(np.asarray(indices), -1, 0)
    return tuple(_checked(position, n, from_end) for position, n in zip(positions, lengths, strict=False))


def take_along_axis(x: Array, indices: Array, *, axis: int = 0) -> Array:
    """`x[i, indices[i, j]]` and the like; other axes of `indices` may be shorter; negative ones go from the end."""
    places = _checked(indices, x.shape[axis], from_end=True)
    kept = [slice(length) for length in places.shape]
    kept[axis] = slice(None)
    return np.take_along_axis(x[tuple(kept)], places, axis)


COMBINED: dict[str, Callable[..., Any] | None] = {
    "none": None,
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}
"""What becomes of an element and the one that is put in its place."""


def put_along_axis(x: Array, indices: Array, updates: Array, *, axis: int = 0, reduction: str = "none") -> Array:
    """`x` with `x[i, indices[i, j]] = updates[i, j]` and the like; negative indices go from the end."""
    positions: list[Array] = list(np.indices(np.shape(indices), sparse=True))
    positions[axis] = _checked(indices, x.shape[axis], from_end=True)
    return _put(x, _numbered(positions, x.shape), updates, COMBINED[reduction])


def _numbered(positions: Sequence[Array], lengths: tuple[int, ...]) -> Array:
    """The numbers of elements at some positions, in an array of some lengths."""
    numbers: Any = np.ravel_multi_index(tuple(np.broadcast_arrays(*positions)), lengths)
    return np.asarray(numbers)


def scatter_nd(indices: Array, updates: Array, shape: Array) -> Array:
    """Zeros with `updates` added at positions."""
    return scatter_update(np.zeros(ints(shape), updates.dtype), indices, updates, reduction="add")


def scatter_update(
    x: Array, indices: Array, updates: Array, *, reduction: str = "none", from_end: bool = False
) -> Array:
    """`x` with `updates` at the positions in the last axis of `indices`, each a whole part of `x`."""
    count = np.shape(indices)[-1]
    rest = x.shape[count:]
    first = _numbered(_positions(x.shape, indices, from_end), x.shape[:count])
    places = first[..., None] * prod(rest) + np.arange(prod(rest))
    return _put(x, places, np.broadcast_to(updates, (*first.shape, *rest)), COMBINED[reduction])


def _put(x: Array, places: Array, updates: Array, combine: Callable[..., Any] | None) -> Array:
    """`x` with updates at places in the order of its elements; of several at one place, all in turn or the last."""
    y, new, places = x.reshape(-1), updates.reshape(-1), places.reshape(-1)
    left = np.arange(places.size)
    while left.size:
        chosen = np.full(x.size, -1)
        chosen[places[left]] = left
        values = np.take(new, np.maximum(chosen, 0))
        y = np.where(chosen >= 0, values if combine is None else combine(y, values), y)
        left = left[:0] if combine is None else left[chosen[places[left]] != left]
    return y.reshape(x.shape)


def compress(x: Array, condition: Array, *, axis: int | None = None) -> Array:
    """The places of an axis, or of all elements, where a condition holds."""
    places = np.argwhere(condition).ravel()
    return np.take(x.reshape(-1) if axis is None else x, places, axis=axis or 0)


def triangle(x: Array, k: Any = 0, *, upper: bool = True) -> Array:
    """The upper or lower triangle of each matrix, from its diagonal `k` on; zeros elsewhere."""
    diagonal = 0 if k is None else np.asarray(k).item()
    return np.triu(x, diagonal) if upper else np.tril(x, diagonal)


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
    "slices_of_axes": slices_of_axes,
    "take_along_axis": take_along_axis,
    "put_along_axis": put_along_axis,
    "compress": compress,
    "triangle": triangle,
    "gather": gather,
    "gather_nd": gather_nd,
    "scatter_nd": scatter_nd,
    "scatter_update": scatter_update,
    "scatter_add": lambda x, indices, updates: scatter_update(x, indices, updates, reduction="add"),
    "positions": lambda condition: np.argwhere(condition).astype(np.int64),
    "nonzero": lambda x: np.argwhere(np.atleast_1d(x)).T.astype(np.int64),
    "band_part": band_part,
}
