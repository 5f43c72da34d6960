"""Values inside a model, compared with what another program has of them: gates, states, outputs of layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lstm_verify import InputError, Report, Verdict, load, record, replay, verify
from lstm_verify.diagnosis.localise import DeviationStart
from tests.command import run
from tests.conftest import FIXTURES

ORIGIN = FIXTURES / "origin_tanh_sigmoid.keras3.h5"
X = np.load(FIXTURES / "origin.x.npy")
GATES = ("i", "f", "o", "candidate", "c", "h")


def stored() -> list[Any]:
    """Kernel, recurrent kernel and bias of the LSTM, as h5py reads them."""
    found = {}
    with h5py.File(ORIGIN) as file:
        file["model_weights"].visititems(lambda name, item: found.update({name: item}) if "lstm" in name else None)
        arrays = {name.rpartition("/")[2]: item[()] for name, item in found.items() if hasattr(item, "shape")}
    return [arrays[name].astype(np.float64) for name in ("kernel", "recurrent_kernel", "bias")]


def program(wrong: str = "") -> dict[str, Any]:
    """What an LSTM written by hand has in every step, in float32; it may have a mistake."""
    kernel, recurrent, bias = stored()
    h = c = np.zeros((len(X), len(recurrent)))
    found: dict[str, list[Any]] = {name: [] for name in GATES}
    for t in range(X.shape[1]):
        z_i, z_f, z_c, z_o = np.split(X[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-z)) for z in (z_i, z_f, z_o))
        candidate = np.tanh(z_c)
        if wrong == "one gate in the second step" and t == 1:
            f = 0.97 * f + 0.01
        c = f * c + i * candidate
        c = np.clip(c, -1, 1) if wrong == "a limit of c" else c
        h = o * np.tanh(c)
        h = np.round(h * 64) / 64 if wrong == "a coarse h" else h
        step = {"i": i, "f": f, "o": o, "candidate": candidate, "c": c, "h": h}
        for name, value in step.items():
            found[name].append(value)
    return {f"lstm/{name}": np.float32(np.stack(steps, axis=1)) for name, steps in found.items()}


def judged(expected: Any, **options: Any) -> Report:
    return verify(ORIGIN, X, expected=expected, blind_spots=False, **options)


def place_of(report: Report) -> DeviationStart:
    assert report.verdict is Verdict.MISMATCH
    assert report.diagnosis is not None
    assert report.diagnosis.place is not None
    return report.diagnosis.place


def test_gates_of_a_right_program_agree_to_rounding() -> None:
    report = judged(program())
    assert report.verdict is Verdict.MATCH
    assert [output.name for output in report.outputs] == [f"lstm/{name}" for name in GATES]
    assert all(0 < output.max_sigmas < 8 for output in report.outputs)


@pytest.mark.parametrize("name", GATES)
def test_any_value_alone_is_judged_by_its_own_rounding(name: str) -> None:
    expected = {f"lstm/{name}": program()[f"lstm/{name}"]}
    assert judged(expected).verdict is Verdict.MATCH
    off = {key: value * (1 + 2e-5) for key, value in expected.items()}
    assert judged(off, diagnose=False).verdict is Verdict.MISMATCH


@pytest.mark.parametrize(
    ("wrong", "step", "value"),
    [("one gate in the second step", 1, "f"), ("a coarse h", 0, "h"), ("a limit of c", 1, "c")],
)
def test_the_first_place_where_they_part_is_named(wrong: str, step: int, value: str) -> None:
    place = place_of(judged(program(wrong)))
    assert (place.layer, place.timestep, place.value) == ("lstm", step, value)


def test_what_is_carried_is_told_from_what_is_introduced() -> None:
    """A step that begins with the states that were expected is wrong only where the mistake is."""
    place = place_of(judged(program("a coarse h")))
    introduced = {layer.layer: layer.introduced for layer in place.layers}
    assert all(layer.carried > 8 for layer in place.layers)
    assert {name for name, sigmas in introduced.items() if sigmas is None or sigmas > 8} == {"lstm/h"}


def test_a_cause_inside_is_named() -> None:
    report = judged(program("a limit of c"))
    assert report.diagnosis is not None
    (explanation,) = report.diagnosis.explanations
    assert (explanation.change.fault, explanation.change.behaves_as) == ("clip", "1")


def test_outputs_and_inner_values_are_compared_together() -> None:
    """In the order in which they are computed; what is left out is said."""
    all_of_it = replay(load(ORIGIN), X, activations=True)
    report = judged({"dense": all_of_it["dense"], "lstm": all_of_it.activations["lstm"], **program()})
    assert report.verdict is Verdict.MATCH
    assert [output.name for output in report.outputs][-2:] == ["lstm", "dense"]
    alone = judged({"lstm": all_of_it.activations["lstm"]})
    assert alone.notes == ("nothing is expected of dense, which is not compared",)


def test_a_layer_that_differs_by_itself_is_named() -> None:
    right = replay(load(ORIGIN), X, activations=True)
    report = judged({"lstm": right.activations["lstm"], "dense": right["dense"][:, ::-1] ** 2})
    place = place_of(report)
    assert place.layer == "dense"


def test_a_name_that_does_not_exist_is_an_error_with_those_near_it() -> None:
    with pytest.raises(InputError, match=r"value 'lstm/candidat': .* Near it: lstm/candidate"):
        judged({"lstm/candidat": program()["lstm/candidate"]})


def test_a_wrong_shape_is_a_mismatch() -> None:
    report = judged({"lstm/i": program()["lstm/i"][:, :2]})
    assert report.verdict is Verdict.MISMATCH


def test_the_command_takes_them_by_name_and_inspect_lists_them(tmp_path: Path) -> None:
    np.save(tmp_path / "gate.npy", program()["lstm/f"])
    given = ("verify", ORIGIN, "--input", FIXTURES / "origin.x.npy", "--no-blind-spots")
    done = run(*given, "--expected", f"lstm/f={tmp_path / 'gate.npy'}")
    assert done.exit_code == 0, done.output
    assert "lstm/f" in done.stdout
    assert "nothing is expected of dense" in done.stderr
    wrong = run(*given, "--expected", f"lstm/g={tmp_path / 'gate.npy'}")
    assert wrong.exit_code == 2
    assert "Near it: lstm/" in wrong.stderr
    assert "inside: lstm/z, lstm/i, lstm/f" in run("inspect", ORIGIN).stdout


def test_what_replay_wrote_is_what_is_expected(tmp_path: Path) -> None:
    everything = tmp_path / "all.npz"
    assert run("replay", ORIGIN, "--input", FIXTURES / "origin.x.npy", "--gates", "-o", everything).exit_code == 0
    report = judged(everything)
    assert report.verdict is Verdict.MATCH
    assert len(report.outputs) == 9


def test_values_of_a_model_inside_a_model_are_judged_call_by_call() -> None:
    """A model that is called twice has each value twice; the second is another one."""
    path = FIXTURES / "nested_shared.keras3.keras"
    model = load(path)
    x = dict(np.load(FIXTURES / "nested_shared.x.npz"))
    found = replay(model, x, activations=True).activations
    names = [name for name in found if name.endswith("@1") and f"{name[:-2]}" in found]
    assert names
    for name in names:
        expected = {name: np.float32(found[name])}
        assert verify(path, x, expected=expected, blind_spots=False).verdict is Verdict.MATCH, name
        other = {name: np.float32(found[name[:-2]])}
        assert verify(path, x, expected=other, diagnose=False).verdict is Verdict.MISMATCH, name


@pytest.mark.parametrize(
    "name", ["bidirectional_masked.keras3.h5", "stacked_gru.keras3.onnx", "conv_pool_lstm.keras3.h5"]
)
def test_every_gate_of_every_layer_is_judged(name: str) -> None:
    path, model = FIXTURES / name, load(FIXTURES / name)
    with np.load(FIXTURES / f"{name.split('.')[0]}.x.npz") as stored:
        x = dict(stored)
    found = replay(model, x, activations=True).activations
    gates = {key: value for key, value in found.items() if key.rpartition("/")[2] in (*GATES, "r", "z")}
    assert gates
    right = {key: np.float32(value) for key, value in gates.items()}
    assert verify(path, x, expected=right, blind_spots=False).verdict is Verdict.MATCH
    wrong = {**right, min(right): right[min(right)] * np.float32(1.001)}
    assert verify(path, x, expected=wrong, diagnose=False).verdict is Verdict.MISMATCH


def test_a_record_of_inner_values_is_checked_by_their_names(tmp_path: Path) -> None:
    record(ORIGIN, X, tmp_path / "golden", expected=program())
    report = verify(ORIGIN, golden=tmp_path / "golden", blind_spots=False)
    assert report.verdict is Verdict.MATCH
    assert [output.name for output in report.outputs] == [f"lstm/{name}" for name in GATES]
