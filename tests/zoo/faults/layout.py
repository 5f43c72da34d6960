"""Faults of the layout of weights: the order of gates, transposed and dropped kernels, blocks, arrays mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.faults.case import Case, Fault, MakePlan, case, with_weights
from tests.zoo.faults.places import at_place, chain, dense
from tests.zoo.faults.plan import Layer, Plan, Sizes
from tests.zoo.faults.weights import (
    EVERY,
    GATES,
    KERNELS,
    Transform,
    Weights,
    cudnn,
    interleaved,
    per_gate,
    read_in_order,
    rows_swapped,
    swapped,
    without,
)

# --- the order of gates --------------------------------------------------------------------------------------

WHOLE, APART, BIAS = "gates", "gates of the kernels", "gates of the bias"
PARTS = {WHOLE: EVERY, APART: KERNELS, BIAS: ("bias",)}


def gate_order(kind: str, order: str, part: str = WHOLE) -> Fault:
    """Return the fault of a port that takes the gates in the file for others: ``order`` is what it takes them for."""
    own = GATES[kind]
    transform = read_in_order(own, order, PARTS[part])
    return Fault("gate_order", part, ", ".join(own), ", ".join(order), weights=with_weights(transform))


ORDERS: list[tuple[str, str, str, str]] = [
    ("LSTM", "head", "icfo", "TensorFlow 1, CNTK, Haiku, Keras 1 files"),
    ("LSTM", "second", "icfo", "TensorFlow 1, CNTK, Haiku, Keras 1 files"),
    ("LSTM", "masked", "icfo", "TensorFlow 1, CNTK, Haiku, Keras 1 files"),
    ("LSTM", "sequence", "iofc", "ONNX"),
    ("LSTM", "forward", "iofc", "ONNX"),
    ("LSTM", "words", "ifoc", "MIOpen, CoreML, Caffe, DyNet"),
    ("LSTM", "backward", "ifoc", "MIOpen, CoreML, Caffe, DyNet"),
    ("LSTM", "after_dense", "fico", "OpenVINO"),
    ("LSTM", "branch", "cfoi", "DL4J"),
    ("LSTM", "cell", "cifo", "Chainer NStepLSTM read as a, i, f, o"),
    ("LSTM", "distributed", "fioc", "Darknet"),
    ("LSTM", "encoder_decoder", "ocfi", "no framework: the reverse"),
    ("GRU", "head", "rzh", "PyTorch, cuDNN, TensorFlow 1"),
    ("GRU", "second", "rzh", "PyTorch, cuDNN, TensorFlow 1"),
    ("GRU", "forward", "rzh", "PyTorch, cuDNN, TensorFlow 1"),
    ("GRU", "words", "rhz", "CoreML"),
    ("GRU", "sequence", "hzr", "no framework: the candidate first"),
]
APART_ROWS: list[tuple[str, str, str, str]] = [
    ("LSTM", "head", "icfo", APART),
    ("LSTM", "sequence", "icfo", BIAS),
    ("LSTM", "backward", "iofc", APART),
    ("LSTM", "second", "ifoc", BIAS),
    ("GRU", "head", "rzh", APART),
    ("GRU", "sequence", "rzh", BIAS),
    ("GRU", "forward", "rzh", BIAS),
]
ORDER_CASES = [
    case(f"{kind.lower()}_{place}", at_place(place, kind), gate_order(kind, order), detail=order, note=note)
    for kind, place, order, note in ORDERS
] + [
    case(f"{kind.lower()}_{place}", at_place(place, kind), gate_order(kind, order, part), detail=f"{order}_{short}")
    for kind, place, order, part in APART_ROWS
    for short in [part.split()[-1]]
]
NO_BIAS_CASES = [
    case(
        "lstm_no_bias",
        at_place("head", "LSTM", use_bias=False),
        gate_order("LSTM", "icfo"),
        detail="icfo",
        note="no bias: the order of the kernels alone is the whole order",
    ),
    case(
        "gru_reset_before",
        at_place("head", "GRU", reset_after=False),
        gate_order("GRU", "rzh"),
        detail="rzh",
        note="PyTorch, cuDNN, TensorFlow 1",
    ),
]

# --- the recurrent kernel ------------------------------------------------------------------------------------

TRANSPOSED = ("LSTM", "head"), ("LSTM", "forward"), ("LSTM", "second"), ("GRU", "head"), ("GRU", "words"), (
    "SimpleRNN",
    "sequence",
)  # fmt: skip
DROPPED = ("LSTM", "sequence"), ("LSTM", "backward"), ("GRU", "head"), ("GRU", "first"), ("SimpleRNN", "head")


def transposed(kind: str) -> Fault:
    """Return the fault of a recurrent kernel whose every gate is transposed."""
    transform = per_gate(("recurrent_kernel",), len(GATES[kind]), np.transpose)
    return Fault(
        "recurrent_kernel_transposed",
        "recurrent_kernel",
        "as it is",
        "transposed, gate by gate",
        weights=with_weights(transform),
    )


def dropped() -> Fault:
    """Return the fault of a recurrent kernel that is not used."""
    transform = without("recurrent_kernel")
    return Fault("recurrent_kernel_dropped", "recurrent_kernel", "as it is", "zero", weights=with_weights(transform))


def rows(places: Sequence[tuple[str, str]], make: Any) -> list[Case]:
    """Return one case of a fault at every place."""
    return [case(f"{kind.lower()}_{place}", at_place(place, kind), make(kind)) for kind, place in places]


# --- the layout of kernels -----------------------------------------------------------------------------------

SWAP_IS_BLOCKS = ("kernel_layout", "[x; h] read as [h; x] where x is as long as h is the two kernels swapped")
BLOCKS_ARE_SWAP = (
    "equal_shape_weights_swapped",
    "the two kernels have one shape, and blocks swapped are kernels swapped",
)


def layout(behaves_as: str, transform: Transform) -> Fault:
    """Return the fault of a port that reads the kernels in another layout."""
    return Fault(
        "kernel_layout", "kernel", "rows of x, rows of h; gate by gate", behaves_as, weights=with_weights(transform)
    )


BLOCKS = layout("[h; x]: the rows of h first", rows_swapped)


def gates_of(kind: str) -> int:
    """Return how many gates a layer's kernels have."""
    return len(GATES[kind])


