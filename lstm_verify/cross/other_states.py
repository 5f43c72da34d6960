"""The states that recurrent layers of a second model begin with, and those of the first do not, put into the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lstm_verify.diagnosis.changes import Change
from lstm_verify.errors import UnsupportedError
from lstm_verify.faults.states import INITIAL_STATE
from lstm_verify.layers.recurrent.time_first import GIVEN, STATES, AnyTimeFirst
from lstm_verify.model import LayerCall, Model, Tensor

THERE = "the other file's "
"""What the names of the layers of a second model begin with in the first."""


def of_states(one: Model, other: Model, sources: Mapping[str, str]) -> Iterator[Change]:
    """Yield what gives a recurrent layer the initial states that the one in its place there has, and it has not.

    Args:
        one, other: the models.
        sources: the first model's name of each input of the second.
    """
    ours, theirs = list(_recurrent(one)), list(_recurrent(other))
    for here, there in zip(ours, theirs, strict=True) if len(ours) == len(theirs) else ():
        layer: Any = other.layers[there.layer]
        states = _only_there(one.layers[here.layer], layer)  # type: ignore[arg-type]
        if states:
            given = dict(zip(layer.given, there.inputs[1:], strict=True))
            made, places = _brought(other, {name: given[name] for name in states}, sources)
            make = partial(_with_states, other=other, name=here.layer, made=made, places=places)
            tops = frozenset({here.layer, *(call.layer for call in made)})
            yield Change(INITIAL_STATE.name, (here.layer,), ", ".join(states), "zeros", "those of the other file",
                         make, tops)  # fmt: skip


def _recurrent(model: Model) -> Iterator[LayerCall]:
    """The calls of recurrent layers that may be given states."""
    return (call for call in model.nodes if isinstance(model.layers[call.layer], AnyTimeFirst))


def _only_there(here: AnyTimeFirst, there: AnyTimeFirst) -> list[str]:
    """The states that a layer of the second model is given, and that of the first is not."""
    if (here.samples_first, here.state_sizes) != (there.samples_first, there.state_sizes):
        return []
    return [name for name in there.given if name in STATES and name not in here.given]


def _brought(
    other: Model, states: Mapping[str, Tensor], sources: Mapping[str, str]
) -> tuple[list[LayerCall], dict[str, Tensor]]:
    """The calls that compute states, as the first model names them, and where each state comes from."""
    wanted = set(states.values())
    made = list[LayerCall]()
    for call in reversed(other.nodes):
        if any((call.layer, call.call) == tensor[:2] for tensor in wanted):
            wanted.update(call.inputs)
            inputs = tuple(_here(tensor, sources) for tensor in call.inputs)
            made.insert(0, replace(call, layer=THERE + call.layer, inputs=inputs, mask=None))
    return made, {name: _here(tensor, sources) for name, tensor in states.items()}


def _here(tensor: Tensor, sources: Mapping[str, str]) -> Tensor:
    return Tensor(sources[tensor.layer]) if tensor.layer in sources else tensor._replace(layer=THERE + tensor.layer)


def _with_states(model: Model, other: Model, name: str, made: list[LayerCall], places: dict[str, Tensor]) -> Model:
    """The model with a layer that begins with states, and what computes these before it."""
    layer: Any = model.layers[name]
    if any(call.layer in model.layers for call in made) or any(state in layer.given for state in places):
        raise UnsupportedError(f"layer '{name}': it has been given states before")
    nodes = list[LayerCall]()
    for call in model.nodes:
        if call.layer != name:
            nodes.append(call)
            continue
        inputs = dict(zip(layer.given, call.inputs[1:], strict=True)) | places
        ordered = {key: inputs[key] for key in GIVEN if key in inputs}
        nodes += [*made, replace(call, inputs=(call.inputs[0], *ordered.values()))]
        layer = replace(layer, given=tuple(ordered))
    brought = {call.layer: other.layers[call.layer.removeprefix(THERE)] for call in made}
    return replace(model, layers={**model.layers, **brought, name: layer}, nodes=tuple(nodes))
