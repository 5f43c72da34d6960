"""Layers for sequences, images and volumes, channels last: convolution, pooling, padding, cropping, upsampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstm_verify import layers as canonical
from lstm_verify.errors import ModelFileError
from lstm_verify.formats.keras.config import REQUIRED, Config
from lstm_verify.formats.keras.registry import Arrays, Class, activation_of, with_bias
from lstm_verify.formats.keras.ways import OnlyInPart
from lstm_verify.layers import Array, Layer
from lstm_verify.layers.convolution import Convolution, DepthwiseConvolution, SeparableConvolution
from lstm_verify.layers.pooling import GlobalPooling, Pooling
from lstm_verify.layers.resizing import Cropping, Edges, UpSampling, ZeroPadding
from lstm_verify.layers.spatial import Spatial
from lstm_verify.layers.transposed_convolution import TransposedConvolution
from lstm_verify.operations.windows import Sizes, each_axis

COUNTED = {2: "two", 3: "three"}
PAIRS = {
    1: "(before, after)",
    2: "((above, below), (left, right))",
    3: "((before, after), (above, below), (left, right))",
}


def sizes(kind: type[Spatial], config: Config, key: str, default: Any = REQUIRED, least: int = 1) -> Sizes:
    """Use a key with one number per spatial axis, or one for all; for sequences, return a single number.

    Raises:
        ModelFileError: it is something else, or a number is below `least`.
    """
    if kind.axes == 1:
        return one_number(config, key, default, least)
    value = config.get(key, default)
    each = [value] * kind.axes if isinstance(value, int) else value
    if isinstance(each, list | tuple) and len(each) == kind.axes and all(_is_whole(item, least) for item in each):
        return tuple(each)
    raise ModelFileError(
        f"{config.where}: {key} is {str(value)[:60]}, expected {COUNTED[kind.axes]} whole numbers from {least} on"
    )


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def one_number(config: Config, key: str, default: Any = REQUIRED, least: int = 1) -> int:
    """Use an integer, in a list or not.

    Raises:
        ModelFileError: it is something else, or below `least`.
    """
    value = config.whole(key, default)
    if value < least:
        raise ModelFileError(f"{config.where}: {key} is {value}, expected an integer from {least} on")
    return value


def _edges(kind: type[Spatial], config: Config, key: str, default: int) -> Edges:
    """Use a key with a number for all edges, one for both edges of each axis, or a pair for each axis.

    Raises:
        ModelFileError: it is something else.
    """
    value = config.get(key, default)
    each = [value] * kind.axes if isinstance(value, int) else [value] if kind.axes == 1 else value
    if isinstance(each, list | tuple):
        pairs = [[item, item] if isinstance(item, int) else item for item in each]
        numbers = [number for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2 for number in pair]
        complete = len(pairs) == kind.axes and len(numbers) == 2 * kind.axes
        if complete and all(_is_whole(number, 0) for number in numbers):
            return tuple(numbers)
    raise ModelFileError(f"{config.where}: {key} is {str(value)[:60]}, expected {PAIRS[kind.axes]}")


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


def _padding(config: Config, *more: str) -> Any:
    return config.choice("padding", {"valid", "same", *more}, "valid")


def _kernel_size(kind: type[Spatial], config: Config) -> tuple[int, ...]:
    return each_axis(sizes(kind, config, "kernel_size"), kind.axes)


def _ends(kind: type[Spatial], config: Config, arrays: Arrays) -> dict[str, Any]:
    """What all convolutions have in common, but for their padding."""
    return {
        "name": config.name,
        "bias": arrays.get(("bias",)),
        "strides": sizes(kind, config, "strides", 1),
        "dilation": sizes(kind, config, "dilation_rate", 1),
        "activation": activation_of(config),
    }


def _causal(kind: type[Spatial]) -> list[str]:
    """The padding that there is over time alone."""
    return ["causal"] * (kind.axes == 1)


def _convolution(kind: type[Convolution]) -> Class:
    def build(config: Config, arrays: Arrays) -> Layer:
        kernel = arrays[("kernel",)]
        _check_shape(config, "kernel", kernel, *_kernel_size(kind, config), None, one_number(config, "filters"))
        return kind(
            kernel=kernel,
            padding=_padding(config, *_causal(kind)),
            groups=one_number(config, "groups", 1),
            **_ends(kind, config, arrays),
        )

    return Class(build, with_bias("kernel"))


def _depthwise(kind: type[DepthwiseConvolution]) -> Class:
    def build(config: Config, arrays: Arrays) -> Layer:
        return kind(**_by_channel(kind, config, arrays))

    return Class(build, with_bias("depthwise_kernel"))


def _separable(kind: type[SeparableConvolution]) -> Class:
    def build(config: Config, arrays: Arrays) -> Layer:
        mixing, ones = arrays[("pointwise_kernel",)], (1,) * kind.axes
        _check_shape(config, "pointwise_kernel", mixing, *ones, None, one_number(config, "filters"))
        return kind(pointwise_kernel=mixing, **_by_channel(kind, config, arrays))

    return Class(build, with_bias("depthwise_kernel", "pointwise_kernel"))


def _by_channel(kind: type[DepthwiseConvolution], config: Config, arrays: Arrays) -> dict[str, Any]:
    kernel, multiplier = arrays[("depthwise_kernel",)], one_number(config, "depth_multiplier", 1)
    _check_shape(config, "depthwise_kernel", kernel, *_kernel_size(kind, config), None, multiplier)
    config.refuse("groups", 1)  # which tf_keras takes, but does not heed
    padding = _padding(config, *_causal(kind))
    return {"depthwise_kernel": kernel, "padding": padding, **_ends(kind, config, arrays)}


def _transposed(kind: type[TransposedConvolution]) -> Class:
    def build(config: Config, arrays: Arrays) -> Layer:
        kernel, extra = arrays[("kernel",)], config.get("output_padding", None)
        _check_shape(config, "kernel", kernel, *_kernel_size(kind, config), one_number(config, "filters"), None)
        config.refuse("groups", 1)  # as above
        return kind(
            kernel=kernel,
            padding=_padding(config),
            output_padding=None if extra is None else sizes(kind, config, "output_padding", least=0),
            **_ends(kind, config, arrays),
        )

    return Class(build, with_bias("kernel"))


def _pooling(kind: type[Pooling]) -> Class:
    def build(config: Config, arrays: Arrays) -> Layer:
        size = sizes(kind, config, "pool_size", 2)
        strides = size if config.get("strides", None) is None else sizes(kind, config, "strides")
        return kind(name=config.name, pool_size=size, strides=strides, padding=_padding(config))

    return Class(build)


def _global_pooling(kind: type[GlobalPooling]) -> Class:
    return Class(lambda config, arrays: kind(name=config.name, keepdims=config.flag("keepdims")))


def _zero_padding(kind: type[ZeroPadding]) -> Class:
    return Class(lambda config, arrays: kind(name=config.name, padding=_edges(kind, config, "padding", 1)))


def _cropping(kind: type[Cropping]) -> Class:
    default = 0 if kind.axes == 2 else 1
    return Class(lambda config, arrays: kind(name=config.name, cropping=_edges(kind, config, "cropping", default)))


def _up_sampling(kind: type[UpSampling]) -> Class:
    def build(config: Config, arrays: Arrays) -> Layer:
        interpolation = config.get("interpolation", "nearest") if kind.axes == 2 else "nearest"
        if interpolation != "nearest":
            what = f"interpolation={interpolation!r} is not supported, not even in a SavedModel"
            raise OnlyInPart(f"{config.where}: {what}", config.name)
        return kind(name=config.name, size=sizes(kind, config, "size", 2))

    return Class(build)


def _each(describe: Callable[[Any], Class], *kinds: type[Spatial]) -> dict[str, Class]:
    return {kind.__name__: describe(kind) for kind in kinds}


SPATIAL: dict[str, Class] = {
    **_each(_convolution, canonical.Conv1D, canonical.Conv2D, canonical.Conv3D),
    **_each(_depthwise, canonical.DepthwiseConv1D, canonical.DepthwiseConv2D),
    **_each(_separable, canonical.SeparableConv1D, canonical.SeparableConv2D),
    **_each(_transposed, canonical.Conv1DTranspose, canonical.Conv2DTranspose, canonical.Conv3DTranspose),
    **_each(_pooling, canonical.MaxPooling1D, canonical.MaxPooling2D, canonical.MaxPooling3D),
    **_each(_pooling, canonical.AveragePooling1D, canonical.AveragePooling2D, canonical.AveragePooling3D),
    **_each(_global_pooling, canonical.GlobalMaxPooling1D, canonical.GlobalMaxPooling2D, canonical.GlobalMaxPooling3D),
    **_each(
        _global_pooling,
        canonical.GlobalAveragePooling1D,
        canonical.GlobalAveragePooling2D,
        canonical.GlobalAveragePooling3D,
    ),
    **_each(_zero_padding, canonical.ZeroPadding1D, canonical.ZeroPadding2D, canonical.ZeroPadding3D),
    **_each(_cropping, canonical.Cropping1D, canonical.Cropping2D, canonical.Cropping3D),
    **_each(_up_sampling, canonical.UpSampling1D, canonical.UpSampling2D, canonical.UpSampling3D),
}
"""The classes, which are called what they are in Keras."""