def laid_out(kind: str, place: str, how: str, square: bool = False, **options: Any) -> Case:
    """Return one case of a kernel in another layout."""
    count = gates_of(kind)
    faults = {
        "blocks": BLOCKS,
        "to_cudnn": layout("cuDNN: every gate transposed, written flat", cudnn(count, to=True)),
        "from_cudnn": layout("cuDNN, read back: every gate transposed, read flat", cudnn(count, to=False)),
        "interleaved": layout("interleaved: (units, gates)", interleaved(count, backwards=False)),
        "deinterleaved": layout("interleaved, read back: (units, gates)", interleaved(count, backwards=True)),
    }
    plan = at_place(place, kind, square=square)
    return case(f"{kind.lower()}_{place}", plan, faults[how], detail=f"{how}{'_square' * square}", **options)


LAYOUT_CASES = [
    laid_out("LSTM", "head", "blocks", square=True, ties=(BLOCKS_ARE_SWAP,)),
    laid_out("GRU", "sequence", "blocks", square=True, ties=(BLOCKS_ARE_SWAP,)),
    laid_out("SimpleRNN", "head", "blocks", square=True, ties=(BLOCKS_ARE_SWAP,)),
    laid_out("LSTM", "second", "blocks", ties=(BLOCKS_ARE_SWAP,)),
    laid_out("LSTM", "head", "blocks", note="as many rows in all, split at the wrong one"),
    laid_out("GRU", "forward", "blocks", note="as many rows in all, split at the wrong one"),
    laid_out("LSTM", "head", "to_cudnn"),
    laid_out("LSTM", "backward", "to_cudnn"),
    laid_out("GRU", "head", "to_cudnn"),
    laid_out("LSTM", "second", "from_cudnn", note="square kernels: reading them flat is transposing them"),
    laid_out("GRU", "sequence", "from_cudnn"),
    laid_out("LSTM", "head", "interleaved"),
    laid_out("GRU", "words", "interleaved"),
    laid_out("LSTM", "forward", "deinterleaved"),
    laid_out("GRU", "second", "deinterleaved"),
]

# --- arrays of one shape -------------------------------------------------------------------------------------


