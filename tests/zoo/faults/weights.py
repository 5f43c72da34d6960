"""Weights by the path of their layer and by name, and what a faulty port does to them, in plain NumPy."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fixtures.make import draw
from tests.zoo.faults.plan import SIDES, Array, Layer

Tensors = dict[str, Array]
Weights = dict[str, Tensors]
"""Path → name → float32 array."""
Transform = Callable[[Tensors], Tensors]

GATES = {"LSTM": "ifco", "GRU": "zrh", "SimpleRNN": "h"}
EVERY = ("kernel", "recurrent_kernel", "bias")
KERNELS = ("kernel", "recurrent_kernel")


# --- in and out of a framework's model -----------------------------------------------------------------------


def leaves(layer: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the layers that have weights themselves, with their paths."""
    if hasattr(layer, "forward_layer"):
        for side in SIDES:
            yield from leaves(getattr(layer, side), f"{path}/{side}")
    elif hasattr(layer, "layer"):
        yield from leaves(layer.layer, f"{path}/layer")
    else:
        yield path, layer


def variables(model: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the path of every variable's layer, its name, and the variable; not the seeds of dropout."""
    for layer in model.layers:
        for path, leaf in leaves(layer, layer.name):
            for weight in leaf.weights:
                name = weight.name.split("/")[-1].split(":")[0]
                if "seed" not in name:
                    yield path, name, weight


def drawn(model: Any, case: str, scale: float) -> Weights:
    """Draw weights for a model: no bias is zero, no gate like another."""
    found: Weights = {}
    for path, name, weight in variables(model):
        rng = np.random.default_rng(zlib.crc32(f"{case}/{path}/{name}".encode()))
        found.setdefault(path, {})[name] = draw(name, tuple(weight.shape), rng, scale).astype(np.float32)
    return found


def assign(model: Any, weights: Weights, layers: Sequence[Layer]) -> None:
    """Give a model its weights: every variable must have some, of its shape."""
    origin = {layer.name: layer.weights_of for layer in layers if layer.weights_of}
    for path, name, weight in variables(model):
        values = weights[origin.get(path, path)][name]
        if tuple(weight.shape) != values.shape:
            raise ValueError(f"{path}: {name} has shape {values.shape}, expected {tuple(weight.shape)}")
        weight.assign(values.astype(np.float32))


# --- transforms ----------------------------------------------------------------------------------------------


def each(names: Sequence[str], change: Callable[[Array], Array]) -> Transform:
    """Return the transform that changes the arrays of these names, of which a layer may lack some."""
    return lambda tensors: {
        name: change(array).astype(np.float32) if name in names else array for name, array in tensors.items()
    }


def blocks(array: Array, gates: int) -> list[Array]:
    """Split the last axis by gate."""
    return np.split(array, gates, axis=-1)


def per_gate(names: Sequence[str], gates: int, change: Callable[[Array], Array]) -> Transform:
    """Return the transform that changes the block of every gate on its own."""
    return each(names, lambda array: np.concatenate([change(block) for block in blocks(array, gates)], axis=-1))


def read_in_order(own: str, order: str, names: Sequence[str]) -> Transform:
    """Return the transform of a port that takes the blocks of the file, in the order ``own``, for ``order``."""

    def change(array: Array) -> Array:
        found = blocks(array, len(own))
        return np.concatenate([found[order.index(gate)] for gate in own], axis=-1)

    return each(names, change)


def block_changed(gates: int, index: int, change: Callable[[Array], Array], names: Sequence[str]) -> Transform:
    """Return the transform that changes the block of one gate."""

    def apply(array: Array) -> Array:
        found = blocks(array, gates)
        return np.concatenate([*found[:index], change(found[index]), *found[index + 1 :]], axis=-1)

    return each(names, apply)


def interleaved(gates: int, backwards: bool) -> Transform:
    """Return the transform of a port that reads (units, gates) where the file has (gates, units), or the reverse."""

    def change(array: Array) -> Array:
        shape = (-1, gates) if backwards else (gates, -1)
        return array.reshape(*array.shape[:-1], *shape).swapaxes(-1, -2).reshape(array.shape)

    return each(EVERY, change)


def cudnn(gates: int, to: bool) -> Transform:
    """Return the transform of a kernel to the layout of cuDNN, or from it: every gate transposed, read flat."""
    kernel = per_gate(("kernel",), gates, lambda block: block.T.reshape(block.shape, order="C" if to else "F"))
    recurrent = per_gate(("recurrent_kernel",), gates, np.transpose)
    return lambda tensors: recurrent(kernel(tensors))


def rows_swapped(tensors: Tensors) -> Tensors:
    """Read the rows of [x; h] as [h; x]."""
    rows = np.concatenate([tensors["kernel"], tensors["recurrent_kernel"]])
    units = len(tensors["recurrent_kernel"])
    return {**tensors, "recurrent_kernel": rows[:units], "kernel": rows[units:]}


def swapped(one: str, other: str) -> Transform:
    """Return the transform that swaps two arrays of one layer."""
    return lambda tensors: {**tensors, one: tensors[other], other: tensors[one]}


def without(*names: str) -> Transform:
    """Return the transform that sets arrays to zero."""
    return each(names, np.zeros_like)


def bias_rows(change: Callable[[Array, Array], tuple[Array, Array]]) -> Transform:
    """Return the transform of the two biases of a GRU that resets after the product: input and recurrent."""
    return each(("bias",), lambda bias: np.stack(change(*bias)))


# --- precision -----------------------------------------------------------------------------------------------


def rounded(kind: str, names: Sequence[str] = ()) -> Transform:
    """Return the transform that rounds every array, or those of these names, to a precision and back."""

    def apply(tensors: Tensors) -> Tensors:
        return {
            name: ROUNDINGS[kind](array) if not names or name in names else array for name, array in tensors.items()
        }

    return apply


def to_float16(array: Array) -> Array:
    """Round to float16."""
    return array.astype(np.float16).astype(np.float32)


def to_bfloat16(array: Array) -> Array:
    """Round to bfloat16, with the rounding of TensorFlow's own type."""
    return array.astype(importlib.import_module("ml_dtypes").bfloat16).astype(np.float32)


def to_int8(array: Array, axes: tuple[int, ...] | None) -> Array:
    """Round to int8 -127…127, symmetric, with one scale for all elements along ``axes``."""
    scale = np.max(np.abs(array), axis=axes, keepdims=True) / np.float32(127)
    scale = np.where(scale == 0, 1, scale)
    return (np.clip(np.round(array / scale), -127, 127) * scale).astype(np.float32)


ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "float16": to_float16,
    "bfloat16": to_bfloat16,
    "int8 per tensor": lambda array: to_int8(array, None),
    "int8 per channel": lambda array: to_int8(array, tuple(range(array.ndim - 1))),
}
