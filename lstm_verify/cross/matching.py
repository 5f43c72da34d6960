"""Which inputs and outputs of two models are the same, and how their axes lie: by name, by shape, and by experiment.

    x (samples, time, features) of one file may be (time, samples, features) of the other, or (samples, features, time);
    an output may have axes of length 1 that the other has not.

Names decide first, then shapes. Where several ways are left, each is tried: the one in which both models compute the
same is the right one. Where none of them does, and equal shapes could be exchanged, the user has to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice, permutations, product
from typing import Any, NamedTuple

import numpy as np

from lstm_verify._replay import replay
from lstm_verify.arrays import Array
from lstm_verify.errors import InputError, LstmVerifyError
from lstm_verify.model import Input, Model

TRIES = 64
"""The ways that are tried at most."""
CLEAR = 10.0
"""How many times nearer the best way must be than the next, if neither is right."""
NEAR = 1e-3
"""Relative to the size of an output: models that are so near compute the same, or almost."""

Axes = tuple[int, ...]


class Way(NamedTuple):
    """How one tensor becomes that of the other model."""

    source: str
    """Its name in the first model; of an output, in the second."""
    axes: Axes | None = None
    """The order of its axes there; None: as they are."""


@dataclass(frozen=True)
class Link:
    """How two models are called alike."""

    inputs: dict[str, Array]
    """The inputs of the second model by name, as its framework has them."""
    outputs: dict[str, Array]
    """What the second model computes, by the names and in the layout of the outputs of the first."""
    notes: tuple[str, ...] = ()
    """What was assumed."""
    names: dict[str, str] = field(default_factory=dict)
    """The second model's name of each output of the first."""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The shapes of all outputs of the second model, in its order."""
    is_turned: bool = False
    """Whether axes of its inputs or outputs are in another order."""


def linked(one: Model, other: Model, x: Mapping[str, Array], asked: Mapping[str, str]) -> Link:
    """Find out how a second model is called like the first.

    Args:
        one: the first model.
        other: the second.
        x: the inputs of the first, by name, as its framework has them.
        asked: what the user says: names of the first model's inputs and outputs, and of the second's.

    Raises:
        InputError: something has no counterpart, or could be exchanged.
    """
    _check(one, other, asked)
    ours = dict(replay(one, dict(x)))
    ways = list(islice(_inputs(other, x, asked), TRIES))
    if not ways:
        raise InputError(_no_inputs(one, other, x))
    tried: list[tuple[float, dict[str, Way], Link]] = []
    failed = ""
    for way in ways:
        try:
            given = {name: _taken(spec, way[name], x) for name, spec in _specs(other).items()}
            theirs = dict(replay(other, given))
            is_turned = any(each.axes is not None for each in way.values())
        except LstmVerifyError as error:
            failed = failed or f"it cannot be called with the inputs of {one.name} ({error})"
            continue
        is_turned = any(each.axes is not None for each in way.values())
        try:
            distance, placed, names = _matched(ours, theirs, asked, is_turned)
        except InputError as error:
            failed = failed or str(error)
            continue
        outputs = {name: each.array for name, each in placed.items()}
        is_turned = is_turned or any(each.axes is not None for each in placed.values())
        notes = (*_said(way, x, other), *_said_of_outputs(placed, names, theirs))
        shapes = {output.name: np.shape(theirs[output.name]) for output in other.outputs}
        tried.append((distance, way, Link(given, outputs, notes, names, shapes, is_turned)))
    if not tried:
        raise InputError(f"{other.name}: {failed}")
    tried.sort(key=lambda item: item[0])
    _refuse_if_unclear(other, tried)
    distance, way, link = _likeliest(tried)
    if distance <= NEAR:
        called = {each.source: name for name, each in way.items()}
        pairs = {name: called[name] for name in x if name in called}
        _refuse_if_exchanged(asked, pairs, {name: np.shape(link.inputs[name]) for name in _specs(other)})
        _refuse_if_exchanged(asked, link.names, link.shapes)
    return replace(link, notes=(*link.notes, *_of_one_value(one, ours)))


def _likeliest(tried: Sequence[tuple[float, dict[str, Way], Link]]) -> tuple[float, dict[str, Way], Link]:
    """The nearest way; if it is not near, the one in which all axes are as they are, unless that is clearly farther."""
    nearest, *others = tried
    for each in others:
        if nearest[0] > NEAR and each[0] <= CLEAR * nearest[0] and all(way.axes is None for way in each[1].values()):
            return each
    return nearest


def _of_one_value(model: Model, outputs: Mapping[str, Array]) -> Iterator[str]:
    """Which outputs are the same for every sample, in words: they could hide what is wrong."""
    for output in model.outputs:
        array = np.moveaxis(outputs[output.name], output.axis or 0, 0)
        if len(array) > 1 and np.array_equal(array, np.broadcast_to(array[:1], array.shape)):
            yield f"output {output.name} is the same for every sample: other inputs may show what these could not"


