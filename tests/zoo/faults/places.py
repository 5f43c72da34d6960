"""Where the layer with the fault stands: alone, with a head, in a stack, in a Bidirectional, behind a mask, …"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.faults.case import MakePlan
from tests.zoo.faults.plan import Layer, Plan, Sizes, Source

WORDS = 13
"""The size of every vocabulary; word 0 is padding."""

Place = Callable[[str, Sizes, dict[str, Any]], Plan]


def at_place(place: str, kind: str, square: bool = False, units: int | None = None, **arguments: Any) -> MakePlan:
    """Return the plan of a model with a recurrent layer of a class at a place.

    ``square`` makes the features as many as the units, so that the kernel has the recurrent kernel's shape.
    """

    def plan(sizes: Sizes) -> Plan:
        sizes = replace(sizes, units=units or sizes.units)
        return PLACES[place](kind, replace(sizes, features=sizes.units) if square else sizes, arguments)

    return plan


def recurrent(kind: str, name: str, units: int, arguments: dict[str, Any], **more: Any) -> Layer:
    """Return a recurrent layer."""
    return Layer(kind, name, {"units": units, **arguments, **more})


def dense(name: str = "dense", units: int = 3, **arguments: Any) -> Layer:
    """Return a Dense layer."""
    return Layer("Dense", name, {"units": units, **arguments})


def chain(sizes: Sizes, target: str, *layers: Layer, **options: Any) -> Plan:
    """Return the plan of a chain of layers that reads a signal."""
    return Plan((Source(sizes.signal()),), layers, target, **options)


def alone(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The layer is the model."""
    name = kind.lower()
    return chain(sizes, name, recurrent(kind, name, sizes.units, arguments))


