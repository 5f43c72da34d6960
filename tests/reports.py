"""Reports of every kind, made without a file or a framework, for the tests of reports and reporters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_verify import Report, Tolerance
from lstm_verify.details import Details
from lstm_verify.diagnosis import Diagnosis, Explanation
from lstm_verify.diagnosis.blind import BlindSpot, BlindSpots
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.judging.compare import compare, verdict_of
from lstm_verify.judging.profile import profiles
from lstm_verify.layers import Array
from lstm_verify.model import Output, Source, Tensor
from lstm_verify.report import Predicted
from tests.builders import lstm_model

SOURCE = Source("model.h5", "Keras HDF5", "Keras 2.4.0", "tf_keras", ".h5")
REPLAYED = np.arange(12, dtype=np.float64).reshape(4, 3) / 8


@dataclass(frozen=True)
class KnownForAll:
    """σ of one output, (samples, ...), which was computed for every sample."""

    rows: Array

    def __getitem__(self, rows: slice) -> Array:
        return self.rows[rows]

    def is_own(self, rows: slice) -> Array:
        return np.ones(len(self.rows[rows]), bool)


SIGMA = np.full((4, 3), 2.0**-20)


def report_of(
    predicted: dict[str, Array], replayed: dict[str, Array], sigma: dict[str, Array] | None = None, **changes: Any
) -> Report:
    """A report of what `compare` finds, by rounding if σ is given, with the model `lstm_model()`."""
    tolerance = Tolerance() if sigma else Tolerance(1e-5, 1e-4)
    known = {name: KnownForAll(rows) for name, rows in (sigma or {}).items()}
    outputs = compare(predicted, replayed, tolerance, sigma=known)
    report = Report(
        verdict=verdict_of(outputs),
        model=replace(lstm_model(), source=SOURCE),
        predicted=Predicted("tf_keras", "tf_keras 2.21.0 on TensorFlow 2.21.0"),
        tolerance=tolerance,
        outputs=outputs,
        samples=len(np.atleast_1d(next(iter(replayed.values()), ()))),
        details=Details(profiles(predicted, replayed, tolerance, known)),
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


def by_rounding(places: dict[tuple[int, int], float], sigma: Array = SIGMA, **changes: Any) -> Report:
    """A report by σ of an output that deviates by so many times 2⁻²⁰ at these places."""
    predicted = REPLAYED.copy()
    for place, times in places.items():
        predicted[place] += times * 2.0**-20
    return report_of({"dense": predicted}, {"dense": REPLAYED}, {"dense": sigma}, own_sigma=len(REPLAYED), **changes)


def match_by_rounding() -> Report:
    return by_rounding({(2, 1): 7.5, (3, 2): -2})


def mismatch_by_rounding() -> Report:
    """Sample 1 is 20 σ off, of a small σ; sample 2 more, but only 6 σ."""
    sigma = SIGMA.copy()
    sigma[1, 0] /= 8
    return by_rounding({(1, 0): 2.5, (2, 1): 6}, sigma)


def unjudged() -> Report:
    """At one place a number that the framework's precision cannot hold."""
    sigma = SIGMA.copy()
    sigma[1, 2] = np.inf
    return by_rounding({(1, 2): 1e6, (0, 0): 1}, sigma)


def change(fault: str, layer: str, parameter: str, file_says: str, behaves_as: str) -> Change:
    return Change(fault, (layer,), parameter, file_says, behaves_as, lambda model: model, frozenset({layer}))


FAST = change("recurrent_activation", "lstm", "recurrent_activation", "sigmoid", "hard_sigmoid(slope=0.2)")
BOTH = change("bias", "lstm", "bias", "as it is", "zero")


def explained() -> Report:
    """One fault explains the mismatch, and another does in other words."""
    found = Explanation(FAST, Misfit(20.0, 0.25, 10.0), Misfit(0.5, 1e-7, 0.25), 4, also=(BOTH,))
    return replace(mismatch_by_rounding(), diagnosis=Diagnosis("explained", (found,), tried=7))


def ambiguous() -> Report:
    """Two faults explain it, which other inputs would tell apart."""
    found = [Explanation(fault, Misfit(20.0, 0.25, 10.0), Misfit(0.5, 1e-7, 0.25), 1) for fault in (FAST, BOTH)]
    separating = {"random": 16, "seed": 3}
    return replace(mismatch_by_rounding(), diagnosis=Diagnosis("ambiguous", tuple(found), separating=separating))


def unexplained() -> Report:
    found = Diagnosis(
        "unexplained",
        (),
        (BOTH, Misfit(9.0, 0.125, 3.0)),
        tried=1234,
        untried=("pairs of faults", "three faults at once"),
    )
    return replace(mismatch_by_rounding(), diagnosis=found)


SPOTS = (
    BlindSpot(change("initial_state", "lstm", "initial state", "zero", "carried over"), 0.0),
    BlindSpot(change("clip", "lstm", "cell_clip", "none", "3"), 2.5e-7),
    BlindSpot(change("gelu_approximation", "dense", "activation", "gelu", "gelu(approximate)"), 4.0),
)


def with_blind_spots() -> Report:
    return replace(match_by_rounding(), blind_spots=BlindSpots(SPOTS, 40, complete=True))


def without_blind_spots() -> Report:
    """They were looked for, and were not to be."""
    return replace(match_by_rounding(), blind_spots=BlindSpots((), 40, complete=True), fails_on_blind_spots=True)


def fails_on_blind_spots() -> Report:
    return replace(with_blind_spots(), fails_on_blind_spots=True)


def not_all_blind_spots() -> Report:
    return replace(match_by_rounding(), blind_spots=BlindSpots(SPOTS[:1], 12, complete=False))


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
    match_by_rounding,
    mismatch_by_rounding,
    unjudged,
    explained,
    ambiguous,
    unexplained,
    with_blind_spots,
    without_blind_spots,
    fails_on_blind_spots,
    not_all_blind_spots,
)
REPORTS: dict[str, Callable[[], Report]] = {make.__name__: make for make in MAKERS}
