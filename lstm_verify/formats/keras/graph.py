"""Sequential and functional models: a config turned into a `Model`, nested models included.

Both generations write a graph as a list of layers with the nodes, that is calls, that lead into each. Keras 2 writes
a node as a list of `[layer, node, tensor, keyword arguments]`, Keras 3 as the arguments of the call themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.calls import MODELS, CallArguments, read_tensor
from lstm_verify.formats.keras.config import Config, Version, as_list, as_mapping, unwrap
from lstm_verify.formats.keras.dtypes import with_dtypes
from lstm_verify.formats.keras.lost_masks import without_lost_masks
from lstm_verify.formats.keras.operations import build_operation, is_operation
from lstm_verify.formats.keras.registry import (
    Arrays,
    LayerVariable,
    below,
    build,
    find,
    prefixed,
    snake_names,
    variables_of,
)
from lstm_verify.formats.keras.ways import NotExported
from lstm_verify.layers import Layer
from lstm_verify.layers.recurrent.rnn import Recurrent
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor

INPUT_DTYPES = {"bool", "bfloat16", "float16", "float32", "float64"} | {
    f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True)
class LayerEntry:
    """A layer of a model: its config, its key among the variables, and its inbound nodes."""

    config: Config
    key: str
    nodes: list[Any]
    kind: str = "layer"
    """`input`, `layer` or `operation`."""


def entries(config: Config) -> list[LayerEntry]:
    """Return the layers of a model, including the input layers."""
    listed = config.values.get("layers") if config.values else None
    if not isinstance(listed, list):
        raise ModelFileError(f"model '{config.name}': its config has no list of layers. Is the file complete?")
    found = [_entry(as_mapping(item, f"model '{config.name}': a layer"), config.version) for item in listed]
    # Keras numbers the objects in its list of layers, which operations are not in
    numbered = iter(snake_names([entry.config.class_name for entry in found if entry.kind != "operation"]))
    return [entry if entry.kind == "operation" else replace(entry, key=next(numbered)) for entry in found]


def _entry(item: Mapping[str, Any], version: Version) -> LayerEntry:
    operation = is_operation(item, version[0])
    config = unwrap(item, version, operation)
    if "name" in item:
        config = Config(config.class_name, {"name": item["name"], **config.values}, version)
    kind = "operation" if operation else "layer"
    nodes = as_list(item.get("inbound_nodes") or [], f"{config.where}: inbound_nodes")
    return LayerEntry(config, "", nodes, "input" if config.class_name == "InputLayer" else kind)


def layers_of(config: Config) -> list[LayerEntry]:
    """Return the layers of a model that may have weights."""
    return [entry for entry in entries(config) if entry.kind == "layer"]


def model_variables(config: Config) -> list[LayerVariable]:
    """Return the variables of all layers of a model, in layer order."""
    return [
        variable
        for entry in layers_of(config)
        for variable in prefixed(variables_of(entry.config), "layers", entry.key)
    ]


def build_model(config: Config, arrays: Arrays) -> Model:
    """Turn a model's config and variables into a `Model`.

    Raises:
        UnsupportedError: it has a layer or an option that is not supported.
        ModelFileError: the graph is not whole.
    """
    for key in ("layers", "input_layers", "output_layers", "build_input_shape"):
        config.get(key, None)
    found = entries(config)
    _refuse_same_names(config, found)
    layers = {
        entry.config.name: build(entry.config, below(arrays, "layers", entry.key))
        for entry in found
        if entry.kind == "layer"
    }
    made = (
        _sequential(config, found, layers) if config.class_name == "Sequential" else _functional(config, found, layers)
    )
    config.done()
    return with_dtypes(made, config.generation)


def _refuse_same_names(config: Config, found: list[LayerEntry]) -> None:
    names = [entry.config.name for entry in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ModelFileError(f"model '{config.name}': two of its layers are named '{twice[0]}'. Is the file complete?")


# --- sequential models


def _sequential(config: Config, found: list[LayerEntry], layers: dict[str, Layer]) -> Model:
    spec = _sequential_input(config, found)
    nodes, tensor = [], Tensor(spec.name)
    for name in layers:
        nodes.append(LayerCall(name, (tensor,)))
        tensor = Tensor(name)
    if not layers:
        raise ModelFileError(f"model '{config.name}': it has no layers")
    return Model(
        name=config.name,
        layers=layers,
        nodes=tuple(nodes),
        inputs=(spec,),
        outputs=(Output(tensor.layer, tensor),),
    )


def _sequential_input(config: Config, found: list[LayerEntry]) -> Input:
    first = found[0].config if found else config
    if first.class_name == "InputLayer":
        return _input(first)
    while first.class_name in MODELS and (inner := entries(first)):
        first = inner[0].config
    shape = first.values.get("batch_input_shape") or first.values.get("batch_shape")
    if shape is None:
        shape = config.values.get("build_input_shape")
    dtype = "int32" if first.class_name == "Embedding" else "float32"
    return Input(f"{found[0].config.name}_input" if found else "input", _lengths(first, shape), dtype)


def _input(config: Config) -> Input:
    config.refuse("sparse", False, None)
    if config.get("ragged", False):
        raise NotExported(
            f"{config.where}: ragged=True is not supported, not even in a SavedModel. Build the model with a padded "
            "input and a Masking layer behind it, give it the weights (padded.set_weights(model.get_weights())), and "
            "verify that"
        )
    config.get("optional", False)
    shape = config.get("batch_input_shape", None) or config.get("batch_shape", None)
    dtype = config.get("dtype", None) or config.get("input_dtype", None) or "float32"
    config.done()
    if dtype not in INPUT_DTYPES:
        raise UnsupportedError(f"{config.where}: dtype {dtype!r} is not supported, expected numbers")
    return Input(config.name, _lengths(config, shape), str(dtype))


def _lengths(config: Config, shape: Any) -> tuple[int | None, ...] | None:
    """The shape of an input, with None where any length will do; None if it is not known.

    Raises:
        ModelFileError: it is something else.
    """
    if not shape:
        return None
    if not isinstance(shape, list | tuple) or not all(n is None or (type(n) is int and n >= 0) for n in shape):
        raise ModelFileError(f"{config.where}: its input has shape {shape!r}, expected integers and null")
    return tuple(shape)


# --- functional models


def _functional(config: Config, found: list[LayerEntry], layers: dict[str, Layer]) -> Model:
    specs = {entry.config.name: _input(entry.config) for entry in found if entry.kind == "input"}
    inputs = [name for _, (name, *_) in _tensors(config, "input_layers")]
    outputs = _tensors(config, "output_layers")
    if config.generation == 2:
        offsets = output_offsets = _first_numbers(found, [tensor for _, tensor in outputs])
    else:
        offsets, output_offsets = {}, _first_numbers_in_outputs(found)
    nodes = [node for entry in found if entry.kind == "layer" for node in _nodes(entry, offsets)]
    for entry in found:
        if entry.kind == "operation":
            layers[entry.config.name], tensors = _operation(entry)
            nodes.append(LayerCall(entry.config.name, tuple(_shifted(tensor, offsets) for tensor in tensors)))
    unknown = [name for name in inputs if name not in specs]
    if unknown:
        raise ModelFileError(f"model '{config.name}': its input {unknown[0]!r} is not among its layers")
    for node in nodes:
        layer = layers[node.layer]
        if isinstance(layer, Model) and len(node.inputs) != len(layer.inputs):
            raise ModelFileError(f"layer '{node.layer}': {len(node.inputs)} inputs, expected {len(layer.inputs)}")
        if node.mask is not None and isinstance(layer, Recurrent):  # a mask given by hand is never forgotten
            layers[node.layer] = replace(layer, mask_with_initial_state=True)
    for entry in found:
        if entry.kind == "layer" and entry.nodes:
            layers[entry.config.name] = _as_called(entry, layers[entry.config.name])
    model = Model(
        name=config.name,
        layers=layers,
        nodes=_in_order(config, nodes, set(specs)),
        inputs=tuple(specs[name] for name in inputs),
        outputs=_named_outputs([(key, _shifted(tensor, output_offsets)) for key, tensor in outputs]),
    )
    return without_lost_masks(model, config.version)


def _call(node: Any, config: Config) -> CallArguments:
    return find(config).call(node, config)


def _as_called(entry: LayerEntry, layer: Layer) -> Layer:
    first, *others = [_call(node, entry.config).options for node in entry.nodes]
    if any(other != first for other in others):
        raise UnsupportedError(f"{entry.config.where}: it is called in several ways, which is not supported")
    return find(entry.config).as_called(layer, first, entry.config)


def _tensors(config: Config, key: str) -> list[tuple[str | None, Tensor]]:
    """The tensors that a config lists as inputs or outputs, with their names if it gives any, in order."""
    listed = config.get(key)
    if isinstance(listed, Mapping):  # Keras 3 flattens a dictionary in the order of its sorted keys
        return [(name, read_tensor(listed[name], config)) for name in sorted(listed)]
    if isinstance(listed, list) and listed and isinstance(listed[0], str):
        listed = [listed]
    return [(None, read_tensor(item, config)) for item in as_list(listed, f"model '{config.name}': {key}")]


def _named_outputs(outputs: list[tuple[str | None, Tensor]]) -> tuple[Output, ...]:
    """Name outputs after their layers, numbered like Keras 2 does where a layer has several: `lstm`, `lstm_1`."""
    named: list[Output] = []
    for key, tensor in outputs:
        name, number = key or tensor.layer, 0
        while any(output.name == name for output in named):
            number += 1
            name = f"{tensor.layer}_{number}"
        named.append(Output(name, tensor))
    return tuple(named)


def _first_numbers(found: list[LayerEntry], outputs: list[Tensor]) -> dict[str, int]:
    """The number that a layer's first listed node has in Keras 2.

    It is not 0 for a model inside a model, whose own first node is left out of the list. Every listed node is used
    by somebody, so the highest number in use tells.
    """
    highest: dict[str, int] = {}
    for tensor in (*(tensor for entry in found for tensor in _used_by(entry)), *outputs):
        highest[tensor.layer] = max(highest.get(tensor.layer, 0), tensor.call)
    return {
        entry.config.name: max(highest.get(entry.config.name, 0) - len(entry.nodes) + 1, 0)
        for entry in found
        if entry.nodes
    }


def _first_numbers_in_outputs(found: list[LayerEntry]) -> dict[str, int]:
    """The number that a layer's first listed node has in Keras 3 where outputs are listed.

    There, and nowhere else, Keras 3 counts a functional model's own first node.
    """
    return {entry.config.name: int(entry.config.class_name in ("Functional", "Model")) for entry in found}


def _used_by(entry: LayerEntry) -> Iterator[Tensor]:
    if entry.kind == "operation":
        yield from _operation(entry)[1]
    else:
        for node in entry.nodes:
            yield from _call(node, entry.config).tensors()


def _operation(entry: LayerEntry) -> tuple[Layer, tuple[Tensor, ...]]:
    if len(entry.nodes) != 1:
        raise UnsupportedError(f"{entry.config.where}: an operation with {len(entry.nodes)} calls, expected one")
    return build_operation(entry.config, entry.nodes[0])


def _shifted(tensor: Tensor, offsets: Mapping[str, int]) -> Tensor:
    return tensor._replace(call=tensor.call - offsets.get(tensor.layer, 0))


def _nodes(entry: LayerEntry, offsets: Mapping[str, int]) -> Iterator[LayerCall]:
    for number, node in enumerate(entry.nodes):
        call = _call(node, entry.config)
        yield LayerCall(
            layer=entry.config.name,
            call=number,
            inputs=tuple(_shifted(tensor, offsets) for tensor in call.inputs),
            mask=None if call.mask is None else _shifted(call.mask, offsets),
            mask_goes_on=not (3,) <= entry.config.version < (3, 11),
            unmasked=(0,) if call.unmasked else (),
        )


def _in_order(config: Config, nodes: list[LayerCall], known: set[str]) -> tuple[LayerCall, ...]:
    """Sort nodes so that each comes after those that it needs."""
    done: set[tuple[str, int]] = {(name, 0) for name in known}
    left, ordered = list(nodes), list[LayerCall]()
    while left:
        ready = [
            node
            for node in left
            if all((t.layer, t.call) in done for t in (*node.inputs, *([node.mask] if node.mask else [])))
        ]
        if not ready:
            raise ModelFileError(f"model '{config.name}': layer '{left[0].layer}' has an input that nothing computes")
        ordered += ready
        done |= {(node.layer, node.call) for node in ready}
        left = [node for node in left if node not in ready]
    return tuple(ordered)
