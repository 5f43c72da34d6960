"""Recognising operations that run a whole LSTM themselves, such as TensorFlow's BlockLSTM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lstm_verify.graph.lift.blocks import lstm_cell
from lstm_verify.graph.lift.expressions import Form, Leaf
from lstm_verify.graph.lift.gates import RecurrentState, Unlike
from lstm_verify.graph.lift.lstm import lstm
from lstm_verify.graph.lift.provenance import Variables, recovered, scope
from lstm_verify.graph.lift.traced import Traced
from lstm_verify.layers.operation import Operation
from lstm_verify.layers.recurrent.scan import Unrolled
from lstm_verify.model import Model, Tensor


def fused(model: Model, values: Mapping[Tensor, Any], variables: Variables) -> Iterator[Unrolled]:
    """Recognise the cell of every operation that is a whole LSTM.

    Args:
        model: the graph.
        values: all its tensors in some run.
        variables: its variables.
    """
    for node in model.nodes:
        layer = model.layers[node.layer]
        if isinstance(layer, Operation) and layer.operation == "lstm_block":
            _, x, c, h, *weights = (values[tensor] for tensor in node.inputs)
            leaves = {"x": x[0], "c": c, "h": h}
            given = [Traced(value, Form.of(Leaf(name))) for name, value in leaves.items()]
            given += [Traced(np.asarray(weight)) for weight in weights]
            cell = Operation(
                name=node.layer,
                operation="lstm_cell",
                arguments=(),
                options=layer.options,
            )
            results = lstm_cell(given, [None] * 7, cell)
            if results is None:
                continue
            size = c.shape[-1]
            try:
                match = lstm(
                    RecurrentState(Leaf("h"), results[6].as_form(), size),
                    RecurrentState(Leaf("c"), results[1].as_form(), size),
                    node.layer,
                )
            except Unlike:
                continue
            found = recovered(match, variables)
            yield Unrolled(scope(found) or node.layer, match.cell, found, len(x))
