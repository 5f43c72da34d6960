"""Faults of time: direction, the order of a backward output, the two directions and how they are merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.zoo.faults.case import Case, Fault, MakePlan, at, case
from tests.zoo.faults.layout import SIDES, layers_mixed_up
from tests.zoo.faults.masks import bidirectional_words
from tests.zoo.faults.places import at_place, chain, dense, recurrent
from tests.zoo.faults.plan import Layer, Plan, Sizes, edited, inserted, replaced, side_of, with_arguments

# --- direction -----------------------------------------------------------------------------------------------


def reversed_in_place(plan: Plan, path: str) -> Plan:
    """Reverse the sequence before a layer, and what it returns in time order again behind it."""
    name = path.split("/")[0]
    place = [layer.name for layer in plan.layers].index(name)
    layer = plan.layers[place]
    before = replace(Layer("Flip", "before"), of=layer.of)
    layers = [before, replace(layer, of=())]
    inner = layer.inner.get("layer", layer)
    if inner.arguments.get("return_sequences"):
        layers = [before, replace(layer, name="reversed", of=(), weights_of=name), Layer("Flip", name)]
    return replaced(plan, name, *layers)


def direction(backwards: bool, flag: bool = True) -> Fault:
    """Return the fault of a layer that reads the sequence in the other direction."""

    def by_flag(plan: Plan, path: str) -> Plan:
        return edited(plan, path, with_arguments(go_backwards=backwards))

    said = ("backward", "forward")
    file_says, behaves_as = said if not backwards else said[::-1]
    return Fault("direction", "go_backwards", file_says, behaves_as, plan=by_flag if flag else reversed_in_place)


PROCESSING = "the output stays in the order of processing, as with go_backwards"
TIME = "the output is in the order of time"
DIRECTION_CASES = [
    case("lstm_head", at_place("head", "LSTM"), direction(True)),
    case("gru_words", at_place("words", "GRU"), direction(True)),
    case("simple_rnn_head", at_place("head", "SimpleRNN"), direction(True)),
    case("lstm_second", at_place("second", "LSTM"), direction(True)),
    case("lstm_backwards", at_place("head", "LSTM", go_backwards=True), direction(False)),
    case("gru_backwards", at_place("words", "GRU", go_backwards=True), direction(False)),
    case("gru_sequence", at_place("sequence", "GRU"), direction(True), detail="processing", note=PROCESSING),
    case("lstm_sequence", at_place("sequence", "LSTM"), direction(True, flag=False), detail="time", note=TIME),
    case("lstm_first", at_place("first", "LSTM"), direction(True, flag=False), detail="time", note=TIME),
    case(
        "gru_bidirectional",
        at_place("bidirectional", "GRU"),
        direction(True, flag=False),
        note="both directions read the reversed sequence",
    ),
]

# --- a Bidirectional in pieces -------------------------------------------------------------------------------

MERGED = {"concat": "Concatenate", "sum": "Add", "mul": "Multiply", "ave": "Average"}


def in_pieces(join: Callable[[Layer, Layer], tuple[Layer, ...]], turned: bool = False) -> Callable[[Plan, str], Plan]:
    """Return the change of a Bidirectional to its two layers and what ``join`` says of their outputs.

    ``join`` gets the forward and the backward layer and returns the layers whose outputs are merged, in order; the
    names of the two that are merged are ``one`` and ``other``. ``turned`` merges them the other way round.
    """

    def change(plan: Plan, path: str) -> Plan:
        both = next(layer for layer in plan.layers if layer.name == path)
        before = [layer.name for layer in plan.layers].index(path) - 1
        source = plan.layers[before].name if before >= 0 else plan.inputs[0].name
        sides = [replace(side_of(both, side), of=(source,), weights_of=f"{path}/{side}") for side in SIDE_NAMES]
        names = ("other", "one") if turned else ("one", "other")
        merged = Layer(MERGED[both.arguments.get("merge_mode", "concat")], path, of=names)
        return replaced(plan, path, *join(*sides), merged)

    return change


SIDE_NAMES = ("forward_layer", "backward_layer")


def not_flipped(forward: Layer, backward: Layer) -> tuple[Layer, ...]:
    """Leave the backward output in the order of processing."""
    return replace(forward, name="one"), replace(backward, name="other")


def flipped(forward: Layer, backward: Layer) -> tuple[Layer, ...]:
    """Return the backward output to the order of time, as Keras does."""
    return replace(forward, name="one"), replace(backward, name="unturned"), Layer("Flip", "other", of=("unturned",))


def last_index(forward: Layer, backward: Layer) -> tuple[Layer, ...]:
    """Take the backward output at the last time step, where the backward layer has only begun."""
    begun = {**backward.arguments, "return_sequences": True}
    unturned = replace(backward, name="unturned", arguments=begun)
    return replace(forward, name="one"), unturned, Layer("Step", "other", {"index": 0}, of=("unturned",))


def last_valid(forward: Layer, backward: Layer) -> tuple[Layer, ...]:
    """Take the backward output at the last time step that is no padding."""
    steps = replace(backward, name="steps", arguments={**backward.arguments, "return_sequences": True})
    return replace(forward, name="one"), steps, Layer("LastValid", "other", of=("steps",))


LAST_VALID = Fault(
    "backward_order", "backward output", "of its last step, index 0", "of the last step that is no padding",
    plan=in_pieces(last_valid),
)  # fmt: skip
NOT_FLIPPED = Fault(
    "backward_order", "backward output", "in order of time", "in order of processing", plan=in_pieces(not_flipped)
)
LAST_INDEX = Fault(
    "backward_order", "backward output", "of its last step, index 0", "of its first step, index -1",
    plan=in_pieces(last_index),
)  # fmt: skip
FLIPPED = Fault(
    "backward_order",
    "output",
    "in order of processing",
    "in order of time",
    plan=lambda plan, path: inserted(plan, path, Layer("Flip", "flip")),
)


def two_bidirectional(kind: str) -> MakePlan:
    """Return the plan of two Bidirectional layers, of which the first has the fault."""

    def plan(sizes: Sizes) -> Plan:
        one = recurrent(kind, "inner", sizes.units, {"return_sequences": True})
        other = recurrent(kind, "last", 5, {})
        layers = [Layer("Bidirectional", f"both_{n}", {}, {"layer": each}) for n, each in enumerate((one, other))]
        return chain(sizes, "both_0", *layers, dense())

    return plan


def both_ways(kind: str, *, last: bool = False, **options: Any) -> MakePlan:
    """Return the plan of a Bidirectional that returns sequences, or with ``last`` its last outputs."""
    return at_place("bidirectional", kind, return_sequences=not last, **options)


GO_BACKWARDS = {"go_backwards": True, "return_sequences": True}
ORDER_CASES = [
    case("lstm_bidirectional", both_ways("LSTM"), NOT_FLIPPED),
    case("gru_bidirectional", both_ways("GRU"), NOT_FLIPPED),
    case("lstm_bidirectional_sum", both_ways("LSTM", merge_mode="sum"), NOT_FLIPPED),
    case("gru_two", two_bidirectional("GRU"), NOT_FLIPPED),
    case("lstm_bidirectional", both_ways("LSTM", last=True), LAST_INDEX, detail="last"),
    case("gru_bidirectional", both_ways("GRU", last=True), LAST_INDEX, detail="last"),
    case("gru_bidirectional_ave", both_ways("GRU", last=True, merge_mode="ave"), LAST_INDEX, detail="last"),
    case("lstm_bidirectional_words", bidirectional_words("LSTM"), at(LAST_VALID, "bidirectional"), detail="valid"),
    case("gru_bidirectional_words", bidirectional_words("GRU"), at(LAST_VALID, "bidirectional"), detail="valid"),
    case("lstm_backwards", at_place("head", "LSTM", **GO_BACKWARDS), FLIPPED, detail="flipped"),
    case("gru_backwards", at_place("first", "GRU", go_backwards=True), FLIPPED, detail="flipped"),
]

# --- the two directions --------------------------------------------------------------------------------------

OUTPUTS_SWAPPED = Fault("directions_swapped", "outputs", "forward, backward", "backward, forward")
WEIGHTS_SWAPPED = replace(
    layers_mixed_up(*SIDES),
    name="directions_swapped",
    parameter="weights",
    file_says="forward, backward",
    behaves_as="backward, forward",
)
IS_SWAP = ("equal_shape_weights_swapped", "the two layers of a Bidirectional, each with the weights of the other")
IS_DIRECTION = (
    "direction",
    "last outputs, merged without an order: other weights in both directions is the sequence reversed",
)


def outputs_swapped(sequences: bool) -> Fault:
    """Return the fault of a Bidirectional that puts the backward output first."""
    join = flipped if sequences else not_flipped
    return replace(OUTPUTS_SWAPPED, plan=in_pieces(join, turned=True))


def weights_swapped(**options: Any) -> Fault:
    """Return the fault of a Bidirectional whose layers have each other's weights."""
    return at(WEIGHTS_SWAPPED, "bidirectional", or_layers=SIDES, **options)


