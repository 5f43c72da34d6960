"""Reports of every kind, made without a file or a framework, for the tests of reports and reporters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_verify import Report, Tolerance
from lstm_verify.compare import compare, verdict_of
from lstm_verify.layers import Array
from lstm_verify.model import Output, Source, Tensor
from lstm_verify.report import Predicted
from tests.builders import lstm_model

SOURCE = Source("model.h5", "Keras HDF5", "Keras 2.4.0", "tf_keras", ".h5")
REPLAYED = np.arange(12, dtype=np.float64).reshape(4, 3) / 8


def report_of(predicted: dict[str, Array], replayed: dict[str, Array], **changes: Any) -> Report:
    """A report of what `compare` finds, with the model `lstm_model()`."""
    tolerance = Tolerance(1e-5, 1e-4)
    outputs = compare(predicted, replayed, tolerance)
    report = Report(
        verdict=verdict_of(outputs),
        model=replace(lstm_model(), source=SOURCE),
        predicted=Predicted("tf_keras", "tf_keras 2.21.0 on TensorFlow 2.21.0"),
        tolerance=tolerance,
        outputs=outputs,
        samples=len(next(iter(replayed.values()), ())),
        timings={"load": 0.01, "replay": 0.123456, "total": 1.5},
    )
    return replace(report, **changes)


def match() -> Report:
    predicted = REPLAYED.copy()
    predicted[2, 1] += 2.5e-6
    return report_of({"dense": predicted}, {"dense": REPLAYED})


def mismatch() -> Report:
    """Sample 3 deviates by 0.5 at unit 1, sample 0 by 0.25 at unit 2; the two others agree."""
    predicted = REPLAYED.copy()
    predicted[3, 1] += 0.5
    predicted[0, 2] -= 0.25
    return report_of({"dense": predicted}, {"dense": REPLAYED})


def not_finite() -> Report:
    """NaN against a number: a mismatch by ∞."""
    predicted = REPLAYED.copy()
    predicted[1, 0] = np.nan
    return report_of({"dense": predicted}, {"dense": REPLAYED})


def nan_on_both_sides() -> Report:
    both = REPLAYED.copy()
    both[1, 0], both[2, 2] = np.nan, np.inf
    return report_of({"dense": both}, {"dense": both})


def no_outputs() -> Report:
    """The framework did not run."""
    return report_of({}, {}, samples=4, reason="tf_keras: gave up after 600 s")


def no_samples() -> Report:
    return report_of({"dense": REPLAYED[:0]}, {"dense": REPLAYED[:0]})


def missing_output() -> Report:
    return report_of({"dense": REPLAYED}, {"dense": REPLAYED, "states": REPLAYED})


def other_shape() -> Report:
    return report_of({"dense": REPLAYED[:, :1]}, {"dense": REPLAYED})


def of_no_file() -> Report:
    return replace(match(), model=lstm_model())


def several_axes() -> Report:
    replayed = np.arange(24, dtype=np.float64).reshape(2, 4, 3)
    predicted = replayed.copy()
    predicted[1, 2, 0] -= 3
    return report_of(
        {"dense": predicted, "single": replayed[:, 0, 0]}, {"dense": replayed, "single": replayed[:, 0, 0]}
    )


STRANGE = '[red]über <&> "日本" [/red] [link=x]'


def strange_names() -> Report:
    """Names with what means something to rich, XML and CSV."""
    report = report_of({STRANGE: REPLAYED + 1}, {STRANGE: REPLAYED})
    model = replace(
        report.model,
        name=STRANGE,
        source=replace(SOURCE, path=f"{STRANGE}.h5", writer=STRANGE),
        outputs=(Output(STRANGE, Tensor("dense")),),
    )
    return replace(report, model=model, predicted=Predicted("recorded", STRANGE), notes=(STRANGE,))


def strange_names_and_no_outputs() -> Report:
    return replace(strange_names(), outputs=(), verdict=no_outputs().verdict, reason=STRANGE)


MAKERS: tuple[Callable[[], Report], ...] = (
    match,
    mismatch,
    not_finite,
    nan_on_both_sides,
    no_outputs,
    no_samples,
    missing_output,
    other_shape,
    of_no_file,
    several_axes,
    strange_names,
    strange_names_and_no_outputs,
)
REPORTS: dict[str, Callable[[], Report]] = {make.__name__: make for make in MAKERS}
