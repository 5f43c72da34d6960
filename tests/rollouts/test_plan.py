"""Which output of a model becomes which input, found by structure, names and shapes; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify import InputError, Model
from lstm_verify.layers.merge import Merge
from lstm_verify.model import Input, LayerCall, Output, Tensor
from lstm_verify.rollouts.closed_loop import first_outputs
from lstm_verify.rollouts.pairing import Wishes, check_names, likely_states
from lstm_verify.rollouts.plan import Plan, make_plan
from tests.rollouts.models import (
    CASES,
    NOTHING,
    SAMPLES,
    STATES,
    STEPS,
    TOKENS,
    chain,
    dense,
    lstm,
    normal,
    seed_of,
    values,
    words,
)


def test_states_are_paired_by_what_computes_them() -> None:
    """Whatever their order: the states of an LSTM are h, then c."""
    options: dict[str, Any] = {"return_state": True}
    swapped = chain(values(None, 2), lstm("lstm", 2, 5, **options), dense("y", 5, 2), states=("two", "one"))
    assert likely_states(swapped) == {"lstm_0": "two", "lstm_1": "one"}


def renamed(model: Model, outputs: tuple[str, ...]) -> Model:
    """The same model, its states passed through something, so that only names can tell which they are."""
    states = [output.name for output in model.outputs[1:]]
    layers = {f"{name}!": dense(f"{name}!", 5, 5) for name in states}
    nodes = tuple(LayerCall(f"{o.name}!", (o.tensor,)) for o in model.outputs[1:])
    return Model(
        name="renamed",
        layers={**model.layers, **layers},
        nodes=(*model.nodes, *nodes),
        inputs=model.inputs,
        outputs=(
            model.outputs[0],
            *(Output(new, Tensor(f"{old}!")) for new, old in zip(outputs, states, strict=True)),
        ),
        source=model.source,
    )


def plan_of(
    model: Model, wishes: Wishes = NOTHING, made: tuple[str, ...] = (), **shapes: Any
) -> tuple[Plan, list[str]]:
    given = seed_of(model, (6, 2)) | {name: np.zeros(shape, "float32") for name, shape in shapes.items()}
    check_names(model, wishes)
    return make_plan(model, STEPS, given, made, first_outputs(model, given), wishes)


def test_states_are_paired_by_the_last_word_of_their_names() -> None:
    plan, notes = plan_of(renamed(STATES, ("next_c", "next_h")))
    assert set(plan.state) == {("next_c", "c"), ("next_h", "h")}
    assert notes == ["states taken to be next_c → c, next_h → h"]


def test_states_of_other_names_are_taken_in_keras_order() -> None:
    plan, _ = plan_of(renamed(STATES, ("one", "two")))
    assert plan.state == (("one", "h"), ("two", "c"))


def test_a_signature_has_no_order() -> None:
    """Its names are sorted, so that two states of the same shape could be either."""
    states = chain(
        values(None, 2),
        lstm("lstm", 2, 5, return_state=True),
        dense("y", 5, 2),
        states=("h", "c"),
        call={"signature": "serving_default"},
    )
    with pytest.raises(InputError, match=r"input 'h': not given, and it is not clear which output .* --state OUTPUT=h"):
        plan_of(renamed(states, ("one", "two")), made=("h", "c"))
    plan, _ = plan_of(renamed(states, ("one", "two")), Wishes({"y": "x"}, {"two": "h", "one": "c"}))
    assert set(plan.state) == {("two", "h"), ("one", "c")}


def test_an_input_that_nothing_goes_into_stays_the_same_and_is_named() -> None:
    given = normal(SAMPLES, 3)
    two = Model(
        name="two",
        layers={"y": dense("y", 3, 3), "sum": Merge(name="sum", operation="Add")},
        nodes=(LayerCall("y", (Tensor("x"),)), LayerCall("sum", (Tensor("y"), Tensor("u")))),
        inputs=(Input("x", (None, 3), "float32"), Input("u", (None, 3), "float32")),
        outputs=(Output("sum", Tensor("sum")),),
    )
    arrays = {"x": given, "u": given}
    plan, notes = make_plan(two, 3, arrays, (), first_outputs(two, arrays), Wishes({"sum": "x"}, {}))
    assert plan.state == ()
    assert notes == ["input 'u' is the same in every step"]
    with pytest.raises(InputError, match="not clear which output becomes which input"):
        make_plan(two, 3, arrays, (), first_outputs(two, arrays), NOTHING)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes({"z": "x"}, {}), "feedback z=x: no output is named 'z'; the outputs are y, lstm_0, lstm_1"),
        (Wishes({"y": "z"}, {}), "feedback y=z: no input is named 'z'; the inputs are x, h, c"),
        (Wishes({}, {"lstm_0": "z"}), "state lstm_0=z: no input is named 'z'"),
        (Wishes({"y": "x"}, {"lstm_0": "h", "lstm_1": "h"}), "input 'h': two outputs feed it"),
        (Wishes({"y": "x"}, {"lstm_0": "x"}), "input 'x': two outputs feed it"),
        (Wishes({"lstm_0": "x"}, {}), r"the output has shape \(3, 5\), which does not fit the input's \(3, 6, 2\)"),
        (Wishes({"y": "x"}, {"y": "h"}), r"state y=h: the output has shape \(3, 2\), the input \(3, 5\)"),
        (Wishes({}, {}, sample=True), "input 'x': takes values. Add --one-hot"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(wishes: Wishes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_of(STATES, wishes)


def test_tokens_are_not_fed_back_as_one_hot() -> None:
    model, given = CASES["tokens"][0], seed_of(CASES["tokens"][0], (4,))
    with pytest.raises(InputError, match=r"input 'x': takes tokens\. Leave --one-hot out"):
        make_plan(model, 3, given, (), first_outputs(model, given), Wishes({}, {}, one_hot=True))


def test_sampling_needs_probabilities() -> None:
    model = chain(words(4), *TOKENS[:2], dense("next", 6, 7))
    given = seed_of(model, (4,))
    with pytest.raises(InputError, match="no probabilities that add up to 1"):
        make_plan(model, 3, given, (), first_outputs(model, given), Wishes({}, {}, sample=True))
