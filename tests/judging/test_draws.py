"""Models that draw random numbers: what depends on them cannot be judged, and all else is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify import Tolerance, Verdict, replay
from lstm_verify.judging.compare import Comparison
from lstm_verify.judging.judge import judge
from lstm_verify.layers import Layer
from lstm_verify.layers.loop import Loop
from lstm_verify.layers.operation import Operation, Slot
from lstm_verify.model import Input, LayerCall, Model, Output, Tensor

X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(4, 3)
SHAPE = np.array([4, 3])


def operation(name: str, what: str, *arguments: Any, **options: Any) -> Operation:
    return Operation(name=name, operation=what, arguments=arguments, options=options)


def model(calls: dict[str, tuple[Layer, tuple[str, ...]]], *outputs: str) -> Model:
    """A model of layers that are called with others, or with `x`."""
    return Model(
        name="model",
        layers={name: layer for name, (layer, _) in calls.items()},
        nodes=tuple(LayerCall(name, tuple(map(Tensor, inputs))) for name, (_, inputs) in calls.items()),
        inputs=(Input("x", (None, 3), "float32"),),
        outputs=tuple(Output(name, Tensor(name)) for name in outputs),
    )


def dropout(keep: float) -> dict[str, tuple[Layer, tuple[str, ...]]]:
    """Dropout as TensorFlow 1 writes it, x / keep · ⌊keep + u⌋ with u from 0 to below 1."""
    return {
        "u": (operation("u", "random_uniform", SHAPE, dtype="float32"), ()),
        "sum": (operation("sum", "add", np.float32(keep), Slot(0)), ("u",)),
        "mask": (operation("mask", "floor", Slot(0)), ("sum",)),
        "scaled": (operation("scaled", "multiply", np.float32(1 / keep), Slot(0)), ("x",)),
        "dropped": (operation("dropped", "multiply", Slot(0), Slot(1)), ("scaled", "mask")),
    }


def judged(made: Model, predicted: dict[str, Any]) -> dict[str, Comparison]:
    inputs = {"x": X}
    found = judge(made, inputs, predicted, dict(replay(made, inputs)), Tolerance(), Tolerance(1e-5, 1e-4))
    return {output.name: output for output in found.outputs}


@pytest.mark.parametrize("keep", [0.5, 0.999, 0.001])
def test_what_a_dropout_changes_cannot_be_judged_whatever_is_predicted(keep: float) -> None:
    made = model(
        {**dropout(keep), "same": (operation("same", "multiply", np.float32(2), Slot(0)), ("x",))}, "dropped", "same"
    )
    for predicted in (X * 0, X / np.float32(keep)):
        found = judged(made, {"dropped": predicted, "same": X * np.float32(2)})
        assert (found["dropped"].verdict, found["same"].verdict) == (Verdict.INCONCLUSIVE, Verdict.MATCH)
        assert found["dropped"].reason.startswith("12 of 12 values depend on random numbers that the model draws")


def test_a_dropout_that_keeps_everything_is_judged() -> None:
    made = model(dropout(1.0), "dropped")
    assert judged(made, {"dropped": X})["dropped"].verdict is Verdict.MATCH
    assert judged(made, {"dropped": X * np.float32(1.01)})["dropped"].verdict is Verdict.MISMATCH


def test_only_the_values_that_depend_on_it_are_left_out() -> None:
    """A random number added to the first unit alone hides no deviation of the others."""
    first = np.array([1, 0, 0], np.float32)
    calls: dict[str, tuple[Layer, tuple[str, ...]]] = {
        "n": (operation("n", "random_normal", SHAPE, dtype="float32"), ()),
        "noise": (operation("noise", "multiply", first, Slot(0)), ("n",)),
        "y": (operation("y", "add", Slot(0), Slot(1)), ("x", "noise")),
    }
    made = model(calls, "y")
    assert judged(made, {"y": X})["y"].unjudged == 4
    assert judged(made, {"y": X + np.float32(0.01)})["y"].verdict is Verdict.MISMATCH


def test_numbers_drawn_inside_a_loop_are_found() -> None:
    noise = operation("noise", "random_integers", SHAPE, np.int32(0), np.int32(9))
    body = model({"noise": (noise, ())}, "noise")
    ended = model({"end": (operation("end", "less", Slot(0), np.float32(-9)), ("x",))}, "end")
    once = Loop(name="once", condition=ended, body=body)
    made = model({"once": (once, ("x",)), "n": (noise, ())}, "once", "n")
    found = judged(made, dict(replay(made, {"x": X})))
    assert found["once"].verdict is Verdict.MATCH  # it is never entered
    assert found["n"].verdict is Verdict.INCONCLUSIVE


def test_if_a_draw_decides_whether_the_model_runs_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that goes on as long as random numbers are next to 0 never ends with the lowest numbers."""
    monkeypatch.setattr("lstm_verify.layers.loop.MOST_ROUNDS", 100)
    drawn = operation("u", "random_uniform", SHAPE, dtype="float32")
    less = operation("less", "less", Slot(0), np.float32(1e-9))
    never = model({"u": (drawn, ()), "less": (less, ("u",))}, "less")
    same = model({"same": (operation("same", "identity", Slot(0)), ("x",))}, "same")
    made = model({"loop": (Loop(name="loop", condition=never, body=same), ("x",))}, "loop")
    assert judged(made, {"loop": X})["loop"].verdict is Verdict.INCONCLUSIVE
