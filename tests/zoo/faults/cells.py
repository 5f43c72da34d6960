"""Faults of the cell's equations: biases, reset and update gates, coupled gates, clipping."""

from __future__ import annotations

import numpy as np

from tests.zoo.faults.case import Case, Fault, case, with_weights
from tests.zoo.faults.places import at_place, chain, dense
from tests.zoo.faults.plan import Array, Layer, Plan, Sizes, as_kind, edited, with_arguments
from tests.zoo.faults.weights import (
    Tensors,
    Transform,
    Weights,
    bias_rows,
    block_changed,
    each,
    without,
)

# --- the forget bias -----------------------------------------------------------------------------------------


def forget_bias(added: float) -> Fault:
    """Return the fault of a runtime that adds a number to the forget gate."""
    transform = block_changed(4, 1, lambda block: block + np.float32(added), ("bias",))
    return Fault("forget_bias", "forget_bias", 0.0, added, weights=with_weights(transform))


def forget_bias_alone(added: float) -> Fault:
    """Return the same for a layer without a bias: it gets one."""

    def plan(plan: Plan, path: str) -> Plan:
        return edited(plan, path, with_arguments(use_bias=True))

    def weights(weights: Weights, path: str) -> Weights:
        bias = np.zeros(weights[path]["kernel"].shape[-1], np.float32)
        bias[len(bias) // 4 : len(bias) // 2] = added
        return {**weights, path: {**weights[path], "bias": bias}}

    return Fault("forget_bias", "forget_bias", 0.0, added, plan=plan, weights=weights)


def initial_bias(weights: Weights) -> Weights:
    """Give an LSTM the bias that Keras starts from: 1 for the forget gate, 0 for the others."""
    bias = np.zeros_like(weights["lstm"]["bias"])
    bias[len(bias) // 4 : len(bias) // 2] = 1
    return {**weights, "lstm": {**weights["lstm"], "bias": bias}}


FORGET_ROWS: list[tuple[str, float]] = [
    ("head", 1.0),
    ("second", 1.0),
    ("forward", 1.0),
    ("masked", 1.0),
    ("cell", 1.0),
    ("sequence", -1.0),
    ("words", -1.0),
    ("backward", -1.0),
    ("after_dense", 0.7),
    ("branch", 0.7),
    ("encoder_decoder", 1.5),
    ("distributed", -0.4),
]


def number_in_name(number: float) -> str:
    """Return a number as part of a case's name."""
    return f"{'minus_' if number < 0 else ''}{abs(number):g}".replace(".", "")


FORGET_CASES = [
    case(f"lstm_{place}", at_place(place, "LSTM"), forget_bias(added), detail=number_in_name(added))
    for place, added in FORGET_ROWS
] + [
    case("lstm_no_bias", at_place("sequence", "LSTM", use_bias=False), forget_bias_alone(1.0), detail="1"),
    case(
        "lstm_initial_bias",
        at_place("head", "LSTM"),
        forget_bias(-1.0),
        detail="minus_1",
        weights=initial_bias,
        ties=(("bias", "the bias is 1 for the forget gate and 0 elsewhere, so removing 1 is dropping it"),),
    ),
]

# --- the bias ------------------------------------------------------------------------------------------------

BOTH_BIASES = "input and recurrent bias"


def bias(behaves_as: str, transform: Transform, file_says: str = "once", layer: str = "") -> Fault:
    """Return the fault of a bias that is treated otherwise."""
    return Fault("bias", "bias", file_says, behaves_as, layer, weights=with_weights(transform))


def folded(one: Array, other: Array) -> tuple[Array, Array]:
    """Add the recurrent bias to the input bias, where the reset gate does not scale it."""
    return one + other, 0 * other


DROPPED = bias("dropped", without("bias"))
DOUBLED = bias("doubled", each(("bias",), lambda array: 2 * array))
NO_RECURRENT = bias("without the recurrent bias", bias_rows(lambda one, other: (one, 0 * other)), file_says=BOTH_BIASES)
NO_INPUT = bias("without the input bias", bias_rows(lambda one, other: (0 * one, other)), file_says=BOTH_BIASES)
FOLDED = bias("their sum as input bias", bias_rows(folded), file_says=BOTH_BIASES)

BIAS_ROWS: list[tuple[str, str, Fault, str]] = [
    ("LSTM", "head", DROPPED, "dropped"),
    ("LSTM", "forward", DROPPED, "dropped"),
    ("GRU", "second", DROPPED, "dropped"),
    ("SimpleRNN", "sequence", DROPPED, "dropped"),
    ("LSTM", "words", DROPPED, "dropped"),
    ("LSTM", "sequence", DOUBLED, "doubled"),
    ("LSTM", "second", DOUBLED, "doubled"),
    ("GRU", "head", DOUBLED, "doubled"),
    ("SimpleRNN", "head", DOUBLED, "doubled"),
    ("GRU", "head", NO_RECURRENT, "no_recurrent"),
    ("GRU", "forward", NO_RECURRENT, "no_recurrent"),
    ("GRU", "sequence", NO_INPUT, "no_input"),
    ("GRU", "words", NO_INPUT, "no_input"),
    ("GRU", "head", FOLDED, "folded"),
    ("GRU", "first", FOLDED, "folded"),
    ("GRU", "backward", FOLDED, "folded"),
    ("GRU", "cell", FOLDED, "folded"),
]


def one_dense(sizes: Sizes) -> Plan:
    """A GRU and a Dense layer, which has the fault."""
    return chain(sizes, "dense", Layer("GRU", "gru", {"units": sizes.units}), dense(activation="softmax"))


def convolved(sizes: Sizes) -> Plan:
    """A convolution, which has the fault, and an LSTM."""
    conv = Layer("Conv1D", "conv", {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "tanh"})
    return chain(sizes, "conv", conv, Layer("LSTM", "lstm", {"units": sizes.units}))


BIAS_CASES = [
    *(case(f"{kind.lower()}_{place}", at_place(place, kind), fault, detail=d) for kind, place, fault, d in BIAS_ROWS),
    case("dense", one_dense, DROPPED, detail="dropped"),
    case("dense", one_dense, DOUBLED, detail="doubled"),
    case("conv", convolved, DROPPED, detail="dropped"),
    case("gru_reset_before", at_place("head", "GRU", reset_after=False), DROPPED, detail="dropped"),
]

# --- the variant of the GRU ----------------------------------------------------------------------------------


def reset(after: bool) -> Fault:
    """Return the fault of a GRU that resets on the other side of the product."""

    def plan(plan: Plan, path: str) -> Plan:
        return edited(plan, path, with_arguments(reset_after=after))

    def transform(tensors: Tensors) -> Tensors:
        if "bias" not in tensors:
            return tensors
        found = tensors["bias"]
        return {**tensors, "bias": np.stack([found, 0 * found]) if after else found.sum(axis=0)}

    note = str(after).lower()
    return Fault("reset_after", "reset_after", str(not after).lower(), note, plan=plan, weights=with_weights(transform))


RESET_CASES = [
    *(case(f"gru_{place}", at_place(place, "GRU"), reset(False), detail="false") for place in ("head", "second")),
    *(case(f"gru_{place}", at_place(place, "GRU"), reset(False), detail="false") for place in ("forward", "words")),
    case("gru_no_bias", at_place("sequence", "GRU", use_bias=False), reset(False), detail="false"),
    *(
        case(f"gru_{place}", at_place(place, "GRU", reset_after=False), reset(True), detail="true")
        for place in ("head", "backward", "branch")
    ),
    case("gru_no_bias", at_place("head", "GRU", use_bias=False, reset_after=False), reset(True), detail="true"),
]


def of_cell(kind: str, name: str, option: tuple[str, float], *said: str | float | None) -> Fault:
    """Return the fault of a runtime with a cell of its own; ``said`` is the parameter, what the file says, and does."""
    parameter, file_says, behaves_as = said
    edit = as_kind(f"Odd{kind}", option=option)
    return Fault(name, str(parameter), file_says, behaves_as, plan=lambda plan, path: edited(plan, path, edit))


INVERTED_SAID = ("update gate", "h = z h + (1 - z) c", "h = (1 - z) h + z c")
INVERTED = of_cell("GRU", "update_gate_inverted", ("inverted", 0.0), *INVERTED_SAID)
NEGATED = Fault(
    "update_gate_inverted",
    *INVERTED_SAID,
    weights=with_weights(block_changed(3, 0, np.negative, ("kernel", "recurrent_kernel", "bias"))),
)
INVERTED_CASES = [
    *(case(f"gru_{place}", at_place(place, "GRU"), INVERTED) for place in ("head", "second", "forward", "words")),
    case("gru_hard_sigmoid", at_place("sequence", "GRU", recurrent_activation="hard_sigmoid"), INVERTED),
    case("gru_reset_before", at_place("sequence", "GRU", reset_after=False), NEGATED, note="by negated weights"),
    case("gru_branch", at_place("branch", "GRU"), NEGATED, note="by negated weights"),
]

# --- cells that Keras does not have --------------------------------------------------------------------------

COUPLED_ROWS = [
    ("i=1-f", "head"),
    ("i=1-f", "forward"),
    ("i=1-f", "words"),
    ("f=1-i", "second"),
    ("f=1-i", "sequence"),
    ("f=1-i", "branch"),
]


def coupled(how: str) -> Fault:
    """Return the fault of an LSTM with one gate computed from another."""
    said = how.replace("=", " = ").replace("-", " - ")
    return of_cell("LSTM", "coupled_gates", (how, 0.0), f"gate {how[0]}", "a gate of its own", said)


def clip(kind: str, what: str, limit: float) -> Fault:
    """Return the fault of a runtime that clips the cell, or the pre-activations of all gates."""
    parameter = {"cell": "cell_clip", "gates": "gate_clip"}[what]
    return of_cell(kind, "clip", (f"clip_{what}", limit), parameter, None, limit)


CLIP_ROWS: list[tuple[str, str, str, float]] = [
    ("LSTM", "head", "cell", 0.5),
    ("LSTM", "second", "cell", 0.5),
    ("LSTM", "forward", "cell", 0.3),
    ("LSTM", "sequence", "cell", 0.8),
    ("LSTM", "head", "gates", 0.5),
    ("LSTM", "backward", "gates", 0.5),
    ("LSTM", "words", "gates", 1.0),
    ("GRU", "head", "gates", 0.5),
    ("GRU", "second", "gates", 0.7),
]
ODD_CASES = [
    *(case(f"lstm_{place}", at_place(place, "LSTM"), coupled(how), detail=how[0]) for how, place in COUPLED_ROWS),
    *(
        case(f"{kind.lower()}_{place}", at_place(place, kind), clip(kind, what, limit), detail=f"{what}_{limit:g}")
        for kind, place, what, limit in CLIP_ROWS
    ),
]

# --- cells that are written by hand --------------------------------------------------------------------------

EARLIER = of_cell("LSTM", "earlier_cell_state", ("earlier", 0.0), "cell state", "the new one", "the one before")
CANDIDATE = of_cell("LSTM", "activation", ("candidate_sigmoid", 0.0), "activation", "tanh", "sigmoid")
OUTPUT = of_cell("LSTM", "activation", ("output_linear", 0.0), "activation", "tanh", "linear")
HAND_CASES = [
    *(case(f"lstm_{place}", at_place(place, "LSTM"), EARLIER) for place in ("head", "second", "forward", "sequence")),
    *(case(f"lstm_{place}", at_place(place, "LSTM"), CANDIDATE, detail="candidate") for place in ("head", "backward")),
    *(case(f"lstm_{place}", at_place(place, "LSTM"), OUTPUT, detail="output") for place in ("head", "first", "words")),
    case(
        "lstm_relu",
        at_place("head", "LSTM", activation="relu"),
        clip("LSTM", "cell", 10.0),
        detail="cell_10",
        scale=4.0,
    ),
]

CASES: list[Case] = [*FORGET_CASES, *BIAS_CASES, *RESET_CASES, *INVERTED_CASES, *ODD_CASES, *HAND_CASES]
