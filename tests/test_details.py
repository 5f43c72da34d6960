"""Details: the worst sample with its inputs, the files that were read, and what is not kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Report, Tolerance, details, load, replay, verify
from lstm_verify.array_files import read_arrays
from lstm_verify.details import Details, details_of
from lstm_verify.judging.compare import compare
from lstm_verify.judging.judgement import Judgement
from tests.command import inputs, model, recorded


def arrays(name: str) -> dict[str, Any]:
    return {key: values.copy() for key, values in np.load(inputs(name)).items()}


def off_at(name: str, output: str, sample: int, **options: Any) -> Report:
    """A verification in which one sample of one output is off."""
    expected = {key: values.copy() for key, values in np.load(recorded(name)).items()}
    expected[output][sample] += 0.5
    return verify(model(name, "keras3.keras"), arrays(name), expected=expected, diagnose=False, **options)


def test_the_worst_sample_is_that_of_the_worst_output() -> None:
    worst = off_at("encoder_decoder", "decoder", 4).details.worst
    assert worst
    assert (worst.output, worst.sample) == ("decoder", 4)
    for name, values in arrays("encoder_decoder").items():
        np.testing.assert_array_equal(worst.inputs[name], values[4:5])


def test_the_worst_is_the_worst_of_a_mismatch_in_sigma() -> None:
    one = load(model("stacked_gru", "keras3.keras"))
    given = {name: np.asarray(values) for name, values in arrays("stacked_gru").items()}
    replayed = {name: np.zeros((6, 1)) for name in ("far", "beyond", "fine")}
    predicted = {name: values.copy() for name, values in replayed.items()}
    sigma = {"far": np.ones((6, 1)), "beyond": np.full((6, 1), 1e-6), "fine": np.full((6, 1), 1e-9)}
    predicted["far"][1], predicted["beyond"][3], predicted["fine"][5] = 2.0, 1e-4, 7e-9
    judged = Judgement(compare(predicted, replayed, Tolerance(), sigma=sigma), Tolerance(), sigma=sigma)
    worst = details_of(one, given, predicted, replayed, judged, ()).worst
    assert worst
    assert (worst.output, worst.sample) == ("beyond", 3)


def test_its_activations_are_those_of_the_sample_among_all() -> None:
    report = off_at("encoder_decoder", "decoder", 4)
    assert report.details.worst
    alone = report.details.worst.activations(report.model)
    among_all = replay(report.model, arrays("encoder_decoder"), activations=True).activations
    assert list(alone) == list(among_all)
    for path, values in alone.items():
        np.testing.assert_allclose(values, among_all[path][4:5], rtol=1e-12, err_msg=path)


@pytest.mark.parametrize("limit", ["LARGEST_SAMPLE", "LONGEST_SAMPLE"])
def test_a_large_sample_is_not_kept(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, limit, 3)
    found = off_at("encoder_decoder", "decoder", 4).details
    assert found.worst is None
    assert found.profiles


def test_a_sample_that_depends_on_others_is_not_replayed_alone() -> None:
    name = "stateful"
    found = verify(model(name, "keras3.keras"), inputs(name), expected=recorded(name)).details
    assert (found.worst, len(found.profiles)) == (None, 1)


def test_shapes_and_files_are_those_that_were_given(tmp_path: Path) -> None:
    name, kind = "encoder_decoder", "keras3.keras"
    given = arrays(name)
    for key, values in given.items():
        np.save(tmp_path / f"{key}.npy", values)
    files = {key: read_arrays(tmp_path / f"{key}.npy")[""] for key in given}
    found = verify(model(name, kind), files, expected=str(recorded(name))).details
    assert found.files == (model(name, kind), *(tmp_path / f"{key}.npy" for key in given), recorded(name))
    assert found.inputs == {key: (values.shape, str(values.dtype)) for key, values in given.items()}
    in_memory = verify(load(model(name, kind)), given, expected=dict(np.load(recorded(name)))).details
    assert in_memory.files == (model(name, kind),)


def test_where_nothing_is_compared_there_is_nothing_to_show() -> None:
    found = verify(model("stacked_gru"), inputs("stacked_gru"), expected=np.zeros((6, 1), "float32")).details
    assert (found.profiles, found.worst) == ((), None)
    assert found.inputs


def test_details_are_kept_unless_they_are_not_wanted() -> None:
    assert off_at("stacked_gru", "dense", 1, details=False).details == Details()
