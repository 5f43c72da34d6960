"""A product with weights that was taken out of a loop is put back into it, so that the loop is a recurrent layer.

    X W + b for all steps at once, of which each round reads one     →     each round reads x_t, and computes x_t W + b

Source: what Keras on JAX writes of a GRU, whose input product is made before the loop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_verify.graph.lift.replacing import Making, ordered
from lstm_verify.layers import Layer
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor

BOTH = (Slot(0), Slot(1))


@dataclass(frozen=True)
class PutBack:
    """A loop that computes the product itself."""

    call: LayerCall
    loop: Loop
    before: list[LayerCall]
    """The calls that make what it takes besides."""
    layers: Mapping[str, Layer]
    """The layers of those."""


@dataclass(frozen=True)
class _Product:
    """X W + b, with the axes of time and samples in another order afterwards."""

    x: Tensor
    kernel: Tensor
    bias: Tensor | None
    moves: list[Operation]
    """What was done to it, the last first."""


def put_back(
    model: Model, node: LayerCall, loop: Loop, values: Mapping[Tensor, Any], static: Collection[Tensor], taken: set[int]
) -> PutBack | None:
    """Put a product back into a loop that reads its rows; None if there is none.

    Args:
        model: the graph.
        node: the call of the loop.
        loop: the loop.
        values: the tensors before it, in some run.
        static: those that are the same in every run.
        taken: the outputs of the loop that others take.
    """
    body, condition = loop.body, loop.condition
    if not isinstance(body, Model) or not isinstance(condition, Model):
        return None
    upstream = _Upstream(model, values, static)
    for place, (tensor, spec) in enumerate(zip(node.inputs, body.inputs, strict=True)):
        stays = body.outputs[place].tensor == Tensor(spec.name)
        product = upstream.product(tensor) if stays and place not in taken else None
        inside = None if product is None else _inside(body, spec.name, product.bias is not None)
        if product is not None and inside is not None:
            making, inputs = Making(values), list(node.inputs)
            inputs[place] = _moved(making, product, node.layer)
            inputs += [product.kernel, *([] if product.bias is None else [_as_row(making, product.bias)])]
            extra = inside.inputs[len(body.inputs) :]
            new = replace(loop, body=inside, condition=replace(condition, inputs=(*condition.inputs, *extra)))
            return PutBack(replace(node, inputs=tuple(inputs)), new, making.calls, making.layers)
    return None


@dataclass(frozen=True)
class _Upstream:
    """What the loop variables of a graph were made of."""

    model: Model
    values: Mapping[Tensor, Any]
    static: Collection[Tensor]

    def product(self, tensor: Tensor) -> _Product | None:
        moves = list[Operation]()
        while (found := self._made_by(tensor, "transpose")) is not None:
            operation, (tensor, *_) = found
            if len(operation.arguments) != 1 or operation.options["axes"][-1] != len(operation.options["axes"]) - 1:
                return None
            moves.append(operation)
        bias, added = None, self._made_by(tensor, "add")
        if added is not None:
            constants = [t for t in added[1] if t in self.static and _is_row(self.values[t])]
            if len(added[1]) != 2 or len(constants) != 1:
                return None
            (bias,) = constants
            (tensor,) = (t for t in added[1] if t != bias)
        multiplied = self._made_by(tensor, "matmul")
        if multiplied is None or multiplied[0].arguments != BOTH or multiplied[0].options:
            return None
        x, kernel = multiplied[1]
        is_product = kernel in self.static and np.ndim(self.values[kernel]) == 2 and np.ndim(self.values[x]) == 3
        return _Product(x, kernel, bias, moves) if is_product and x not in self.static else None

    def _made_by(self, tensor: Tensor, name: str) -> tuple[Operation, tuple[Tensor, ...]] | None:
        """The operation that a tensor comes from, with its inputs, if it is the one of that name."""
        layer = self.model.layers.get(tensor.layer)
        if not isinstance(layer, Operation) or layer.operation != name:
            return None
        return layer, next(call.inputs for call in self.model.nodes if call.layer == tensor.layer)


def _is_row(value: Any) -> bool:
    return np.ndim(value) > 0 and np.size(value) == np.shape(value)[-1]


def _moved(making: Making, product: _Product, loop: str) -> Tensor:
    """The inputs, with their axes as those of the product were."""
    tensor = product.x
    for operation in reversed(product.moves):
        tensor = making.add(replace(operation, name=f"{operation.name} of the input of {loop}"), (tensor,))
    return tensor


def _as_row(making: Making, bias: Tensor) -> Tensor:
    row = Operation(name=f"{bias.layer} as a row", operation="reshape_to", arguments=(Slot(0), (-1,)), compute_dtype="")
    return making.add(row, (bias,))


def _inside(body: Model, name: str, has_bias: bool) -> Model | None:
    """The body with the product of what it reads from a loop variable; None if it takes that in another way too."""
    takes = [call for call in body.nodes if Tensor(name) in call.inputs]
    if not takes or not all(_reads_one(body.layers[call.layer], call, name) for call in takes):
        return None
    weights = [f"kernel of {name}", *([f"bias of {name}"] if has_bias else [])]
    making, moved = Making({}), dict[Tensor, Tensor]()
    for call in takes:
        dtype, tensor = body.layers[call.layer].compute_dtype, Tensor(call.layer, call.call)
        result = tensor
        for operation, weight in zip(("matmul", "add"), weights, strict=False):
            layer = Operation(name=f"{operation} of {call.layer}", operation=operation, arguments=BOTH,
                              compute_dtype=dtype)  # fmt: skip
            result = making.add(layer, (result, Tensor(weight)))
        moved[tensor] = result
    nodes = [replace(call, inputs=tuple(moved.get(t, t) for t in call.inputs)) for call in body.nodes]
    calls = ordered([*nodes, *making.calls])
    if calls is None:
        return None
    return replace(
        body,
        layers={**body.layers, **making.layers},
        nodes=calls,
        inputs=(*body.inputs, *(Input(weight, None, "float32") for weight in weights)),
        outputs=(*body.outputs, *(Output(weight, Tensor(weight)) for weight in weights)),
    )


def _reads_one(layer: Layer, call: LayerCall, name: str) -> bool:
    """Whether a call reads one item of a loop variable."""
    is_gather = isinstance(layer, Operation) and layer.operation == "gather" and layer.arguments == BOTH
    return is_gather and call.inputs[0] == Tensor(name) != call.inputs[1] and layer.options.get("axis") == 0  # type: ignore[attr-defined]