def _check(one: Model, other: Model, asked: Mapping[str, str]) -> None:
    """Check that the names that a user maps exist, and map inputs to inputs."""
    for ours, theirs in asked.items():
        for ends, others in ((one.inputs, other.inputs), (one.outputs, other.outputs)):
            if ours in {end.name for end in ends} and theirs in {end.name for end in others}:
                break
        else:
            raise InputError(
                f"--map {ours}={theirs}: expected an input of {one.name} and one of {other.name}, or an output of "
                "each. "
                f"They have {_listed(one)}, and {_listed(other)}"
            )
    for theirs in asked.values():
        if list(asked.values()).count(theirs) > 1:
            raise InputError(f"--map: {theirs} of {other.name} is given twice, expected each name once")


def _listed(model: Model) -> str:
    return f"{', '.join(end.name for end in model.inputs)} → {', '.join(end.name for end in model.outputs)}"


def _specs(model: Model) -> dict[str, Input]:
    return {spec.name: spec for spec in model.inputs}


# ------------------------------------------------------------------------------------------------- inputs


def _inputs(other: Model, x: Mapping[str, Array], asked: Mapping[str, str]) -> Iterator[dict[str, Way]]:
    """The ways to feed the second model, the likeliest first."""
    mapped = {theirs: ours for ours, theirs in asked.items() if ours in x}
    fixed = {spec.name: mapped.get(spec.name) or _same_name(spec.name, x) for spec in other.inputs}
    rest = [name for name in x if name not in fixed.values()]
    open_ = [spec.name for spec in other.inputs if fixed[spec.name] is None]
    for chosen in permutations(rest, len(open_)):
        sources = {**fixed, **dict(zip(open_, chosen, strict=True))}
        each = [
            [Way(str(sources[spec.name]), axes) for axes in _axes(x[str(sources[spec.name])].shape, spec)]
            for spec in other.inputs
        ]
        for ways in product(*each):
            yield dict(zip((spec.name for spec in other.inputs), ways, strict=True))


def _same_name(name: str, names: Mapping[str, Any]) -> str | None:
    """The name that is the same; or the only one that is, but for case and the number of an output."""
    if name in names:
        return name
    alike = [each for each in names if _plain(each) == _plain(name)]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return name.removesuffix(":0").lower()


def _axes(shape: tuple[int, ...], spec: Input) -> Iterator[Axes | None]:
    """The orders of axes in which an array fits an input: as it is, time and samples exchanged, channels first."""
    if _fits(shape, spec):
        yield None
    for axes in permutations(range(len(shape))):
        if axes != tuple(range(len(shape))) and len(shape) > 1 and _fits(tuple(shape[n] for n in axes), spec):
            yield axes


def _fits(shape: tuple[int, ...], spec: Input) -> bool:
    wanted = spec.own_shape
    if wanted is None:
        return True
    pairs = list(zip(wanted, shape, strict=False))
    return len(wanted) == len(shape) and all(
        n is None or n == m for place, (n, m) in enumerate(pairs) if place != spec.axis
    )


def _taken(spec: Input, way: Way, x: Mapping[str, Array]) -> Array:
    array = np.asarray(x[way.source])
    return array if way.axes is None else array.transpose(way.axes)


def _said(ways: Mapping[str, Way], x: Mapping[str, Array], other: Model) -> Iterator[str]:
    """What was assumed of the inputs, in words."""
    for name, way in ways.items():
        if _plain(name) != _plain(way.source):
            yield f"input {way.source} is {name} of {other.name}"
        if way.axes is not None:
            yield f"input {name} of {other.name} has the axes of {way.source} in the order {way.axes}"
    left = [name for name in x if name not in {way.source for way in ways.values()}]
    if left:
        yield f"{other.name} has no input for {', '.join(left)}"


def _no_inputs(one: Model, other: Model, x: Mapping[str, Array]) -> str:
    given = ", ".join(f"{name} {np.shape(array)}" for name, array in x.items())
    wanted = ", ".join(f"{spec.name} {spec.own_shape}" for spec in other.inputs)
    more = len(other.inputs) > len(x)
    advice = "It needs more than there are: compare the other way round" if more else "Say which is which: --map A=B"
    return f"{other.name}: its inputs are {wanted}, and those of {one.name} are {given}. {advice}"


# ------------------------------------------------------------------------------------------------- outputs


