"""Recurrent layers and the wrappers around layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_verify import layers as canonical
from lstm_verify.errors import ModelFileError, UnsupportedError
from lstm_verify.formats.keras.config import Config, as_list, unwrap
from lstm_verify.formats.keras.registry import (
    Arrays,
    Class,
    LayerVariable,
    activation_of,
    below,
    build,
    named,
    prefixed,
    snake_names,
    variables_of,
    with_bias,
)
from lstm_verify.layers import Array, Cell, Layer

_cell_variables = with_bias("kernel", "recurrent_kernel")


def _cell_arrays(config: Config, arrays: Arrays, gates: int) -> dict[str, Any]:
    units = config.whole("units")
    kernels = {key: arrays[(key,)] for key in ("kernel", "recurrent_kernel")}
    for what, array in kernels.items():
        if array.ndim != 2 or array.shape[1] != gates * units:
            raise ModelFileError(
                f"{config.where}: {what} has shape {array.shape}, expected (…, {gates * units}) = "
                f"(…, {gates}*units) with units={units}. Is this another kind of layer?"
            )
    return {"name": config.name, **kernels, "bias": arrays.get(("bias",))}


def lstm_cell(config: Config, arrays: Arrays) -> Cell:
    return canonical.LSTMCell(
        **_cell_arrays(config, arrays, 4),
        activation=activation_of(config, default="tanh"),
        recurrent_activation=activation_of(config, "recurrent_activation", "sigmoid"),
    )


def gru_cell(config: Config, arrays: Arrays) -> Cell:
    # a config without the key was written before Keras 2.1.4, when there was only the one kind
    return canonical.GRUCell(
        **_cell_arrays(config, arrays, 3),
        activation=activation_of(config, default="tanh"),
        recurrent_activation=activation_of(config, "recurrent_activation", "sigmoid"),
        reset_after=config.flag("reset_after", False),
    )


def simple_rnn_cell(config: Config, arrays: Arrays) -> Cell:
    return canonical.SimpleRNNCell(
        **_cell_arrays(config, arrays, 1),
        activation=activation_of(config, default="tanh"),
    )


def of_cudnn(make: CellBuilder) -> Class:
    """Read a CuDNN layer, whose weights are its own and not those of a cell."""
    return Class(
        build=lambda config, arrays: _recurrent(make(config, arrays), config),
        variables=lambda _: named("kernel", "recurrent_kernel", "bias"),
    )


def _cudnn_arrays(config: Config, arrays: Arrays, gates: int) -> dict[str, Any]:
    """Weights of a CuDNN layer in the layout of the plain one: each gate's block transposed, two biases."""

    def per_gate(kernel: Array, change: Callable[[Array], Array]) -> Array:
        return np.hstack([change(block) for block in np.split(kernel, gates, axis=1)])

    units = config.whole("units")
    bias = arrays[("bias",)]
    if bias.shape != (2 * gates * units,):
        raise ModelFileError(f"{config.where}: bias has shape {bias.shape}, expected ({2 * gates * units},)")
    return {
        "name": config.name,
        "kernel": per_gate(arrays[("kernel",)], lambda block: block.T.reshape(block.shape, order="F")),
        "recurrent_kernel": per_gate(arrays[("recurrent_kernel",)], lambda block: block.T),
        "bias": bias.reshape(2, -1),
    }


def cudnn_lstm_cell(config: Config, arrays: Arrays) -> Cell:
    weights = _cudnn_arrays(config, arrays, 4)
    return canonical.LSTMCell(**{**weights, "bias": weights["bias"].sum(axis=0)})


def cudnn_gru_cell(config: Config, arrays: Arrays) -> Cell:
    return canonical.GRUCell(**_cudnn_arrays(config, arrays, 3), reset_after=True)


def _stacked_names(config: Config) -> list[tuple[str, Config]]:
    cells = [unwrap(entry, config.version) for entry in as_list(config.get("cells"), f"{config.where}: cells")]
    return list(zip(snake_names([cell.class_name for cell in cells]), cells, strict=True))


def _stacked_variables(config: Config) -> list[LayerVariable]:
    return [v for key, cell in _stacked_names(config) for v in prefixed(_cell_of(cell)[1](cell), "cells", key)]


def _stacked_cells(config: Config, arrays: Arrays) -> Cell:
    config.refuse("reverse_state_order", False)
    cells = tuple(_build_cell(cell, below(arrays, "cells", key)) for key, cell in _stacked_names(config))
    return canonical.StackedCells(name=config.name, cells=cells)


