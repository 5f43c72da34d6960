"""Masks that get lost on the way into MultiHeadAttention, or behind it.

Keras 3.8 and later takes the masks off the tensors that the layer is called with, for good: a residual connection
around it has none any more, nor has the second of two attention layers on the same tensors. A mask that a file names as
an argument is not touched. So it matters which layer runs first: Keras goes by the depth of nodes, seen from the
outputs, and by the order in which it meets them. A tensor that the layer casts to a dtype of its own is another one,
and keeps its mask.

Keras 2 casts the query to the dtype of the layer, and no other input. What is cast has no mask there any more.

Source: `keras.layers.MultiHeadAttention.call`, `keras.src.ops.function.map_graph` (3.15); `tf_keras` 2.21,
`MultiHeadAttention._compute_attention_mask` and `Layer._maybe_cast_inputs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstm_verify.formats.keras.config import Version
from lstm_verify.layers import Activation, Identity, Layer, MultiHeadAttention
from lstm_verify.model import LayerCall, Model, Tensor

Key = tuple[str, int]
"""A node: its layer, and the number of the call."""


def without_lost_masks(model: Model, version: Version) -> Model:
    """Return the model without the masks that Keras loses."""
    if not any(_loses_masks(layer) for layer in model.layers.values()):
        return model
    if version < (3,):
        return _without_cast_masks(model)
    if version < (3, 8):
        return model
    lost, _ = _followed(model)
    return replace(model, nodes=tuple(replace(node, unmasked=lost[node.layer, node.call]) for node in model.nodes))


def _loses_masks(layer: Layer) -> bool:
    if isinstance(layer, Model):
        return any(_loses_masks(inner) for inner in layer.layers.values())
    return isinstance(layer, MultiHeadAttention)


def _without_cast_masks(model: Model) -> Model:
    layers = dict(model.layers)
    for node in model.nodes:
        layer = layers[node.layer]
        if isinstance(layer, MultiHeadAttention):
            query = node.inputs[layer.roles.index("query")]
            layers[node.layer] = replace(layer, sees_query_mask=_dtype(model, query) == layer.compute_dtype)
    return replace(model, layers=layers)


def _followed(model: Model) -> tuple[dict[Key, tuple[int, ...]], set[Tensor]]:
    """The places at which each node gets an input whose mask is lost; and the tensors that have lost theirs."""
    same: dict[Tensor, Tensor] = {}
    """For the outputs of layers that return what they are given: what that is."""
    stripped: set[Tensor] = set()
    lost: dict[Key, tuple[int, ...]] = {}
    for node in _as_run(model):
        layer, inputs = model.layers[node.layer], [same.get(tensor, tensor) for tensor in node.inputs]
        lost[node.layer, node.call] = tuple(place for place, tensor in enumerate(inputs) if tensor in stripped)
        if _returns_its_input(layer) and _dtype(model, inputs[0]) == layer.compute_dtype:
            same[Tensor(node.layer, node.call)] = inputs[0]
        stripped |= {tensor for place, tensor in enumerate(inputs) if _strips(model, layer, place, tensor)}
    return lost, stripped


def _returns_its_input(layer: Layer) -> bool:
    return isinstance(layer, Identity) or (isinstance(layer, Activation) and layer.activation.name == "linear")


def _strips(model: Model, layer: Layer, place: int, tensor: Tensor) -> bool:
    """Whether a layer takes the mask off the tensor at that place."""
    if isinstance(layer, Model):
        known = _loses_masks(layer) and place < len(layer.inputs)
        return known and Tensor(layer.inputs[place].name) in _followed(layer)[1]
    if not isinstance(layer, MultiHeadAttention) or layer.roles[place] not in ("query", "value", "key"):
        return False
    return _dtype(model, tensor) == layer.compute_dtype


def _dtype(model: Model, tensor: Tensor) -> str:
    """The dtype of a tensor."""
    for spec in model.inputs:
        if spec.name == tensor.layer:
            return spec.dtype
    layer = model.layers[tensor.layer]
    return _dtype(layer, layer.outputs[tensor.output].tensor) if isinstance(layer, Model) else layer.compute_dtype


def _as_run(model: Model) -> list[LayerCall]:
    """The nodes in the order in which Keras runs them."""
    by_key = {(node.layer, node.call): node for node in model.nodes}
    depths: dict[Key, int] = {}
    of_layers: dict[str, int] = {}
    for key in reversed(_traversed(model, by_key)):
        depth = max(depths.setdefault(key, 0), of_layers.get(key[0], 0))
        of_layers[key[0]] = depths[key] = depth
        for before in _before(by_key[key], by_key):
            depths[before] = max(depth + 1, depths.get(before, 0))
    # those that no output needs are not run; they come last, and change nothing
    unused = [node for key, node in by_key.items() if key not in depths]
    return [by_key[key] for key in sorted(depths, key=lambda key: -depths[key])] + unused


def _before(node: LayerCall, by_key: dict[Key, LayerCall]) -> Iterator[Key]:
    for tensor in (*node.inputs, *([node.mask] if node.mask else [])):
        if (tensor.layer, tensor.call) in by_key:
            yield tensor.layer, tensor.call


def _traversed(model: Model, by_key: dict[Key, LayerCall]) -> list[Key]:
    """The nodes as a search from the outputs leaves them: inputs first, each after all that it needs."""
    done: dict[Key, None] = {}
    for output in model.outputs:
        start = (output.tensor.layer, output.tensor.call)
        open_nodes = [(start, _before(by_key[start], by_key))] if start in by_key else []
        while open_nodes:
            key, left = open_nodes[-1]
            following = next((before for before in left if before not in done), None)
            if following is None:
                done[key] = None
                open_nodes.pop()
            else:
                open_nodes.append((following, _before(by_key[following], by_key)))
    return list(done)