SWAPPED_CASES = [
    case("lstm_last", both_ways("LSTM", last=True), outputs_swapped(False), detail="outputs"),
    case("gru_last", both_ways("GRU", last=True), outputs_swapped(False), detail="outputs"),
    case("lstm_sequence", both_ways("LSTM"), outputs_swapped(True), detail="outputs"),
    case("gru_sequence", both_ways("GRU"), outputs_swapped(True), detail="outputs"),
    case("lstm_last", both_ways("LSTM", last=True), weights_swapped(), detail="weights", ties=(IS_SWAP,)),
    case("gru_sequence", both_ways("GRU"), weights_swapped(), detail="weights", ties=(IS_SWAP,)),
    case(
        "lstm_last_sum",
        both_ways("LSTM", last=True, merge_mode="sum"),
        weights_swapped(),
        detail="weights",
        ties=(IS_SWAP, IS_DIRECTION),
    ),
    case(
        "gru_sequence_mul",
        both_ways("GRU", merge_mode="mul"),
        weights_swapped(),
        detail="weights",
        ties=(IS_SWAP,),
    ),
]


def merged(file_says: str, behaves_as: str) -> Fault:
    """Return the fault of a Bidirectional that merges its directions otherwise."""

    def plan(plan: Plan, path: str) -> Plan:
        return edited(plan, path, with_arguments(merge_mode=behaves_as))

    return Fault("merge_mode", "merge_mode", file_says, behaves_as, plan=plan)


MERGE_ROWS = [
    ("LSTM", False, "sum", "ave"),
    ("GRU", True, "sum", "mul"),
    ("LSTM", True, "ave", "sum"),
    ("GRU", False, "ave", "sum"),
    ("LSTM", False, "mul", "sum"),
    ("SimpleRNN", True, "mul", "ave"),
]
MERGE_CASES = [
    case(
        f"{kind.lower()}_{'last' if last else 'sequence'}",
        both_ways(kind, last=last, merge_mode=file_says),
        merged(file_says, behaves_as),
        detail=f"{file_says}_as_{behaves_as}",
    )
    for kind, last, file_says, behaves_as in MERGE_ROWS
]

CASES: list[Case] = [*DIRECTION_CASES, *ORDER_CASES, *SWAPPED_CASES, *MERGE_CASES]
