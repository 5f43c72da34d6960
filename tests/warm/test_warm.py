"""A process that is forked from a warm server predicts what one predicts that imports the framework itself."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lstm_verify import FrameworkError, load
from lstm_verify.runtimes import Prediction, Request, find, predicting
from tests.command import inputs, model
from tests.conftest import WARM

pytestmark = pytest.mark.framework
ORIGIN = "origin_tanh_sigmoid"
Bytes = dict[str, bytes]


def predicted(runtime: str, kind: str, warm: bool) -> tuple[Prediction, Bytes]:
    WARM.use(warm)
    path = model(ORIGIN, kind)
    with np.load(inputs(ORIGIN)) as x:
        request = Request(path, dict(x), load(path).suffix)
    with predicting(find(runtime), request) as prediction:
        return prediction, {name: rows[:].tobytes() for name, rows in prediction.result().items()}


@pytest.mark.parametrize(("runtime", "kind"), [("keras", "keras3.h5"), ("tf_keras", "keras2.keras")])
def test_the_same_predictions_to_the_last_bit(runtime: str, kind: str) -> None:
    (warm, its), (cold, others) = (predicted(runtime, kind, how) for how in (True, False))
    assert type(warm.child.process) is not type(cold.child.process)
    assert (warm.description, its) == (cold.description, others)


@pytest.mark.parametrize("warm", [True, False])
def test_a_process_that_takes_too_long_is_ended(warm: bool, tmp_path: Path) -> None:
    """It opens a pipe that nobody writes to, and so waits for good."""
    WARM.use(warm)
    os.mkfifo(tmp_path / "model.keras")
    with np.load(inputs(ORIGIN)) as x:
        request = Request(tmp_path / "model.keras", dict(x), ".keras", timeout=0.5)
    with (
        pytest.raises(FrameworkError, match=r"no predictions after 0\.5 s"),
        predicting(find("keras"), request) as prediction,
    ):
        prediction.result()
