"""Recorded predictions in text: what their digits leave open is allowed for, and nothing else passes because of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import InputError, Report, Tolerance, Verdict, load, verify
from lstm_verify.array_files.written import Written
from lstm_verify.arrays import Array
from lstm_verify.given import Recorded
from lstm_verify.given import recorded as recorded_by
from tests.command import assert_usage_error, inputs, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"
STEPS = "bidirectional_masked"


@pytest.fixture
def honest() -> Array:
    """What Keras 3 predicted, (4, 2) float32."""
    with np.load(recorded(ORIGIN)) as archive:
        return archive["dense"]


def verified(path: Path, **tolerance: Any) -> Report:
    chosen = Tolerance(**tolerance)
    return verify(model(ORIGIN), inputs(ORIGIN), expected=path, tolerance=chosen, diagnose=False, blind_spots=False)


def as_csv(path: Path, y: Array, format: str) -> Path:
    np.savetxt(path / "y.csv", y, format, delimiter=",")
    return path / "y.csv"


def as_json(path: Path, y: Any) -> Path:
    (path / "y.json").write_text(json.dumps(y if isinstance(y, list) else y.tolist()))
    return path / "y.json"


# --- honest predictions


@pytest.mark.parametrize("format", ["%.3f", "%.4f", "%.5f", "%.6f", "%.4g", "%.6g", "%.9g", "%.5e", "%.18e", "%s"])
def test_honest_predictions_match_with_all_the_digits_that_they_have(
    format: str, tmp_path: Path, honest: Array
) -> None:
    assert verified(as_csv(tmp_path, honest, format)).verdict is Verdict.MATCH


@pytest.mark.parametrize("decimals", [3, 4, 6, 16])
def test_honest_predictions_match_in_json(decimals: int, tmp_path: Path, honest: Array) -> None:
    rounded = np.round(honest.astype(float), decimals)
    assert verified(as_json(tmp_path, rounded)).verdict is Verdict.MATCH


def test_what_was_allowed_for_is_in_the_report(tmp_path: Path, honest: Array) -> None:
    report = verified(as_csv(tmp_path, honest, "%.4f"))
    assert str(report.tolerance) == "|Δ| ≤ 8σ of rounding + ½·10^-4 of recording"
    assert report.to_dict()["tolerance"]["decimals"] == 4
    assert [
        note for note in report.notes if "y.csv has numbers of 4 decimals: half a unit of the last is added" in note
    ]
    spread = as_json(tmp_path, [[float(f"{number:.4g}") for number in line] for line in honest * [1, 1e-3]])
    report = verified(spread)
    assert str(report.tolerance) == "|Δ| ≤ 8σ of rounding + ½ unit of significant digit 4 of recording"
    assert report.to_dict()["tolerance"]["digits"] == 4


def test_all_digits_are_judged_as_an_array_is(tmp_path: Path, honest: Array) -> None:
    np.save(tmp_path / "y.npy", honest)
    report = verified(tmp_path / "y.npy")
    writers = (lambda: as_csv(tmp_path, honest, "%s"), lambda: as_csv(tmp_path, honest, "%.18e"))
    for write in (*writers, lambda: as_json(tmp_path, honest)):
        found = verified(write())
        assert (found.tolerance, found.notes) == (report.tolerance, report.notes)
        assert found.outputs[0].deviations.tolist() == report.outputs[0].deviations.tolist()


def test_a_table_for_an_output_with_steps(tmp_path: Path) -> None:
    """Each line has the steps of a sample one after the other."""
    files = (model(STEPS), inputs(STEPS))
    with np.load(recorded(STEPS)) as archive:
        (y,) = archive.values()
    samples, steps, units = y.shape
    np.savetxt(tmp_path / "y.csv", y.reshape(samples, -1), delimiter=",")
    report = verify(*files, expected=tmp_path / "y.csv", blind_spots=False)
    assert report.verdict is Verdict.MATCH
    assert f"each line is taken for one sample, {steps} x {units}, the last axis fastest" in report.notes[0]
    np.savetxt(tmp_path / "y.csv", y.reshape(-1, units), delimiter=",")
    with pytest.raises(InputError, match=f"If each line is a time step: .*y.csv:{samples}x{steps}x{units}"):
        verify(*files, expected=tmp_path / "y.csv")
    assert verify(*files, expected=f"{tmp_path}/y.csv:{samples}x{steps}x{units}").verdict is Verdict.MATCH


def test_what_is_left_out_of_a_file_is_said(tmp_path: Path, honest: Array) -> None:
    np.savetxt(tmp_path / "y.csv", honest, delimiter=",", header="a,b", comments="")
    note = f"{tmp_path}/y.csv: line 1 is a header (a, b)"
    report = verified(tmp_path / "y.csv")
    assert (report.verdict, report.notes) == (Verdict.MATCH, (note,))
    np.savetxt(tmp_path / "y.csv", honest[:2], delimiter=",", header="a,b", comments="")
    report = verified(tmp_path / "y.csv")
    assert (report.verdict, report.notes) == (Verdict.MISMATCH, (note,))


def test_a_table_of_another_size_is_a_mismatch(tmp_path: Path, honest: Array) -> None:
    assert verified(as_csv(tmp_path, honest[:3], "%s")).verdict is Verdict.MISMATCH


def test_the_shortest_decimals_are_those_of_the_precision_that_is_computed_in(tmp_path: Path, honest: Array) -> None:
    """In float64 0.1 is 0.1, and in float32 0.10000000149."""
    narrow = load(model(ORIGIN))
    wide = replace(narrow, layers={name: _in_float64(layer) for name, layer in narrow.layers.items()})
    assert (narrow.precision, wide.precision) == ("float32", "float64")
    path = as_csv(tmp_path, honest, "%s")
    assert recorded_by(narrow, path).outputs["dense"].dtype == np.float32
    assert recorded_by(wide, path).outputs["dense"].dtype == np.float64


def _in_float64(layer: Any) -> Any:
    changed = layer.with_parts(_in_float64)
    return replace(changed, compute_dtype="float64") if hasattr(changed, "compute_dtype") else changed


def test_what_was_not_taken_for_rounded_is_said_of_a_mismatch_alone() -> None:
    found = Recorded({}, written={"dense": Written(decimals=2, is_doubtful=True)}, sources={"dense": "y.csv"})
    assert list(found.of_digits(is_match=True)) == []
    assert len(list(found.of_digits(is_match=False))) == 1


# --- what is wrong


def at(sample: int, unit: int, change: float) -> Array:
    changes = np.zeros((4, 2))
    changes[sample, unit] = change
    return changes


WRONG: dict[str, Callable[[Array], Array]] = {
    "a unit of the third decimal": lambda y: y + at(1, 0, 1e-3),
    "six tenths of it in one place": lambda y: y + at(3, 1, 6e-4),
    "another sample": lambda y: y[::-1],
    "the other unit": lambda y: y[:, ::-1],
    "a constant": lambda y: np.full_like(y, 0.5),
    "the mean": lambda y: np.broadcast_to(y.mean(axis=0), y.shape),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("format", ["%.3f", "%.4f", "%.6g", "%s", "%.18e"])
def test_wrong_predictions_do_not_match_in_any_digits(
    format: str, wrong: Callable[[Array], Array], tmp_path: Path, honest: Array
) -> None:
    y = wrong(honest.astype(float))
    assume_beyond = np.abs(np.round(y, 3) - honest).max() > 5e-4 or format != "%.3f"
    verdict = verified(as_csv(tmp_path, y, format)).verdict
    assert verdict is Verdict.MISMATCH or not assume_beyond


@pytest.mark.parametrize("change", [3e-6, -3e-6, 1e-4, 0.04])
def test_the_shortest_decimals_allow_for_nothing(change: float, tmp_path: Path, honest: Array) -> None:
    """Such as 0.5 and 0.1, whose last digit is worth 0.1."""
    y = honest.copy()
    y[2, 1] += np.float32(change)
    assert verified(as_json(tmp_path, [[float(str(number)) for number in line] for line in y])).verdict is (
        Verdict.MISMATCH
    )


@pytest.mark.parametrize("text", ["0.4,0.6", "0.39,0.61", "0.4,0.61", "0.5,0.5", "0,1", "0.0,1.0", "0.40,0.60"])
def test_few_digits_are_not_taken_for_rounding_unasked(text: str, tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text(f"{text}\n" * 4)
    assert verified(tmp_path / "y.csv").verdict is Verdict.MISMATCH


def test_too_few_digits_are_said_and_accepted_when_asked(tmp_path: Path, honest: Array) -> None:
    path = as_csv(tmp_path, honest, "%.2f")
    report = verified(path)
    assert report.verdict is Verdict.MISMATCH
    assert any(note.endswith("which were not taken for rounded; --decimals 2 allows for that") for note in report.notes)
    report = verified(path, decimals=2)
    assert report.verdict is Verdict.MATCH
    assert not [note for note in report.notes if "taken for rounded" in note]
    path = as_csv(tmp_path, honest * [1, 0.01], "%.2e")
    assert any(note.endswith("rounded; --digits 3 allows for that") for note in verified(path).notes)


def test_one_number_with_all_digits_is_enough_to_allow_for_nothing(tmp_path: Path, honest: Array) -> None:
    y = np.round(honest.astype(float), 3).tolist()
    y[0][0] = float(str(honest[0, 0]))
    assert verified(as_json(tmp_path, y)).verdict is Verdict.MISMATCH


def test_a_user_decides(tmp_path: Path, honest: Array) -> None:
    """What is asked for counts, and nothing is added to it."""
    path = as_csv(tmp_path, honest, "%.4f")
    assert verified(path, decimals=4).verdict is Verdict.MATCH
    assert verified(path, decimals=5).verdict is Verdict.MISMATCH
    assert verified(path, digits=4).verdict is Verdict.MATCH
    assert verified(path, digits=6).verdict is Verdict.MISMATCH
    assert verified(path, atol=1e-6).verdict is Verdict.MISMATCH
    assert verified(path, atol=1e-4).verdict is Verdict.MATCH


def test_each_output_has_its_own_digits(tmp_path: Path) -> None:
    with np.load(recorded("encoder_decoder")) as archive:
        arrays = {name: archive[name].astype(float) for name in archive}
    digits = dict(zip(arrays, (4, 5, 6), strict=True))
    listed = {name: np.round(y, digits[name]).tolist() for name, y in arrays.items()}
    path = as_json(tmp_path, [])
    path.write_text(json.dumps(listed))
    report = verify(model("encoder_decoder"), inputs("encoder_decoder"), expected=path, blind_spots=False)
    assert {name: written.decimals for name, written in report.tolerance.written.items()} | digits == digits
    assert report.verdict is Verdict.MATCH
    name = list(arrays)[1]
    place = (0,) * (arrays[name].ndim - 1)
    y = np.round(arrays[name], 5)
    y[place] += 2e-5
    path.write_text(json.dumps(listed | {name: y.tolist()}))
    report = verify(model("encoder_decoder"), inputs("encoder_decoder"), expected=path, diagnose=False)
    assert [output.name for output in report.outputs if output.verdict is Verdict.MISMATCH] == [name]


# --- the tolerance


def lost(values: list[float], digits: int) -> list[float]:
    p = np.array(values)
    return Tolerance(digits=digits).lost(p, np.ones_like(p)).tolist()


def test_half_a_unit_of_a_significant_digit() -> None:
    values = [0.0, 1.0, -1.0, 9.99, 10.0, 1000.0, 0.01, 0.0999, np.nan, np.inf]
    units = [0.0, 0.01, 0.01, 0.01, 0.1, 10.0, 1e-4, 1e-4, 0.0, 0.0]
    np.testing.assert_allclose(lost(values, 3), np.array(units) / 2)


def test_a_power_of_ten_is_never_a_unit_too_small() -> None:
    powers = [10.0**n for n in range(-30, 31)]
    np.testing.assert_allclose(lost(powers, 4), [5e-4 * power for power in powers], rtol=1e-9)


def test_the_tolerance_of_an_output() -> None:
    whole = Tolerance().of_recording({"a": Written(decimals=4), "b": Written(digits=5)}, ["a", "b", "c"])
    each = [whole.of_output(name) for name in "abc"]
    assert [(one.decimals, one.digits) for one in each] == [(4, None), (None, 5), (None, None)]
    assert Tolerance().of_recording({"a": Written(decimals=4, is_doubtful=True)}, ["a"]).of_output("a").decimals is None
    assert Tolerance().of_recording({"a": Written(decimals=4)}, ["a"]).decimals == 4
    assert Tolerance().of_recording({"a": Written(decimals=4)}, ["a", "b"]).decimals is None


def test_usage() -> None:
    command = (model(ORIGIN), "-i", inputs(ORIGIN))
    assert_usage_error(run(*command, "--digits", "3"), "--digits applies to recorded predictions. Give --expected too")
    both = run(*command, "-e", recorded(ORIGIN), "--digits", "3", "--decimals", "3")
    assert_usage_error(both, "--digits and --decimals exclude each other")
