"""Every model of the zoo: the same in both formats, replayed, and compared with the framework that built it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import UnsupportedError, Verdict, load, verify
from tests.same_models import differences
from tests.zoo.models import entries_of

CASES = [(framework, name) for framework in ("keras", "tf_keras") for name in entries_of(framework)]

UNSUPPORTED = {
    "2d_bilinear": "interpolation='bilinear'",
    "2d_channels_first": "data_format='channels_first'",
    "lstm_time_major": "time_major",
    "gru_time_major_backwards": "time_major",
}
"""Models with something that is not replayed here, and what it is called: it must be named, never skipped."""

NOT_FINITE = {
    "mask_average",
    "mask_average_sequences",
    "mask_average_words",
    "mask_texts_average_sentences",
    "mask_two_pools",
    "heads_classifier",
}
"""Models that average over no time step at all in some samples: the framework says NaN there, and so does the replay,
which proves nothing and so is no match."""

UNJUDGED = {("tf_keras", "policy_mixed_bfloat16_attention")}
"""Models with queries of attention for which everything is hidden: of the scores, less 1e9, float32 keeps next to
nothing, so that rounding alone may change these values as much as a fault would."""


loaded = cache(load)
"""Both tests read the same archives."""
CLASS_NAME = re.compile(r'"class_name": ?"(\w+)"')


@pytest.mark.parametrize(("framework", "name"), CASES, ids=map("-".join, CASES))
def test_replay_agrees_with_the_framework(zoo: Callable[[str], Path], framework: str, name: str) -> None:
    folder = zoo(framework)
    path = folder / f"{name}.keras"
    if name in UNSUPPORTED:
        refused(path, name)
        return
    x, y, telling = folder / f"{name}.x.npz", folder / f"{name}.y.npz", name in firsts(folder, framework)
    report = verify(loaded(path), x, expected=y, blind_spots=telling)
    assert (report.blind_spots is None) or telling
    if name in NOT_FINITE:
        assert report.verdict is Verdict.INCONCLUSIVE
        assert all(output.samples_beyond == 0 and np.isfinite(output.max_abs_deviation) for output in report.outputs)
    elif (framework, name) in UNJUDGED:
        assert report.verdict is Verdict.INCONCLUSIVE
        assert sum(output.samples_beyond for output in report.outputs) == 0
        assert 0 < sum(output.unjudged for output in report.outputs) < 20
    else:
        assert report.verdict is Verdict.MATCH, report.summary()


@pytest.mark.parametrize(("framework", "name"), CASES, ids=map("-".join, CASES))
def test_both_formats_have_the_same_model(zoo: Callable[[str], Path], framework: str, name: str) -> None:
    path = zoo(framework) / f"{name}.keras"
    if name in UNSUPPORTED:
        refused(path.with_suffix(".h5"), name)
        return
    assert not [*differences(loaded(path), load(path.with_suffix(".h5")))]


def refused(path: Path, name: str) -> None:
    with pytest.raises(UnsupportedError, match=UNSUPPORTED[name]):
        load(path)


@cache
def firsts(folder: Path, framework: str) -> set[str]:
    """The entries that are the first with a layer of some class: of these blind spots are looked for as well."""
    found: dict[str, str] = {}
    for name in entries_of(framework):
        if name not in UNSUPPORTED:
            with zipfile.ZipFile(folder / f"{name}.keras") as archive:
                classes = CLASS_NAME.findall(archive.read("config.json").decode())
            found |= {kind: name for kind in classes if kind not in found}
    return set(found.values())