def mixed_up(one: tuple[str, str], other: tuple[str, str]) -> Fault:
    """Return the fault of two arrays of two layers, (path, name), each in the place of the other."""

    def change(weights: Weights, _: str) -> Weights:
        copied = {path: dict(tensors) for path, tensors in weights.items()}
        copied[one[0]][one[1]], copied[other[0]][other[1]] = weights[other[0]][other[1]], weights[one[0]][one[1]]
        return copied

    fault = Fault("equal_shape_weights_swapped", one[1], "/".join(one), "/".join(other), one[0], weights=change)
    return replace(fault, or_layers=(other[0],))


def layers_mixed_up(one: str, other: str) -> Fault:
    """Return the fault of two layers, each with the weights of the other."""

    def change(weights: Weights, _: str) -> Weights:
        return {**weights, one: weights[other], other: weights[one]}

    fault = Fault("equal_shape_weights_swapped", None, one, other, one, weights=change)
    return replace(fault, or_layers=(other,))


def in_layer(one: str, other: str, layer: str = "") -> Fault:
    """Return the fault of two arrays of one layer."""
    return Fault("equal_shape_weights_swapped", one, one, other, layer, weights=with_weights(swapped(one, other)))


def normalised(kind: str) -> MakePlan:
    """Return the plan with a normalisation between an LSTM and another."""
    name = "batch_normalization" if kind == "BatchNormalization" else "layer_normalization"

    def plan(sizes: Sizes) -> Plan:
        first = Layer("LSTM", "lstm_1", {"units": sizes.units, "return_sequences": True})
        return chain(sizes, name, first, Layer(kind, name), Layer("LSTM", "lstm_2", {"units": 5}), dense())

    return plan


def two_dense(sizes: Sizes) -> Plan:
    """Two Dense layers of one shape after a GRU."""
    layers = [dense(f"dense_{number}", sizes.units, activation="tanh") for number in (1, 2)]
    return chain(sizes, "dense_1", Layer("GRU", "gru", {"units": sizes.units}), *layers)


SIDES = ("bidirectional/forward_layer", "bidirectional/backward_layer")
IS_DIRECTIONS = (("directions_swapped", "the two layers of a Bidirectional, each with the weights of the other"),)
SWAPPED_CASES = [
    case("lstm_both", at_place("both", "LSTM", square=True), layers_mixed_up("lstm_1", "lstm_2"), detail="layers"),
    case("gru_both", at_place("both", "GRU", square=True), layers_mixed_up("gru_1", "gru_2"), detail="layers"),
    case(
        "lstm_both",
        at_place("both", "LSTM"),
        mixed_up(("lstm_1", "recurrent_kernel"), ("lstm_2", "recurrent_kernel")),
        detail="recurrent_kernels",
    ),
    case("gru_both", at_place("both", "GRU"), mixed_up(("gru_1", "bias"), ("gru_2", "bias")), detail="biases"),
    case(
        "lstm_square",
        at_place("head", "LSTM", square=True),
        in_layer("kernel", "recurrent_kernel"),
        detail="kernels",
        ties=(SWAP_IS_BLOCKS,),
    ),
    case(
        "gru_second",
        at_place("second", "GRU"),
        in_layer("kernel", "recurrent_kernel"),
        detail="kernels",
        ties=(SWAP_IS_BLOCKS,),
    ),
    case("batch_normalization", normalised("BatchNormalization"), in_layer("gamma", "beta"), detail="gamma_beta"),
    case("layer_normalization", normalised("LayerNormalization"), in_layer("gamma", "beta"), detail="gamma_beta"),
    case("batch_normalization", normalised("BatchNormalization"), in_layer("beta", "moving_mean"), detail="beta_mean"),
    case("two_dense", two_dense, layers_mixed_up("dense_1", "dense_2"), detail="layers"),
    case(
        "lstm_bidirectional",
        at_place("bidirectional", "LSTM"),
        layers_mixed_up(*SIDES),
        detail="directions",
        ties=IS_DIRECTIONS,
    ),
]

CASES = [
    *ORDER_CASES,
    *NO_BIAS_CASES,
    *rows(TRANSPOSED, transposed),
    *rows(DROPPED, lambda _: dropped()),
    *LAYOUT_CASES,
    *SWAPPED_CASES,
]
