"""Which inputs and outputs of two models are the same, and how their axes lie: by name, by shape, and by experiment.

    x (samples, time, features) of one file may be (time, samples, features) of the other, or (samples, features, time);
    an output may have axes of length 1 that the other has not.

Names decide first, then shapes. Where several ways are left, each is tried: the one in which both models compute the
same is the right one. Where none of them does, and equal shapes could be exchanged, the user has to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, permutations, product
from typing import NamedTuple

import numpy as np

from lstm_verify._replay import replay
from lstm_verify.arrays import Array
from lstm_verify.cross.outputs import matched, said_of_outputs
from lstm_verify.cross.refusals import check_names, no_inputs, refuse_if_exchanged, refuse_if_unclear
from lstm_verify.cross.ways import CLEAR, NEAR, TRIES, Axes, Way, plain, same_name
from lstm_verify.errors import InputError, LstmVerifyError
from lstm_verify.model import Input, Model


@dataclass(frozen=True)
class Link:
    """How two models are called alike."""

    inputs: dict[str, Array]
    """The inputs of the second model by name, as its framework has them."""
    outputs: dict[str, Array]
    """What the second model computes, by the names and in the layout of the outputs of the first."""
    notes: tuple[str, ...] = ()
    """What was assumed."""
    sources: dict[str, str] = field(default_factory=dict)
    """The first model's name of each input of the second."""
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
    check_names(one, other, asked)
    ours = dict(replay(one, dict(x)))
    ways = list(islice(_inputs(other, x, asked), TRIES))
    if not ways:
        raise InputError(no_inputs(one, other, x))
    tried, failures = list[Tried](), list[str]()
    for way in ways:
        try:
            tried.append(_called(one, other, x, way, ours, asked))
        except InputError as error:
            failures.append(str(error))
        if tried and tried[-1].distance <= NEAR:
            break  # the likeliest come first
    if not tried:
        raise InputError(f"{other.name}: {failures[0]}")
    tried.sort(key=lambda each: each.distance)
    refuse_if_unclear(other, [(each.distance, each.way) for each in tried])
    distance, way, link = _likeliest(tried)
    if distance <= NEAR:
        called = {each.source: name for name, each in way.items()}
        pairs = {name: called[name] for name in x if name in called}
        refuse_if_exchanged(asked, pairs, {name: np.shape(link.inputs[name]) for name in _specs(other)})
        refuse_if_exchanged(asked, link.names, link.shapes)
    return replace(link, notes=(*link.notes, *_of_one_value(one, ours)))


class Tried(NamedTuple):
    """A way that both models can be called."""

    distance: float
    way: dict[str, Way]
    link: Link


def _called(
    one: Model,
    other: Model,
    x: Mapping[str, Array],
    way: dict[str, Way],
    ours: Mapping[str, Array],
    asked: Mapping[str, str],
) -> Tried:
    """What the second model computes if it is called in a way.

    Raises:
        InputError: it cannot be, or an output has no counterpart.
    """
    given = {name: _taken(spec, way[name], x) for name, spec in _specs(other).items()}
    try:
        theirs = dict(replay(other, given))
    except LstmVerifyError as error:
        raise InputError(f"it cannot be called with the inputs of {one.name} ({error})") from None
    is_turned = any(each.axes is not None for each in way.values())
    distance, placed, names = matched(ours, theirs, asked, is_turned)
    link = Link(
        inputs=given,
        outputs={name: each.array for name, each in placed.items()},
        notes=(*_said(way, x, other), *said_of_outputs(placed, names, theirs)),
        sources={name: each.source for name, each in way.items()},
        names=names,
        shapes={output.name: np.shape(theirs[output.name]) for output in other.outputs},
        is_turned=is_turned or any(each.axes is not None for each in placed.values()),
    )
    return Tried(distance, way, link)


def _likeliest(tried: Sequence[Tried]) -> Tried:
    """The nearest way; if it is not near, the one in which all axes are as they are, unless that is clearly farther."""
    nearest, *others = tried
    for each in others:
        is_as_clear = nearest.distance > NEAR and each.distance <= CLEAR * nearest.distance
        if is_as_clear and all(way.axes is None for way in each.way.values()):
            return each
    return nearest


def _of_one_value(model: Model, outputs: Mapping[str, Array]) -> Iterator[str]:
    """Which outputs are the same for every sample, in words: they could hide what is wrong."""
    for output in model.outputs:
        array = np.moveaxis(outputs[output.name], output.axis or 0, 0)
        if len(array) > 1 and np.array_equal(array, np.broadcast_to(array[:1], array.shape)):
            yield f"output {output.name} is the same for every sample: other inputs may show what these could not"


def _specs(model: Model) -> dict[str, Input]:
    return {spec.name: spec for spec in model.inputs}


# ------------------------------------------------------------------------------------------------- inputs


def _inputs(other: Model, x: Mapping[str, Array], asked: Mapping[str, str]) -> Iterator[dict[str, Way]]:
    """The ways to feed the second model, the likeliest first."""
    mapped = {theirs: ours for ours, theirs in asked.items() if ours in x}
    fixed = {spec.name: mapped.get(spec.name) or same_name(spec.name, x) for spec in other.inputs}
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
        if plain(name) != plain(way.source):
            yield f"input {way.source} is {name} of {other.name}"
        if way.axes is not None:
            yield f"input {name} of {other.name} has the axes of {way.source} in the order {way.axes}"
    left = [name for name in x if name not in {way.source for way in ways.values()}]
    if left:
        yield f"{other.name} has no input for {', '.join(left)}"
