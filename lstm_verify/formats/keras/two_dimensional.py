"""Layers of images, channels last, and the transposed convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstm_verify import layers as canonical
from lstm_verify.errors import ModelFileError
from lstm_verify.formats.keras.config import REQUIRED, Config
from lstm_verify.formats.keras.registry import Arrays, Class, activation_of, with_bias
from lstm_verify.formats.keras.ways import OnlyInPart
from lstm_verify.layers import Array, Layer


def whole_numbers(config: Config, key: str, default: Any = REQUIRED, least: int = 1) -> tuple[int, int]:
    """Use a key with a number for the rows and one for the columns, or one for both.

    Raises:
        ModelFileError: it is something else, or a number is below `least`.
    """
    value = config.get(key, default)
    both = [value, value] if isinstance(value, int) else value
    if not isinstance(both, list | tuple) or len(both) != 2 or not all(_is_whole(item, least) for item in both):
        raise ModelFileError(f"{config.where}: {key} is {str(value)[:60]}, expected two whole numbers from {least} on")
    return both[0], both[1]


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def one_number(config: Config, key: str, default: Any = REQUIRED, least: int = 1) -> int:
    """Use a whole number, in a list or not.

    Raises:
        ModelFileError: it is something else, or below `least`.
    """
    value = config.whole(key, default)
    if value < least:
        raise ModelFileError(f"{config.where}: {key} is {value}, expected a whole number from {least} on")
    return value


def _edges(config: Config, key: str, default: Any) -> tuple[int, int, int, int]:
    """Use a key with a number for all edges, two for rows and columns, or a pair of pairs: above, below, left, right.

    Raises:
        ModelFileError: it is something else.
    """
    value = config.get(key, default)
    both = [value, value] if isinstance(value, int) else value
    if isinstance(both, list | tuple):
        pairs = [[item, item] if isinstance(item, int) else item for item in both]
        numbers = [number for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2 for number in pair]
        if len(pairs) == 2 and len(numbers) == 4 and all(_is_whole(number, 0) for number in numbers):
            return numbers[0], numbers[1], numbers[2], numbers[3]
    raise ModelFileError(f"{config.where}: {key} is {str(value)[:60]}, expected ((above, below), (left, right))")


def _check_shape(config: Config, what: str, array: Array, *wanted: int | None) -> None:
    """Check the axes of a kernel against what the config says; None is one that it says nothing of.

    Raises:
        ModelFileError: they are others.
    """
    axes = zip(array.shape, wanted, strict=False)
    if array.ndim != len(wanted) or any(n is not None and n != length for length, n in axes):
        shape = ", ".join("…" if n is None else str(n) for n in wanted)
        raise ModelFileError(
            f"{config.where}: {what} has shape {array.shape}, expected ({shape}), as its config says. "
            "Do the weights belong to this config?"
        )


def _padding(config: Config) -> Any:
    return config.choice("padding", {"valid", "same"}, "valid")


def _ends(config: Config, arrays: Arrays) -> dict[str, Any]:
    """What all convolutions of images have in common."""
    return {
        "name": config.name,
        "bias": arrays.get(("bias",)),
        "strides": whole_numbers(config, "strides", 1),
        "padding": _padding(config),
        "dilation": whole_numbers(config, "dilation_rate", 1),
        "activation": activation_of(config),
    }


def conv2d(config: Config, arrays: Arrays) -> Layer:
    kernel = arrays[("kernel",)]
    _check_shape(config, "kernel", kernel, *whole_numbers(config, "kernel_size"), None, one_number(config, "filters"))
    groups = one_number(config, "groups", 1)
    return canonical.Conv2D(kernel=kernel, groups=groups, **_ends(config, arrays))


def depthwise_conv2d(config: Config, arrays: Arrays) -> Layer:
    return canonical.DepthwiseConv2D(depthwise_kernel=_depthwise_kernel(config, arrays), **_ends(config, arrays))


def separable_conv2d(config: Config, arrays: Arrays) -> Layer:
    pointwise_kernel = arrays[("pointwise_kernel",)]
    _check_shape(config, "pointwise_kernel", pointwise_kernel, 1, 1, None, one_number(config, "filters"))
    return canonical.SeparableConv2D(
        depthwise_kernel=_depthwise_kernel(config, arrays), pointwise_kernel=pointwise_kernel, **_ends(config, arrays)
    )


def _depthwise_kernel(config: Config, arrays: Arrays) -> Array:
    kernel, multiplier = arrays[("depthwise_kernel",)], one_number(config, "depth_multiplier", 1)
    _check_shape(config, "depthwise_kernel", kernel, *whole_numbers(config, "kernel_size"), None, multiplier)
    config.refuse("groups", 1)  # which tf_keras takes, but does not heed
    return kernel


def conv2d_transpose(config: Config, arrays: Arrays) -> Layer:
    kernel, given = arrays[("kernel",)], config.get("output_padding", None)
    size = whole_numbers(config, "kernel_size")
    _check_shape(config, "kernel", kernel, *size, one_number(config, "filters"), None)
    config.refuse("groups", 1)  # as above
    return canonical.Conv2DTranspose(
        kernel=kernel,
        output_padding=None if given is None else whole_numbers(config, "output_padding", least=0),
        **_ends(config, arrays),
    )


def conv1d_transpose(config: Config, arrays: Arrays) -> Layer:
    kernel, given = arrays[("kernel",)], config.get("output_padding", None)
    _check_shape(config, "kernel", kernel, one_number(config, "kernel_size"), one_number(config, "filters"), None)
    config.refuse("groups", 1)  # as above
    return canonical.Conv1DTranspose(
        name=config.name,
        kernel=kernel,
        bias=arrays.get(("bias",)),
        strides=one_number(config, "strides", 1),
        padding=_padding(config),
        output_padding=None if given is None else one_number(config, "output_padding", least=0),
        dilation=one_number(config, "dilation_rate", 1),
        activation=activation_of(config),
    )


def _pooling2d(make: Callable[..., Layer]) -> Class:
    def build(config: Config, arrays: Arrays) -> Layer:
        size = whole_numbers(config, "pool_size", 2)
        strides = size if config.get("strides", None) is None else whole_numbers(config, "strides")
        return make(name=config.name, pool_size=size, strides=strides, padding=_padding(config))

    return Class(build)


def _global_pooling2d(make: Callable[..., Layer]) -> Class:
    return Class(lambda config, arrays: make(name=config.name, keepdims=config.flag("keepdims")))


def zero_padding2d(config: Config, arrays: Arrays) -> Layer:
    return canonical.ZeroPadding2D(name=config.name, padding=_edges(config, "padding", 1))


def cropping2d(config: Config, arrays: Arrays) -> Layer:
    return canonical.Cropping2D(name=config.name, cropping=_edges(config, "cropping", 0))


def up_sampling2d(config: Config, arrays: Arrays) -> Layer:
    interpolation = config.get("interpolation", "nearest")
    if interpolation != "nearest":
        what = f"interpolation={interpolation!r} is not supported, not even in a SavedModel"
        raise OnlyInPart(f"{config.where}: {what}", config.name)
    return canonical.UpSampling2D(name=config.name, size=whole_numbers(config, "size", 2))


TWO_DIMENSIONAL: dict[str, Class] = {
    "Conv2D": Class(conv2d, with_bias("kernel")),
    "DepthwiseConv2D": Class(depthwise_conv2d, with_bias("depthwise_kernel")),
    "SeparableConv2D": Class(separable_conv2d, with_bias("depthwise_kernel", "pointwise_kernel")),
    "Conv2DTranspose": Class(conv2d_transpose, with_bias("kernel")),
    "Conv1DTranspose": Class(conv1d_transpose, with_bias("kernel")),
    "MaxPooling2D": _pooling2d(canonical.MaxPooling2D),
    "AveragePooling2D": _pooling2d(canonical.AveragePooling2D),
    "GlobalMaxPooling2D": _global_pooling2d(canonical.GlobalMaxPooling2D),
    "GlobalAveragePooling2D": _global_pooling2d(canonical.GlobalAveragePooling2D),
    "ZeroPadding2D": Class(zero_padding2d),
    "Cropping2D": Class(cropping2d),
    "UpSampling2D": Class(up_sampling2d),
}
