"""Two faults at once, one fault in several layers, faults without a name, and none at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.faults.activations import K2, K3, QKERAS, dense_head, other_function
from tests.zoo.faults.case import Case, Fault, MakePlan, at, case, with_weights
from tests.zoo.faults.cells import DOUBLED, DROPPED, FOLDED, forget_bias, reset
from tests.zoo.faults.layout import gate_order, layout, normalised
from tests.zoo.faults.masks import bidirectional_words, stacked_words
from tests.zoo.faults.numerics import precision
from tests.zoo.faults.places import at_place, chain, dense, recurrent
from tests.zoo.faults.plan import Array, Layer, Plan, Sizes
from tests.zoo.faults.states import keeping, samples
from tests.zoo.faults.timing import LAST_INDEX, OUTPUTS_SWAPPED, both_ways, direction, in_pieces, last_index
from tests.zoo.faults.weights import cudnn, each

# --- pairs ---------------------------------------------------------------------------------------------------

TF1 = "weights of a TensorFlow 1 cell, copied as they are"
TF1_ORDER, TF1_BIAS = gate_order("LSTM", "icfo"), forget_bias(1.0)


def gates(file_says: str, behaves_as: str, layer: str = "") -> Fault:
    """Return the fault of other gate activations."""
    return other_function("recurrent_activation", file_says, behaves_as, layer=layer)


PAIRS = [
    *(
        case(f"lstm_{place}", at_place(place, "LSTM"), TF1_ORDER, TF1_BIAS, note=TF1)
        for place in ("head", "sequence", "second", "forward")
    ),
    case(
        "lstm_both",
        at_place("both", "LSTM"),
        at(TF1_ORDER, "lstm_1", "lstm_2"),
        at(TF1_BIAS, "lstm_1", "lstm_2"),
        detail="all",
        note=TF1,
    ),
    case("lstm_head", at_place("head", "LSTM"), DROPPED, gates("sigmoid", K2), detail="dropped"),
    case("lstm_second", at_place("second", "LSTM"), DOUBLED, gates("sigmoid", K3), detail="doubled"),
    case("gru_head", at_place("head", "GRU"), FOLDED, gates("sigmoid", K2), detail="folded"),
    case("gru_sequence", at_place("sequence", "GRU"), gate_order("GRU", "rzh"), reset(False)),
    case(
        "lstm_sequence",
        at_place("sequence", "LSTM", recurrent_activation="hard_sigmoid"),
        layout("cuDNN: every gate transposed, written flat", cudnn(4, to=True)),
        gates("hard_sigmoid", "sigmoid"),
    ),
    case("gru_words", at_place("words", "GRU"), direction(True), gates("sigmoid", K3)),
    case(
        "lstm_dense",
        at_place("head", "LSTM"),
        gates("sigmoid", K2),
        other_function("activation", "linear", "sigmoid", layer="dense"),
    ),
    case("lstm_both", at_place("both", "LSTM"), gates("sigmoid", K2, "lstm_1"), at(DROPPED, "lstm_2")),
    case("lstm_words", at_place("words", "LSTM"), forget_bias(1.0), precision("float16")),
]


def swapped_and_last_index(kind: str) -> Case:
    """Return the case of a Bidirectional that puts the backward output first, and takes that of the last time step."""
    index = replace(LAST_INDEX, plan=in_pieces(last_index, turned=True), behaves_as="of its first step, index -1")
    order = replace(OUTPUTS_SWAPPED, plan=lambda plan, _: plan)  # made by the other, which takes the layer to pieces
    return case(f"{kind.lower()}_bidirectional", both_ways(kind, last=True), order, index)


TWICE = [
    *(swapped_and_last_index(kind) for kind in ("LSTM", "GRU")),
    case("lstm_both", at_place("both", "LSTM"), at(gates("sigmoid", K2), "lstm_1"),
         other_function("activation", "tanh", "relu", layer="lstm_2"), scale=0.9),
    case("gru_sequence", at_place("sequence", "GRU"), DROPPED, direction(True, flag=False), detail="dropped"),
]  # fmt: skip

# --- in all layers at once -----------------------------------------------------------------------------------

KERAS_2 = "a file of Keras 2, whose hard_sigmoid is run as that of Keras 3"


def mixed(sizes: Sizes) -> Plan:
    """An LSTM, a Bidirectional GRU and an LSTM, all with hard_sigmoid gates."""
    hard = {"recurrent_activation": "hard_sigmoid"}
    sequences = {**hard, "return_sequences": True}
    inner = recurrent("GRU", "gru", 5, sequences)
    both = Layer("Bidirectional", "bidirectional", {}, {"layer": inner})
    layers = (recurrent("LSTM", "lstm", sizes.units, sequences), both, recurrent("LSTM", "last", 4, hard), dense())
    return chain(sizes, "lstm", *layers)


def everywhere(behaves_as: str, *layers: str) -> Fault:
    """Return the fault of all layers with a hard_sigmoid."""
    return at(gates("hard_sigmoid", behaves_as), *layers)


SIDES = ("bidirectional/forward_layer", "bidirectional/backward_layer")
MIXED = ("lstm", *SIDES, "last")
HARD: dict[str, Any] = {"recurrent_activation": "hard_sigmoid"}
EVERYWHERE = [
    case("lstm_both", at_place("both", "LSTM", **HARD), everywhere(K3, "lstm_1", "lstm_2"), detail="all_k3",
         only="tf_keras", note=KERAS_2),
    case("gru_both", at_place("both", "GRU", **HARD), everywhere(K3, "gru_1", "gru_2"), detail="all_k3",
         only="tf_keras", note=KERAS_2),
    case("lstm_bidirectional", at_place("bidirectional", "LSTM", **HARD), everywhere(K3, *SIDES), detail="all_k3",
         only="tf_keras", note=KERAS_2),
    case("mixed", mixed, everywhere(K3, *MIXED), detail="all_k3", only="tf_keras", note=KERAS_2),
    case("mixed", mixed, everywhere("sigmoid", *MIXED), detail="all_sigmoid", only="tf_keras"),
    case("lstm_both", at_place("both", "LSTM", **HARD), everywhere(K2, "lstm_1", "lstm_2"), detail="all_k2",
         only="keras"),
    case("gru_bidirectional", at_place("bidirectional", "GRU", return_sequences=True, **HARD),
         everywhere(QKERAS, *SIDES), detail="all_qkeras", only="keras"),
    case("mixed", mixed, everywhere(K2, *MIXED), detail="all_k2", only="keras"),
]  # fmt: skip

# --- faults without a name -----------------------------------------------------------------------------------


def unexplained(parameter: str, change: Callable[[Array], Array], layer: str = "") -> Fault:
    """Return a change of one array that no named fault explains: ``parameter`` is its name, and the place in it."""
    name = parameter.split("[")[0]
    return Fault("unexplained", parameter, None, None, layer, weights=with_weights(each((name,), change)))


def added_at(*index: int, value: float = 2e-2) -> Callable[[Array], Array]:
    """Return the change that adds a number to one weight."""

    def change(array: Array) -> Array:
        found = array.copy()
        found[index] += value
        return found

    return change


def noise(scale: float) -> Callable[[Array], Array]:
    """Return the change that adds normal noise to every weight."""
    return lambda array: array + scale * np.random.default_rng(5).standard_normal(array.shape)


def rolled(array: Array) -> Array:
    """Put the row of every input feature in the place of the next."""
    return np.roll(array, 1, axis=0)


UNEXPLAINED_ROWS: list[tuple[str, str, str, str, Callable[[Array], Array], str]] = [
    ("LSTM", "head", "kernel[1, 3]", "kernel", added_at(1, 3), "one weight + 2e-2: gate i, unit 3"),
    ("LSTM", "first", "recurrent_kernel[2, 1]", "recurrent", added_at(2, 1), "one weight + 2e-2: gate i, unit 1"),
    ("LSTM", "sequence", "bias[0]", "bias", added_at(0), "one weight + 2e-2: gate i, unit 0"),
    ("GRU", "head", "recurrent_kernel[1, 4]", "recurrent", added_at(1, 4), "one weight + 2e-2: gate z, unit 4"),
    ("GRU", "forward", "kernel[0, 2]", "kernel", added_at(0, 2), "one weight + 2e-2: gate z, unit 2"),
    ("GRU", "words", "bias[1, 5]", "bias", added_at(1, 5), "one weight + 2e-2: recurrent bias of gate z, unit 5"),
    ("LSTM", "backward", "recurrent_kernel", "noise", noise(1e-2), "normal noise of 1e-2 on all weights"),
    ("GRU", "sequence", "kernel", "noise", noise(1e-2), "normal noise of 1e-2 on all weights"),
    ("LSTM", "words", "kernel", "rolled", rolled, "the rows of the input features are in another order"),
    ("SimpleRNN", "head", "recurrent_kernel", "scaled", lambda array: 1.05 * array, "times 1.05"),
]
UNEXPLAINED = [
    case(f"{kind.lower()}_{place}", at_place(place, kind), unexplained(where, change), detail=detail, note=note)
    for kind, place, where, detail, change, note in UNEXPLAINED_ROWS
] + [
    case("dense", at_place("head", "GRU"), unexplained("kernel[4, 1]", added_at(4, 1), "dense"),
         detail="kernel", note="one weight + 2e-2"),
    case("embedding", at_place("words", "LSTM"), unexplained("embeddings", noise(1e-2), "embedding"),
         detail="noise", note="normal noise of 1e-2 on all weights"),
]  # fmt: skip

# --- no fault ------------------------------------------------------------------------------------------------


def again(model: str, plan: MakePlan, size: int | None, **options: Any) -> Case:
    """Return the case of an honest model that is predicted once more, this many samples at a time."""
    return case(model, plan, detail=f"batch_{size or 'all'}", batch_size=size, **options)


HONEST = [
    *(again(f"lstm_{place}", at_place(place, "LSTM"), 7) for place in ("head", "second", "backward", "masked")),
    *(again(f"gru_{place}", at_place(place, "GRU"), 5) for place in ("sequence", "forward", "words", "branch")),
    again("lstm_cell", at_place("cell", "LSTM"), 3),
    again("gru_distributed", at_place("distributed", "GRU"), 6),
    again("lstm_returned", at_place("returned", "LSTM"), 9),
    again("lstm_encoder_decoder", at_place("encoder_decoder", "LSTM", **HARD), 11),
    again("lstm_relu", at_place("sequence", "LSTM", activation="relu"), 7, scale=0.7),
    again("gru_reset_before", at_place("head", "GRU", reset_after=False), 1),
    again("simple_rnn", at_place("both", "SimpleRNN"), 13),
    again("mixed", mixed, 4),
    again("lstm_conv", at_place("conv", "LSTM"), 32),
    again("gru_stacked_words", stacked_words("GRU"), 5),
    again("lstm_bidirectional_words", bidirectional_words("LSTM", return_sequences=True), 5),
    again("layer_normalization", normalised("LayerNormalization"), 6),
    again("gelu", dense_head("gelu"), 10),
    again("lstm_backwards", at_place("head", "LSTM", go_backwards=True), None),
    again("lstm_stateful", keeping(samples(at_place("sequence", "LSTM"), 16), 4), 4, honest_batch_size=4),
    again("large_weights", at_place("sequence", "LSTM"), 7, scale=6.0),
]

CASES: list[Case] = [
    *PAIRS,
    *TWICE,
    *EVERYWHERE,
    *(replace(one, ties=()) for one in UNEXPLAINED),
    *HONEST,
]
