"""The last step of all outputs of a recurrent operator is its final state, which needs no others to be kept.

    Y (timesteps, 1, samples, units) ─► Squeeze ─► Slice [-1:] (1, samples, units)     =     Y_h

Source: what tf2onnx 1.17 writes of a Keras layer that returns its last output alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify.layers.constant import Constant
from lstm_verify.layers.operation import Operation
from lstm_verify.layers.recurrent.rnn import RNN
from lstm_verify.layers.recurrent.time_first import TimeFirst
from lstm_verify.model import LayerCall, Model, Tensor

END = 2**31 - 1
"""What stands for the end of an axis, or more."""


def with_last_steps(model: Model) -> Model:
    """Return the model with final states in the place of last steps; what only they are taken of keeps no others.

    Args:
        model: the graph, as it was built.
    """
    moved = dict[Tensor, Tensor]()
    for node in model.nodes:
        if _runs_forward(model.layers[node.layer]):
            outputs, state = (Tensor(node.layer, node.call, output) for output in (0, 1))
            moved |= dict.fromkeys(_last_steps(model, outputs), state)
    if not moved:
        return model
    nodes = tuple(replace(node, inputs=tuple(moved.get(t, t) for t in node.inputs)) for node in model.nodes)
    ends = tuple(replace(output, tensor=moved.get(output.tensor, output.tensor)) for output in model.outputs)
    found = replace(model, nodes=nodes, outputs=ends).pruned()
    taken = {tensor for node in found.nodes for tensor in node.inputs} | {output.tensor for output in found.outputs}
    for state in moved.values():
        layer: Any = found.layers[state.layer]
        if not any(tensor[0] == state.layer and tensor.output == 0 for tensor in taken):
            found = found.with_child(state.layer, replace(layer, rnn=replace(layer.rnn, return_sequences=False)))
    return found


def _runs_forward(layer: Any) -> bool:
    """Whether an operator has one direction, that of time, and all samples go through all steps."""
    is_plain = isinstance(layer, TimeFirst) and isinstance(layer.rnn, RNN) and not layer.samples_first
    return is_plain and not layer.rnn.go_backwards and "sequence_lens" not in layer.given


def _last_steps(model: Model, outputs: Tensor) -> list[Tensor]:
    """The tensors that are the last step of all outputs, (1, samples, units)."""
    squeezed = [
        Tensor(node.layer, node.call)
        for node, operation in _taking(model, outputs, "squeeze")
        if operation.options.get("axis") == (1,)
    ]
    return [
        Tensor(node.layer, node.call)
        for sequence in squeezed
        for node, _ in _taking(model, sequence, "slices_of_axes")
        if _is_of_the_last(model, node)
    ]


def _taking(model: Model, tensor: Tensor, name: str) -> list[tuple[LayerCall, Operation]]:
    """The calls of an operation whose first input is a tensor."""
    found = ((node, model.layers[node.layer]) for node in model.nodes if node.inputs[:1] == (tensor,))
    return [(node, layer) for node, layer in found if isinstance(layer, Operation) and layer.operation == name]


def _is_of_the_last(model: Model, node: LayerCall) -> bool:
    """Whether a slice is that of the last place along the first axis."""
    constants = [model.layers.get(tensor.layer) for tensor in node.inputs[1:]]
    values = [np.asarray(each.value).ravel().tolist() for each in constants if isinstance(each, Constant)]
    if len(values) != len(node.inputs) - 1 or len(values) not in (3, 4) or any(len(value) != 1 for value in values):
        return False
    (start,), (end,), (axis,), *steps = values
    return bool(start == -1 and end >= END and axis == 0 and steps in ([], [[1]]))