CellBuilder = Callable[[Config, Arrays], Cell]
CELLS: dict[str, tuple[CellBuilder, Callable[[Config], list[LayerVariable]]]] = {
    "LSTMCell": (lstm_cell, _cell_variables),
    "GRUCell": (gru_cell, _cell_variables),
    "SimpleRNNCell": (simple_rnn_cell, _cell_variables),
    "StackedRNNCells": (_stacked_cells, _stacked_variables),
}


def _cell_of(config: Config) -> tuple[CellBuilder, Callable[[Config], list[LayerVariable]]]:
    if config.class_name not in CELLS:
        raise UnsupportedError(f"{config.where}: this cell is not supported; the supported ones are {', '.join(CELLS)}")
    return CELLS[config.class_name]


def _build_cell(config: Config, arrays: Arrays) -> Cell:
    make, variables = _cell_of(config)
    variables(config)  # so that the keys which decide on the variables count as used
    cell = make(config, arrays)
    config.done()
    return cell


def _recurrent(cell: Cell, config: Config) -> canonical.RNN:
    config.refuse("time_major", False)
    return canonical.RNN(
        name=config.name,
        cell=cell,
        return_sequences=config.flag("return_sequences"),
        return_state=config.flag("return_state"),
        go_backwards=config.flag("go_backwards"),
        stateful=config.flag("stateful"),
        zero_output_for_mask=config.flag("zero_output_for_mask"),
        mask_with_initial_state=config.generation == 2,
    )


def of_cell(make: CellBuilder, variables: Callable[[Config], list[LayerVariable]] = _cell_variables) -> Class:
    """Read a recurrent layer whose config is also that of its cell."""
    return Class(
        build=lambda config, arrays: _recurrent(make(config, below(arrays, "cell")), config),
        variables=lambda config: prefixed(variables(config), "cell"),
    )


def rnn(config: Config, arrays: Arrays) -> Layer:
    cell = _build_cell(unwrap(config.get("cell"), config.version), below(arrays, "cell"))
    return _recurrent(cell, config)


def rnn_variables(config: Config) -> list[LayerVariable]:
    cell = unwrap(config.get("cell"), config.version)
    return prefixed(_cell_of(cell)[1](cell), "cell")


# --- wrappers


def _directions(config: Config) -> dict[str, Config]:
    forward = unwrap(config.get("layer"), config.version)
    given = config.get("backward_layer", None)
    if given is not None:
        return {
            "forward_layer": forward,
            "backward_layer": unwrap(given, config.version),
        }
    mirrored = {
        **forward.values,
        "go_backwards": not forward.values.get("go_backwards", False),
    }
    return {
        "forward_layer": forward,
        "backward_layer": Config(forward.class_name, mirrored, config.version),
    }


def bidirectional(config: Config, arrays: Arrays) -> Layer:
    directions: dict[str, canonical.RNN] = {}
    for key, inner in _directions(config).items():
        # Keras sets this whatever the config of the inner layer says
        values = {
            **inner.values,
            "zero_output_for_mask": bool(inner.values.get("return_sequences")),
        }
        layer = build(Config(inner.class_name, values, inner.version), below(arrays, key))
        if not isinstance(layer, canonical.RNN):
            raise UnsupportedError(f"{config.where}: it wraps a {inner.class_name}, expected a recurrent layer")
        directions[key] = layer
    forward = directions["forward_layer"]
    config.refuse("return_sequences", forward.return_sequences)
    return canonical.Bidirectional(
        name=config.name,
        forward_layer=forward,
        backward_layer=directions["backward_layer"],
        merge_mode=config.choice("merge_mode", {"concat", "sum", "mul", "ave", None}, "concat"),
        return_sequences=forward.return_sequences,
        return_state=forward.return_state,
        mask_with_initial_state=config.generation == 2,
    )


def bidirectional_variables(config: Config) -> list[LayerVariable]:
    return [v for key, inner in _directions(config).items() for v in prefixed(variables_of(inner), key)]


def time_distributed(config: Config, arrays: Arrays) -> Layer:
    inner = build(unwrap(config.get("layer"), config.version), below(arrays, "layer"))
    keras2 = config.generation == 2
    return canonical.TimeDistributed(
        name=config.name,
        layer=inner,
        mask_from_layer=keras2,
        stateful_in_loop=keras2 and inner.stateful,
    )
