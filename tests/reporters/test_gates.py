"""Gates of one sample: which activations are gates, and where time is marked."""

from __future__ import annotations

import io

import numpy as np
import pytest

from lstm_verify import load, replay
from lstm_verify._replay import replay_traced
from lstm_verify.inner_values import Inner
from lstm_verify.reporters.drawing import new_figure, styled
from lstm_verify.reporters.figures import _as_run
from lstm_verify.reporters.gates import draw_gates, gates_of
from tests.command import inputs, model


def activations(name: str, kind: str = "keras3.keras") -> dict[str, np.ndarray]:
    first = {key: values[:1] for key, values in np.load(inputs(name)).items()}
    return replay(load(model(name, kind)), first, activations=True).activations


LSTM, GRU = ["i", "f", "o", "candidate", "c", "h"], ["z", "r", "candidate", "h"]


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("stacked_gru", "keras3.keras", {"reset_after": GRU, "reset_before": GRU}),
        ("nested_shared", "keras3.keras", {"reader/lstm": LSTM, "reader/lstm@1": LSTM}),
        (
            "bidirectional_masked",
            "keras3.keras",
            {"bidirectional/forward_layer": LSTM, "bidirectional/backward_layer": LSTM},
        ),
        (
            "stacked_gru",
            "keras3.onnx",
            {f"sequential_1/{name}_1/while_loop": GRU for name in ("reset_after", "reset_before")},
        ),
    ],
)
def test_gates_are_found_by_layer(name: str, kind: str, found: dict[str, list[str]]) -> None:
    gates = gates_of(activations(name, kind))
    assert {layer: list(values) for layer, values in gates.items()} == found
    assert all(values.ndim == 2 for layer in gates.values() for values in layer.values())


def test_images_over_time_are_so_many_units() -> None:
    layers = gates_of({"conv/i": np.ones((1, 3, 4, 5, 2)), "conv/h": np.zeros((1, 3, 4, 5, 2))})
    assert layers["conv"]["i"].shape == (3, 40)


def test_what_only_looks_like_a_gate_is_none() -> None:
    one_value, sequence = np.ones((1, 2)), np.ones((1, 3, 2))
    assert gates_of({"reader/h": one_value, "reader/c": one_value}) == {}
    assert gates_of({"reader/dense": sequence, "a/f": sequence, "a/g": sequence}) == {}


def test_a_time_step_of_a_layer_that_runs_backwards_is_marked_where_it_is_run() -> None:
    both = load(model("bidirectional_masked", "keras3.keras"))
    assert _as_run(both, "bidirectional/forward_layer", 7, 2) == 2
    assert _as_run(both, "bidirectional/backward_layer", 7, 2) == 4
    assert _as_run(both, "bidirectional/backward_layer@1", 7, 0) == 6


def test_it_is_so_where_values_inside_are_compared_too() -> None:
    given = dict(np.load(inputs("bidirectional_masked")))
    plain = load(model("bidirectional_masked", "keras3.keras"))
    watched = Inner.of(plain, given).as_outputs(["bidirectional/backward_layer/i"])
    assert _as_run(watched, "bidirectional/backward_layer", 7, 2) == 4
    before, after = (replay_traced(one, given)[1] for one in (plain, watched))
    assert list(gates_of(after)) == list(gates_of(before))
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values)


@pytest.mark.parametrize("units", [1, 12, 13, 1000])
@pytest.mark.parametrize("steps", [1, 50])
def test_any_number_of_units_is_a_few_shapes(units: int, steps: int) -> None:
    values = np.random.default_rng(0).standard_normal((steps, units))
    values[0, 0] = np.nan
    values[-1, -1] = np.inf
    with styled():
        figure = new_figure(4, 3)
        draw_gates(figure, {"z": values, "h": values}, 0)
        figure.savefig(io.BytesIO(), format="svg")
    assert len(figure.axes[0].lines) <= 13
