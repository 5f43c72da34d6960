"""Altered inputs: preprocessing that was applied twice, or not at all.

Each is a change that puts something before the model: tokens counted from another number, a sequence that is reversed,
a step late or padded on its other side, features in another order, scaled or normalised once more. None has a number
that is fitted to the predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations, permutations

import numpy as np

from lstm_verify.arrays import Array, Rows
from lstm_verify.diagnosis.arrays.seen import Seen, altered_input
from lstm_verify.diagnosis.changes import in_place_of
from lstm_verify.inputs import vocabulary
from lstm_verify.layers import Layer, Run, Signal, Signals
from lstm_verify.model import Input, Model

MEASURED = 2**24
"""The numbers whose mean and range count: all of an input that is no larger."""
TRIED = 256
"""The samples that show whether something makes a difference."""
STEPS = (1, 2, 3)
"""By how many steps, or token numbers, an input may be off."""
ALL_ORDERS = 4
"""Up to so many features every order is tried; of up to twice as many, every exchange of two."""
FACTORS = {
    **{name: number for number in (255.0, 100.0, 1000.0, 10.0, 2.0) for name in (f"times {number:g}",)},
    **{f"divided by {number:g}": 1 / number for number in (255.0, 100.0, 1000.0, 10.0, 2.0)},
    "negated": -1.0,
}
Alter = Callable[[Array], Array]
Way = tuple[str, str, Alter]
"""What is done, the same in words, and the function, of (samples, ...)."""


def altered_inputs(model: Model, inputs: Mapping[str, Rows]) -> Iterator[Seen]:
    """Yield every alteration of one input that changes it, in a way that no earlier one does.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
    """
    for spec in model.inputs:
        rows = inputs[spec.name]
        if not model.divisible or len(rows.shape) < 2 or rows.dtype.kind not in "fiu":
            continue
        x = np.asarray(rows[slice(0, max(1, MEASURED // int(np.prod(rows.shape[1:]))))])
        tried = {x[:TRIED].tobytes(), None}
        for kind, words, alter in _ways(model, spec, x):
            if (made := _made(alter, x[:TRIED])) not in tried:
                tried.add(made)
                make = partial(_with_altered, name=spec.name, alter=alter, whole=x.dtype.kind != "f")
                yield altered_input(kind, spec.name, words, make, frozenset({_node(spec.name)}))


def _ways(model: Model, spec: Input, x: Array) -> Iterator[Way]:
    tokens = vocabulary(model, spec.name)
    if tokens is not None:
        yield from _of_tokens(tokens)
    if x.ndim == 2 and (tokens is not None or x.dtype.kind != "f"):
        yield from _of_time()
    elif x.dtype.kind == "f":
        if x.ndim > 2:
            yield from _of_time()
        yield from _of_features(x.shape[-1])
        yield from _of_numbers(x.astype(np.float64))


def _made(alter: Alter, x: Array) -> bytes | None:
    """What becomes of an input; None if that cannot be done to it."""
    try:
        return np.asarray(alter(x), x.dtype).tobytes()
    except ValueError:
        return None


# --------------------------------------------------------------------------------------------- tokens


def _of_tokens(size: int) -> Iterator[Way]:
    for step in (*STEPS, *(-step for step in STEPS)):
        yield "tokens_shifted", f"with {step:+d} added to every token", partial(_counted, by=step, size=size)
        words = f"with {step:+d} added to every token but 0"
        yield "tokens_shifted", words, partial(_counted, by=step, size=size, but_0=True)


def _counted(x: Array, by: int, size: int, but_0: bool = False) -> Array:
    """Tokens that are counted from another number.

    Raises:
        ValueError: there are no such tokens.
    """
    moved = np.where(x == 0, x, x + by) if but_0 else x + by
    if (moved < 0).any() or (moved >= size).any():
        raise ValueError("no such token")
    return moved


# ----------------------------------------------------------------------------------------------- time


def _of_time() -> Iterator[Way]:
    yield "reversed", "reversed in time", lambda x: x[:, ::-1]
    yield "padding_side", "padded on the other side", _padded_otherwise
    yield "reversed", "reversed in time, without its padding", _reversed_inside
    for step in STEPS:
        for by in (step, -step):
            words = f"{step} time step{'s' * (step > 1)} {'later' if by > 0 else 'earlier'}"
            for fill in ("zeros", "the step at the edge", "the steps of the other end"):
                yield "shifted", f"{words}, filled up with {fill}", partial(_late, by=by, fill=fill)


def _late(x: Array, by: int, fill: str) -> Array:
    """A sequence `by` steps later; earlier if that is negative."""
    steps = x.shape[1]
    if abs(by) >= steps:
        raise ValueError("no step is left")
    places = np.arange(steps) - by
    cyclic = fill == "the steps of the other end"
    moved: Array = x[:, places % steps if cyclic else np.clip(places, 0, steps - 1)]
    if fill == "zeros":
        inside = ((places >= 0) & (places < steps)).reshape(1, -1, *(1,) * (x.ndim - 2))
        moved = moved * inside.astype(_plain(x).dtype)
    return moved


def _lengths(x: Array) -> tuple[Array, Array]:
    """How many steps of each sample are padding before and behind all others, (samples,) each."""
    steps = (_plain(x).reshape(*x.shape[:2], -1) != 0).any(axis=2)
    some = steps.any(axis=1)
    before = np.where(some, steps.argmax(axis=1), 0)
    behind = np.where(some, steps[:, ::-1].argmax(axis=1), 0)
    return before, behind


def _padded_otherwise(x: Array) -> Array:
    before, behind = _lengths(x)
    steps = np.arange(x.shape[1])
    moved: Array = x[np.arange(len(x))[:, None], (steps[None] + (before - behind)[:, None]) % x.shape[1]]
    return moved


def _reversed_inside(x: Array) -> Array:
    before, behind = _lengths(x)
    steps, n = np.arange(x.shape[1])[None], x.shape[1]
    inside = (steps >= before[:, None]) & (steps < n - behind[:, None])
    return x[np.arange(len(x))[:, None], np.where(inside, before[:, None] + n - behind[:, None] - 1 - steps, steps)]


def _plain(x: Array) -> Array:
    """The numbers of an input, which nothing was rounded in yet."""
    return np.asarray(x)


# ------------------------------------------------------------------------------------------- features


def _of_features(count: int) -> Iterator[Way]:
    for order in _orders(count):
        yield "features_permuted", f"with its features in the order {order}", partial(_ordered, order=order)


def _ordered(x: Array, order: tuple[int, ...]) -> Array:
    return x[..., list(order)]


def _orders(count: int) -> Iterator[tuple[int, ...]]:
    every = tuple(range(count))
    if count <= ALL_ORDERS:
        yield from (order for order in permutations(every) if order != every)
        return
    yield from (every[::-1], every[1:] + every[:1], every[-1:] + every[:-1])
    for first, second in combinations(every, 2) if count <= 2 * ALL_ORDERS else ():
        swapped = list(every)
        swapped[first], swapped[second] = second, first
        yield tuple(swapped)


# -------------------------------------------------------------------------------------------- numbers


def _of_numbers(x: Array) -> Iterator[Way]:
    for words, factor in FACTORS.items():
        yield "scaled", words, partial(_scaled, factor=factor, constant=0.0)
    yield "scaled", "brought from 0…1 to -1…1", partial(_scaled, factor=2.0, constant=-1.0)
    yield "scaled", "brought from -1…1 to 0…1", partial(_scaled, factor=0.5, constant=0.5)
    each, everything = tuple(range(x.ndim - 1)), tuple(range(x.ndim))
    for axes, of in ((each, "each feature"), (everything, "all of it")):
        for words, (low, width) in _measures(x, axes).items():
            if np.isfinite(low).all() and np.isfinite(width).all() and (width > 0).all():
                yield "normalised", f"normalised once more, {words} of {of}", partial(_normal, low=low, width=width)


def _measures(x: Array, axes: tuple[int, ...]) -> dict[str, tuple[Array, Array]]:
    """What is taken from a number, and what it is divided by."""
    least, largest = x.min(axis=axes), x.max(axis=axes)
    mean, deviation = x.mean(axis=axes), x.std(axis=axes)
    return {
        "by mean and standard deviation": (mean, deviation),
        "to the range 0…1": (least, largest - least),
        "to the range -1…1": ((least + largest) / 2, (largest - least) / 2),
    }


def _scaled(x: Array, factor: float, constant: float) -> Array:
    y: Array = x * factor + constant if constant else x * factor
    return y


def _normal(x: Array, low: Array, width: Array) -> Array:
    y: Array = (x - low) / width
    return y


# ----------------------------------------------------------------------------------------- the change


@dataclass(frozen=True, eq=False, kw_only=True)
class Altered(Layer):
    """A layer that applies a function to an input before the model sees it."""

    alter: Alter
    whole: bool
    """Whether the input has whole numbers, and keeps them."""

    def apply(self, inputs: Signals, run: Run) -> Signals:
        x = inputs[0].value
        return (Signal(self.alter(np.asarray(x).astype(np.int64) if self.whole else x)),)


def _node(name: str) -> str:
    return f"{name} altered"


def _with_altered(model: Model, name: str, alter: Alter, whole: bool) -> Model:
    node = _node(name)
    return in_place_of(model, name, Altered(name=node, alter=alter, whole=whole, compute_dtype=""))
