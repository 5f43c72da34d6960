"""The four cases where the project started, each by its real framework, and recomputed in plain `math`.

1. Keras `LSTM(8)` and `Dense(2, softmax)` with three pairs of activations, from SavedModels.
2. `BasicLSTMCell(4)` of TensorFlow 1 from `zero_state`, and its variants with peepholes and with coupled gates.
3. `LSTM(return_sequences=True, return_state=True)`: sequence, memory and carry told apart; encoder and decoder.
4. A sine generator of TensorFlow 1, fed with its own output, with its states carried and not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.graphs import sine_weights, small
from lstm_verify import Report, Verdict, load, replay, rollout, verify
from lstm_verify.inspection import inspect
from lstm_verify.layers import RNN, LSTMCell
from lstm_verify.layers.recurrent.scan import Scan
from tests.build_origins import ORIGINS
from tests.building import OUT, Build, Recipe
from tests.conftest import FIXTURES
from tests.graph_files import read_at_once
from tests.oracle import dense, listed, run
from tests.oracle_tf1 import TF1Cell

FRAMEWORKS = {"keras": "keras3", "tf_keras": "keras2"}
ORIGIN_OF = {
    framework: Recipe(f"origins_{framework}", "tests.build_origins", (framework, OUT), ("fixtures/*.keras",))
    for framework in FRAMEWORKS
}
CELLS: dict[str, dict[str, Any]] = {
    "basic_lstm": {},
    "basic_lstm_forget_0": {"forget_bias": 0.0},
    "peephole_lstm": {"peepholes": {gate: small(f"w_{gate}_diag", [4]).tolist() for gate in "ifo"}},
    "coupled_lstm": {"coupled": True},
}
FORMS = [*(f"{name}.tf1.pb" for name in CELLS), "basic_lstm.tf1.ckpt.meta", "basic_lstm.tf1.ckpt"]
STATES = ("states_pair.tf1.pb", "states_concatenated.tf1.pb")
SINES = ("sine_float64.tf1.pb", "sine_float32.tf1.pb")
LIVE = [("basic_lstm.tf1.pb", "tf1"), ("basic_lstm.tf1.ckpt.meta", "tf1")]


@pytest.fixture(scope="module")
def built(build: Build) -> dict[str, Path]:
    """The folders of SavedModels, by framework."""
    return {framework: build(ORIGIN_OF[framework]) for framework in FRAMEWORKS}


@pytest.fixture(scope="module", autouse=True)
def _read_once(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every TensorFlow file here is read by one child process for all."""
    saved = [built[framework] / name for framework in FRAMEWORKS for name in (*ORIGINS, "states")]
    with read_at_once([*saved, *(FIXTURES / name for name in (*FORMS, *STATES, *SINES))], tmp_path_factory.mktemp("r")):
        yield


def arrays(name: str) -> dict[str, Any]:
    with np.load(FIXTURES / name) as archive:
        return dict(archive)


def scan_of(path: Path) -> Scan:
    """The one recurrent layer that a graph was recognised to have."""
    (scan,) = (layer for layer in load(path).layers.values() if isinstance(layer, Scan))
    return scan


def assert_matches(report: Report, limit: float = 1e-6) -> None:
    assert report.verdict is Verdict.MATCH, report.summary()
    assert max(output.max_abs_deviation for output in report.outputs) < limit


@pytest.fixture(scope="module")
def live(built: dict[str, Path]) -> dict[str, Report]:
    """Reports through the real runtimes, two at a time: graphs of TensorFlow 1, and SavedModels."""
    calls: dict[str, Callable[[], Report]] = {}
    for name, runtime in LIVE:
        calls[name] = lambda name=name, runtime=runtime: verify(
            FIXTURES / name, arrays("basic_lstm.x.npz"), runtime=runtime
        )
    for framework in FRAMEWORKS:
        calls[framework] = lambda framework=framework: verify(
            built[framework] / "origin_relu_sigmoid", arrays("origin_relu_sigmoid.x.npz")
        )
    calls["states"] = lambda: verify(built["keras"] / "states", arrays("states.x.npz"))
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(calls, pool.map(lambda call: call(), calls.values()), strict=True))


# ------------------------------------------------------------------------------------- 1. activations, from SavedModels


