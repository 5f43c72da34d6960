"""Do two files hold the same weights? Tensor by tensor, whatever the layout.

    equal         the same numbers in the same order, axes of length 1 aside
    rearranged    the same numbers: transposed, gates in another order, or units in another order
    rounded       the same after rounding to a narrower format
    different     neither
    alone         a tensor that the other file has nothing for; zeros, such as a bias nobody trained, count for nothing

Weights of recurrent layers are compared in one layout, with their gates in one order, since that is how they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.layers.base import Weighted
from lstm_verify.layers.recurrent.gru import GRUCell
from lstm_verify.model import Model
from lstm_verify.rounded.precision import in_format

FORMATS = ("float16", "bfloat16")
"""What weights are rounded to, besides whole numbers with a scale."""
LEVELS = 256
"""The values that a tensor of int8 has at most, for each of its channels."""
GATES = {3: "zrh", 4: "ifco"}
"""The gates whose blocks in a kernel may be in another order there, as GRU and LSTM have them here."""


SHUFFLED = "in another order"
"""How numbers are arranged that are in no layout which anybody uses."""


@dataclass(frozen=True)
class Pair:
    """A tensor of one file beside that of the other."""

    name: str
    other: str
    relation: str
    """`equal`, `rearranged`, `rounded` or `different`."""
    words: str = ""
    """How, for people."""
    largest: float = 0.0
    """The largest difference."""


@dataclass(frozen=True)
class WeightComparison:
    """All tensors of two files, side by side."""

    pairs: tuple[Pair, ...]
    alone: tuple[str, ...] = ()
    """Tensors of the first file that the other has nothing for."""
    other_alone: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both hold the same numbers, in whatever layout, and none that are exchanged or shuffled."""
        known = all(p.relation in ("equal", "rearranged") and p.words != SHUFFLED for p in self.pairs)
        return known and not (self.alone or self.other_alone or self.exchanged)

    @property
    def exchanged(self) -> tuple[str, ...]:
        """Tensors of names that both files have, whose numbers the other has in another of them."""
        there = {pair.name: pair.other for pair in self.pairs if pair.relation in ("equal", "rearranged")}
        return tuple(name for name, other in there.items() if name != other and name in _followed(there, other))

    def of(self, relation: str) -> list[Pair]:
        """The pairs that are related so."""
        return [pair for pair in self.pairs if pair.relation == relation]

    @property
    def words(self) -> str:
        """What is known of them, in a few words."""
        parts = []
        for relation, said in (("equal", "equal"), ("rearranged", "rearranged"), ("rounded", "rounded")):
            found = self.of(relation)
            if found:
                how = ", ".join(dict.fromkeys(pair.words for pair in found if pair.words))
                parts.append(f"{len(found)} {said}{f' ({how})' if how else ''}")
        different = self.of("different")
        if different:
            worst = max(different, key=lambda pair: pair.largest)
            parts.append(f"{len(different)} different ({worst.name} by up to {worst.largest:.2g})")
        if self.exchanged:
            parts.append(f"{', '.join(self.exchanged)} exchanged")
        lonely = len(self.alone) + len(self.other_alone)
        if lonely:
            parts.append(f"{lonely} in one file alone")
        return "; ".join(parts) or "none"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "same": self.same,
            "pairs": [vars(pair) for pair in self.pairs],
            "alone": list(self.alone),
            "other_alone": list(self.other_alone),
            "exchanged": list(self.exchanged),
        }


Tensors = dict[str, Array]


def compare_weights(one: Model, other: Model) -> WeightComparison:
    """Compare the weights of two models.

    Example:
        >>> from lstm_verify import load
        >>> model = load("fixtures/origin_tanh_sigmoid.keras3.h5")
        >>> compare_weights(model, load("fixtures/origin_tanh_sigmoid.keras3.keras")).words
        '5 equal'
    """
    return _Matching(_tensors(one), _tensors(other)).compared()


def _tensors(model: Model) -> Tensors:
    """The weights that count: not all zero, and no scalars, which are constants of a formula more often."""
    found = {name: np.asarray(array) for name, array in model.weights()} | dict(_biases(model, ""))
    return {name: array for name, array in found.items() if array.ndim and np.any(array)}


def _biases(item: Weighted, path: str) -> Iterator[tuple[str, Array]]:
    """The biases of GRUs that have two, as far as they count: of the update and the reset gate, their sum."""
    if isinstance(item, GRUCell) and item.reset_after and item.bias is not None:
        z, r, candidate = np.split(item.bias.astype(np.float64), 3, axis=1)
        both = np.concatenate([z.sum(axis=0), r.sum(axis=0), *candidate])
        yield f"{path}/bias", both.astype(np.float32)
    for name, child in item.children().items():
        yield from _biases(child, "/".join(filter(None, (path, name))))


