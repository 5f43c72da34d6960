"""Inspection: what a model file contains, as data."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np

from lstm_verify.layers.base import Layer, Weighted
from lstm_verify.layers.recurrent.cell import Cell
from lstm_verify.model import Model, Output, Tensor


def inspect(model: Model) -> dict[str, Any]:
    """Describe a model: who wrote it, its inputs and outputs, and every layer with its settings and weights.

    Returns:
        Plain data, ready for JSON.

    Example:
        >>> import lstm_verify
        >>> found = inspect(lstm_verify.load("fixtures/origin_relu_sigmoid.keras3.h5"))
        >>> found["layers"][0]["settings"]["activation"]
        'relu'
    """
    source = model.source
    return {
        "name": model.name,
        "path": source.path if source else None,
        "format": source.format if source else None,
        "writer": source.writer if source else None,
        "runtime": source.runtime if source else None,
        "precision": model.precision,
        "findings": list(model.findings),
        "parameters": sum(array.size for _, array in model.weights()),
        "inputs": [
            {
                "name": spec.name,
                "shape": None if spec.own_shape is None else list(spec.own_shape),
                "samples_axis": spec.axis if spec.shape else None,
                "dtype": spec.dtype,
                "state": _state_in(model, spec.name),
            }
            for spec in model.inputs
        ],
        "outputs": [
            {
                "name": output.name,
                "samples_axis": output.axis,
                "tensor": _tensor(_before(model, output)),
                "state": _state(model, _before(model, output)),
            }
            for output in model.outputs
        ],
        "unrolled": [item for item in recurrences(model) if "unrolled" in item["settings"]],
        "layers": [describe(layer, name, _inputs_of(model, name)) for name, layer in model.layers.items()],
    }


def recurrences(model: Model) -> list[dict[str, Any]]:
    """Describe what every recurrence in a graph was recognised as; nothing for a file that names its layers.

    Returns:
        `layer`, `type` (None if it is no known cell), and the settings of the cell.
    """
    found = [
        _recurrence(name, cell, of_graph)
        for name, layer in model.layers.items()
        for cell, of_graph in layer.recurrences()
    ]
    for item in model.unrolled:
        found.append(_recurrence(item.name, item.cell, item.recovered.settings() | {"unrolled": item.steps}))
    return found


def _recurrence(layer: str, cell: Weighted | None, of_graph: dict[str, Any]) -> dict[str, Any]:
    if cell is None:
        return {"layer": layer, "type": None, "settings": {}}
    return {"layer": layer, "type": cell.kind, "settings": _settings(cell) | of_graph}


def describe(layer: Weighted, name: str, inputs: list[str] | None = None) -> dict[str, Any]:
    """Describe one layer, with the layers or stacked cells inside it."""
    return {
        "name": name,
        "type": layer.kind,
        "operation": isinstance(layer, Layer) and layer.is_operation,
        "inputs": inputs or [],
        "settings": _settings(layer),
        "weights": {path: {"shape": list(array.shape), "dtype": str(array.dtype)} for path, array in layer.weights()},
        "values": _values(layer),
        "layers": [describe(inner, key) for key, inner in _inside(layer)],
    }


def _values(layer: Weighted) -> list[str]:
    """What a layer computes inside in each step, as a replay writes it after the path of the layer."""
    cells = (child for path, child in layer.children().items() if not path)
    return [name for child in cells for name in (child.quantities if isinstance(child, Cell) else _values(child))]


def _inside(layer: Weighted) -> Iterator[tuple[str, Weighted]]:
    """The layers that are described by themselves: all inside, but for a cell that is described with its layer."""
    for path, inner in layer.children().items():
        if path:
            yield path, inner
        else:
            yield from _inside(inner)


def _inputs_of(model: Model, name: str) -> list[str]:
    """Where the inputs of a layer come from, call by call; of a cell found in a loop, the sequence and the states."""
    layer, nodes = model.layers[name], [node for node in model.nodes if node.layer == name]
    return [_tensor(node.inputs[place]) for node in nodes for place in layer.named_inputs(len(node.inputs))]


def _tensor(tensor: Tensor) -> str:
    call = f"@{tensor.call}" if tensor.call else ""
    return f"{tensor.layer}{call}" + (f":{tensor.output}" if tensor.output else "")


def _before(model: Model, output: Output) -> Tensor:
    """The tensor that an output is, before its samples are brought to the first axis."""
    if not output.axis:
        return output.tensor
    (node,) = (node for node in model.nodes if node.layer == output.tensor.layer)
    return node.inputs[0]


def _state(model: Model, tensor: Tensor) -> str | None:
    """Which state of which layer a value is, such as `c of decoder`, if it is one."""
    layer = model.layers.get(tensor.layer)
    names = layer.state_places() if layer else {}
    return f"{names[tensor.output]} of {tensor.layer}" if tensor.output in names else None


def _state_in(model: Model, name: str) -> str | None:
    """Which state an input is the first value of: recurrent layers take states in the order in which they give them."""
    for node in model.nodes:
        for place, tensor in enumerate(node.inputs):
            if tensor == Tensor(name):
                return _state(model, Tensor(node.layer, node.call, place))
    return None


def _settings(layer: Weighted) -> dict[str, Any]:
    return {key: _plain(value) for key, value in layer.settings().items()}


def _plain(value: Any) -> Any:
    """A value as JSON can have it, which knows neither NumPy's numbers nor NaN and infinity."""
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if not isinstance(plain, float) or isfinite(plain) else str(plain)
