"""Inspection: what was read out of a model file, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from math import isfinite
from typing import Any

import numpy as np

from lstm_verify.layers import (
    RNN,
    Bidirectional,
    Cell,
    LSTMVariantCell,
    MultiHeadAttention,
    StackedCells,
    TimeDistributed,
)
from lstm_verify.layers.base import Weighted
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.merge import Merge
from lstm_verify.layers.operation import Operation
from lstm_verify.layers.recurrent.cell import KernelCell
from lstm_verify.layers.recurrent.rnn import Recurrent
from lstm_verify.layers.recurrent.scan import Columns, Recovered, Scan
from lstm_verify.layers.stored import Stored
from lstm_verify.model import Model, Output, Tensor
from lstm_verify.operations.activations import ActivationFunction


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
    """Say of every recurrence found in a graph what it was recognised as; nothing of a file that names its layers.

    Returns:
        `layer`, `type` (None if it is no known cell), and the settings of the cell.
    """
    found: list[dict[str, Any]] = []
    for name, layer in model.layers.items():
        if isinstance(layer, Loop):
            found.append({"layer": name, "type": None, "settings": {}})
        elif isinstance(layer, Scan):
            holds = {"holds": layer.holds} if layer.holds else {}
            pairs = zip(layer.cells, layer.recovered, strict=True)
            found += [
                {"layer": name, "type": cell.kind, "settings": _settings(cell) | _of_graph(recovered) | holds}
                for cell, recovered in pairs
            ]
    for item in model.unrolled:
        settings = _settings(item.cell) | _of_graph(item.recovered) | {"unrolled": item.steps}
        found.append({"layer": item.name, "type": item.cell.kind, "settings": settings})
    return found


def _of_graph(found: Recovered) -> dict[str, Any]:
    return {"gates in the graph": found.gate_order, "variables": ", ".join(found.variables)}


def describe(layer: Weighted, name: str, inputs: list[str] | None = None) -> dict[str, Any]:
    """Describe one layer, with the layers or the stacked cells inside it."""
    return {
        "name": name,
        "type": kind_of(layer),
        "operation": isinstance(layer, Operation | Constant),
        "inputs": inputs or [],
        "settings": _settings(layer),
        "weights": {path: {"shape": list(array.shape), "dtype": str(array.dtype)} for path, array in layer.weights()},
        "layers": [describe(inner, key) for key, inner in _inside(layer)],
    }


def kind_of(layer: Weighted) -> str:
    """What a layer is called in Keras."""
    if isinstance(layer, Stored):
        return f"tensors, by their shapes of {layer.looks_like}" if layer.looks_like else "tensors"
    if isinstance(layer, Scan):
        return kind_of(layer.rnn)
    if isinstance(layer, Loop):
        return "Loop, of no known cell: replayed operation by operation"
    if isinstance(layer, RNN):
        return layer.cell.kind
    if isinstance(layer, Cell):
        return layer.kind
    return layer.operation if isinstance(layer, Merge | Operation) else type(layer).__name__


def _inputs_of(model: Model, name: str) -> list[str]:
    """Where the inputs of a layer come from, call by call; of a cell found in a loop, the sequence and the states."""
    layer = model.layers[name]
    if isinstance(layer, Scan):
        (node,) = (node for node in model.nodes if node.layer == name)
        return [_tensor(node.inputs[place]) for place in dict.fromkeys((layer.sequence, *(s[0] for s in layer.states)))]
    return [_tensor(tensor) for node in model.nodes if node.layer == name for tensor in node.inputs]


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
    if isinstance(layer, Scan):  # whose states may stand side by side in one loop variable, such as `c, h`
        columns = sorted((start, name) for name, (place, start, _) in _columns_of(layer) if place == tensor.output)
        return f"{', '.join(name for _, name in columns)} of {tensor.layer}" if columns else None
    names = _state_names(layer) if isinstance(layer, Recurrent) else []
    return f"{names[tensor.output - 1]} of {tensor.layer}" if 0 < tensor.output <= len(names) else None


def _columns_of(scan: Scan) -> Iterator[tuple[str, Columns]]:
    return zip(_state_names(scan.rnn), scan.states, strict=True)


def _state_in(model: Model, name: str) -> str | None:
    """Which state an input is the first value of: recurrent layers take states in the order in which they give them."""
    for node in model.nodes:
        for place, tensor in enumerate(node.inputs):
            if tensor == Tensor(name):
                return _state(model, Tensor(node.layer, node.call, place))
    return None


def _state_names(layer: Recurrent) -> list[str]:
    """The states of a recurrent layer in the order of Keras: h, and c of an LSTM; for each direction, for each cell."""
    if isinstance(layer, Bidirectional):
        names = _state_names(layer.forward_layer)
        return [f"{direction} {name}" for direction in ("forward", "backward") for name in names]
    if not isinstance(layer, RNN):
        return []
    if isinstance(layer.cell, StackedCells):
        cells = enumerate(layer.cell.cells)
        return [f"{name} of cell {number}" for number, cell in cells for name in _names_of(cell)]
    return _names_of(layer.cell)


def _names_of(cell: Cell) -> list[str]:
    return ["h", "c"][: len(cell.state_sizes)]


def _inside(layer: Weighted) -> list[tuple[str, Weighted]]:
    if isinstance(layer, Model):
        return list(layer.layers.items())
    if isinstance(layer, Bidirectional):
        return [("forward_layer", layer.forward_layer), ("backward_layer", layer.backward_layer)]
    if isinstance(layer, Scan):
        return _inside(layer.rnn)
    if isinstance(layer, RNN):
        return _inside(layer.cell)
    if isinstance(layer, MultiHeadAttention):
        return list(layer.parts().items())
    if isinstance(layer, StackedCells):
        return [(f"cells/{number}", cell) for number, cell in enumerate(layer.cells)]
    return [("layer", layer.layer)] if isinstance(layer, TimeDistributed) else []


def _settings(layer: Weighted) -> dict[str, Any]:
    """Every number, flag and activation of a layer that is not a weight; of a recurrent one also its cell's."""
    if isinstance(layer, Constant | Stored):
        return {}
    if isinstance(layer, Scan):
        return _settings_of_scan(layer)
    settings: dict[str, Any] = {}
    if isinstance(layer, RNN):
        settings |= _settings(layer.cell)
    if isinstance(layer, KernelCell):
        size = {"filters": layer.units, "kernel_size": list(layer.window)} if layer.window else {"units": layer.units}
        settings |= size | {"gates": ", ".join(layer.blocks)}
    for entry in fields(layer):
        value = getattr(layer, entry.name)
        if isinstance(value, ActivationFunction):
            settings[entry.name] = str(value)
        elif entry.name != "name" and isinstance(value, bool | int | float | str | np.generic):
            settings[entry.name] = value
        elif isinstance(value, tuple) and all(isinstance(item, int) for item in value):
            settings[entry.name] = list(value)
    if isinstance(layer, LSTMVariantCell):
        settings |= _added(layer)
    return {key: _plain(value) for key, value in settings.items()}


