"""Judging anew: what `compare` says by the other tolerance, or inconclusive, and never a match by mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_verify import InputError, Tolerance, Verdict, judge, record, verify
from lstm_verify._judge import _anew
from lstm_verify.judging.compare import Comparison, accepted, compare
from lstm_verify.report import _output_dict
from tests.command import inputs, model, recorded

ORIGIN = "origin_tanh_sigmoid"
SHARE = 0.01


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions of the fixture, sample 2 off by about 20 σ."""
    with np.load(recorded(ORIGIN)) as archive:
        ((name, array),) = archive.items()
    array[2] += np.float32(2e-6)
    file = tmp_path_factory.mktemp("judge") / "wrong.npz"
    np.savez(file, **{name: array})
    return file


def report(folder: Path, expected: Path, **options: Any) -> Path:
    found = verify(model(ORIGIN), inputs(ORIGIN), expected=expected, diagnose=False, **options)
    (folder / "report.json").write_text(json.dumps(found.to_dict()))
    return folder / "report.json"


def test_without_a_tolerance_it_is_what_it_was(tmp_path: Path, wrong: Path) -> None:
    assert judge(report(tmp_path, recorded(ORIGIN))).verdict is Verdict.MATCH
    found = judge(report(tmp_path, wrong))
    assert (found.verdict, found.exit_code, found.before) == (Verdict.MISMATCH, 1, "mismatch")


def test_more_sigmas_pass_and_fewer_do_not(tmp_path: Path, wrong: Path) -> None:
    stored = report(tmp_path, wrong)
    needed = json.loads(stored.read_text())["outputs"][0]["max_sigmas"]
    assert judge(stored, Tolerance(sigmas=needed * 1.01)).verdict is Verdict.MATCH
    found = judge(stored, Tolerance(sigmas=needed * 0.99))
    assert (found.verdict, found.outputs[0].samples_beyond) == (Verdict.MISMATCH, 1)
    assert judge(report(tmp_path, recorded(ORIGIN)), Tolerance(sigmas=1e-9)).verdict is not Verdict.MATCH


@pytest.mark.parametrize("most", [0, 2])
def test_a_report_that_lists_some_samples_alone_is_not_judged_by_another_tolerance(most: int, tmp_path: Path) -> None:
    found = verify(model(ORIGIN), inputs(ORIGIN), expected=recorded(ORIGIN))
    stored = tmp_path / "report.json"
    stored.write_text(json.dumps(found.to_dict(most)))
    assert judge(stored).verdict is Verdict.MATCH
    for tolerance in (Tolerance(sigmas=1e-9), Tolerance(atol=1e-12)):
        with pytest.raises(InputError, match=r"report\.json: lists some samples alone"):
            judge(stored, tolerance)


def test_an_absolute_tolerance_decides_by_deviations(tmp_path: Path, wrong: Path) -> None:
    stored = report(tmp_path, wrong)
    assert judge(stored, Tolerance(atol=1e-5)).verdict is Verdict.MATCH
    assert judge(stored, Tolerance(atol=1e-6)).verdict is Verdict.MISMATCH


def test_what_a_part_of_sigma_leaves_open_is_inconclusive(tmp_path: Path) -> None:
    """A match by a part of σ says nothing of a smaller tolerance that is beyond that part."""
    stored = report(tmp_path, recorded(ORIGIN))
    data = json.loads(stored.read_text())
    assert all(data["outputs"][0]["sigmas_are_at_most"])
    found = judge(stored, Tolerance(sigmas=data["outputs"][0]["max_sigmas"] / 2))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "Verify the model again" in found.summary()


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[dict[str, np.ndarray], ...]:
    """Predictions, a replay and σ of some samples, with everything that happens: no error, too wide, infinite, NaN."""
    samples, units = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    replayed = np.array(
        draw(st.lists(st.sampled_from([0.0, 1.0, -0.5, np.nan]), min_size=samples * units, max_size=samples * units))
    )
    sigma = np.array(
        draw(
            st.lists(
                st.sampled_from([0.0, 1e-6, 1e-4, 1e-2, np.inf]), min_size=samples * units, max_size=samples * units
            )
        )
    )
    off = np.array(
        draw(
            st.lists(
                st.sampled_from([0.0, 1e-6, 3e-5, 1e-3, np.inf, np.nan]),
                min_size=samples * units,
                max_size=samples * units,
            )
        )
    )
    shaped = [array.reshape(samples, units) for array in (replayed + off, replayed, sigma)]
    return tuple({"y": array} for array in shaped)


