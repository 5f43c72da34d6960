"""Layers that are not recurrent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify import layers as canonical
from lstm_verify.errors import ModelFileError
from lstm_verify.formats.keras import activations
from lstm_verify.formats.keras.config import Config, unwrap
from lstm_verify.formats.keras.registry import (
    Arrays,
    Class,
    LayerVariable,
    activation_of,
    check_units,
    named,
)
from lstm_verify.layers import Array, Layer
from lstm_verify.rounded.precision import rounded_to


def dense(config: Config, arrays: Arrays) -> Layer:
    check_units(config, "kernel", arrays[("kernel",)], config.whole("units"))
    return canonical.Dense(
        name=config.name,
        kernel=arrays[("kernel",)],
        bias=arrays.get(("bias",)),
        activation=activation_of(config),
    )


def embedding(config: Config, arrays: Arrays) -> Layer:
    embeddings = arrays[("embeddings",)]
    shape = (config.whole("input_dim"), config.whole("output_dim"))
    if embeddings.shape != shape:
        raise ModelFileError(
            f"{config.where}: embeddings has shape {embeddings.shape}, expected {shape} = (input_dim, output_dim)"
        )
    config.refuse("sparse", False)
    return canonical.Embedding(name=config.name, embeddings=embeddings, mask_zero=config.flag("mask_zero"))


def axes_of(config: Config) -> tuple[int, ...]:
    """One axis or several."""
    return config.wholes("axis", -1)


def scale_and_center(config: Config) -> list[LayerVariable]:
    return named(*["gamma"] * config.flag("scale", True), *["beta"] * config.flag("center", True))


def layer_normalization_variables(config: Config) -> list[LayerVariable]:
    return named("gamma") if config.flag("rms_scaling") else scale_and_center(config)


def batch_normalization(config: Config, arrays: Arrays) -> Layer:
    return canonical.BatchNormalization(
        name=config.name,
        gamma=arrays.get(("gamma",)),
        beta=arrays.get(("beta",)),
        moving_mean=arrays[("moving_mean",)],
        moving_variance=arrays[("moving_variance",)],
        epsilon=config.number("epsilon", 1e-3),
        axis=config.whole("axis", -1),
    )


def batch_normalization_variables(config: Config) -> list[LayerVariable]:
    return [
        *scale_and_center(config),
        LayerVariable(("moving_mean",), False),
        LayerVariable(("moving_variance",), False),
    ]


def layer_normalization(config: Config, arrays: Arrays) -> Layer:
    if config.flag("rms_scaling"):
        for key in ("scale", "center"):  # it has a scale and no center, whatever these say
            config.get(key, None)
        return replace(_rms(config, arrays[("gamma",)], 1e-3), supports_masking=True, around_mean=True)
    return canonical.LayerNormalization(
        name=config.name,
        gamma=arrays.get(("gamma",)),
        beta=arrays.get(("beta",)),
        epsilon=config.number("epsilon", 1e-3),
        axes=axes_of(config),
    )


def rms_normalization(config: Config, arrays: Arrays) -> Layer:
    return _rms(config, arrays[("scale",)], 1e-6)


def _rms(config: Config, scale: Array, epsilon: float) -> canonical.RMSNormalization:
    return canonical.RMSNormalization(
        name=config.name, scale=scale, epsilon=config.number("epsilon", epsilon), axes=axes_of(config)
    )


def activation_layer(config: Config, arrays: Arrays) -> Layer:
    inner = config.get("activation", None)
    if isinstance(inner, Mapping) and inner.get("class_name") == "Softmax":  # which sees the mask of the input
        layer = unwrap(inner, config.version)
        made = replace(softmax(layer, arrays), name=config.name)
        layer.done()
        return made
    return canonical.Activation(name=config.name, activation=activation_of(config, default=None))


def advanced_activation(config: Config, arrays: Arrays) -> Layer:
    return canonical.Activation(name=config.name, activation=activations.of_layer(config))


def softmax(config: Config, arrays: Arrays) -> Layer:
    robust = config.flag("robust_masking")
    since = "zero" if config.version >= (3, 10) else "rounded"
    return canonical.Softmax(
        name=config.name, activation=activations.of_layer(config), all_hidden="equal" if robust else since
    )


def prelu(config: Config, arrays: Arrays) -> Layer:
    config.get("shared_axes", None)  # they have length 1 in alpha
    return canonical.PReLU(name=config.name, alpha=arrays[("alpha",)])


def merge(config: Config, arrays: Arrays) -> Layer:
    return canonical.Merge(
        name=config.name,
        operation=config.class_name,
        masks_agree=config.generation == 2,
        supports_masking=_sees_masks(config),
    )


def concatenate(config: Config, arrays: Arrays) -> Layer:
    return canonical.Concatenate(
        name=config.name,
        axis=config.whole("axis", -1),
        masks_agree=config.generation == 2,
        supports_masking=_sees_masks(config),
    )


def _sees_masks(config: Config) -> bool:
    """Whether a layer sees the masks of its inputs where they come as a list, which Keras 3 overlooked before 3.4."""
    return not (3,) <= config.version < (3, 4)


def pair(config: Config, key: str) -> tuple[int, int]:
    """Use two integers, or one for both.

    Raises:
        ModelFileError: there are more, or none.
    """
    numbers = config.wholes(key, 1)
    if not 1 <= len(numbers) <= 2:
        raise ModelFileError(f"{config.where}: {key} is {config.get(key)!r}, expected one integer or two")
    return numbers[0], numbers[-1]


def plain(make: Callable[..., Layer], **parameters: Callable[[Config], Any]) -> Class:
    """Describe a layer without variables, whose parameters are keys of its config."""
    return Class(lambda config, arrays: make(name=config.name, **{key: get(config) for key, get in parameters.items()}))


def dot(config: Config, arrays: Arrays) -> Layer:
    return canonical.Dot(name=config.name, axes=pair(config, "axes"), normalize=config.flag("normalize"))


def identity(config: Config, arrays: Arrays) -> Layer:
    return canonical.Identity(name=config.name, supports_masking=config.generation == 3)


def augmentation(config: Config, arrays: Arrays) -> Layer:
    """Describe a layer that does nothing at inference, whose config only says what it does in training."""
    config.used.update(config.values)
    return identity(config, arrays)


def rescaling(config: Config, arrays: Arrays) -> Layer:
    return canonical.Rescaling(
        name=config.name,
        scale=rounded_to(_constant(config, "scale", 1.0), "float32"),  # which `tf.cast` makes of it first
        offset=rounded_to(_constant(config, "offset", 0.0), "float32"),
        supports_masking=config.generation == 3,  # in Keras 2 the mask ends here
    )


def normalization(config: Config, arrays: Arrays) -> Layer:
    adapted = ("mean",) in arrays
    held = "float64" if config.generation == 2 else "float32"  # whose tensors Keras 3 makes of given numbers first
    return canonical.Normalization(
        name=config.name,
        mean=arrays[("mean",)] if adapted else rounded_to(_constant(config, "mean", None), held),
        variance=arrays[("variance",)] if adapted else rounded_to(_constant(config, "variance", None), held),
        axes=config.wholes("axis", -1),
        invert=config.flag("invert"),
        supports_masking=config.generation == 3,  # as above
    )


def normalization_variables(config: Config) -> list[LayerVariable]:
    if config.get("mean", None) is not None:
        return []
    return [LayerVariable((name,), trainable=False) for name in ("mean", "variance", "count")]


def _constant(config: Config, key: str, default: Any) -> Array:
    """A number or an array of numbers, which Keras also wraps as an object."""
    value = config.get(key, default)
    if isinstance(value, Mapping):
        inner = value.get("config")
        value = inner.get("value") if isinstance(inner, Mapping) else value.get("value")
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelFileError(f"{config.where}: {key} is {str(value)[:60]}, expected numbers") from None


def unit_normalization(config: Config, arrays: Arrays) -> Layer:
    return canonical.UnitNormalization(name=config.name, axes=axes_of(config))


def group_normalization(config: Config, arrays: Arrays) -> Layer:
    return canonical.GroupNormalization(
        name=config.name,
        groups=config.whole("groups", 32),
        gamma=arrays.get(("gamma",)),
        beta=arrays.get(("beta",)),
        epsilon=config.number("epsilon", 1e-3),
        heeds_mask=config.generation == 2,
        axis=config.whole("axis", -1),
    )