def _matched(
    ours: Mapping[str, Array], theirs: Mapping[str, Array], asked: Mapping[str, str], is_turned: bool
) -> tuple[float, dict[str, Placed], dict[str, str]]:
    """How far the outputs of the second model are, in the place of those of the first, and their names.

    Args:
        ours: the outputs of the first.
        theirs: those of the second.
        asked: what the user says.
        is_turned: whether the axes of an input are in another order there, as those of outputs then may be.

    Raises:
        InputError: an output has no counterpart of its shape.
    """
    fixed = {name: asked.get(name) or _same_name(name, theirs) for name in ours}
    rest = [name for name in theirs if name not in fixed.values()]
    open_ = [name for name, source in fixed.items() if source is None]
    if len(rest) < len(open_):
        raise InputError(
            f"it has {', '.join(theirs)}, and nothing is left for {', '.join(open_)}. "
            f"Compare those that it has: --output-tensor NAME"
        )
    best: tuple[float, dict[str, Placed], dict[str, str]] | None = None
    second = np.inf
    for chosen in islice(permutations(rest, len(open_)), TRIES):
        names = {name: str(source) for name, source in {**fixed, **dict(zip(open_, chosen, strict=True))}.items()}
        found = {name: _placed(theirs[source], ours[name], is_turned) for name, source in names.items()}
        placed = {name: each for name, each in found.items() if each is not None}
        if len(placed) < len(found):
            continue
        distance = max(_distance(ours[name], each.array) for name, each in placed.items())
        if best is None or distance < best[0]:
            best, second = (distance, placed, names), best[0] if best else second
        else:
            second = min(second, distance)
    if best is None:
        shapes = "; ".join(
            ", ".join(f"{name} {np.shape(array)}" for name, array in each.items()) for each in (ours, theirs)
        )
        raise InputError(
            f"the outputs have other shapes: {shapes}. Choose which to compare: --map A=B, --output-tensor"
        )
    if best[0] > NEAR and second < CLEAR * best[0]:
        raise InputError(
            f"the outputs {', '.join(open_)} could be any of {', '.join(rest)}. Say which is which: --map A=B"
        )
    return best


def _said_of_outputs(
    placed: Mapping[str, Placed], names: Mapping[str, str], theirs: Mapping[str, Array]
) -> Iterator[str]:
    """What was assumed of the outputs, in words."""
    for name, source in names.items():
        if _plain(name) != _plain(source):
            yield f"output {name} is {source} there"
        if placed[name].axes is not None:
            yield f"output {source} there has the axes of {name} in the order {placed[name].axes}"
        elif theirs[source].shape != placed[name].array.shape:
            yield f"output {source} has shape {theirs[source].shape} there"
    left = [name for name in theirs if name not in names.values()]
    if left:
        yield f"nothing is compared with {', '.join(left)}"


class Placed(NamedTuple):
    """An output in the layout of another."""

    array: Array
    axes: Axes | None = None
    """Which axes of the other its own are, but for those of length 1; None: as they are."""


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


def _refuse_if_unclear(other: Model, tried: Sequence[tuple[float, dict[str, Way], Link]]) -> None:
    """Refuse to guess which input is which.

    Raises:
        InputError: several ways are left, and in none do both models compute the same.
    """
    if len(tried) < 2 or tried[0][0] <= NEAR or tried[1][0] > CLEAR * tried[0][0]:
        return
    sources = [{name: way.source for name, way in ways.items()} for _, ways, _ in tried[:2]]
    if sources[0] != sources[1]:
        differ = [name for name in sources[0] if sources[0][name] != sources[1][name]]
        raise InputError(
            f"{other.name}: its inputs {', '.join(differ)} could be exchanged. Say which is which: --map A=B"
        )


def _refuse_if_exchanged(
    asked: Mapping[str, str], pairs: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse to take what fits best where it is against the order of the files: who exchanges outputs does that too.

    Args:
        asked: what the user says.
        pairs: what belongs together, by its names, in the order of the first file.
        shapes: of all that the second has, by name, in its order.

    Raises:
        InputError: two that are named otherwise, of one shape, are in another order there; or one that is left out
            comes before.
    """
    order = list(shapes)
    unsaid = [(a, b) for a, b in pairs.items() if a not in asked and _plain(a) != _plain(b)]
    for name, its in unsaid:
        left = [
            each for each in order[: order.index(its)] if each not in pairs.values() and shapes[each] == shapes[its]
        ]
        if left:
            raise InputError(
                f"{name} is {its} by what it holds, but {left[0]} comes before it in the file. "
                f"If that is right, say so: --map {name}={its}"
            )
    for (a, its), (b, others) in combinations(unsaid, 2):
        if shapes[its] == shapes[others] and order.index(its) > order.index(others):
            raise InputError(
                f"{a}, {b} are {its}, {others} by what they hold, but the other way round by their order in the files. "
                f"If that is right, say so: --map {a}={its} --map {b}={others}"
            )
