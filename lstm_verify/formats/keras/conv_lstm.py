"""Convolutional recurrent layers: ConvLSTM1D, ConvLSTM2D and ConvLSTM3D."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lstm_verify.errors import ModelFileError
from lstm_verify.formats.keras.config import REQUIRED, Config
from lstm_verify.formats.keras.recurrent import of_cell
from lstm_verify.formats.keras.registry import Arrays, Class, activation_of
from lstm_verify.layers import RNN, Cell, Layer
from lstm_verify.layers.recurrent.conv_lstm import ConvLSTMCell


def conv_lstm(kind: type[ConvLSTMCell]) -> Class:
    """Build a layer with that kind of cell."""
    plain = of_cell(lambda config, arrays: _cell(kind, config, arrays))

    def build(config: Config, arrays: Arrays) -> Layer:
        layer = plain.build(config, arrays)
        if config.generation == 2 and isinstance(layer, RNN):
            return replace(layer, zero_output_for_mask=False)  # which Keras 2 lets a ConvLSTM have, and never uses
        return layer

    return Class(build, plain.variables)


def _cell(kind: type[ConvLSTMCell], config: Config, arrays: Arrays) -> Cell:
    axes, filters = len(kind.input_axes) - 1, config.whole("filters")
    window = _each_axis(config, "kernel_size", axes)
    kernel, recurrent_kernel = arrays[("kernel",)], arrays[("recurrent_kernel",)]
    for what, array in (("kernel", kernel), ("recurrent_kernel", recurrent_kernel)):
        if array.ndim != axes + 2 or array.shape[:axes] != window or array.shape[-1] != 4 * filters:
            raise ModelFileError(
                f"{config.where}: {what} has shape {array.shape}, expected ({', '.join(map(str, window))}, …, "
                f"{4 * filters}) = (kernel_size, …, 4*filters) with filters={filters}. Is this another kind of layer?"
            )
    return kind(
        name=config.name,
        kernel=kernel,
        recurrent_kernel=recurrent_kernel,
        bias=arrays.get(("bias",)),
        activation=activation_of(config, default="tanh"),
        recurrent_activation=activation_of(
            config, "recurrent_activation", "hard_sigmoid" if config.generation == 2 else "sigmoid"
        ),
        strides=_each_axis(config, "strides", axes, 1),
        padding=config.choice("padding", {"valid", "same"}, "valid"),
        dilation=_each_axis(config, "dilation_rate", axes, 1),
    )


def _each_axis(config: Config, key: str, axes: int, default: Any = REQUIRED) -> tuple[int, ...]:
    """Use a positive whole number for every axis, which may be given once for all.

    Raises:
        ModelFileError: it is something else.
    """
    value = config.get(key, default)
    numbers = list(value) if isinstance(value, list | tuple) else [value] * axes
    whole = all(isinstance(number, int) and not isinstance(number, bool) and number > 0 for number in numbers)
    if not whole or len(numbers) != axes:
        raise ModelFileError(f"{config.where}: {key} is {value!r}, expected {axes} positive integers")
    return tuple(numbers)