@dataclass
class _Matching:
    """The search for what belongs together, the clearest first."""

    ours: Tensors
    theirs: Tensors
    pairs: dict[str, Pair] = field(default_factory=dict)

    def compared(self) -> WeightComparison:
        order = list(self.ours)
        self._by_numbers()
        for name in FORMATS:
            self._by_rounding(name)
        self._by_shape()
        pairs = sorted(self.pairs.values(), key=lambda pair: order.index(pair.name))
        return WeightComparison(tuple(pairs), _of_many(self.ours), _of_many(self.theirs))

    def _by_numbers(self) -> None:
        for name, array in list(self.ours.items()):
            if name in self.theirs and _is_equal(array, self.theirs[name]):
                self._pair(name, name, "equal", "")
        there = _by_key(self.theirs)
        for name, array in list(self.ours.items()):
            others = there.get(_key(array), [])
            if others:
                # of several with the same numbers, one that has them in the same order
                best = min(others, key=lambda other: not _is_equal(array, self.theirs[other]))
                others.remove(best)
                words = _rearranged(array, self.theirs[best])
                self._pair(name, best, "rearranged" if words else "equal", words)

    def _by_rounding(self, name: str) -> None:
        for exact, rounded, is_other in ((self.ours, self.theirs, True), (self.theirs, self.ours, False)):
            there = _by_key(rounded)
            for key, array in list(exact.items()):
                others = there.get(_key(_rounded(array, name)), [])
                if others:
                    found = others.pop(0)
                    pair = (key, found) if is_other else (found, key)
                    self._pair(*pair, "rounded", f"to {name}")

    def _by_shape(self) -> None:
        """What is left: tensors of the same size, the nearest first."""
        distances = sorted(
            (_distance(a, b), name, other)
            for name, a in self.ours.items()
            for other, b in self.theirs.items()
            if a.size == b.size
        )
        for _, name, other in distances:
            if name in self.ours and other in self.theirs:
                a, b = self.ours[name], self.theirs[other]
                levels = _is_of_levels(a, _like(b, a)) or _is_of_levels(_like(b, a), a)
                self._pair(name, other, "rounded" if levels else "different", "to 8 bits" if levels else "")

    def _pair(self, name: str, other: str, relation: str, words: str) -> None:
        a, b = self.ours.pop(name), self.theirs.pop(other)
        self.pairs[name] = Pair(name, other, relation, words, 0.0 if relation == "rearranged" else _distance(a, b))


def _followed(there: Mapping[str, str], name: str) -> set[str]:
    """The names that follow on one, each that of the tensor which has the numbers of the one before."""
    found = set[str]()
    while name in there and name not in found:
        found.add(name)
        name = there[name]
    return found


def _of_many(tensors: Tensors) -> tuple[str, ...]:
    """The names of those of more than one number: a lone one that the other file has not may belong to a formula."""
    return tuple(name for name, array in tensors.items() if array.size > 1)


def _by_key(tensors: Mapping[str, Array]) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for name, array in tensors.items():
        found.setdefault(_key(array), []).append(name)
    return found


def _key(array: Array) -> bytes:
    """The numbers of a tensor, in whatever order; -0 is 0."""
    return bytes((np.sort(array.astype(np.float64), axis=None) + 0.0).tobytes())


def _rounded(array: Array, name: str) -> Array:
    rounded: Array = in_format(array.astype(np.float64), name)
    return rounded


def _squeezed(array: Array) -> Array:
    return array.reshape([length for length in array.shape if length > 1])


def _is_equal(a: Array, b: Array) -> bool:
    one, other = _squeezed(a), _squeezed(b)
    return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=True))


def _rearranged(a: Array, b: Array) -> str:
    """How the numbers of one tensor are arranged in the other; nothing if they are as they are."""
    if _is_equal(a, b):
        return ""
    one, other = _squeezed(a), _squeezed(b)
    for axes in _orders(one, other):
        if np.array_equal(one, other.transpose(axes)):
            return "transposed"
    for axes in _orders(one, other):
        for words in (*_reversed(one, other.transpose(axes)), *_blocks(one, other.transpose(axes))):
            return words
    if any(np.array_equal(a.T.ravel(), b.ravel()) for a, b in ((one, other), (other, one))):
        return "reshaped where it should be transposed"
    return SHUFFLED


def _orders(one: Array, other: Array) -> Iterator[tuple[int, ...]]:
    """The orders of axes in which one tensor has the shape of another."""
    if one.ndim == other.ndim and one.ndim <= MOST_AXES:
        for axes in permutations(range(other.ndim)):
            if tuple(other.shape[axis] for axis in axes) == one.shape:
                yield axes


MOST_AXES = 5


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


def _like(b: Array, a: Array) -> Array:
    """A tensor with its axes as another has them, as near as can be."""
    one, other = _squeezed(a), _squeezed(b)
    orders = [other.transpose(axes) for axes in _orders(one, other)] or [other.reshape(one.shape)]
    nearest: Array = min(orders, key=lambda array: float(np.max(np.abs(one - array), initial=0.0)))
    return nearest.reshape(a.shape)


def _distance(a: Array, b: Array) -> float:
    """The largest difference of two tensors of the same size."""
    with np.errstate(all="ignore"):
        one, other = a.astype(np.float64), _like(b, a).astype(np.float64)
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        largest = np.max(np.where(same, 0.0, np.abs(one - other)), initial=0.0)
    return float(np.nan_to_num(largest, nan=np.inf))


def _is_of_levels(exact: Array, rounded: Array) -> bool:
    """Whether one tensor is the other with few values, evenly apart: for all of it, or for each channel of an axis."""
    channels = (zip(*(np.moveaxis(a, n, 0) for a in (exact, rounded)), strict=True) for n in range(exact.ndim))
    return _is_even(exact, rounded) or any(all(_is_even(e, r) for e, r in parts) for parts in channels)


def _is_even(exact: Array, rounded: Array) -> bool:
    values = np.unique(rounded.astype(np.float64))
    if exact.size < FEWEST or len(values) > LEVELS or len(values) < 2 or len(values) == exact.size:
        return False
    # there may be none so near as one step among few values; of 127 steps the largest number takes half at least
    step = min(float(np.min(np.diff(values))), float(np.max(np.abs(exact))) / 64)
    return bool(np.max(np.abs(exact.astype(np.float64) - rounded)) <= 0.51 * step)


FEWEST = 8
"""Numbers that it takes to see that they are few."""
