"""Faults of convolutions and attention: flipped kernels, padding, channels first, key and value exchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.faults.case import Case, Fault, MakePlan, case, with_weights
from tests.zoo.faults.places import chain, dense, recurrent
from tests.zoo.faults.plan import Array, Layer, Plan, Sizes, Source, edited, replaced, with_arguments
from tests.zoo.faults.weights import each

EVEN = 8
"""Time steps; of an odd number, `same` with strides of 2 pads both sides alike."""


def sequence(kind: str = "Conv1D", **arguments: Any) -> MakePlan:
    """Return the plan of a convolution over time and a recurrent layer."""

    def plan(sizes: Sizes) -> Plan:
        given = {"kernel_size": 3, "padding": "same", "activation": "tanh", **arguments}
        given |= {} if kind == "DepthwiseConv1D" else {"filters": 4}
        layers = (Layer(kind, "conv", given), recurrent("LSTM", "lstm", sizes.units, {}), dense())
        return chain(replace(sizes, steps=EVEN), "conv", *layers)

    return plan


def images(**arguments: Any) -> MakePlan:
    """Return the plan of a convolution of images, which are flattened then."""

    def plan(sizes: Sizes) -> Plan:
        given = {"filters": 4, "kernel_size": (3, 2), "activation": "tanh", **arguments}
        array = sizes.normal(sizes.samples, EVEN, 5, 2)
        return Plan((Source(array),), (Layer("Conv2D", "conv", given), Layer("Flatten", "flatten"), dense()), "conv")

    return plan


def flattened(sizes: Sizes) -> Plan:
    """A convolution over time, flattened."""
    conv = Layer("Conv1D", "conv", {"filters": 4, "kernel_size": 3, "activation": "relu"})
    return chain(replace(sizes, steps=EVEN), "flatten", conv, Layer("Flatten", "flatten"), dense())


def flipped(*names: str, axes: tuple[int, ...] = (0,)) -> Fault:
    """Return the fault of a runtime that turns the window round."""
    change = with_weights(each(names, lambda array: np.flip(array, axes)))
    return Fault("kernel_flipped", " and ".join(names), "as it is", "flipped", weights=change)


def padded(plan: Plan, path: str) -> Plan:
    """Pad by hand, both sides alike, and then not again."""
    conv = next(layer for layer in plan.layers if layer.name == path)
    size, two = conv.arguments["kernel_size"], conv.kind == "Conv2D"
    each_side: Any = tuple((n - 1) // 2 for n in size) if two else (size - 1) // 2
    padding = Layer("ZeroPadding2D" if two else "ZeroPadding1D", "padding", {"padding": each_side})
    return replaced(edited(plan, path, with_arguments(padding="valid")), path, padding, _valid(conv))


def _valid(conv: Layer) -> Layer:
    return replace(conv, arguments={**conv.arguments, "padding": "valid"})


SYMMETRIC = Fault("padding_symmetric", "padding", "same", "alike on both sides", plan=padded)


def permuted(dims: tuple[int, ...]) -> Fault:
    """Return the fault of a Flatten that reads channels first."""

    def plan(plan: Plan, path: str) -> Plan:
        flatten = Layer("Flatten", "flatten")
        return replaced(plan, "flatten", Layer("Permute", "permute", {"dims": dims}), flatten)

    return Fault(
        "channels_first", "order of what is flattened", "channels last", "channels first", "flatten", plan=plan
    )


def as_memory(kernel: Array) -> Array:
    """The numbers of a kernel over time, taken for those of (filters, channels, size)."""
    return kernel.reshape(kernel.shape[::-1]).transpose(2, 1, 0)


AS_MEMORY = Fault(
    "channels_first", "kernel", "channels last", "channels first", weights=with_weights(each(("kernel",), as_memory))
)


def attending(kind: str) -> MakePlan:
    """Return the plan of attention over two sequences, one of them the key and another the value."""

    def plan(sizes: Sizes) -> Plan:
        units = {"return_sequences": True}
        names = ("query", "value", "key")
        layers = [replace(recurrent("GRU", name, sizes.units, units), of=("input",)) for name in names]
        attention = Layer(kind, "attention", of=names)
        return chain(sizes, "attention", *layers, attention, recurrent("LSTM", "lstm", 5, {}), dense())

    return plan


def exchanged(plan: Plan, path: str) -> Plan:
    """Give attention its key for its value."""
    return edited(plan, path, lambda layer: replace(layer, of=("query", "key", "value")))


KEY_VALUE = Fault("key_value", "key and value", "each in its place", "exchanged", plan=exchanged)

CASES: list[Case] = [
    case("conv1d", sequence(), flipped("kernel")),
    case("depthwise", sequence("DepthwiseConv1D"), flipped("kernel"), only="keras"),
    case("conv2d", images(), flipped("kernel", axes=(0, 1))),
    case("conv1d_strides", sequence(strides=2), SYMMETRIC),
    case("conv1d_strides_5", sequence(strides=2, kernel_size=5), SYMMETRIC),
    case("conv2d_strides", images(strides=2, padding="same", kernel_size=(3, 3)), SYMMETRIC),
    case("flatten_1d", flattened, permuted((2, 1))),
    case("flatten_2d", images(), permuted((3, 1, 2))),
    case("conv1d_kernel", sequence(), AS_MEMORY),
    case("dot", attending("Attention"), KEY_VALUE),
    case("additive", attending("AdditiveAttention"), KEY_VALUE),
]
