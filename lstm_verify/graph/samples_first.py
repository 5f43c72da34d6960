"""Samples first: a graph with transposes at its ends, so that it has its samples first everywhere.

x (time, samples, features) ─► transpose ─► the graph ─► transpose ─► scores (samples, time, classes)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lstm_verify.layers import Layer
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor

Axis = int | None
Shapes = Mapping[str, tuple[int, ...]]
AS_THE_GRAPH_HAS_IT, WITH_SAMPLES_FIRST = " as the graph has it", " with samples first"
OWN = (AS_THE_GRAPH_HAS_IT, WITH_SAMPLES_FIRST)
"""What the names of the transposes end in."""


@dataclass(frozen=True)
class Axes:
    """The batch axes of a graph's inputs and outputs."""

    inputs: Mapping[str, Axis]
    outputs: Mapping[str, Axis] = field(default_factory=dict)
    independent: bool = False
    """Whether any number of samples may be run together, with the same results."""

    @property
    def is_whole(self) -> bool:
        """Whether all that is fed is one sample."""
        return bool(self.inputs) and all(axis is None for axis in self.inputs.values())

    @classmethod
    def unknown(cls, model: Model, given: Shapes) -> Axes:
        """Those of a graph that is run as a whole: what is given is one sample, if it is known how many axes it has."""
        if not given or any(spec.shape is None for spec in model.inputs):
            return cls({spec.name: 0 for spec in model.inputs})
        return cls({spec.name: None for spec in model.inputs})


def arranged(model: Model, axes: Axes) -> Model:
    """Return a model with samples along the first axis of every input and output that has them."""
    layers, before, after = dict(model.layers), list[LayerCall](), list[LayerCall]()
    moved: dict[Tensor, Tensor] = {}
    inputs = []
    for spec in model.inputs:
        axis = axes.inputs[spec.name]
        inputs.append(_samples_first(spec, axis))
        if spec.shape and axis != 0:
            name = f"{spec.name}{AS_THE_GRAPH_HAS_IT}"
            layers[name] = _as_the_graph_has_it(name, len(spec.shape), axis)
            before.append(LayerCall(name, (Tensor(spec.name),)))
            moved[Tensor(spec.name)] = Tensor(name)
    nodes = [replace(node, inputs=tuple(moved.get(one, one) for one in node.inputs)) for node in model.nodes]
    outputs = []
    for output in model.outputs:
        axis, tensor = axes.outputs.get(output.name), moved.get(output.tensor, output.tensor)
        if axis or axes.is_whole:
            name = f"{output.name}{WITH_SAMPLES_FIRST}"
            layers[name] = _operation(name, "move_axis", axis, 0) if axis else _operation(name, "expand_dims", 0)
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


def as_called(model: Model) -> Model:
    """Return a graph that takes all as one sample as it is called, with whatever its first axes are in their place.

    What is fed to it again and again has the axes that the graph gives it.
    """
    if not model.is_whole:
        return model
    own = {node.layer: node.inputs[0] for node in model.nodes if node.layer.endswith(OWN)}

    def behind(tensor: Tensor) -> Tensor:
        while tensor.layer in own:
            tensor = own[tensor.layer]
        return tensor

    nodes = (node for node in model.nodes if node.layer not in own)
    inputs = (replace(spec, shape=None if spec.shape is None else spec.own_shape, axis=0) for spec in model.inputs)
    changed = replace(
        model,
        layers={name: layer for name, layer in model.layers.items() if name not in own},
        nodes=tuple(replace(node, inputs=tuple(map(behind, node.inputs))) for node in nodes),
        inputs=tuple(inputs),
        outputs=tuple(replace(output, tensor=behind(output.tensor), axis=None) for output in model.outputs),
    )
    if model.source is None:
        return changed
    call = {**model.source.call, "axes": axes_for_runtime(changed)}
    return replace(changed, source=replace(model.source, call=call))


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


def axes_for_runtime(model: Model) -> dict[str, dict[str, int | None]]:
    """Where the framework has the samples of inputs and outputs, other than lone numbers; None: it is one sample."""
    outputs = {output.name: None if model.is_whole else output.axis or 0 for output in model.outputs}
    inputs = {spec.name: spec.axis for spec in model.inputs if spec.shape}
    return {"inputs": inputs, "outputs": outputs}


def elsewhere(model: Model) -> Iterator[str]:
    """Describe a model whose samples are not along the first axis in the framework."""
    places: dict[int, list[str]] = {}
    for name, axis in [(end.name, end.axis) for ends in (model.inputs, model.outputs) for end in ends]:
        if axis:
            places.setdefault(axis, []).append(name)
    if places:
        found = "; ".join(f"axis {axis} of {', '.join(names)}" for axis, names in sorted(places.items()))
        yield f"the samples are along {found}. Shapes and places are reported with samples first"
    elif model.is_whole:
        yield "it is not known along which axes samples are: all that is fed is taken as one"
