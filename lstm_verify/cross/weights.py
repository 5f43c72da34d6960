"""Do two files hold the same weights? Tensor by tensor, whatever the layout.

    equal         the same numbers in the same order, axes of length 1 aside
    rearranged    the same numbers: transposed, or with gates, or anything, in another order
    rounded       the same after rounding to a narrower format
    different     neither
    alone         a tensor that the other file has nothing for; zeros, such as a bias nobody trained, count for nothing

Weights of recurrent layers are compared in one layout, with their gates in one order, since that is how they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.cross.layouts import RESHAPED, SHUFFLED, distance, is_equal, laid_out_like, rearranged
from lstm_verify.layers.base import Weighted
from lstm_verify.layers.recurrent.gru import GRUCell
from lstm_verify.model import Model
from lstm_verify.rounded.precision import PRECISIONS, in_format

FORMATS = ("float16", "bfloat16")
"""What weights are rounded to, besides whole numbers with a scale."""
UNITS = {**{f"to {name}": PRECISIONS[name].unit for name in FORMATS}, "to 8 bits": 2.0**-8}
"""Half a step of each, relative to the largest number, by how it is said."""
SUMMED = 4
"""How many units of rounding the sum of two tensors may be off, of which each is off by one."""
LEVELS = 256
"""The values that a tensor of int8 has at most, for each of its channels."""


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
        known = all(p.relation in ("equal", "rearranged") and p.words not in (SHUFFLED, RESHAPED) for p in self.pairs)
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
    return _Matching(tensors_of(one), tensors_of(other)).compared()


def tensors_of(model: Model) -> Tensors:
    """Return the weights that count: not all zero, and no scalars, which are constants of a formula more often."""
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
            if name in self.theirs and is_equal(array, self.theirs[name]):
                self._pair(name, name, "equal", "")
        there = _by_key(self.theirs)
        for name, array in list(self.ours.items()):
            others = there.get(_key(array), [])
            if others:
                # of several with the same numbers, one that has them in the same order
                best = min(others, key=lambda other: not is_equal(array, self.theirs[other]))
                others.remove(best)
                words = rearranged(array, self.theirs[best])
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
            (distance(a, b), name, other)
            for name, a in self.ours.items()
            for other, b in self.theirs.items()
            if a.size == b.size
        )
        different = dict[str, float]()
        for _, name, other in distances:
            if name in self.ours and other in self.theirs:
                a, b = self.ours[name], laid_out_like(self.theirs[other], self.ours[name])
                if _is_of_levels(a, b) or _is_of_levels(b, a):
                    self._pair(name, other, "rounded", "to 8 bits")
                else:
                    self._pair(name, other, "different", "")
                    different[name] = float(np.max(np.abs(a)))
        self._as_others_are(different)

    def _as_others_are(self, different: Mapping[str, float]) -> None:
        """Tensors that others are rounded beside, of few numbers or the sum of two, are rounded as they are.

        Args:
            different: the largest number of each.
        """
        known = {pair.words for pair in self.pairs.values() if pair.relation == "rounded"}
        for name, largest in different.items():
            pair = self.pairs[name]
            near = (words for words, unit in UNITS.items() if pair.largest <= SUMMED * unit * largest)
            for words in near:
                if words in known:
                    self.pairs[name] = replace(pair, relation="rounded", words=words)

    def _pair(self, name: str, other: str, relation: str, words: str) -> None:
        a, b = self.ours.pop(name), self.theirs.pop(other)
        self.pairs[name] = Pair(name, other, relation, words, 0.0 if relation == "rearranged" else distance(a, b))


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
