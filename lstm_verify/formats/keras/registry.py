"""How a Keras layer class is described: the variables it has, and how it becomes a canonical layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras import activations
from lstm_verify.formats.keras.calls import Call, read_call
from lstm_verify.formats.keras.config import Config, unwrap
from lstm_verify.formats.keras.dtypes import FLOATS, held
from lstm_verify.layers import Array, Layer
from lstm_verify.layers.activations import Activation


class Variable(NamedTuple):
    """A variable of a layer."""

    path: tuple[str, ...]
    """The attributes that lead to it from the layer, such as `("forward_layer", "cell", "kernel")`."""
    trainable: bool = True


Arrays = Mapping[tuple[str, ...], Array]


def below(arrays: Arrays, *path: str) -> Arrays:
    """The arrays of what lies at `path`."""
    depth = len(path)
    return {key[depth:]: array for key, array in arrays.items() if key[:depth] == path}


def prefixed(variables: Sequence[Variable], *path: str, trainable: bool = True) -> list[Variable]:
    """Variables seen from one level further up; they train only if all levels do."""
    return [Variable((*path, *v.path), v.trainable and trainable) for v in variables]


def named(*names: str) -> list[Variable]:
    return [Variable((name,)) for name in names]


@dataclass(frozen=True)
class Class:
    """What there is to know of a Keras layer class."""

    build: Callable[[Config, Arrays], Layer]
    variables: Callable[[Config], list[Variable]] = lambda _: []
    call: Callable[[Any, Config], Call] = read_call
    """Reads a node of a functional model."""
    as_called: Callable[[Layer, Mapping[str, Any], Config], Layer] = lambda layer, options, config: layer
    """The layer with the options that it is called with."""


def variables_of(config: Config) -> list[Variable]:
    """The variables of a layer, in the order in which Keras creates them.

    Raises:
        UnsupportedError: the layer is not known.
    """
    known = find(config)
    refuse_other_weights(config)
    return prefixed(known.variables(config), trainable=config.trainable)


def refuse_other_weights(config: Config) -> None:
    """Check that a layer has no other weights than those of its class.

    Raises:
        UnsupportedError: it has.
    """
    config.refuse("quantization_config", None)
    config.refuse("lora_rank", None)
    config.refuse("renorm", False)


def build(config: Config, arrays: Arrays) -> Layer:
    """Turn a layer's config and variables into a canonical layer.

    Raises:
        UnsupportedError: the layer, or an option of it, is not supported.
        ModelFileError: a weight does not have the shape that the config asks for.
    """
    config.refuse("data_format", "channels_last", None)
    variables_of(config)  # so that the keys which decide on the variables count as used
    layer = find(config).build(config, arrays)
    config.done()
    return held(layer, coarsest_dtype(config), config.generation)


INNER = ("cell", "cells", "layer", "backward_layer")
"""The keys of configs that hold those of what is inside."""


def coarsest_dtype(config: Config) -> str:
    """The dtype that a layer computes in, or that of what is inside it, whose own may be coarser."""
    found = [config.compute_dtype()]
    for key in INNER:
        inner = config.values.get(key)
        for entry in inner if isinstance(inner, list) else [inner]:
            if isinstance(entry, Mapping) and "dtype" in (entry.get("config") or {}):
                found.append(coarsest_dtype(unwrap(entry, config.version)))
    floats = [dtype for dtype in found if dtype in FLOATS]
    return max(floats, key=FLOATS.index) if floats else found[0]


def find(config: Config) -> Class:
    """Look a layer class up.

    Raises:
        UnsupportedError: it is not known; the message lists those that are.
    """
    from lstm_verify.formats.keras.classes import (
        CLASSES,
    )  # the table names the builders, which come back here

    if config.class_name not in CLASSES:
        known = ", ".join(sorted(CLASSES))
        raise UnsupportedError(f"{config.where}: this layer is not supported; the supported ones are {known}")
    return CLASSES[config.class_name]


def check_units(config: Config, what: str, array: Array, size: int) -> None:
    if array.shape[-1:] != (size,):
        raise ModelFileError(
            f"{config.where}: {what} has shape {array.shape}, expected {size} in the last axis, as its config says. "
            "Do the weights belong to this config?"
        )


def activation_of(config: Config, key: str = "activation", default: str | None = "linear") -> Activation:
    return activations.activation(config.get(key, default), config.version, config.where)


def with_bias(*names: str) -> Callable[[Config], list[Variable]]:
    """The variables of a layer with an optional bias."""
    return lambda config: named(*names, *(["bias"] if config.flag("use_bias", True) else []))


def snake_names(class_names: Sequence[str]) -> list[str]:
    """The names Keras gives to objects in a list, from their classes, not their names: `lstm`, `lstm_1`."""
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
