"""Lists of tensors: what loops read their steps from and write them to.

A list is a value. An operation that changes one returns another, so that nothing depends on the order of operations but
what they hand on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.errors import InputError
from lstm_verify.operations.shapes import ints

Shape = tuple[int | None, ...] | None
"""The shape of every item as far as it is known; None is an unknown rank."""


@dataclass(frozen=True, eq=False)
class TensorList:
    """Tensors of one dtype; those that nobody set are zeros, once their shape is known."""

    items: tuple[Array | None, ...] = ()
    shape: Shape = None
    dtype: str = "float32"
    grows: bool = True
    """Whether an item may be set beyond the end."""
    whole: Array | None = None
    """The items along a first axis, where they were cut from one tensor: stacking them again takes no copy."""

    def item(self, index: int, shape: Shape = None) -> Array:
        """Return an item.

        Raises:
            InputError: there is none at the index, or it was never set and its shape is unknown.
        """
        self.check(index)
        value = self.items[index]
        return np.zeros(self._known(shape), self.dtype) if value is None else value

    def with_item(self, index: int, value: Array) -> TensorList:
        """The list with one item set."""
        if index >= len(self.items) and self.grows:
            return self.resized(index + 1).with_item(index, value)
        self.check(index)
        return self.of((*self.items[:index], value, *self.items[index + 1 :]))

    def of(self, items: tuple[Array | None, ...]) -> TensorList:
        """A list of the same kind with other items."""
        return replace(self, items=items, whole=None)

    def cut(self, whole: Array) -> TensorList:
        """A list of the same kind with the parts of a tensor along its first axis."""
        return replace(self, items=tuple(whole), whole=whole)

    def resized(self, length: int) -> TensorList:
        return self.of((*self.items[:length], *[None] * (length - len(self.items))))

    def stacked(self, indices: tuple[int, ...] | None = None, shape: Shape = None) -> Array:
        """All items, or those at indices, along a new first axis; not to be written to."""
        if self.whole is not None and (indices is None or indices == tuple(range(len(self.items)))):
            return self.whole
        chosen = range(len(self.items)) if indices is None else indices
        if not chosen:
            return np.zeros((0, *self._known(shape)), self.dtype)
        return np.stack([self.item(index, shape) for index in chosen])

    def check(self, index: int) -> None:
        """Raise InputError if there is no item at the index."""
        if not 0 <= index < len(self.items):
            raise InputError(f"item {index} of a list of {len(self.items)} tensors")

    def _known(self, shape: Shape) -> tuple[int, ...]:
        """The shape of an item that was never set: by what is said of it, and by the other items."""
        given = next((item.shape for item in self.items if item is not None), None)
        said = [known for known in (self.shape, shape, given) if known is not None]
        if said and all(len(known) == len(said[0]) for known in said):
            lengths = [next((n for n in sides if n is not None), None) for sides in zip(*said, strict=True)]
            if None not in lengths:
                return tuple(n for n in lengths if n is not None)
        raise InputError("an item of a list of tensors is read but was never set, and its shape is not known")


def shape_of(values: Any) -> Shape:
    """A shape as it is given: None or a negative number is an unknown length, and alone an unknown rank."""
    if values is None or not np.ndim(values):
        return None
    return tuple(None if length is None or length < 0 else int(length) for length in values)


def reserve(length: Array, *, shape: Any = None, dtype: str, grows: bool = False) -> TensorList:
    return TensorList((None,) * int(length), shape_of(shape), dtype, grows)


def from_tensor(x: Array, *, shape: Any = None) -> TensorList:
    return TensorList((), shape_of(shape), str(x.dtype), grows=False).cut(x)


def set_item(items: TensorList, index: Array, value: Array, *, grow: bool = False) -> TensorList:
    return replace(replace(items, grows=grow or items.grows).with_item(int(index), value), grows=items.grows)


def pop_back(items: TensorList, *, shape: Any = None) -> tuple[TensorList, Array]:
    last = items.item(len(items.items) - 1, shape_of(shape))
    return items.of(items.items[:-1]), last


def scatter(x: Array, indices: Array, length: Array | None = None, *, shape: Any = None) -> TensorList:
    """A list of the parts of a tensor at some places; it is as long as they need if its length is not given, or -1."""
    wanted = -1 if length is None else int(length)
    size = wanted if wanted >= 0 else max(ints(indices), default=-1) + 1
    return scatter_into(reserve(np.asarray(size), shape=shape, dtype=str(x.dtype)), x, indices, grow=True)


def scatter_into(items: TensorList, x: Array, indices: Array, *, grow: bool = False) -> TensorList:
    """The list with the parts of a tensor at some places.

    Raises:
        InputError: a place is beyond the end, and the list does not grow.
    """
    last = max(ints(indices), default=-1)
    if last >= len(items.items) and not (grow or items.grows):
        items.check(last)
    if len(x) == len(items.items) and ints(indices) == tuple(range(len(x))):
        return items.cut(x)
    values = list(items.items)
    for index, value in zip(ints(indices), x, strict=True):
        values += [None] * (index + 1 - len(values))
        values[index] = value
    return items.of(tuple(values))


def joined(items: TensorList, *, shape: Any = None) -> tuple[Array, Array]:
    """All items along their first axis, and the length of each."""
    whole = shape_of(shape)
    if not items.items:
        known = items.shape or whole or (None,)
        return np.zeros((0, *(length or 0 for length in known[1:])), items.dtype), np.zeros(0, np.int64)
    values = [items.item(index, whole) for index in range(len(items.items))]
    return np.concatenate(values), np.asarray([len(value) for value in values], np.int64)


def split(x: Array, lengths: Array, *, shape: Any = None) -> TensorList:
    parts, known = np.split(x, np.cumsum(lengths)[:-1]), shape_of(shape)
    return TensorList(tuple(parts), None if known is None else (None, *known[1:]), str(x.dtype), grows=False)


def list_of(*arrays: Array) -> TensorList:
    return TensorList(arrays, None, str(arrays[0].dtype))


def at(items: TensorList, position: Any, below: int) -> int:
    """A position in a list, which if negative is counted from the end.

    Raises:
        InputError: it is not below a number.
    """
    place = np.asarray(position).item()
    found = int(place + len(items.items) if place < 0 else place)
    if not 0 <= found < below:
        raise InputError(f"item {place} of a list of {len(items.items)} tensors")
    return found


def insert(items: TensorList, value: Array, position: Array | None = None) -> TensorList:
    """The list with a tensor before a position, or at the end."""
    count = len(items.items)
    place = count if position is None else at(items, position, count + 1)
    return items.of((*items.items[:place], value, *items.items[place:]))


def erase(items: TensorList, position: Array | None = None) -> TensorList:
    """The list without the tensor at a position, or at the end."""
    place = at(items, -1 if position is None else position, len(items.items))
    return items.of((*items.items[:place], *items.items[place + 1 :]))


def along(items: TensorList, *, axis: int, new_axis: bool = False) -> Array:
    """All items joined along an axis, or stacked along a new one."""
    values = [items.item(number) for number in range(len(items.items))]
    return np.stack(values, axis) if new_axis else np.concatenate(values, axis)


def split_along(x: Array, sizes: Array | None = None, *, axis: int = 0, keepdims: bool = True) -> TensorList:
    """A list of the parts of a tensor along an axis.

    Args:
        x: the tensor.
        sizes: the length of each, or of all but the last; None: 1.
        axis: the axis.
        keepdims: whether the axis stays where `sizes` is None.
    """
    length = x.shape[axis]
    if sizes is not None and np.ndim(sizes) == 1:
        ends = list(np.cumsum(ints(sizes))[:-1])
    else:
        size = 1 if sizes is None else np.asarray(sizes).item()
        ends = list(range(size, length, size))
    parts = np.split(x, ends, axis)
    squeezed = sizes is None and not keepdims
    return TensorList(tuple(np.squeeze(part, axis) if squeezed else part for part in parts), None, str(x.dtype))


def element_shape(items: TensorList, *, dtype: str = "int32") -> Array:
    if items.shape is None:
        return np.asarray(-1, dtype)
    return np.asarray([-1 if length is None else length for length in items.shape], dtype)


LISTS: dict[str, Callable[..., Any]] = {
    "list_reserve": reserve,
    "list_from_tensor": from_tensor,
    "list_stack": lambda items, shape=None: items.stacked(shape=shape_of(shape)),
    "list_get": lambda items, index, shape=None: items.item(int(index), shape_of(shape)),
    "list_set": set_item,
    "list_push_back": lambda items, value: items.of((*items.items, value)),
    "list_pop_back": pop_back,
    "list_length": lambda items, dtype="int32": np.asarray(len(items.items), dtype),
    "list_of": list_of,
    "list_at": lambda items, position: items.item(at(items, position, len(items.items))),
    "list_insert": insert,
    "list_erase": erase,
    "list_along": along,
    "list_split_along": split_along,
    "list_resize": lambda items, length: items.resized(int(length)),
    "list_gather": lambda items, indices, shape=None: items.stacked(ints(indices), shape_of(shape)),
    "list_scatter": scatter,
    "list_scatter_into": scatter_into,
    "list_concatenate": joined,
    "list_join": lambda first, second: first.of((*first.items, *second.items)),
    "list_split": split,
    "list_element_shape": element_shape,
}
