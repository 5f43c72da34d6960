"""How a Keras layer class is described: its variables, and how it becomes a canonical layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras import activations
from lstm_verify.formats.keras.calls import CallArguments, read_call
from lstm_verify.formats.keras.config import Config, unwrap
from lstm_verify.formats.keras.dtypes import FLOATS, held
from lstm_verify.formats.keras.ways import NotExported, unknown_layer
from lstm_verify.layers import Array, Layer
from lstm_verify.operations.activations import ActivationFunction


class LayerVariable(NamedTuple):
    """A variable of a layer."""

    path: tuple[str, ...]
    """The attributes that lead to it from the layer, such as `("forward_layer", "cell", "kernel")`."""
    trainable: bool = True


Arrays = Mapping[tuple[str, ...], Array]


def below(arrays: Arrays, *path: str) -> Arrays:
    """Return the arrays below `path`."""
    depth = len(path)
    return {key[depth:]: array for key, array in arrays.items() if key[:depth] == path}


def prefixed(variables: Sequence[LayerVariable], *path: str, trainable: bool = True) -> list[LayerVariable]:
    """Prefix the paths of variables with a level; they are trainable only if all levels are."""
    return [LayerVariable((*path, *v.path), v.trainable and trainable) for v in variables]


def named(*names: str) -> list[LayerVariable]:
    return [LayerVariable((name,)) for name in names]


@dataclass(frozen=True)
class Class:
    """A Keras layer class: its variables, and the builder of its canonical layer."""

    build: Callable[[Config, Arrays], Layer]
    variables: Callable[[Config], list[LayerVariable]] = lambda _: []
    call: Callable[[Any, Config], CallArguments] = read_call
    """Reads a node of a functional model."""
    as_called: Callable[[Layer, Mapping[str, Any], Config], Layer] = lambda layer, options, config: layer
    """The layer with the options that it is called with."""


CLASSES: dict[str, Class] = {}
"""Every class that is supported, by its name: those of `classes.py`, whose builders look up here what is inside."""


def variables_of(config: Config) -> list[LayerVariable]:
    """Return the variables of a layer, in the order in which Keras creates them.

    Raises:
        UnsupportedError: the layer is not known, or has other variables for something that is not supported.
    """
    _refuse_other_variables(config)
    return prefixed(find(config).variables(config), trainable=config.trainable)


def build(config: Config, arrays: Arrays) -> Layer:
    """Turn a layer's config and variables into a canonical layer.

    Raises:
        UnsupportedError: the layer, or an option of it, is not supported.
        ModelFileError: a weight does not have the shape that the config asks for.
    """
    if config.get("data_format", None) not in ("channels_last", None):
        raise NotExported(
            f"{config.where}: data_format={config.get('data_format')!r} is not supported. "
            "Build the layer with data_format='channels_last' and the same weights, between two Permute layers: one "
            "that moves the channels of its input to the end, and one that moves those of its output back"
        )
    variables_of(config)  # so that the keys which decide on the variables count as used
    layer = find(config).build(config, arrays)
    config.done()
    return held(layer, coarsest_dtype(config), config.generation)


INNER = ("cell", "cells", "layer", "backward_layer")
"""The keys of configs that hold those of what is inside."""


def coarsest_dtype(config: Config) -> str:
    """Return the coarsest dtype that a layer, or a layer inside it, computes in."""
    found = [config.compute_dtype()]
    for key in INNER:
        inner = config.values.get(key)
        for entry in inner if isinstance(inner, list) else [inner]:
            if isinstance(entry, Mapping) and "dtype" in (entry.get("config") or {}):
                found.append(coarsest_dtype(unwrap(entry, config.version)))
    floats = [dtype for dtype in found if dtype in FLOATS]
    return max(floats, key=FLOATS.index) if floats else found[0]


def _refuse_other_variables(config: Config) -> None:
    """Refuse what gives a layer more variables than its class has, before they are looked for."""
    rank = config.get("lora_rank", None)
    if rank is not None:
        raise UnsupportedError(f"{config.where}: LoRA (lora_rank={rank!r}) is not supported")
    config.get("lora_alpha", None)
    if config.flag("renorm"):
        raise UnsupportedError(f"{config.where}: renorm=True is not supported")
    policy = config.values.get("dtype")
    inner = policy.get("config") if isinstance(policy, Mapping) else None
    mode = inner.get("mode") if isinstance(inner, Mapping) else None
    given = config.get("quantization_config", None)
    if given is not None or isinstance(mode, str):
        what = f"dtype policy {mode!r}" if isinstance(mode, str) else f"quantization_config {str(given)[:60]}"
        raise NotExported(
            f"{config.where}: quantized weights ({what}) are not supported, not even in a SavedModel. "
            "Verify the model as it was before quantize()"
        )


def find(config: Config) -> Class:
    """Look a layer class up.

    Raises:
        UnsupportedError: it is not known.
    """
    if config.class_name not in CLASSES:
        raise unknown_layer(config.where, config.class_name, config.name)
    return CLASSES[config.class_name]


def check_units(config: Config, what: str, array: Array, size: int) -> None:
    if array.shape[-1:] != (size,):
        raise ModelFileError(
            f"{config.where}: {what} has shape {array.shape}, expected {size} in the last axis, as its config says. "
            "Do the weights belong to this config?"
        )


def activation_of(config: Config, key: str = "activation", default: str | None = "linear") -> ActivationFunction:
    return activations.activation(config.get(key, default), config.version, config.where)


def with_bias(*names: str) -> Callable[[Config], list[LayerVariable]]:
    """Return the variables of a layer with an optional bias."""
    return lambda config: named(*names, *(["bias"] if config.flag("use_bias", True) else []))


def snake_names(class_names: Sequence[str]) -> list[str]:
    """Return the names Keras gives to objects in a list by their classes: `lstm`, `lstm_1`."""
    counts: dict[str, int] = {}
    names = []
    for class_name in class_names:
        name = _snake(class_name)
        count = counts[name] = counts.get(name, -1) + 1
        names.append(f"{name}_{count}" if count else name)
    return names


def _snake(class_name: str) -> str:
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
