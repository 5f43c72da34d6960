"""Faults of masks: ignored, lost on the way, taken for those of right padding, and what is returned at padded steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.faults.case import Fault, MakePlan, case
from tests.zoo.faults.places import at_place, recurrent
from tests.zoo.faults.plan import SIDES, Edit, Layer, Plan, Sizes, edited, inserted, replaced, with_arguments


def mask(behaves_as: str, layer: str, edit: Edit, file_says: str, **options: Any) -> Fault:
    """Return a fault of masks that is an edit of one layer."""
    return Fault(
        "mask", "mask", file_says, behaves_as, layer, plan=lambda plan, path: edited(plan, path, edit), **options
    )


MASKED, IGNORED = "padded steps are skipped", "ignored"


def ignored(source: str, *readers: str) -> Fault:
    """Return the fault of a mask that nothing reads; ``source`` makes it."""
    edit: Edit = with_arguments(mask_zero=False)
    if source == "masking":
        edit = lambda layer: replace(layer, kind="Activation", arguments={"activation": "linear"})  # noqa: E731
    return mask(IGNORED, source, edit, MASKED, or_layers=readers)


def lost(layer: str, after: str) -> Fault:
    """Return the fault of a mask that is lost between two layers."""

    def plan(plan: Plan, _: str) -> Plan:
        return inserted(plan, after, Layer("Unmask", "unmask"))

    return Fault("mask", "mask", MASKED, IGNORED, layer, plan=plan)


def padding_side(source: str, *readers: str) -> Fault:
    """Return the fault of a runtime that takes every mask for one of right padding."""

    def plan(plan: Plan, _: str) -> Plan:
        return inserted(plan, source, Layer("LengthMask", "length_mask"))

    said = "as many steps from the start as are not padded"
    return Fault("mask", "mask", MASKED, said, source, plan=plan, or_layers=readers)


def masked_output(layer: str, zero: bool) -> Fault:
    """Return the fault of a layer that returns zeros at padded steps, or else repeats its output."""
    said = ("the output is repeated", "zeros")
    file_says, behaves_as = said if zero else said[::-1]

    def plan(plan: Plan, path: str) -> Plan:
        paths = [f"{path}/{side}" for side in SIDES] if path == "bidirectional" else [path]
        for each in paths:
            plan = edited(plan, each, with_arguments(zero_output_for_mask=zero))
        return plan

    return Fault("mask", "masked output", file_says, behaves_as, layer, plan=plan)


def stacked_words(kind: str) -> MakePlan:
    """Return the plan of two recurrent layers that read padded words."""

    def plan(sizes: Sizes) -> Plan:
        single = at_place("words", kind, mask=True, return_sequences=True)(sizes)
        embedding, first, last = single.layers
        return replace(single, layers=(embedding, first, recurrent("GRU", "second", 5, {}), last))

    return plan


def bidirectional_words(kind: str, value: float | None = None, **options: Any) -> MakePlan:
    """Return the plan of a Bidirectional that reads padded words, or a padded signal."""

    def plan(sizes: Sizes) -> Plan:
        extra = {"mask": True} if value is None else {"mask_value": value}
        single = at_place("words" if value is None else "masked", kind, **extra, **options)(sizes)
        before, inner, last = single.layers
        return replace(single, layers=(before, Layer("Bidirectional", "bidirectional", {}, {"layer": inner}), last))

    return plan


def in_part(layer: str, source: str, *readers: str, behaves_as: str) -> Fault:
    """Return the fault of a mask that is otherwise in samples that are all padding; ``layer`` makes it so."""

    def plan(plan: Plan, _: str) -> Plan:
        return inserted(plan, source, Layer(layer, "other_mask"))

    return Fault("mask", "mask", MASKED, behaves_as, source, plan=plan, or_layers=readers)


def all_padding(make: MakePlan) -> MakePlan:
    """Return a plan of whose samples some are all padding: those of the first, in every step."""

    def plan(sizes: Sizes) -> Plan:
        made = make(sizes)
        (source,) = made.inputs
        array = source.array.copy()
        array[1::5] = 0
        return made.fed(array)

    return plan


def at_last_index(plan: Plan, path: str) -> Plan:
    """Take the output at index -1, which is zero where that step is padding."""
    layer = next(layer for layer in plan.layers if layer.name == path)
    steps = replace(
        layer,
        name="steps",
        arguments={**layer.arguments, "return_sequences": True, "zero_output_for_mask": True},
        weights_of=path,
    )
    return replaced(plan, path, steps, Layer("Step", path, {"index": -1}))


def functional(make: MakePlan) -> MakePlan:
    """Return a plan that is no Sequential model: Keras 3 writes its mask as operations of the graph."""
    return lambda sizes: replace(make(sizes), functional=True)


def stacked_signal(kind: str, value: float = 0.0) -> MakePlan:
    """Return the plan of a Bidirectional and a GRU that read a padded signal."""

    def plan(sizes: Sizes) -> Plan:
        single = bidirectional_words(kind, value, **SEQUENCES)(sizes)
        masking, both, last = single.layers
        return replace(single, layers=(masking, both, recurrent("GRU", "second", 5, {}), last))

    return plan


SEQUENCES = {"return_sequences": True}
FULL, ONE = "ignored in samples that are all padding", "at least one step is read"
SHORT = Fault("mask", "output of a short row", "of its last step", "zeros", plan=at_last_index)
CASES = [
    case("lstm_masking", at_place("masked", "LSTM"), ignored("masking", "lstm"), detail="ignored"),
    case("gru_masking", at_place("masked", "GRU", **SEQUENCES), ignored("masking", "gru"), detail="ignored"),
    case(
        "lstm_masking_minus_1",
        at_place("masked", "LSTM", mask_value=-1.0),
        ignored("masking", "lstm"),
        detail="ignored",
        note="the layer reads the -1 of the padded steps, which Masking would have made 0",
    ),
    case("lstm_words", at_place("words", "LSTM", mask=True), ignored("embedding", "lstm"), detail="ignored"),
    case("gru_words", at_place("words", "GRU", mask=True), ignored("embedding", "gru"), detail="ignored"),
    case(
        "simple_rnn_words",
        at_place("words", "SimpleRNN", mask=True),
        ignored("embedding", "simplernn"),
        detail="ignored",
    ),
    case("lstm_bidirectional", bidirectional_words("LSTM"), ignored("embedding", "bidirectional"), detail="ignored"),
    case("lstm_stacked", stacked_words("LSTM"), ignored("embedding"), detail="ignored"),
    case("gru_stacked", stacked_words("GRU"), lost("second", after="gru"), detail="lost"),
    case("lstm_stacked", stacked_words("LSTM"), lost("second", after="lstm"), detail="lost"),
    case("lstm_masking", at_place("masked", "LSTM", **SEQUENCES), masked_output("lstm", zero=True), detail="zeros"),
    case("gru_masking", at_place("masked", "GRU", **SEQUENCES), masked_output("gru", zero=True), detail="zeros"),
    case(
        "lstm_bidirectional",
        bidirectional_words("LSTM", **SEQUENCES),
        masked_output("bidirectional", zero=False),
        detail="repeated",
    ),
    case(
        "gru_bidirectional",
        bidirectional_words("GRU", 0.0, **SEQUENCES),
        masked_output("bidirectional", zero=False),
        detail="repeated",
    ),
    case("lstm_words", at_place("words", "LSTM", mask=True), padding_side("embedding", "lstm"), detail="side"),
    case("gru_masking", at_place("masked", "GRU"), padding_side("masking", "gru"), detail="side"),
    case(
        "gru_bidirectional",
        bidirectional_words("GRU", 0.0),
        padding_side("masking", "bidirectional"),
        detail="side",
    ),
    case("lstm_masking", all_padding(at_place("masked", "LSTM")),
         in_part("FullMask", "masking", "lstm", behaves_as=FULL), detail="full"),
    case("gru_words", all_padding(at_place("words", "GRU", mask=True)),
         in_part("FullMask", "embedding", "gru", behaves_as=FULL), detail="full"),
    case("gru_bidirectional", all_padding(functional(bidirectional_words("GRU", 0.0, **SEQUENCES))),
         in_part("FullMask", "masking", "bidirectional", behaves_as=FULL), detail="full_functional", only="keras"),
    case("gru_masking", all_padding(at_place("masked", "GRU")),
         in_part("FirstMask", "masking", "gru", behaves_as=ONE), detail="one_step"),
    case("lstm_words", all_padding(at_place("words", "LSTM", mask=True)),
         in_part("FirstMask", "embedding", "lstm", behaves_as=ONE), detail="one_step"),
    case("lstm_words", at_place("words", "LSTM", mask=True), SHORT, detail="short"),
    case("gru_masking", at_place("masked", "GRU"), SHORT, detail="short"),
    case("gru_signal", functional(stacked_signal("GRU")), ignored("masking", "bidirectional", "second"),
         detail="ignored_functional", only="keras"),
    case("lstm_signal", functional(stacked_signal("LSTM", -1.0)), ignored("masking", "bidirectional", "second"),
         detail="ignored_functional", only="keras"),
    case("gru_signal", stacked_signal("GRU"), ignored("masking", "bidirectional", "second"),
         detail="ignored_on", only="tf_keras"),
    case("gru_signal", functional(stacked_signal("GRU")), padding_side("masking", "bidirectional", "second"),
         detail="side_functional", only="keras"),
]  # fmt: skip
