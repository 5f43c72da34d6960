"""Graphs whose samples are along any axis, as real sessions ran them: `tests.zoo.tf1_axes` has what they returned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import RandomInputs, Report, RuntimeOptions, Verdict, load, replay, rollout, verify
from lstm_verify.inspection import inspect, recurrences
from lstm_verify.model import Model
from tests.building import Build, Recipe
from tests.command import assert_refused, run
from tests.graph_files import read_at_once
from tests.zoo.tf1_axes import ENTRIES

Arrays = dict[str, Any]
FORMS = ("pb", "saved_model")
CASES = [(name, form) for name in ENTRIES for form in FORMS]
SAMPLE = 2
"""The sample that is made wrong."""


@dataclass(frozen=True)
class Built:
    """The folder of the graphs, whose files have been read by one child process."""

    folder: Path

    def path(self, name: str, form: str) -> Path:
        return self.folder / (f"{name}.pb" if form == "pb" else name)

    def arrays(self, name: str) -> tuple[Arrays, Arrays]:
        with np.load(self.folder / f"{name}.x.npz") as x, np.load(self.folder / f"{name}.y.npz") as y:
            return dict(x), dict(y)

    def verified(self, name: str, form: str, y: Arrays, **options: Any) -> Report:
        x, _ = self.arrays(name)
        return verify(self.path(name, form), x, expected=y, blind_spots=False, diagnose=False, **options)


@pytest.fixture(scope="module")
def built(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = build(Recipe("tf1_axes", "tests.zoo.tf1_axes"))
    found = Built(folder)
    with read_at_once([found.path(*case) for case in CASES], tmp_path_factory.mktemp("found")):
        yield found


def axes_of(model: Model) -> dict[str, int | None]:
    return {end.name: end.axis for end in model.inputs} | {end.name: end.axis for end in model.outputs}


@pytest.mark.parametrize(("name", "form"), CASES)
def test_as_the_session_did(built: Built, name: str, form: str, tmp_path: Path) -> None:
    entry, (_, y) = ENTRIES[name], built.arrays(name)
    report = built.verified(name, form, y, output=tmp_path / "out.npz")
    assert report.verdict is Verdict.MATCH, report.summary()
    assert axes_of(report.model) == entry.axes
    assert report.model.divisible == entry.divisible
    assert sorted(found["type"] for found in report.recurrences) == sorted(entry.cells)
    with np.load(tmp_path / "out.npz") as written:  # as the session has them
        assert {key: written[key].shape for key in written} == {key: values.shape for key, values in y.items()}


@pytest.mark.parametrize(("name", "form"), CASES)
def test_the_sample_that_is_off_is_named(built: Built, name: str, form: str) -> None:
    """The verdict is on that sample alone, wherever samples are."""
    _, y = built.arrays(name)
    for key, axis in ((key, axis) for key, axis in ENTRIES[name].axes.items() if key in y and axis is not None):
        wrong = {**y, key: y[key].copy()}
        np.moveaxis(wrong[key], axis, 0)[SAMPLE] *= 1.001
        report = built.verified(name, form, wrong)
        off = {output.name: list(np.flatnonzero(~output.within)) for output in report.outputs}
        assert report.verdict is Verdict.MISMATCH
        assert off == {output.name: [SAMPLE] if output.name == key else [] for output in report.outputs}


@pytest.mark.parametrize("form", FORMS)
def test_both_runtimes_take_samples_wherever_they_are(built: Built, form: str, tmp_path: Path) -> None:
    """Given inputs and random ones, in pieces of two samples; the framework is called with its own shapes."""
    path = built.path("one_state_for_all", form)
    x, _ = built.arrays("one_state_for_all")
    for given, size, samples in ((x, 2, 5), (RandomInputs(6), 4, 6)):
        report = verify(path, given, runtime=RuntimeOptions(batch_size=size), blind_spots=False)
        assert report.verdict is Verdict.MATCH, report.summary()
        assert report.samples == samples
        assert report.predicted.name == ("tf1" if form == "pb" else "saved_model")


@pytest.mark.parametrize("form", FORMS)
def test_a_rollout_with_time_first(built: Built, form: str) -> None:
    """Both sides feed what comes out in again, wherever its samples are; a state that is not given begins as zeros."""
    x, _ = built.arrays("generator")
    for given in (x, {"x": x["x"]}):
        pairs = {"feedback": {"following": "x"}, "state": {"last": "state"}}
        report = rollout(built.path("generator", form), given, steps=4, **pairs)
        assert report.verdict is Verdict.MATCH, report.summary()
        assert report.samples == 5


def test_a_fixed_batch_comes_any_number_of_times(built: Built) -> None:
    x, y = built.arrays("fixed_batch")
    twice = {key: np.concatenate([values, values], 1) for key, values in x.items()}
    expected = {key: np.concatenate([y[key], y[key]], {"sequence": 1, "h": 0}[key]) for key in y}
    report = verify(built.path("fixed_batch", "pb"), twice, expected=expected, blind_spots=False)
    assert (report.verdict, report.samples) == (Verdict.MATCH, 8)


def test_replay_returns_what_the_session_returns(built: Built) -> None:
    x, y = built.arrays("states_by_layer")
    found = replay(load(built.path("states_by_layer", "pb")), x)
    for name, values in y.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6)


def test_a_user_is_told_where_samples_are(built: Built) -> None:
    model = load(built.path("states_by_layer", "pb"))
    assert "the samples are along axis 2 of states, last" in " ".join(model.findings)
    told = {one["name"]: (one["shape"], one["samples_axis"]) for one in inspect(model)["inputs"]}
    assert told == {"x": ([None, None, 3], 0), "states": ([2, 2, None, 4], 2)}
    done = run("inspect", built.path("states_by_layer", "pb"))
    assert "(2, 2, samples, 4)" in done.stdout


def test_a_setting_of_the_loop_is_named_as_it_is_fed(built: Built) -> None:
    (found,) = recurrences(load(built.path("time_major", "pb")))
    assert found["settings"].get("holds", "where keep is 1").startswith("where keep is 1")


def test_an_array_of_another_shape_is_refused_in_the_words_of_the_graph(built: Built, tmp_path: Path) -> None:
    x, _ = built.arrays("one_state_for_all")
    np.savez(tmp_path / "x.npz", **{**x, "state": x["state"][:, :, :9]})
    done = run("verify", built.path("one_state_for_all", "pb"), "--input", tmp_path / "x.npz")
    assert_refused(done, "input 'state': shape (1, 5, 9), expected (1, samples, 10)")
    np.savez(tmp_path / "x.npz", **{**x, "state": np.moveaxis(x["state"], 1, 0)})
    done = run("verify", built.path("one_state_for_all", "pb"), "--input", tmp_path / "x.npz")
    assert_refused(done, "input 'state': shape (5, 1, 10), expected (1, samples, 10)")
    np.savez(tmp_path / "x.npz", **{**x, "state": x["state"][:, :4]})
    done = run("verify", built.path("one_state_for_all", "pb"), "--input", tmp_path / "x.npz")
    assert_refused(done, "different numbers of samples", "'state': 4")
