"""How the numbers of one tensor lie in another: transposed, with blocks or axes in another order, or shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from lstm_verify.arrays import Array

GATES = {3: "zrh", 4: "ifco"}
"""The gates whose blocks in a kernel may be in another order there, as GRU and LSTM have them here."""
MOST_AXES = 5
"""Of tensors that are tried with their axes in every order."""
CLEARLY = 0.25
"""Of the distance to a tensor, how near it is in an order of its axes that is meant."""
TRANSPOSED = "transposed"
RESHAPED = "reshaped where it should be transposed"
SHUFFLED = "in another order"
"""How numbers are arranged, the last two in no layout that anybody uses."""


def _squeezed(array: Array) -> Array:
    return array.reshape([length for length in array.shape if length > 1])


def is_equal(a: Array, b: Array) -> bool:
    """Return whether two tensors have the same numbers in the same order, axes of length 1 aside."""
    one, other = _squeezed(a), _squeezed(b)
    return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=True))


def rearranged(a: Array, b: Array) -> str:
    """Return how the numbers of one tensor are arranged in the other; nothing if they are as they are."""
    if is_equal(a, b):
        return ""
    one, other = _squeezed(a), _squeezed(b)
    for axes in _orders(one, other):
        if np.array_equal(one, other.transpose(axes)):
            return TRANSPOSED
    for axes in _orders(one, other):
        for words in (*_reversed(one, other.transpose(axes)), *_blocks(one, other.transpose(axes))):
            return words
    if one.shape == other.shape and any(map(_is_reshaped, *_gates(one, other))):
        return RESHAPED
    return SHUFFLED


def _is_reshaped(ones: list[Array], others: list[Array]) -> bool:
    """Whether some blocks are others whose numbers were read along the wrong axis, in one order or the other."""
    both = list(zip(ones, others, strict=True))
    return any(all(np.array_equal(pair[n].T.ravel(), pair[1 - n].ravel()) for pair in both) for n in (0, 1))


def _gates(one: Array, other: Array) -> tuple[list[list[Array]], list[list[Array]]]:
    """Two tensors as one block each, and as the blocks of gates along their last axes."""
    counts = [count for count in (1, *GATES) if one.ndim > 1 and one.shape[-1] % count == 0]
    ones, others = ([np.split(array, count, axis=-1) for count in counts] for array in (one, other))
    return ones, others


def _orders(one: Array, other: Array) -> Iterator[tuple[int, ...]]:
    """The orders of axes in which one tensor has the shape of another."""
    if one.ndim == other.ndim and one.ndim <= MOST_AXES:
        for axes in permutations(range(other.ndim)):
            if tuple(other.shape[axis] for axis in axes) == one.shape:
                yield axes


def _reversed(one: Array, other: Array) -> Iterator[str]:
    """Along which axes the order is reversed, as in a kernel of a convolution that was flipped."""
    for count in range(1, one.ndim + 1):
        for axes in combinations(range(one.ndim), count):
            if np.array_equal(one, np.flip(other, axes)):
                yield f"reversed along axis {' and '.join(map(str, axes))}"


def _blocks(one: Array, other: Array) -> Iterator[str]:
    """How blocks along the last axis, such as those of gates, are exchanged."""
    for count, names in GATES.items():
        if one.shape[-1] % count == 0:
            ours, theirs = (np.split(array, count, axis=-1) for array in (one, other))
            for order in permutations(range(count)):
                if all(np.array_equal(ours[n], theirs[m]) for n, m in enumerate(order)):
                    there = ", ".join(names[order.index(m)] for m in range(count))
                    yield f"{there} in the place of {', '.join(names)}"


def laid_out_like(b: Array, a: Array) -> Array:
    """Return a tensor with its axes as another has them.

    Of several orders that fit it is the first, unless another brings the numbers clearly nearer: of other numbers, in a
    square, one order is always a little nearer than the rest.
    """
    one, other = _squeezed(a), _squeezed(b)
    orders = [other.transpose(axes) for axes in _orders(one, other)] or [other.reshape(one.shape)]
    distances = [float(np.max(np.abs(one - array), initial=0.0)) for array in orders]
    nearest = int(np.argmin(distances))
    chosen: Array = orders[nearest if distances[nearest] < CLEARLY * distances[0] else 0]
    return chosen.reshape(a.shape)


def distance(a: Array, b: Array) -> float:
    """Return the largest difference of two tensors of the same size."""
    with np.errstate(all="ignore"):
        one, other = a.astype(np.float64), laid_out_like(b, a).astype(np.float64)
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        largest = np.max(np.where(same, 0.0, np.abs(one - other)), initial=0.0)
    return float(np.nan_to_num(largest, nan=np.inf))
