"""The plugin for pytest: tests of tests, in a folder of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from lstm_verify import _record, _verify, golden
from lstm_verify.formats import onnx as reader
from tests.command import FIXTURES, inputs, model, recorded
from tests.conftest import ROOT

pytest_plugins = ["pytester"]
LOADED = (_record, _verify, golden, reader, onnx)
"""Modules that stay: a run in this process forgets those that it imports, and onnx cannot be imported twice."""
ORIGIN = "origin_tanh_sigmoid"
GIVEN = f'''
from lstm_verify import RandomInputs, Tolerance
import pytest

F = "{FIXTURES}/"
MODEL, X, Y = F + "{model(ORIGIN).name}", F + "{inputs(ORIGIN).name}", F + "{recorded(ORIGIN).name}"
OTHER = F + "hard_sigmoid.keras2.h5", F + "hard_sigmoid.x.npz", F + "hard_sigmoid.keras3.y.npz"
ONNX, ONNX_X = F + "sine.keras3.onnx", F + "sine.x.npz"
'''


@pytest.fixture(autouse=True)
def _on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the plugins that a test names, whatever is installed; and no warnings of this run."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def ran(pytester: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    """Run tests in this process."""
    pytester.makepyfile(test_it=GIVEN + body)
    strict = ("-p", "lstm_verify.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers", "-W", "error")
    return pytester.runpytest_inprocess(*strict, "-W", "ignore::pytest.PytestAssertRewriteWarning", *options)


def recording(pytester: pytest.Pytester) -> Path:
    """The golden folder `sine`, recorded with ONNX Runtime."""
    found = ran(
        pytester, 'def test_it(verify_model): verify_model(ONNX, ONNX_X, golden="sine")', "--lstm-verify-update"
    )
    found.assert_outcomes(passed=1)
    folder = pytester.path / "golden" / "sine"
    found.stdout.fnmatch_lines([f"lstm-verify: recorded {folder}"])
    return folder


def test_importing_it_imports_nothing_heavy() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import lstm_verify.pytest_plugin; "
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['lstm_verify']"


def test_it_is_registered() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\nlstm_verify = "lstm_verify.pytest_plugin"\n' in text


def test_a_match_returns_its_report(pytester: pytest.Pytester) -> None:
    body = """
def test_it(verify_model):
    report = verify_model(MODEL, X, expected=Y)
    assert (str(report.verdict), report.samples) == ("match", 4)
"""
    ran(pytester, body).assert_outcomes(passed=1)


def test_a_mismatch_fails_with_the_report_in_plain_text(pytester: pytest.Pytester) -> None:
    found = ran(pytester, "def test_it(verify_model): verify_model(*OTHER[:2], expected=OTHER[2])")
    found.assert_outcomes(failed=1)
    text = found.stdout.str()
    for words in (
        "MISMATCH  dense: 6 of 6 samples beyond",
        "worst samples of dense",
        "had recurrent_activation = hard_sigmoid",
        "What to do:",
    ):
        assert words in text
    assert "\x1b" not in text
    assert "Traceback" not in text
    assert "pytest_plugin.py" not in text


def test_what_is_inconclusive_fails_too(pytester: pytest.Pytester) -> None:
    body = """
def test_it(verify_model):
    import numpy as np
    verify_model(MODEL, np.full((4, 3, 2), np.nan), expected=np.full((4, 2), np.nan))
"""
    found = ran(pytester, body)
    found.assert_outcomes(failed=1)
    assert "INCONCLUSIVE" in found.stdout.str()


def test_what_cannot_be_read_is_the_error_that_it_is(pytester: pytest.Pytester) -> None:
    found = ran(pytester, 'def test_it(verify_model): verify_model("missing.h5", X, expected=Y)')
    found.assert_outcomes(failed=1)
    assert "ModelFileError: missing.h5: cannot be read" in found.stdout.str()


@pytest.mark.parametrize(
    ("marks", "options", "outcome"),
    [
        ("", "", "passed"),
        ("tolerance=Tolerance(atol=1e-12)", "", "failed"),
        ("tolerance=Tolerance(atol=1e-12)", ", tolerance=Tolerance()", "passed"),
        ("fail_on_blind_spots=True", "", "failed"),
        ("fail_on_blind_spots=True", ", fail_on_blind_spots=False", "passed"),
        ("", ", fail_on_blind_spots=True", "failed"),
    ],
)
def test_a_mark_has_defaults(marks: str, options: str, outcome: str, pytester: pytest.Pytester) -> None:
    body = f"""
@pytest.mark.lstm_verify({marks})
def test_it(verify_model): verify_model(MODEL, X, expected=Y{options})
"""
    ran(pytester, body).assert_outcomes(**{outcome: 1})


def test_the_closest_mark_comes_first(pytester: pytest.Pytester) -> None:
    body = """
pytestmark = pytest.mark.lstm_verify(tolerance=Tolerance(atol=1e-12), blind_spots=False)