@pytest.mark.parametrize("name", ORIGINS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_saved_models_of_the_three_activations(built: dict[str, Path], framework: str, name: str) -> None:
    generation, x = FRAMEWORKS[framework], arrays(f"{name}.x.npz")
    path = built[framework] / name
    assert_matches(verify(path, x, expected=FIXTURES / f"{name}.{generation}.y.npz"))
    cell = scan_of(path).rnn.cell
    assert isinstance(cell, LSTMCell)
    assert f"origin_{cell.activation}_{cell.recurrent_activation}" == name
    of_file = replay(load(FIXTURES / f"{name}.{generation}.h5"), x)
    assert np.abs(np.asarray(replay(load(path), x)) - np.asarray(of_file)).max() < 1e-12


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_saved_model_through_its_signature(live: dict[str, Report], framework: str) -> None:
    assert_matches(live[framework])
    assert live[framework].predicted.name == "saved_model"


def test_predictions_of_other_activations_are_found(built: dict[str, Path]) -> None:
    report = verify(
        built["keras"] / "origin_tanh_relu",
        arrays("origin_tanh_relu.x.npz"),
        expected=FIXTURES / "origin_tanh_sigmoid.keras3.y.npz",
    )
    assert report.verdict is Verdict.MISMATCH


# ----------------------------------------------------------------------------------------- 2. cells of TensorFlow 1


def tf1_cell(name: str) -> TF1Cell:
    """The cell of a fixture, with the variables that its graph was given."""
    blocks = 3 if CELLS[name].get("coupled") else 4
    kernel, bias = small("kernel", [8, 4 * blocks]), small("bias", [4 * blocks])
    return TF1Cell(kernel.astype("float32").tolist(), bias.astype("float32").tolist(), **CELLS[name])


@pytest.mark.parametrize("form", FORMS)
def test_every_step_and_the_final_state(form: str) -> None:
    name = form.partition(".")[0]
    report = verify(FIXTURES / form, arrays(f"{name}.x.npz"), expected=FIXTURES / f"{name}.tf1.y.npz")
    assert_matches(report)
    assert [output.name for output in report.outputs] == ["output", "final_c", "final_h"]


@pytest.mark.parametrize("name", CELLS)
def test_every_step_by_hand(name: str) -> None:
    x = arrays(f"{name}.x.npz")["x"]
    replayed = replay(load(FIXTURES / f"{name}.tf1.pb"), x)
    for sample in range(2):
        by_hand = tf1_cell(name).run(x[sample].tolist(), [0.0] * 4, [0.0] * 4)
        for output, values in zip(("output", "final_c", "final_h"), by_hand, strict=True):
            np.testing.assert_allclose(replayed[output][sample], values, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", CELLS)
def test_what_is_recovered_of_the_cell(name: str) -> None:
    scan = scan_of(FIXTURES / f"{name}.tf1.pb")
    cell: Any = scan.rnn.cell
    assert cell.forget_bias == CELLS[name].get("forget_bias", 1.0)
    assert (getattr(cell, "coupled", None) == "i") == (name == "coupled_lstm")
    for gate, values in CELLS[name].get("peepholes", {}).items():
        np.testing.assert_array_equal(getattr(cell, f"peephole_{gate}"), np.float32(values))
    order = {"i": "i", "c": "j", "f": "f", "o": "o"}
    in_graph = "".join(order[gate] for gate in scan.recovered[0].gate_order if gate in order)
    assert in_graph == ("jfo" if name == "coupled_lstm" else "ijfo")


@pytest.mark.parametrize("name", [name for name, _ in LIVE])
def test_a_session_of_tensorflow_1(live: dict[str, Report], name: str) -> None:
    assert_matches(live[name])
    assert live[name].predicted.name == "tf1"


def test_a_forgotten_forget_bias_is_found() -> None:
    report = verify(
        FIXTURES / "basic_lstm_forget_0.tf1.pb",
        arrays("basic_lstm.x.npz"),
        expected=FIXTURES / "basic_lstm.tf1.y.npz",
    )
    assert report.verdict is Verdict.MISMATCH
    difference = np.abs(report.outputs[0].deviations)
    assert (difference > 1e-3).all()


# --------------------------------------------------------------------------------------------------------- 3. states


@pytest.mark.parametrize("generation", FRAMEWORKS.values())
def test_sequence_memory_and_carry(generation: str) -> None:
    path, x = FIXTURES / f"states.{generation}.keras", arrays("states.x.npz")
    assert_matches(verify(path, x, expected=FIXTURES / f"states.{generation}.y.npz"))
    layer, replayed = load(path).layers["lstm"], replay(load(path), x)
    assert isinstance(layer, RNN)
    for sample, sequence in enumerate(listed(x["input"])):
        outputs, (h, c) = run(layer.cell, sequence, [[0.0] * 5, [0.0] * 5])
        for name, values in (("sequence", outputs), ("memory", h), ("carry", c)):
            np.testing.assert_allclose(replayed[name][sample], values, rtol=0, atol=1e-12)


KEYS = {
    "keras": {"sequence": "sequence", "memory": "memory", "carry": "carry"},
    "tf_keras": {"sequence": "lstm_2", "memory": "lstm_1", "carry": "lstm"},
}
"""What a SavedModel calls the outputs; that of Keras 2 after their layer, in alphabetical order of their own names."""


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_states_of_saved_models(built: dict[str, Path], framework: str) -> None:
    path, keys, x = built[framework] / "states", KEYS[framework], arrays("states.x.npz")
    recorded = arrays(f"states.{FRAMEWORKS[framework]}.y.npz")
    expected = {keys[name]: values for name, values in recorded.items()}
    assert_matches(verify(path, x, expected=expected))
    memory, carry = keys["memory"], keys["carry"]
    report = verify(path, x, expected={**expected, memory: expected[carry], carry: expected[memory]})
    wrong = {output.name for output in report.outputs if output.verdict is not Verdict.MATCH}
    assert wrong == {memory, carry}
    said = {output["name"]: str(output["state"]).partition(" of ")[0] for output in inspect(load(path))["outputs"]}
    assert said == {keys["sequence"]: "None", memory: "h", carry: "c"}


def test_states_of_a_saved_model_through_its_signature(live: dict[str, Report]) -> None:
    assert_matches(live["states"])
    assert {output.name for output in live["states"].outputs} == {"sequence", "memory", "carry"}


def test_an_encoder_and_a_decoder_as_one_model_and_as_two(tmp_path: Path) -> None:
    both = arrays("encoder_decoder.x.npz")
    whole = FIXTURES / "encoder_decoder.keras3.keras"
    assert_matches(verify(whole, both, expected=FIXTURES / "encoder_decoder.keras3.y.npz"))
    encoder, decoder = (FIXTURES / f"{half}.keras3.keras" for half in ("encoder", "decoder"))
    first = verify(encoder, both["source"], expected=arrays("encoder.keras3.y.npz"), output=tmp_path / "states.npz")
    assert_matches(first)
    expected = arrays("encoder_decoder.keras3.y.npz")
    renamed = {"dense": expected["dense"], "next_h": expected["decoder"], "next_c": expected["decoder_1"]}
    assert_matches(verify(decoder, both["target"], expected=renamed, state_from=tmp_path / "states.npz"))


@pytest.mark.parametrize("form", STATES)
def test_states_in_the_orders_of_tensorflow_1(form: str) -> None:
    name = form.partition(".")[0]
    x = arrays(f"{name}.x.npz")
    assert_matches(verify(FIXTURES / form, x, expected=FIXTURES / f"{name}.tf1.y.npz"))
    c, h = (x["c"], x["h"]) if "c" in x else np.split(x["state"], 2, axis=1)
    replayed = replay(load(FIXTURES / form), x)
    for sample, sequence in enumerate(listed(x["x"])):
        outputs, *states = tf1_cell("basic_lstm").run(sequence, c[sample].tolist(), h[sample].tolist())
        np.testing.assert_allclose(replayed["output"][sample], outputs, rtol=0, atol=1e-7)
        final = [replayed["final_c"], replayed["final_h"]] if "c" in x else np.split(replayed["final_state"], 2, axis=1)
        for state, values in zip(final, states, strict=True):
            np.testing.assert_allclose(state[sample], values, rtol=0, atol=1e-7)


# ----------------------------------------------------------------------------------------------------- 4. generation


def generated_by_hand(x: list[list[float]], steps: int) -> list[float]:
    """What the generator says after its seed, with its states carried."""
    weights = sine_weights()
    shapes = {"kernel": [13, 48], "bias": [48], "weights": [12, 1], "biases": [1]}
    kernel, bias, W, b = (weights(name, shape).tolist() for name, shape in shapes.items())
    cell, c, h = TF1Cell(kernel, bias), [0.0] * 12, [0.0] * 12
    for value in x:
        c, h = cell.step(value, c, h)
    said = [math.tanh(dense(h, W, b)[0])]
    while len(said) < steps:
        c, h = cell.step(said[-1:], c, h)
        said.append(math.tanh(dense(h, W, b)[0]))
    return said


@pytest.mark.parametrize(("form", "limit"), [(SINES[0], 1e-12), (SINES[1], 1e-5)])
def test_a_sine_fed_with_its_own_output(form: str, limit: float) -> None:
    name = form.partition(".")[0]
    x = arrays(f"{name}.x.npz")
    assert_matches(verify(FIXTURES / form, x, expected=FIXTURES / f"{name}.tf1.y.npz"))
    report = rollout(FIXTURES / form, x, steps=60)
    assert report.verdict is Verdict.MATCH, report.summary()
    assert max(output.max_abs_deviation for output in report.outputs) < limit
    assert dict(report.plan.state) == {"final_c": "c", "final_h": "h"}
    if form == SINES[0]:
        for sample in range(2):
            by_hand = generated_by_hand(x["x"][sample].tolist(), 60)
            np.testing.assert_allclose(report.replayed["output"][sample].ravel(), by_hand, rtol=0, atol=1e-11)
        sine = 0.8 * np.sin(2 * np.pi * np.arange(20, 80) / 20)
        assert np.abs(report.replayed["output"][0].ravel() - sine).max() < 0.05


def test_states_that_are_not_carried_from_call_to_call() -> None:
    calls = arrays("sine_calls.x.npz")
    carried, forgotten = (
        verify(FIXTURES / SINES[1], calls, expected=FIXTURES / f"sine_calls.{how}.y.npz")
        for how in ("carried", "forgotten")
    )
    assert_matches(carried)
    assert forgotten.verdict is Verdict.MISMATCH
    whole = replay(load(FIXTURES / SINES[1]), calls)["output"]
    off = np.abs(arrays("sine_calls.forgotten.y.npz")["output"] - whole).max(axis=(0, 2))
    assert off[0] < 1e-6  # the first call starts from zeros either way
    assert (off[1:] > 1e-2).all()
