"""The outputs of a second model in the place of those of the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, permutations
from typing import NamedTuple

import numpy as np

from lstm_verify.arrays import Array
from lstm_verify.cross.ways import CLEAR, NEAR, TRIES, Axes, plain, same_name
from lstm_verify.errors import InputError


class Placed(NamedTuple):
    """An output in the layout of another."""

    array: Array
    axes: Axes | None = None
    """Which axes of the other its own are, but for those of length 1; None: as they are."""


Assigned = tuple[float, dict[str, Placed], dict[str, str]]
"""How far the outputs of a second model are, these in the layout of those of the first, and their names."""


def matched(
    ours: Mapping[str, Array], theirs: Mapping[str, Array], asked: Mapping[str, str], is_turned: bool
) -> Assigned:
    """How far the outputs of the second model are, in the place of those of the first, and their names.

    Args:
        ours: the outputs of the first.
        theirs: those of the second.
        asked: what the user says.
        is_turned: whether the axes of an input are in another order there, as those of outputs then may be.

    Raises:
        InputError: an output has no counterpart of its shape.
    """
    fixed = {name: asked.get(name) or same_name(name, theirs) for name in ours}
    rest = [name for name in theirs if name not in fixed.values()]
    open_ = [name for name, source in fixed.items() if source is None]
    if len(rest) < len(open_):
        raise InputError(
            f"it has {', '.join(theirs)}, and nothing is left for {', '.join(open_)}. "
            f"Compare those that it has: --output-tensor NAME"
        )
    tried = list[Assigned]()
    for chosen in islice(permutations(rest, len(open_)), TRIES):
        names = {name: str(source) for name, source in {**fixed, **dict(zip(open_, chosen, strict=True))}.items()}
        found = {name: _placed(theirs[source], ours[name], is_turned) for name, source in names.items()}
        placed = {name: each for name, each in found.items() if each is not None}
        if len(placed) < len(found):
            continue
        tried.append((max(_distance(ours[name], each.array) for name, each in placed.items()), placed, names))
    if not tried:
        shapes = "; ".join(
            ", ".join(f"{name} {np.shape(array)}" for name, array in each.items()) for each in (ours, theirs)
        )
        raise InputError(
            f"the outputs have other shapes: {shapes}. Choose which to compare: --map A=B, --output-tensor"
        )
    tried.sort(key=lambda each: each[0])
    best, *others = tried
    for other in others if best[0] > NEAR else ():
        _refuse_if_unclear(ours, best, other)
    return best


def _refuse_if_unclear(ours: Mapping[str, Array], best: Assigned, other: Assigned) -> None:
    """Refuse to guess which output is which.

    Raises:
        InputError: outputs that have another counterpart in the second best way are not clearly nearer in the best.
    """
    names = [name for name in ours if best[2][name] != other[2][name]]
    near, far = (max(_distance(ours[name], way[1][name].array) for name in names) for way in (best, other))
    if far < CLEAR * near:
        sources = ", ".join(sorted(best[2][name] for name in names))
        raise InputError(f"the outputs {', '.join(names)} could be any of {sources}. Say which is which: --map A=B")


def said_of_outputs(
    placed: Mapping[str, Placed], names: Mapping[str, str], theirs: Mapping[str, Array]
) -> Iterator[str]:
    """What was assumed of the outputs, in words."""
    for name, source in names.items():
        if plain(name) != plain(source):
            yield f"output {name} is {source} there"
        if placed[name].axes is not None:
            yield f"output {source} there has the axes of {name} in the order {placed[name].axes}"
        elif theirs[source].shape != placed[name].array.shape:
            yield f"output {source} has shape {theirs[source].shape} there"
    left = [name for name in theirs if name not in names.values()]
    if left:
        yield f"nothing is compared with {', '.join(left)}"


def _placed(theirs: Array, ours: Array, is_turned: bool) -> Placed | None:
    """An output in the layout of another; None if it has not as many numbers, or other axes.

    Axes of equal lengths are exchanged only where those of an input are: else it would be a fault that is made good.
    """
    if theirs.shape == ours.shape and (not is_turned or _distance(ours, theirs) <= NEAR):
        return Placed(theirs)
    long = [length for length in ours.shape if length != 1]
    squeezed = theirs.reshape([length for length in theirs.shape if length != 1])
    if sorted(long) != sorted(squeezed.shape):
        return None
    as_they_are = tuple(range(squeezed.ndim))
    if list(squeezed.shape) == long and not is_turned:
        return Placed(squeezed.reshape(ours.shape))
    fitting = [
        Placed(squeezed.transpose(axes).reshape(ours.shape), None if axes == as_they_are else _inverse(axes))
        for axes in permutations(as_they_are)
        if [squeezed.shape[n] for n in axes] == long
    ]
    return min(fitting, key=lambda each: _distance(ours, each.array), default=None)


def _inverse(axes: Axes) -> Axes:
    return tuple(axes.index(n) for n in range(len(axes)))


def _distance(ours: Array, theirs: Array) -> float:
    """How far two outputs are, relative to their size."""
    with np.errstate(all="ignore"):
        size = max(float(np.max(np.abs(ours), where=np.isfinite(ours), initial=0.0)), 1e-30)
        away = np.where(ours == theirs, 0.0, np.abs(ours - theirs))
    return float(np.nan_to_num(np.max(away, initial=0.0), nan=np.inf)) / size
