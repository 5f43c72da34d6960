"""Cases whose fault changes nothing, for a reason: models and inputs that are blind to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.zoo.faults.activations import K2, K3, dense_head, other_function, slope
from tests.zoo.faults.case import MakePlan, case
from tests.zoo.faults.cells import DROPPED, NO_RECURRENT, clip, coupled, forget_bias, reset
from tests.zoo.faults.layout import dropped, gate_order, layers_mixed_up, transposed
from tests.zoo.faults.masks import bidirectional_words, ignored
from tests.zoo.faults.numerics import precision
from tests.zoo.faults.places import at_place, constant
from tests.zoo.faults.plan import Array, Plan, Sizes
from tests.zoo.faults.states import STATES_TURNED
from tests.zoo.faults.timing import direction, outputs_swapped
from tests.zoo.faults.weights import Weights, blocks, rounded


def one_step(kind: str, place: str = "head", **arguments: bool) -> MakePlan:
    """Return the plan of a model that reads one time step."""
    return lambda sizes: at_place(place, kind, **arguments)(replace(sizes, steps=1))


def fed(make: MakePlan, change: object) -> MakePlan:
    """Return a plan whose inputs are changed."""
    assert callable(change)

    def plan(sizes: Sizes) -> Plan:
        made = make(sizes)
        return made.fed(*change(sizes, *(source.array for source in made.inputs)))

    return plan


def of_layer(path: str, name: str, change: object) -> object:
    """Return the change of one array in the honest weights."""
    assert callable(change)
    return lambda weights: {**weights, path: {**weights[path], name: change(weights[path][name])}}


def equal_gates(weights: Weights) -> Weights:
    """Give all gates of an LSTM the weights of the first."""
    found = {name: np.tile(blocks(array, 4)[0], 4) for name, array in weights["lstm"].items()}
    return {**weights, "lstm": found}


def symmetric(array: Array) -> Array:
    """Make every gate of a recurrent kernel symmetric."""
    return np.concatenate([(block + block.T) / 2 for block in blocks(array, 4)], axis=-1)


def twins(weights: Weights) -> Weights:
    """Give a Bidirectional the same weights in both directions."""
    one, other = (f"bidirectional/{side}_layer" for side in ("forward", "backward"))
    return {**weights, other: weights[one]}


def saturated(weights: Weights) -> Weights:
    """Give an LSTM gates that are at 0 or at 1 whatever the input: |b| is 40, the rest cannot reach it."""
    bias = weights["lstm"]["bias"]
    candidate = np.arange(len(bias)) // (len(bias) // 4) == 2
    return {**weights, "lstm": {**weights["lstm"], "bias": np.where(candidate, bias, 40 * np.sign(bias))}}


def positive(weights: Weights) -> Weights:
    """Give a Dense layer a bias that no input can make negative, since an LSTM's outputs are below 1."""
    kernel = weights["dense"]["kernel"]
    bias = np.abs(kernel).sum(axis=0) + np.float32(0.1)
    return {**weights, "dense": {"kernel": kernel, "bias": bias}}


HARD = "hard_sigmoid"
CASES = [
    case("lstm_one_step", one_step("LSTM"), dropped(), note="the state is zero before the only step"),
    case("gru_one_step", one_step("GRU"), transposed("GRU"), note="the state is zero before the only step"),
    case("lstm_one_step", one_step("LSTM", "sequence"), forget_bias(1.0), note="there is no cell state to forget"),
    case("lstm_one_step", one_step("LSTM"), coupled("f=1-i"), note="there is no cell state to forget"),
    case(
        "gru_no_bias_one_step",
        one_step("GRU", use_bias=False),
        reset(False),
        note="the reset gate acts on a state that is zero",
    ),
    case(
        "lstm_equal_gates",
        at_place("head", "LSTM"),
        gate_order("LSTM", "icfo"),
        weights=equal_gates,
        note="all gates have the same weights",
    ),
    case(
        "gru_no_padding",
        fed(at_place("words", "GRU", mask=True), lambda sizes, words: [np.maximum(words, 1)]),
        ignored("embedding", "gru"),
        note="no word is padding",
    ),
    case(
        "lstm_zero_bias",
        at_place("sequence", "LSTM"),
        DROPPED,
        weights=of_layer("lstm", "bias", np.zeros_like),
        note="the bias is zero",
    ),
    case(
        "gru_zero_recurrent_bias",
        at_place("head", "GRU"),
        NO_RECURRENT,
        weights=of_layer("gru", "bias", lambda bias: bias * np.array([[1], [0]], np.float32)),
        note="the recurrent bias is zero",
    ),
    case(
        "lstm_constant",
        fed(at_place("head", "LSTM"), lambda sizes, _: [constant(sizes, 1.0)]),
        direction(True),
        note="the sequence is the same backwards",
    ),
    case(
        "gru_palindrome",
        fed(at_place("words", "GRU"), lambda _, words: [np.concatenate([words, words[:, ::-1]], axis=1)]),
        direction(True),
        note="the sequence is the same backwards",
    ),
    case(
        "lstm_sum",
        at_place("bidirectional", "LSTM", merge_mode="sum"),
        outputs_swapped(False),
        note="a sum has no order",
    ),
    case(
        "gru_twins",
        at_place("bidirectional", "GRU"),
        layers_mixed_up("bidirectional/forward_layer", "bidirectional/backward_layer"),
        weights=twins,
        note="both directions have the same weights",
    ),
    case(
        "lstm_symmetric",
        at_place("head", "LSTM"),
        transposed("LSTM"),
        weights=of_layer("lstm", "recurrent_kernel", symmetric),
        note="every gate's recurrent kernel is its own transpose",
    ),
    case(
        "dense_positive",
        dense_head("leaky_relu"),
        slope(0.2, 0.01),
        weights=positive,
        note="the bias is larger than the inputs can be",
    ),
    case(
        "lstm_float16",
        at_place("sequence", "LSTM"),
        precision("float16"),
        weights=lambda weights: {**weights, "lstm": rounded("float16")(weights["lstm"])},
        note="the weights are float16 numbers",
    ),
    case(
        "lstm_two_steps",
        lambda sizes: at_place("sequence", "LSTM")(replace(sizes, steps=2)),
        clip("LSTM", "cell", 3.0),
        note="the cell grows by less than 1 at each of two steps",
    ),
    case(
        "gru_all_padding",
        fed(at_place("words", "GRU", mask=True), lambda _, words: [0 * words]),
        other_function("recurrent_activation", "sigmoid", K2),
        note="every word is padding",
    ),
    case(
        "lstm_saturated",
        fed(at_place("head", "LSTM", recurrent_activation=HARD), lambda _, x: [np.clip(x, -1, 1)]),
        other_function("recurrent_activation", HARD, K3),
        weights=saturated,
        only="tf_keras",
        note="every gate is fully open or closed, in both definitions",
    ),
    case(
        "lstm_same_states",
        fed(at_place("with_states", "LSTM"), lambda _, x, h, c: [x, h, h]),
        STATES_TURNED,
        note="h and c start from the same numbers",
    ),
    case(
        "lstm_bidirectional_no_padding",
        fed(bidirectional_words("LSTM"), lambda sizes, words: [np.maximum(words, 1)]),
        ignored("embedding", "bidirectional"),
        note="no word is padding",
    ),
]