def head(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """A Dense layer follows."""
    name = kind.lower()
    return chain(sizes, name, recurrent(kind, name, sizes.units, arguments), dense())


def sequence(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """A Dense layer follows at every time step."""
    name = kind.lower()
    layer = recurrent(kind, name, sizes.units, arguments, return_sequences=True)
    return chain(sizes, name, layer, dense(activation="tanh"))


def after_dense(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """A Dense layer comes before, and one follows."""
    layer = recurrent(kind, "encoder", sizes.units, arguments)
    first = Layer("TimeDistributed", "each", {}, {"layer": dense("inner", 4, activation="relu")})
    return chain(sizes, "encoder", first, layer, dense("last", activation="sigmoid"), functional=True)


def first(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The first of two recurrent layers."""
    prefix = kind.lower()
    one = recurrent(kind, f"{prefix}_1", sizes.units, arguments, return_sequences=True)
    return chain(sizes, f"{prefix}_1", one, recurrent("LSTM", f"{prefix}_2", 5, {}), dense())


def second(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The second of two recurrent layers, of the same size."""
    prefix = kind.lower()
    one = recurrent(kind, f"{prefix}_1", sizes.units, {}, return_sequences=True)
    return chain(sizes, f"{prefix}_2", one, recurrent(kind, f"{prefix}_2", sizes.units, arguments), dense())


def both(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """Two recurrent layers with the same arguments."""
    prefix = kind.lower()
    one = recurrent(kind, f"{prefix}_1", sizes.units, arguments, return_sequences=True)
    return chain(sizes, f"{prefix}_1", one, recurrent(kind, f"{prefix}_2", sizes.units, arguments), dense())


def bidirectional(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """A Bidirectional layer and a Dense one; the argument ``merge_mode`` is the wrapper's."""
    inner = {key: value for key, value in arguments.items() if key != "merge_mode"}
    layer = recurrent(kind, kind.lower(), sizes.units, inner)
    merge_mode = arguments.get("merge_mode", "concat")
    wrapper = Layer("Bidirectional", "bidirectional", {"merge_mode": merge_mode}, {"layer": layer})
    return chain(sizes, "bidirectional", wrapper, dense())


def forward(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The forward layer of a Bidirectional."""
    return replace(bidirectional(kind, sizes, arguments), target="bidirectional/forward_layer")


def backward(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The backward layer of a Bidirectional that returns sequences."""
    plan = bidirectional(kind, sizes, {**arguments, "return_sequences": True})
    return replace(plan, target="bidirectional/backward_layer")


def branch(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """One of two branches of a functional model."""
    here = replace(recurrent(kind, "left", sizes.units, arguments), of=("input",))
    there = replace(recurrent("GRU", "right", 5, {}), of=("input",))
    joined = Layer("Concatenate", "join", of=("left", "right"))
    return chain(sizes, "left", here, there, joined, dense(activation="tanh"))


def words(kind: str, sizes: Sizes, arguments: dict[str, Any], mask: bool = False) -> Plan:
    """An Embedding comes before, without padding unless ``mask`` is given."""
    mask = arguments.get("mask", mask)
    array = sizes.words(WORDS)
    array[sizes.padded() & mask] = 0
    embedding = Layer("Embedding", "embedding", {"input_dim": WORDS, "output_dim": sizes.features, "mask_zero": mask})
    rest = {key: value for key, value in arguments.items() if key != "mask"}
    name = kind.lower()
    layers = (embedding, recurrent(kind, name, sizes.units, rest), dense(activation="softmax"))
    return Plan((Source(array, "words"),), layers, name)


def masked(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """A Masking layer comes before; the argument ``mask_value`` is its own."""
    value = arguments.get("mask_value", 0.0)
    rest = {key: item for key, item in arguments.items() if key != "mask_value"}
    array = sizes.signal()
    array[sizes.padded()] = value
    name = kind.lower()
    layers = (Layer("Masking", "masking", {"mask_value": value}), recurrent(kind, name, sizes.units, rest), dense())
    return chain(sizes, name, *layers).fed(array)


def conv(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """A convolution and a normalisation come before."""
    name = kind.lower()
    convolution = Layer("Conv1D", "conv", {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"})
    normalisation = Layer("BatchNormalization", "batch_normalization")
    return chain(sizes, name, convolution, normalisation, recurrent(kind, name, sizes.units, arguments), dense())


def cell(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """An RNN around a cell."""
    layer = Layer("RNN", "rnn", {}, {"cell": recurrent(f"{kind}Cell", "cell", sizes.units, arguments)})
    return chain(sizes, "rnn", layer, dense(), functional=True)


def distributed(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The layer reads each of four sentences, and another reads what it makes of them."""
    inner = recurrent(kind, "inner", sizes.units, arguments)
    layers = (Layer("TimeDistributed", "each", {}, {"layer": inner}), recurrent("GRU", "gru", 5, {}))
    array = sizes.normal(sizes.samples, 4, sizes.steps, sizes.features)
    return Plan((Source(array, "sentences"),), layers, "each/layer")


def with_states(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The layer starts from inputs of the model."""
    count = 2 if kind == "LSTM" else 1
    names = ("h", "c")[:count]
    states = [
        Source(0.5 * sizes.normal(sizes.samples, sizes.units, number=10 + index), name)
        for index, name in enumerate(names)
    ]
    layer = replace(recurrent(kind, "decoder", sizes.units, arguments), of=("input",), states=names)
    return Plan((Source(sizes.signal()), *states), (layer, dense()), "decoder")


def encoder_decoder(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """A decoder starts from an encoder's states."""
    count = 2 if kind == "LSTM" else 1
    states = tuple(f"encoder:{index + 1}" for index in range(count))
    target = Source(sizes.normal(sizes.samples, 4, 2, number=9), "answer")
    encoder = replace(recurrent(kind, "encoder", sizes.units, arguments, return_state=True), of=("input",))
    decoder = recurrent(kind, "decoder", sizes.units, arguments, return_sequences=True)
    layers = (encoder, replace(decoder, of=("answer",), states=states), dense())
    return Plan((Source(sizes.signal()), target), layers, "decoder")


def returned(kind: str, sizes: Sizes, arguments: dict[str, Any]) -> Plan:
    """The layer's last states are outputs of the model."""
    name = kind.lower()
    layer = recurrent(kind, name, sizes.units, arguments, return_sequences=True, return_state=True)
    layer = replace(layer, of=("input",))
    outputs = tuple(f"{name}:{index}" for index in range(3 if kind == "LSTM" else 2))
    return chain(sizes, name, layer, outputs=outputs)


PLACES: dict[str, Place] = {
    "alone": alone,
    "head": head,
    "sequence": sequence,
    "after_dense": after_dense,
    "first": first,
    "second": second,
    "both": both,
    "bidirectional": bidirectional,
    "forward": forward,
    "backward": backward,
    "branch": branch,
    "words": words,
    "masked": masked,
    "conv": conv,
    "cell": cell,
    "distributed": distributed,
    "with_states": with_states,
    "encoder_decoder": encoder_decoder,
    "returned": returned,
}


def constant(sizes: Sizes, value: float) -> np.ndarray[Any, Any]:
    """Return an input (samples, steps, features) that is the same at all steps, and times ``value``."""
    return np.repeat(value * sizes.signal()[:, :1], sizes.steps, axis=1)
