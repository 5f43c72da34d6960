"""Shapes: asked for, changed, joined and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError
from lstm_verify.operations.reductions import axes_of


def ints(values: Any) -> tuple[int, ...]:
    """Integers from an array or a sequence of them."""
    return tuple(int(value) for value in np.asarray(values).ravel())


def shape(x: Array, dtype: str = "int32", start: int = 0, stop: int | None = None) -> Array:
    """The lengths of an array's axes, or of some of them."""
    return np.asarray(np.shape(x)[start:stop], dtype)


def shapes(*arrays: Array, dtype: str = "int32") -> tuple[Array, ...]:
    return tuple(shape(x, dtype) for x in arrays)


def reshape_samples(x: Array, newshape: Sequence[int | None]) -> Array:
    """Reshape each sample; the number of samples is not up to the shape, whatever it says of it."""
    y: Array = x.reshape(len(x), *newshape[1:])
    return y


def reshape_to(x: Array, newshape: Array, *, zero_keeps: bool = False) -> Array:
    """Reshape; -1 is what is left, and with `zero_keeps` 0 is the length that the axis of that place has."""
    lengths = ints(newshape)
    if zero_keeps:
        lengths = tuple(x.shape[axis] if length == 0 else length for axis, length in enumerate(lengths))
    return np.reshape(x, lengths)


def flatten(x: Array, *, axis: int = 1) -> Array:
    """A matrix, with the axes before one as rows and the others as columns."""
    rows = prod(x.shape[:axis])
    return np.reshape(x, (rows, prod(x.shape[axis:])))


def expand(x: Array, shape: Array) -> Array:
    """Broadcast to a shape, or to what that and the array's own come to together."""
    try:
        return np.broadcast_to(x, np.broadcast_shapes(x.shape, ints(shape)))
    except RuntimeError as error:  # more axes than NumPy has
        raise ValueError(str(error)) from None


def squeeze(x: Array, axis: Any = None) -> Array:
    """Drop axes of length 1: all of them, or those named."""
    return np.squeeze(x, axes_of(axis))


def expand_dims(x: Array, axis: Any) -> Array:
    """Put in axes of length 1."""
    axes = axes_of(axis)
    return np.expand_dims(x, 0 if axes is None else axes)


def concatenate(*arrays: Array, axis: Any = 0) -> Array:
    return np.concatenate(arrays, int(axis))


def stack(*arrays: Array, axis: Any = 0) -> Array:
    return np.stack(arrays, int(axis))


def unstack(x: Array, axis: int = 0) -> tuple[Array, ...]:
    """The parts of an array along an axis."""
    return tuple(np.moveaxis(x, axis, 0))


def split_sizes(x: Array, sizes: Array, *, axis: Any = 0) -> tuple[Array, ...]:
    """Cut into parts of the sizes given, one of which may be -1: what is left.

    Raises:
        InputError: the sizes do not add up to the length.
    """
    length, wanted = x.shape[int(axis)], np.asarray(sizes, np.int64).copy()
    wanted[wanted == -1] = length - wanted[wanted != -1].sum()
    if wanted.sum() != length or (wanted < 0).any():
        raise InputError(f"an axis of length {length} is split into {list(ints(sizes))}")
    return tuple(np.split(x, np.cumsum(wanted)[:-1], int(axis)))


def split_evenly(x: Array, *, parts: int, axis: Any = 0) -> tuple[Array, ...]:
    """Cut into parts of equal length, of which the last is shorter if they do not come out even."""
    size = -(-x.shape[int(axis)] // parts)
    return tuple(np.split(x, [size * number for number in range(1, parts)], int(axis)))


def broadcast_shapes(*given: Array) -> Array:
    return np.asarray(np.broadcast_shapes(*map(ints, given)), given[0].dtype)


def reverse_sequence(x: Array, lengths: Array, axis: int, batch_axis: int = 0) -> Array:
    """Reverse the first `lengths[s]` steps of each sample; the rest stays."""
    steps = np.arange(x.shape[axis])
    per_sample = np.asarray(lengths)[:, None]
    order = np.where(steps < per_sample, per_sample - 1 - steps, steps)
    moved = np.moveaxis(x, (batch_axis, axis), (0, 1))
    return np.moveaxis(moved[np.arange(len(moved))[:, None], order], (0, 1), (batch_axis, axis))


def invert_permutation(x: Array) -> Array:
    return np.argsort(x).astype(x.dtype)


SHAPES: dict[str, Callable[..., Any]] = {
    "shape": shape,
    "shapes": shapes,
    "size": lambda x, dtype="int32": np.asarray(np.size(x), dtype),
    "rank": lambda x, dtype="int32": np.asarray(np.ndim(x), dtype),
    "reshape": reshape_samples,
    "reshape_to": reshape_to,
    "flatten": flatten,
    "squeeze": squeeze,
    "expand_dims": expand_dims,
    "transpose": lambda x, axes=None: np.transpose(x, axes_of(axes)),
    "move_axis": np.moveaxis,
    "concatenate": concatenate,
    "stack": stack,
    "unstack": unstack,
    "split_sizes": split_sizes,
    "split_evenly": split_evenly,
    "broadcast_to": lambda x, newshape: np.broadcast_to(x, ints(newshape)),
    "broadcast_shapes": broadcast_shapes,
    "expand": expand,
    "tile": lambda x, multiples: np.tile(x, ints(multiples)),
    "flip": lambda x, axis=None: np.flip(x, axes_of(axis)),
    "roll": lambda x, shift, axis: np.roll(x, ints(shift), ints(axis)),
    "reverse_sequence": reverse_sequence,
    "invert_permutation": invert_permutation,
}