GRID = [0.0, 1e-3, 0.5, 4.0, 8.0, 20.0, 90.0, 1100.0]


def compared(arrays: tuple[dict[str, np.ndarray], ...], tolerance: Tolerance) -> Comparison:
    predicted, replayed, sigma = arrays
    (found,) = compare(predicted, replayed, tolerance, sigma=sigma, share=SHARE)
    return accepted(found) if tolerance.allow_unjudged else found


@given(comparisons(), st.sampled_from(GRID), st.sampled_from(GRID), st.booleans())
def test_it_never_says_more_than_a_comparison_would(
    arrays: tuple[dict[str, np.ndarray], ...], before: float, sigmas: float, allow: bool
) -> None:
    stored = json.loads(json.dumps(_output_dict(compared(arrays, Tolerance(sigmas=before)))))
    wanted = Tolerance(sigmas=sigmas, allow_unjudged=allow)
    found, right = _anew(stored, wanted, before).verdict, compared(arrays, wanted).verdict
    assert found in (right, Verdict.INCONCLUSIVE)
    if not stored["unjudged"] and compared(arrays, wanted).unjudged == 0:
        assert found is right, "and where everything is judged, the same"


def anew(predicted: list[list[float]], sigma: list[list[float]], before: Tolerance, wanted: Tolerance) -> Verdict:
    """The verdict anew on a replay of ones."""
    arrays = {"y": np.array(predicted)}, {"y": np.ones((len(predicted), len(predicted[0])))}, {"y": np.array(sigma)}
    return _anew(json.loads(json.dumps(_output_dict(compared(arrays, before)))), wanted, before.sigmas).verdict


def test_what_was_beyond_is_so_by_fewer_sigmas_though_more_is_unjudged() -> None:
    """The first element is beyond, the second can never be judged."""
    given = [[1.001, 1.0]], [[1e-6, np.inf]]
    assert anew(*given, Tolerance(sigmas=8.0), Tolerance(sigmas=4.0)) is Verdict.MISMATCH
    assert anew(*given, Tolerance(sigmas=8.0), Tolerance(sigmas=9.0)) is Verdict.INCONCLUSIVE


def test_a_number_on_one_side_only_is_not_accepted() -> None:
    given = [[1.0], [np.nan]], [[1e-6], [np.inf]]
    assert anew(*given, Tolerance(), Tolerance(allow_unjudged=True)) is Verdict.INCONCLUSIVE
    assert anew([[1.0], [1.5]], given[1], Tolerance(), Tolerance(allow_unjudged=True)) is Verdict.MATCH


def test_what_can_never_be_judged_is_not_by_0_sigmas() -> None:
    assert anew([[1.0]], [[np.inf]], Tolerance(), Tolerance(sigmas=0.0)) is Verdict.INCONCLUSIVE


@given(st.sampled_from([0, 1, 2]), st.sampled_from(GRID), st.sampled_from([1e-6, 1e-4, 1e-3]))
def test_digits_that_were_lost_leave_less_to_judge(decimals: int, sigmas: float, sigma: float) -> None:
    arrays = {"y": np.array([[1.0], [0.3]])}, {"y": np.array([[1.0 + 1e-9], [0.3]])}, {"y": np.full((2, 1), sigma)}
    before, wanted = Tolerance(sigmas=1e-3, decimals=decimals), Tolerance(sigmas=sigmas, decimals=decimals)
    stored = json.loads(json.dumps(_output_dict(compared(arrays, before))))
    found, right = _anew(stored, wanted, before.sigmas).verdict, compared(arrays, wanted).verdict
    assert found is right


