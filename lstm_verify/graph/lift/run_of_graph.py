"""A run of a graph, with its values: what a tensor was computed from, and which others have the same shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from lstm_verify.graph.lift.check import as_float64
from lstm_verify.graph.lift.replacing import Place, Values
from lstm_verify.layers import Array
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.operation import Operation
from lstm_verify.model import Model, Tensor

MOVES = {"cast", "identity", "reshape_to", "squeeze", "expand_dims", "transpose", "move_axis", "flatten"}
"""Operations that leave values what they are."""
SHAPES = {"shape", "shapes", "size", "rank"}


class RunOfGraph:
    """A graph, and its floats in some run.

    Attributes:
        model: the graph.
        values: its tensors of floats, as float64.
    """

    def __init__(self, model: Model, values: Values) -> None:
        self.model = model
        floats = {tensor: np.asarray(value) for tensor, value in values.items() if hasattr(value, "dtype")}
        self.values = {tensor: as_float64(value) for tensor, value in floats.items() if value.dtype.kind == "f"}
        self.position = {node.layer: number for number, node in enumerate(model.nodes, 1)}
        self.calls = {node.layer: node for node in model.nodes}
        self.above = dict[str, set[str]]()

    def wholes(self, shape: tuple[int, ...]) -> Iterator[tuple[Place, Array]]:
        """Yield the tensors of a shape, axes of length 1 aside."""
        for tensor, value in self.values.items():
            if _squeezed(value.shape) == _squeezed(shape):
                yield Place(tensor), value.reshape(shape)

    def parts(self, shape: tuple[int, ...]) -> Iterator[tuple[Place, Array]]:
        """Yield the same, and the parts of larger tensors along each of their axes."""
        yield from self.wholes(shape)
        for tensor, value in self.values.items():
            for axis in range(value.ndim if value.ndim > len(shape) else 0):
                if _squeezed(value.shape[:axis] + value.shape[axis + 1 :]) == _squeezed(shape):
                    for part in range(value.shape[axis]):
                        yield Place(tensor, axis, part), value.take(part, axis).reshape(shape)

    def when(self, tensor: Tensor) -> int:
        """Return the number of the call that computes a tensor, in the order of calls; 0 of one that is fed."""
        return self.position.get(tensor.layer, 0)

    def needed(self, tensor: Tensor) -> set[str]:
        """Return the layers and inputs whose values a tensor is computed from; of a shape nothing is."""
        if tensor.layer not in self.above:
            found, open_ = set[str](), [tensor]
            while open_:  # as deep as there are steps
                one = open_.pop()
                if one.layer not in found:
                    found.add(one.layer)
                    open_ += () if self.operation(one) in SHAPES else self.given(one)
            self.above[tensor.layer] = found
        return self.above[tensor.layer]

    def needed_by(self, tensors: Iterable[Tensor]) -> set[str]:
        """Return the same of any of several."""
        return set().union(*map(self.needed, tensors))

    def between(self, tensors: Iterable[Tensor], ends: Iterable[Tensor]) -> set[Tensor]:
        """Return what tensors are computed from, up to some others."""
        found, open_, last = set[Tensor](), list(tensors), set(ends)
        while open_:
            one = open_.pop()
            if one not in found:
                found.add(one)
                open_ += () if one in last else self.given(one)
        return found

    def is_moved(self, tensor: Tensor, first: Tensor) -> bool:
        """Return whether a tensor is another, moved at most, or with a zero added that comes of a state of zeros."""
        while tensor != first:
            rest = [one for one in self.given(tensor) if not self._is_nothing(one)]
            if self.is_move(tensor):
                tensor = self.given(tensor)[0]
            elif self.operation(tensor) == "add" and len(rest) == 1:
                (tensor,) = rest
            else:
                return False
        return True

    def is_move(self, tensor: Tensor) -> bool:
        """Return whether a tensor is another that was only moved, its first argument."""
        return self.operation(tensor) in MOVES

    def operation(self, tensor: Tensor) -> str:
        """Return the operation that a tensor comes from; nothing if it is none."""
        layer = self.model.layers.get(tensor.layer)
        return layer.operation if isinstance(layer, Operation) else ""

    def is_input(self, tensor: Tensor) -> bool:
        """Return whether a tensor is fed."""
        return tensor.layer not in self.calls

    def is_constant(self, tensor: Tensor) -> bool:
        """Return whether a tensor stands in the file."""
        return isinstance(self.model.layers.get(tensor.layer), Constant)

    def given(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """Return what a tensor is computed from."""
        node = self.calls.get(tensor.layer)
        return node.inputs if node else ()

    def _is_nothing(self, tensor: Tensor) -> bool:
        """Whether a tensor is a product with zeros that no input decides on."""
        if self.operation(tensor) != "multiply":
            return False
        return any(not np.any(self.values.get(one, 1.0)) and not self.is_fed(one) for one in self.given(tensor))

    def is_fed(self, tensor: Tensor) -> bool:
        """Return whether the values of a tensor, and not just its shape, depend on an input."""
        seen, open_ = set[str](), [tensor]
        while open_:
            one = open_.pop()
            if self.is_input(one):
                return True
            if one.layer not in seen and self.operation(one) not in SHAPES:
                seen.add(one.layer)
                open_ += self.given(one)
        return False


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)
