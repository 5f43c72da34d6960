"""Faults of masks: ignored, lost on the way, taken for those of right padding, and what is returned at padded steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.faults.case import Fault, MakePlan, case
from tests.zoo.faults.places import at_place, recurrent
from tests.zoo.faults.plan import SIDES, Edit, Layer, Plan, Sizes, edited, inserted, with_arguments


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


SEQUENCES = {"return_sequences": True}
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
]