@given(comparisons(), st.sampled_from([0.0, 1e-5, 1e-3, 1.0]))
def test_an_absolute_tolerance_is_that_of_a_comparison(arrays: tuple[dict[str, np.ndarray], ...], atol: float) -> None:
    stored = json.loads(json.dumps(_output_dict(compared(arrays, Tolerance()))))
    assert _anew(stored, Tolerance(atol=atol), 8.0).verdict is compared(arrays, Tolerance(atol=atol)).verdict


def test_another_shape_is_a_mismatch_by_any_tolerance(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.zeros((3, 2), np.float32))
    stored = report(tmp_path, tmp_path / "y.npy")
    assert judge(stored, Tolerance(atol=1e9)).verdict is Verdict.MISMATCH


def golden(folder: Path, expected: Path) -> Path:
    record(model(ORIGIN), inputs(ORIGIN), folder / "golden", expected=expected, any_verdict=True, update=True)
    return folder / "golden"


@pytest.mark.parametrize(
    "tolerance",
    [
        None,
        *(Tolerance(sigmas=s) for s in (0.01, 0.3, 8.0, 15.0, 60.0)),
        Tolerance(1e-5),
        Tolerance(1e-7),
        Tolerance(rtol=1e-5),
    ],
)
def test_a_golden_folder_is_judged_as_the_model_would_be(
    tolerance: Tolerance | None, tmp_path: Path, wrong: Path
) -> None:
    found = judge(golden(tmp_path, wrong), tolerance)
    right = verify(model(ORIGIN), inputs(ORIGIN), expected=wrong, tolerance=tolerance, diagnose=False)
    assert found.verdict is right.verdict
    assert found.outputs[0].samples_beyond == right.outputs[0].samples_beyond


def test_a_changed_golden_folder_is_an_error(tmp_path: Path) -> None:
    folder = golden(tmp_path, recorded(ORIGIN))
    with (folder / "golden.npz").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(InputError, match="is not the file"):
        judge(folder)


def refused(path: Path, said: str, tolerance: Tolerance | None = None) -> None:
    with pytest.raises(InputError, match=said):
        judge(path, tolerance)


def test_what_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    stored = report(tmp_path, recorded(ORIGIN))
    refused(stored, "--rtol needs every value", Tolerance(rtol=1e-3))
    refused(tmp_path / "none.json", "cannot be read")
    refused(tmp_path, "a directory, expected a golden folder")
    data = json.loads(stored.read_text())
    for change, said in (
        ({"verdict": "error"}, "not the report of a verification"),
        ({"schema_version": 7}, "no report of lstm-verify"),
    ):
        (tmp_path / "changed.json").write_text(json.dumps({**data, **change}))
        refused(tmp_path / "changed.json", said)
    del data["outputs"][0]["sigmas_needed"]
    (tmp_path / "earlier.json").write_text(json.dumps(data))
    refused(tmp_path / "earlier.json", "written by an earlier version", Tolerance(sigmas=4.0))
    (tmp_path / "text.json").write_text("{")
    refused(tmp_path / "text.json", "not readable as JSON")


def test_decimals_are_known_to_sigmas_and_not_to_atol(tmp_path: Path) -> None:
    with np.load(recorded(ORIGIN)) as archive:
        np.savez(tmp_path / "rounded.npz", **{name: array.round(3) for name, array in archive.items()})
    stored = report(tmp_path, tmp_path / "rounded.npz", tolerance=Tolerance(decimals=3))
    assert judge(stored, Tolerance(sigmas=8.0)).verdict is judge(stored).verdict is Verdict.MATCH
    refused(stored, "its predictions were rounded", Tolerance(atol=1e-3))