@pytest.mark.lstm_verify(tolerance=Tolerance())
def test_it(verify_model):
    assert verify_model(MODEL, X, expected=Y).blind_spots is None
"""
    ran(pytester, body).assert_outcomes(passed=1)


def test_a_mark_without_names_is_an_error(pytester: pytest.Pytester) -> None:
    found = ran(pytester, "@pytest.mark.lstm_verify(8)\ndef test_it(verify_model): verify_model(MODEL, X, expected=Y)")
    found.assert_outcomes(errors=1)
    assert "keywords only" in found.stdout.str()


# --- golden folders


def test_what_is_not_recorded_fails_and_says_what_to_do(pytester: pytest.Pytester) -> None:
    found = ran(pytester, 'def test_it(verify_model): verify_model(MODEL, X, golden="origin")')
    found.assert_outcomes(failed=1)
    folder = pytester.path / "golden" / "origin"
    assert f"{folder}: nothing is recorded there yet. pytest --lstm-verify-update records it" in found.stdout.str()
    assert not folder.exists()


def test_what_is_recorded_is_checked_without_a_framework(pytester: pytest.Pytester) -> None:
    folder = recording(pytester)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"golden.json", "golden.npz"}
    body = """
def test_given(verify_model): assert verify_model(ONNX, ONNX_X, golden="sine").predicted.name == "recorded"
def test_recorded(verify_model): assert verify_model(ONNX, golden="sine").golden.same_file
def test_random(verify_model): assert verify_model(ONNX, RandomInputs(5), golden="sine").samples == 3
"""
    found = ran(pytester, body)
    found.assert_outcomes(passed=3)
    assert "lstm-verify: recorded" not in found.stdout.str()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_another_model_does_not_match_what_was_recorded(pytester: pytest.Pytester) -> None:
    recording(pytester)
    found = ran(pytester, 'def test_it(verify_model): verify_model(F + "sine.mistaken.onnx", ONNX_X, golden="sine")')
    found.assert_outcomes(failed=1)
    assert "MISMATCH" in found.stdout.str()
    assert "If that is meant, pytest --lstm-verify-update records golden='sine' anew." in found.stdout.str()


def test_other_inputs_than_were_recorded_are_a_failure(pytester: pytest.Pytester) -> None:
    recording(pytester)
    body = """
def test_it(verify_model):
    import numpy as np
    x = dict(np.load(ONNX_X))
    name = next(iter(x))
    x[name] = x[name] + np.float32(1e-6)
    verify_model(ONNX, x, golden="sine")
"""
    found = ran(pytester, body)
    found.assert_outcomes(failed=1)
    assert "was recorded with other inputs than these" in found.stdout.str()


def test_a_mismatch_is_not_recorded(pytester: pytest.Pytester) -> None:
    """Nor does it touch what was recorded before: here the tolerance is below rounding."""
    folder = recording(pytester)
    before = (folder / "golden.json").read_bytes()
    body = 'def test_it(verify_model): verify_model(ONNX, ONNX_X, golden="sine", tolerance=Tolerance(atol=1e-12))'
    found = ran(pytester, body, "--lstm-verify-update")
    found.assert_outcomes(failed=1)
    assert "MISMATCH" in found.stdout.str()
    assert "Nothing was recorded, since it is no match." in found.stdout.str()
    assert "lstm-verify: recorded" not in found.stdout.str()
    assert (folder / "golden.json").read_bytes() == before


def test_predictions_come_from_one_place(pytester: pytest.Pytester) -> None:
    found = ran(pytester, 'def test_it(verify_model): verify_model(MODEL, X, expected=Y, golden="origin")')
    found.assert_outcomes(failed=1)
    assert "golden and expected exclude each other" in found.stdout.str()


def test_workers_of_xdist_record_side_by_side(pytester: pytest.Pytester) -> None:
    body = """
@pytest.mark.parametrize("number", range(4))
def test_it(verify_model, number): verify_model(ONNX, ONNX_X, golden="same", blind_spots=False)
"""
    found = ran(pytester, body, "-p", "xdist", "-n", "2", "--lstm-verify-update")
    found.assert_outcomes(passed=4)
    folder = pytester.path / "golden" / "same"
    assert [line for line in found.outlines if line.startswith("lstm-verify:")] == [f"lstm-verify: recorded {folder}"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["same"]
    ran(pytester, body, "-p", "xdist", "-n", "2").assert_outcomes(passed=4)


def test_the_recipe_of_the_page(pytester: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "ci.md").read_text()
    (recipe,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (pytester.path / "export").mkdir()
    shutil.copy(FIXTURES / "sine.keras3.onnx", pytester.path / "export" / "model.onnx")
    with np.load(FIXTURES / "sine.x.npz") as x, np.load(FIXTURES / "sine.keras3.y.npz") as y:
        np.save(pytester.path / "export" / "x.npy", x[x.files[0]])
        np.savez(pytester.path / "export" / "y.npz", **y)
    ran(pytester, recipe, "--lstm-verify-update").assert_outcomes(passed=2)
    ran(pytester, recipe).assert_outcomes(passed=2)
