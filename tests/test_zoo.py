"""Every model of the zoo: read from both formats, replayed, and compared with the framework that built it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import UnsupportedError, Verdict, load, verify
from tests.zoo.models import entries_of

CASES = [
    (framework, name, suffix)
    for framework in ("keras", "tf_keras")
    for name in entries_of(framework)
    for suffix in (".h5", ".keras")
]

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


@pytest.mark.parametrize(("framework", "name", "suffix"), CASES, ids=map("-".join, CASES))
def test_replay_agrees_with_the_framework(zoo: Callable[[str], Path], framework: str, name: str, suffix: str) -> None:
    folder = zoo(framework)
    if name in UNSUPPORTED:
        with pytest.raises(UnsupportedError, match=UNSUPPORTED[name]):
            load(folder / f"{name}{suffix}")
        return
    report = verify(folder / f"{name}{suffix}", folder / f"{name}.x.npz", expected=folder / f"{name}.y.npz")
    if name in NOT_FINITE:
        assert report.verdict is Verdict.INCONCLUSIVE
        assert all(output.samples_beyond == 0 and np.isfinite(output.max_abs_deviation) for output in report.outputs)
    elif (framework, name) in UNJUDGED:
        assert report.verdict is Verdict.INCONCLUSIVE
        assert sum(output.samples_beyond for output in report.outputs) == 0
        assert 0 < sum(output.unjudged for output in report.outputs) < 20
    else:
        assert report.verdict is Verdict.MATCH, report.summary()
