"""Tracing: run the body of a loop once on real values, and note the form of each.

The values say every shape, so that nothing about shapes has to be inferred; the forms say what is computed. Values that
depend on no loop variable have no form: they are constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_verify.graph.lift.expressions import Form, FunctionCall
from lstm_verify.graph.lift.rules import RULES
from lstm_verify.graph.lift.traced import Traced, settled
from lstm_verify.layers import Layer, Run, Signal
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Model, Tensor


def trace(body: Model, inputs: Sequence[Traced]) -> dict[Tensor, Traced]:
    """Run the body of a loop once.

    Args:
        body: a graph of operations.
        inputs: its loop variables.

    Returns:
        Every tensor of it, value and form.
    """
    known: dict[Tensor, Traced] = {Tensor(spec.name): given for spec, given in zip(body.inputs, inputs, strict=True)}
    for node in body.nodes:
        given = [known[tensor] for tensor in node.inputs]
        results = _called(body.layers[node.layer], given)
        known.update({Tensor(node.layer, node.call, number): result for number, result in enumerate(results)})
    return known


def _called(layer: Layer, inputs: list[Traced]) -> list[Traced]:
    signals = layer.apply(tuple(Signal(item.value) for item in inputs), Run())
    values = [signal.value for signal in signals]
    if isinstance(layer, Constant) or all(item.form is None for item in inputs):
        return [Traced(value) for value in values]
    operation = settled(layer, inputs) if isinstance(layer, Operation) else None
    if operation is None:
        return _opaque(type(layer).__name__, inputs, {"layer": id(layer)}, values)
    arguments = [inputs[a.number] if isinstance(a, Slot) else Traced(np.asarray(a)) for a in operation.arguments]
    rule = RULES.get(operation.operation)
    results = rule(arguments, values, operation) if rule else None
    return results or _opaque(operation.operation, arguments, operation.options, values)


def _opaque(name: str, arguments: Sequence[Traced], options: Mapping[str, Any], values: Sequence[Any]) -> list[Traced]:
    given = tuple(item.value if item.form is None else item.as_form() for item in arguments)
    return [Traced(value, Form.of(FunctionCall(name, given, options, number))) for number, value in enumerate(values)]
