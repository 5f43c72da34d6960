"""Batch axes: which axis of every input and output of a graph is that of the samples, found by running it.

    x (time, samples, features) ─► transpose ─► … ─► transpose ─► scores (time, samples, classes)
    state (1, samples, units) ───► transpose ─┘

A graph does not say where its samples are: time may come first, or the layers whose states are fed, and a keep
probability has none at all. So an assignment of axes is tried, the likeliest first, with five samples and with two and
three of them. If the outputs of five are those of the two and the three side by side, the samples are where they were
assumed to be, and the graph may be run in blocks. If a graph insists on its number of samples, or computes some output
of all of them together, all samples but one are changed: where an output does not change is that one. A graph that is
made for one sample has it along an axis of length 1.

Transposes at both ends then make it a model like any other, with its samples first everywhere. Where nothing tells, all
that is fed is one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice, product

import numpy as np

from lstm_verify.errors import LstmVerifyError
from lstm_verify.graph.samples_first import Axes, Axis, Shapes, arranged
from lstm_verify.inputs import as_input, random_inputs, samples_first
from lstm_verify.layers import Array, Run, Signal
from lstm_verify.layers.constant import State
from lstm_verify.layers.loop import Loop
from lstm_verify.model import Input, Model

TOGETHER, FIRST = 5, 2
"""The samples that are run together, and how many of them are run apart from the others."""
OTHERWISE = 4
"""Another number of samples, which a graph must take too if its shapes do not say how many it takes."""
TRIES = 100
"""The assignments of axes that are tried at most."""
LOOKED_AT = 10_000
"""Of how many those are chosen: a graph with many inputs has more than anybody could look at."""
OPERATIONS = 200_000
"""How many operations are run for that, so that no graph that is slow to run is waited for. The likeliest assignment
is always tried. What is not found is run as a whole."""
ROUNDS = 50
"""Of a loop, whose number of rounds is known only when it is run."""
FAILED = (LstmVerifyError, ValueError, LookupError)


def axes_of(model: Model, given: Shapes) -> Axes | None:
    """Find the batch axes of a graph; None if they cannot be determined.

    Args:
        model: the model of a graph.
        given: the shapes of arrays that are given to it, by name.
    """
    if any(spec.shape is None for spec in model.inputs):
        return None
    tries = min(TRIES, max(1, OPERATIONS // max(1, _operations(model))))
    assignments = list(islice(_assignments(model, given), tries))
    possible = list[Axes]()
    completed = _with_given(model, given)
    for inputs in assignments if not model.stateful else ():
        tried = arranged(completed(inputs), Axes(inputs))
        outputs = _divided(tried)
        if outputs is not None:
            possible.append(Axes(inputs, outputs, True))
            if _depends(tried):  # outputs that are always the same are so along any axis
                return possible[-1]
    if possible:
        return possible[0] if _agree(possible) else None
    for found in (_kept, _of_their_number):
        for inputs in assignments:
            tried = arranged(completed(inputs), Axes(inputs))
            count = _count(tried)
            if count is None:
                outputs = _in_both(found, tried)
            elif any(spec.shape and spec.axis is None for spec in tried.inputs):
                continue  # where the lengths are fixed, one input alone may look as if its units were samples
            else:
                outputs = _of_one(tried) if count == 1 else _kept(tried, count)
            if any(axis is not None for axis in outputs.values()):
                return Axes(inputs, outputs)
    return None


def _in_both(found: Callable[[Model, int], dict[str, Axis]], model: Model) -> dict[str, Axis]:
    """Where the samples of outputs are, if they are there for two numbers of samples."""
    one, other = found(model, TOGETHER), found(model, OTHERWISE)
    return one if one == other else dict.fromkeys(one)


def _with_given(model: Model, given: Shapes) -> Callable[[Mapping[str, Axis]], Model]:
    """A graph, for some axes of its inputs: those without samples have the lengths that arrays have."""

    def completed(axes: Mapping[str, Axis]) -> Model:
        inputs = (replace(s, shape=_completed(s, given)) if axes[s.name] is None else s for s in model.inputs)
        return replace(model, inputs=tuple(inputs))

    return completed


def _operations(model: Model) -> int:
    """About how many operations a run takes."""
    loops = (layer for layer in model.layers.values() if isinstance(layer, Loop))
    return len(model.nodes) + ROUNDS * sum(_operations(loop.body) for loop in loops if isinstance(loop.body, Model))


def _assignments(model: Model, given: Shapes) -> Iterator[dict[str, Axis]]:
    """Where the samples of the inputs may be, the likeliest first: along the first axis of no known length."""
    names = [spec.name for spec in model.inputs]
    chosen = list(islice(product(*(_candidates(spec, given) for spec in model.inputs)), LOOKED_AT))
    shapes = [_completed(spec, given) for spec in model.inputs]
    is_open = any(None in (spec.shape or ()) for spec in model.inputs)

    def lengths(axes: tuple[Axis, ...]) -> list[int | None]:
        return [shape[axis] for shape, axis in zip(shapes, axes, strict=True) if axis is not None]

    def unlikely(axes: tuple[Axis, ...]) -> tuple[int, int]:
        known = sum(_fixed(spec, axis) is not None for spec, axis in zip(model.inputs, axes, strict=True))
        return known if is_open else 0, axes.count(None)

    for axes in sorted(chosen, key=unlikely):
        if lengths(axes) and len({length for length in lengths(axes) if length is not None}) < 2:
            yield dict(zip(names, axes, strict=True))


def _fixed(spec: Input, axis: Axis) -> int | None:
    """The length that an axis of an input always has."""
    return None if axis is None else (spec.shape or ())[axis]


def _candidates(spec: Input, given: Shapes) -> list[Axis]:
    """The axes along which the samples of an input may be: one of length 1 for which there are more, if there are."""
    shape, lengths = spec.shape or (), given.get(spec.name, ())
    if len(lengths) == len(shape):
        more = [axis for axis, (length, its) in enumerate(zip(shape, lengths, strict=True)) if length == 1 != its]
        if more:
            return list[Axis](more)
    unknown = [axis for axis, length in enumerate(shape) if length is None]
    return [*(unknown or range(len(shape))), None]


def _completed(spec: Input, given: Shapes) -> tuple[int | None, ...]:
    """The shape of an input, with the lengths that what is given for it has."""
    shape, more = spec.shape or (), given.get(spec.name, ())
    if len(more) != len(shape):
        return shape
    return tuple(known if known is not None else length for known, length in zip(shape, more, strict=True))


def _count(model: Model) -> int | None:
    """How many samples a model with its samples first is made for, if it says so or begins with as many states."""
    fixed = (n for spec in model.inputs if spec.axis is not None and (n := _fixed(spec, 0)) is not None)
    states = (len(s.initial) for s in model.layers.values() if isinstance(s, State) and s.is_of_samples)
    return next(chain(fixed, states), None)


def _divided(model: Model) -> dict[str, Axis] | None:
    """Where the samples of outputs are if some give the same as all; None if they do not."""
    if _count(model) is not None:
        return None
    try:
        values = _values(model, TOGETHER)
        whole, first, rest = (
            run(model, _part(model, values, part)) for part in (slice(None), slice(FIRST), slice(FIRST, None))
        )
    except FAILED:
        return None
    found: dict[str, Axis] = {}
    for output, together, *parts in zip(model.outputs, whole, first, rest, strict=True):
        found[output.name] = axis = _joined(together, *parts)
        if axis is None:
            return None
    return found


def _depends(model: Model) -> bool:
    """Whether any output depends on the samples."""
    one, other = (run(model, _values(model, TOGETHER, seed)) for seed in range(2))
    return not all(map(_alike, one, other))


def _agree(possible: list[Axes]) -> bool:
    """Whether no two of them have the samples of an input along different axes."""
    found = ({axes.inputs[name] for axes in possible} - {None} for name in possible[0].inputs)
    return all(len(axes) < 2 for axes in found)


def _joined(together: Array, first: Array, rest: Array) -> Axis:
    """The axis along which two arrays make up a third; None if they do not."""
    if not together.ndim == first.ndim == rest.ndim:
        return None
    for axis in range(together.ndim):
        lengths = [array.shape[axis] for array in (together, first, rest)]
        shapes = {array.shape[:axis] + array.shape[axis + 1 :] for array in (together, first, rest)}
        if lengths == [TOGETHER, FIRST, TOGETHER - FIRST] and len(shapes) == 1:
            return axis if _alike(together, np.concatenate([first, rest], axis)) else None
    return None


def _kept(model: Model, samples: int) -> dict[str, Axis]:
    """Where the samples of outputs are: the axis along which the first and the last stay the same if others change."""
    nothing: dict[str, Axis] = {output.name: None for output in model.outputs}
    try:
        values, others = _values(model, samples), _values(model, samples, seed=1)
        before, kept = run(model, values), {}
        for sample in (0, samples - 1):
            mixed = [_mixed(spec, v, o, sample) for spec, v, o in zip(model.inputs, values, others, strict=True)]
            kept[sample] = run(model, mixed)
    except FAILED:
        return nothing
    if samples < 2:
        return nothing
    found: dict[str, Axis] = {}
    for place, output in enumerate(model.outputs):
        stays = [_stays(before[place], after[place], sample, samples) for sample, after in kept.items()]
        found[output.name] = min(set.intersection(*stays), default=None)
    return found


def _of_one(model: Model) -> dict[str, Axis]:
    """Where the samples of outputs are in a graph that is made for one: along an axis of length 1, where inputs have
    theirs if it is one of those."""
    nothing: dict[str, Axis] = {output.name: None for output in model.outputs}
    if any(spec.shape and _fixed(spec, 0) is None for spec in model.inputs):
        return nothing  # one input is made for one sample, and another is not
    try:
        values = run(model, _values(model, 1))
    except FAILED:
        return nothing
    likeliest = next(spec.axis for spec in model.inputs if spec.axis is not None)
    found: dict[str, Axis] = {}
    for output, value in zip(model.outputs, values, strict=True):
        ones = [axis for axis, length in enumerate(value.shape) if length == 1]
        if not ones:
            return nothing
        found[output.name] = likeliest if likeliest in ones else ones[0]
    return found


def _of_their_number(model: Model, samples: int) -> dict[str, Axis]:
    """Where the samples of outputs are if all outputs have as many along some axis, whatever they depend on."""
    nothing: dict[str, Axis] = {output.name: None for output in model.outputs}
    try:
        values = run(model, _values(model, samples))
    except FAILED:
        return nothing
    axes = [next((axis for axis, length in enumerate(v.shape) if length == samples), None) for v in values]
    return nothing if None in axes else dict(zip(nothing, axes, strict=True))


def _stays(before: Array, after: Array, sample: int, count: int) -> set[int]:
    """The axes of which one place stays the same, and every other changes."""
    if before.shape != after.shape:
        return set()
    axes = set()
    for axis in (axis for axis, length in enumerate(before.shape) if length == count):
        pairs = list(zip(np.moveaxis(before, axis, 0), np.moveaxis(after, axis, 0), strict=True))
        if all(_alike(*pair) == (place == sample) for place, pair in enumerate(pairs)):
            axes.add(axis)
    return axes


def _mixed(spec: Input, values: Array, others: Array, sample: int) -> Array:
    """One sample of some values, among others."""
    if spec.axis is None:
        return values
    mixed = others.copy()
    mixed[sample] = values[sample]
    return mixed


def _part(model: Model, values: list[Array], part: slice) -> list[Array]:
    return [v if spec.axis is None and not v.ndim else v[part] for spec, v in zip(model.inputs, values, strict=True)]


def _alike(one: Array, other: Array) -> bool:
    return bool(np.allclose(one, other, rtol=1e-4, atol=1e-6))


def _values(model: Model, samples: int, seed: int = 0) -> list[Array]:
    """Values made for the inputs of a model, in their order."""
    made = samples_first(model, random_inputs(model, samples, seed))
    return [as_input(spec, np.asarray(made[spec.name])) for spec in model.inputs]


def run(model: Model, values: list[Array]) -> list[Array]:
    """Return the outputs of a model, ignoring overflows."""
    with np.errstate(all="ignore"):
        return [np.asarray(signal.value) for signal in model.apply(tuple(map(Signal, values)), Run())]