def _settings_of_scan(scan: Scan) -> dict[str, Any]:
    """The settings of a cell found in a graph, how it is masked, and what the graph says of its weights."""
    settings = _settings(scan.rnn.cell) | {"compute_dtype": scan.compute_dtype}
    if scan.mask is not None:
        settings |= {"masked": True, "zero_output_for_mask": scan.rnn.zero_output_for_mask}
    if scan.holds:
        settings["holds"] = scan.holds
    for number, found in enumerate(scan.recovered):
        of = f" of cell {number}" if len(scan.recovered) > 1 else ""
        settings |= {f"gates in the graph{of}": found.gate_order, f"variables{of}": ", ".join(found.variables)}
    return settings


def _added(cell: LSTMVariantCell) -> dict[str, Any]:
    """What a variant of the LSTM has in its weights, in words."""
    added: dict[str, Any] = {}
    peepholes = [gate for gate in cell.gate_order if getattr(cell, f"peephole_{gate}", None) is not None]
    if peepholes:
        added["peepholes"] = ", ".join(peepholes)
    if cell.coupled:
        added["coupled"] = "i = 1 - f" if cell.coupled == "i" else "f = 1 - i"
    if cell.projection is not None:
        added["projected_to"] = cell.projection.shape[1]
    return added


def _plain(value: Any) -> Any:
    """A value as JSON can have it, which knows neither NumPy's numbers nor NaN and infinity."""
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if not isinstance(plain, float) or isfinite(plain) else str(plain)
