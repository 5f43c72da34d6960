"""Batch axes: which axis of every input and output of a graph is that of the samples, found by running it.

    x (time, samples, features) ─► transpose ─► … ─► transpose ─► scores (time, samples, classes)
    state (1, samples, units) ───► transpose ─┘

A graph does not say where its samples are: time may come first, or the layers whose states are fed, and a keep
probability has none at all. So an assignment of axes is tried, the likeliest first, with five samples and with two and
three of them. If the outputs of five are those of the two and the three side by side, the samples are where they were
assumed to be, and the graph may be run in blocks. If a graph insists on its number of samples, or computes some output
of all of them together, all samples but one are changed: where an output does not change is that one.

Transposes at both ends then make it a model like any other, with its samples first everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, product

import numpy as np

from lstm_verify.errors import LstmVerifyError
from lstm_verify.inputs import as_input, random_inputs, samples_first
from lstm_verify.layers import Array, Layer, Run, Signal
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor

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

Axis = int | None
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Axes:
    """The batch axes of a graph's inputs and outputs."""

    inputs: Mapping[str, Axis]
    outputs: Mapping[str, Axis] = field(default_factory=dict)
    independent: bool = False
    """Whether any number of samples may be run together, with the same results."""

    @classmethod
    def unknown(cls, model: Model) -> Axes:
        """Those of a graph that is run as a whole."""
        return cls({spec.name: 0 for spec in model.inputs})


def axes_of(model: Model, given: Shapes) -> Axes | None:
    """Find the batch axes of a graph; None if they cannot be determined.

    Args:
        model: the model of a graph.
        given: the shapes of arrays that are given to it, by name.
    """
    given = {name.removesuffix(":0"): shape for name, shape in given.items()}
    if any(spec.shape is None for spec in model.inputs):
        return None
    tries = min(TRIES, max(1, OPERATIONS // max(1, _operations(model))))
    assignments = list(islice(_assignments(model, given), tries))
    possible = list[Axes]()
    for inputs in assignments if not model.stateful else ():
        tried = arranged(model, Axes(inputs))
        outputs = _divided(tried)
        if outputs is not None:
            possible.append(Axes(inputs, outputs, True))
            if _depends(tried):  # outputs that are always the same are so along any axis
                return possible[-1]
    if possible:
        return possible[0] if _agree(possible) else None
    for inputs in assignments:
        tried = arranged(model, Axes(inputs))
        outputs = _kept(tried, _count(tried) or TOGETHER)
        if any(axis is not None for axis in outputs.values()) and outputs == _kept(tried, _count(tried) or OTHERWISE):
            return Axes(inputs, outputs)
    return None


def _operations(model: Model) -> int:
    """About how many operations a run takes."""
    loops = (layer for layer in model.layers.values() if isinstance(layer, Loop))
    return len(model.nodes) + ROUNDS * sum(_operations(loop.body) for loop in loops if isinstance(loop.body, Model))


def _assignments(model: Model, given: Shapes) -> Iterator[dict[str, Axis]]:
    """Where the samples of the inputs may be, the likeliest first: along the first axis of no known length."""
    names = [spec.name for spec in model.inputs]
    chosen = list(islice(product(*(_candidates(spec) for spec in model.inputs)), LOOKED_AT))
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


def _candidates(spec: Input) -> list[Axis]:
    shape = spec.shape or ()
    unknown = [axis for axis, length in enumerate(shape) if length is None]
    return [*(unknown or range(len(shape))), None]


def _completed(spec: Input, given: Shapes) -> tuple[int | None, ...]:
    """The shape of an input, with the lengths that what is given for it has."""
    shape, more = spec.shape or (), given.get(spec.name, ())
    if len(more) != len(shape):
        return shape
    return tuple(known if known is not None else length for known, length in zip(shape, more, strict=True))


def _count(model: Model) -> int | None:
    """How many samples a model with its samples first is made for, if it says so."""
    return next((n for spec in model.inputs if spec.axis is not None and (n := _fixed(spec, 0)) is not None), None)


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


def arranged(model: Model, axes: Axes) -> Model:
    """Return a model with samples along the first axis of every input and output that has them."""
    layers, before, after = dict(model.layers), list[LayerCall](), list[LayerCall]()
    moved: dict[Tensor, Tensor] = {}
    inputs = []
    for spec in model.inputs:
        axis = axes.inputs[spec.name]
        inputs.append(_samples_first(spec, axis))
        if spec.shape and axis != 0:
            name = f"{spec.name} as the graph has it"
            layers[name] = _as_the_graph_has_it(name, len(spec.shape), axis)
            before.append(LayerCall(name, (Tensor(spec.name),)))
            moved[Tensor(spec.name)] = Tensor(name)
    nodes = [replace(node, inputs=tuple(moved.get(one, one) for one in node.inputs)) for node in model.nodes]
    outputs = []
    for output in model.outputs:
        axis, tensor = axes.outputs.get(output.name), moved.get(output.tensor, output.tensor)
        if axis:
            name = f"{output.name} with samples first"
            layers[name] = _operation(name, "move_axis", axis, 0)
            after.append(LayerCall(name, (tensor,)))
            tensor = Tensor(name)
        outputs.append(Output(output.name, tensor, axis))
    return replace(
        model,
        layers=layers,
        nodes=(*before, *nodes, *after),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        divisible=axes.independent,
    )


def _samples_first(spec: Input, axis: Axis) -> Input:
    """An input with its samples first; one that has none comes once a sample, unless it is a lone number."""
    if spec.shape is None:
        return spec
    if spec.shape == ():
        return replace(spec, axis=None)
    if axis is None:
        return replace(spec, shape=(None, *spec.shape), axis=None)
    shape = list(spec.shape)
    return replace(spec, shape=(shape.pop(axis), *shape), axis=axis)


def _as_the_graph_has_it(name: str, rank: int, axis: Axis) -> Layer:
    if axis is None:
        return _operation(name, "get_item", 0)
    order = [*range(1, axis + 1), 0, *range(axis + 1, rank)]
    return _operation(name, "transpose", order)


def _operation(name: str, operation: str, *constants: object) -> Operation:
    return Operation(name=name, operation=operation, arguments=(Slot(0), *constants), compute_dtype="")


def elsewhere(model: Model) -> Iterator[str]:
    """Describe a model whose samples are not along the first axis in the framework."""
    places: dict[int, list[str]] = {}
    for name, axis in [(end.name, end.axis) for ends in (model.inputs, model.outputs) for end in ends]:
        if axis:
            places.setdefault(axis, []).append(name)
    if places:
        found = "; ".join(f"axis {axis} of {', '.join(names)}" for axis, names in sorted(places.items()))
        yield f"the samples are along {found}. Shapes and places are reported with samples first"
