"""Activation configs: a name, a layer, or a user's own function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config, Version, unwrap
from lstm_verify.operations.activations import LINEAR, ActivationFunction

HARD_SIGMOID_SLOPES = {2: 1 / 5, 3: 1 / 6}
"""The one name that means different functions in the two generations of Keras."""

ALIASES = {
    "swish": "silu",
    "hard_swish": "hard_silu",
    "softmax_v2": "softmax",
    "LogSoftmax": "log_softmax",
}


def activation(value: Any, version: Version, where: str) -> ActivationFunction:
    """Turn the config of an activation into a definite function.

    Raises:
        UnsupportedError: it is a function of the user's, or not known.
    """
    if value is None:
        return LINEAR
    if isinstance(value, str):
        return _named(ALIASES.get(value, value), version, where)
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        raise UnsupportedError(
            f"{where}: activation {value.get('config') or value.get('registered_name')!r} is a function of the user's, "
            "whose code is not in the file"
        )
    if not isinstance(value, Mapping) or "config" not in value:
        raise ModelFileError(f"{where}: activation is {value!r}, expected a name or a layer")
    config = unwrap(value, version)
    if config.class_name == "Activation":
        return activation(config.get("activation"), version, where)
    if config.class_name not in LAYERS:
        raise UnsupportedError(f"{where}: activation {config.class_name} is not supported")
    made = of_layer(config)
    config.done()
    return made


def _named(name: str, version: Version, where: str) -> ActivationFunction:
    try:
        if name == "hard_sigmoid":
            return ActivationFunction.of(name, slope=HARD_SIGMOID_SLOPES[version[0]])
        if name == "leaky_relu":
            return ActivationFunction.of(name, negative_slope=0.2)
        return ActivationFunction.of(name)
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {error}") from None


def of_layer(config: Config) -> ActivationFunction:
    """Return the function of an activation layer."""
    return LAYERS[config.class_name](config)


def _relu(config: Config) -> ActivationFunction:
    """Keras 3 makes tensors in float32 of a limit, and of a slope that is all there is."""
    slope, threshold = _or_zero(config, "negative_slope"), _or_zero(config, "threshold")
    limit = None if config.get("max_value", None) is None else config.number("max_value")
    if config.generation == 3 and limit is not None:
        limit = float(np.float32(limit))
    elif config.generation == 3 and not threshold:
        slope = float(np.float32(slope))
    return ActivationFunction.of("relu", negative_slope=slope, max_value=limit, threshold=threshold)


def _or_zero(config: Config, key: str) -> float:
    return 0.0 if config.get(key, None) is None else config.number(key)


def _leaky_relu(config: Config) -> ActivationFunction:
    key = "negative_slope" if "negative_slope" in config.values else "alpha"
    return ActivationFunction.of("leaky_relu", negative_slope=config.number(key, 0.3))


def _softmax(config: Config) -> ActivationFunction:
    axis = config.get("axis", -1)
    return ActivationFunction.of("softmax", axis=tuple(axis) if isinstance(axis, list | tuple) else axis)


LAYERS: dict[str, Callable[[Config], ActivationFunction]] = {
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": lambda config: ActivationFunction.of("elu", alpha=config.number("alpha", 1.0)),
    "Softmax": _softmax,
    "ThresholdedReLU": lambda config: ActivationFunction.of(
        "threshold", threshold=config.number("theta", 1.0), default_value=0.0
    ),
}
