"""Every sentence of a diagnosis, of every fault in every layer that can have it, keeps the rules of `tests.grammar`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lstm_verify.diagnosis import Diagnosis, Explanation
from lstm_verify.diagnosis.below import Below
from lstm_verify.diagnosis.blind import BlindSpot, BlindSpots
from lstm_verify.diagnosis.changes import (
    Change,
    Family,
    carried,
    ends,
    exchanges,
    not_reset,
    singles,
    together,
    whole_model,
)
from lstm_verify.diagnosis.explain import blind_details, blind_line, diagnosis_lines
from lstm_verify.diagnosis.graph_masks import computed_masks
from lstm_verify.diagnosis.initial_states import resets
from lstm_verify.diagnosis.localise import DeviationStart
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.faults import PRECISIONS
from lstm_verify.layers import Bidirectional
from lstm_verify.model import Model
from lstm_verify.operations.activations import ActivationFunction
from lstm_verify.report import Predicted
from tests import reports
from tests.builders import UNITS, dense, gru_cell, lstm_cell, rnn, sequential, simple_rnn_cell, two_headed_model
from tests.diagnosis.cases import diagnosed
from tests.diagnosis.test_arrays import CASES, PLAIN, X, predicted_by
from tests.grammar import faults_of, faults_of_message
from tests.reporters.test_terminal import after_the_verdict, rendered

AFTER = Misfit(0.61, 1e-7, 0.25)
BEFORE = Misfit(20.0, 0.25, 10.0)


def both() -> Model:
    layer = Bidirectional(
        name="both",
        forward_layer=rnn(lstm_cell(seed=11), "ahead", return_sequences=True),
        backward_layer=rnn(lstm_cell(seed=12), "back", go_backwards=True, return_sequences=True),
        return_sequences=True,
    )
    last = rnn(simple_rnn_cell(3, 2 * UNITS), "last", stateful=True)
    return sequential(layer, last, dense(2, 3, activation=ActivationFunction.of("leaky_relu", negative_slope=0.2)))


MODELS: list[Model] = [
    sequential(rnn(lstm_cell(), "lstm"), dense()),
    sequential(rnn(gru_cell(recurrent_activation=ActivationFunction.of("hard_sigmoid", slope=0.2)), "gru"), dense()),
    both(),
    two_headed_model(),
]


def changes(model: Model) -> Iterator[Change]:
    """Every change that a search may try, alone and together with others."""
    single = [s.at(1.5) if isinstance(s, Family) else s for s in singles(model)]
    yield from single
    yield from exchanges(model)
    yield from ends(model)
    yield from whole_model(model)
    yield from resets(model, [2])
    yield from computed_masks(model)
    yield from not_reset(model, 4)
    for change in [change for change in single if change.carries]:
        yield from carried(change, 4, 8)
    yield from (together((first, second)) for first, second in zip(single, single[7:], strict=False))


def lines(**options: Any) -> Iterator[str]:
    for subject in ("model.predict", "saved_model", ""):
        yield from diagnosis_lines(Diagnosis(**options), subject)


def explained(change: Change, *also: Change, samples: int = 4) -> Explanation:
    return Explanation(change, BEFORE, AFTER, samples, also)


def checked(said: Iterator[str]) -> list[str]:
    return [f"{fault} in {line}" for line in said for fault in faults_of(line)]


@pytest.mark.parametrize("model", MODELS, ids=["lstm", "gru", "both", "two_headed"])
def test_every_change_of_a_model_in_words(model: Model) -> None:
    every = list(changes(model))
    assert len(every) > 50
    for change, other in pairwise(every):
        same = explained(change, change, other, replace(change))
        alone = explained(change, samples=1)
        for options in (
            {"status": "explained", "explanations": (same,)},
            {"status": "ambiguous", "explanations": (alone, explained(other), alone)},
            {"status": "unexplained", "explanations": (), "closest": (change, BEFORE), "tried": 1},
        ):  # fmt: skip
            assert not checked(lines(**options))


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_what_is_seen_in_arrays_in_words(case: Any) -> None:
    _, model, change, *_ = case
    found = diagnosed(model, X, {"dense": change(predicted_by(model, X)["dense"])})
    for subject in ("model.predict", ""):
        assert not checked(diagnosis_lines(found, subject))
    also = replace(found.explanations[0].change, words=found.explanations[0].change.words)
    mixed = explained(reports.FAST, also, also)
    assert not checked(lines(status="explained", explanations=(mixed,)))


@pytest.mark.parametrize("model", MODELS, ids=["lstm", "gru", "both", "two_headed"])
def test_blind_spots_in_words(model: Model) -> None:
    spots = BlindSpots(tuple(BlindSpot(change, 0.3) for change in changes(model)), 100, True)
    for line in (blind_line(spots), *blind_details(spots)):
        assert not list(faults_of_message(line)), line
    assert not blind_line(BlindSpots((), 100, True))


@pytest.mark.parametrize("below", [Below("float32", 0.8, None), Below("float16", 7.9, 1.7e-6, 1e-9)])
def test_a_tolerance_below_rounding_in_words(below: Below) -> None:
    assert not checked(lines(status="within_rounding", explanations=(), below=below))


@pytest.mark.parametrize(
    "place",
    [
        DeviationStart("lstm", None, 3),
        DeviationStart("both", "forward", None, "i"),
        DeviationStart(None, None, 4),
        DeviationStart("lstm", "backward", 0, "f", ("kernel", (1, 2), 0.5)),
    ],
)
def test_places_in_words(place: DeviationStart) -> None:
    assert not checked(lines(status="unexplained", explanations=(), tried=12, place=place))


def test_nothing_is_said_twice() -> None:
    again = explained(reports.FAST, reports.FAST, reports.BOTH, replace(reports.BOTH))
    said = list(diagnosis_lines(Diagnosis("explained", (again,)), ""))
    assert [line for line in said if "Equivalent explanations" in line] == [
        "Equivalent explanations: `lstm` bias = zero (bias)."
    ]
    alone = list(diagnosis_lines(Diagnosis("explained", (explained(reports.FAST, reports.FAST),)), ""))
    assert not [line for line in alone if "Equivalent explanations" in line]


def test_recorded_predictions_are_spoken_of_once() -> None:
    report = replace(reports.unexplained(), predicted=Predicted("recorded", "y.npy"))
    assert "No known fault explains what was recorded: 1,234 changes" in after_the_verdict(report)


def test_the_precision_of_a_whole_model_has_a_place() -> None:
    assert PRECISIONS
    everywhere = next(whole_model(MODELS[0]))
    nameless = replace(everywhere, layers=("",))
    said = list(diagnosis_lines(Diagnosis("unexplained", (), (nameless, BEFORE), tried=3), ""))
    assert said[1].startswith("The closest is the whole model weights = ")


# ------------------------------------------------------------------------------------------ the verdict


def test_no_sigma_is_infinite() -> None:
    """One value is exact, so that no σ measures how far off it is."""
    sigma = reports.SIGMA.copy()
    sigma[1, 0] = 0.0
    text = rendered(reports.by_rounding({(1, 0): 2.5}, sigma))
    assert "infσ" not in text
    assert "inf" not in text.split("MISMATCH")[1]
    report = reports.by_rounding({(1, 0): 2.5}, np.zeros_like(sigma))
    assert "infσ" not in rendered(report)


def test_a_tolerance_that_lets_anything_pass_is_not_proposed() -> None:
    assert "would pass" in rendered(reports.mismatch_by_rounding())
    assert "would pass" not in rendered(reports.mismatch())


def test_a_tolerance_below_rounding_is_not_proposed() -> None:
    found = Diagnosis("within_rounding", (), below=Below("float32", 0.8, 1e-6))
    assert "would pass" not in rendered(replace(reports.mismatch_by_rounding(), diagnosis=found))


def test_samples_with_unjudged_elements_are_marked() -> None:
    line = next(line for line in rendered(reports.unjudged()).splitlines() if line.strip().startswith("1 "))
    assert line.rstrip().endswith("unjudged")


def test_a_diagnosis_of_a_real_model_keeps_the_rules() -> None:
    noise = 0.05 * np.random.default_rng(0).standard_normal((24, 3)).astype("f4")
    found = diagnosed(PLAIN, X, {"dense": predicted_by(PLAIN, X)["dense"] + noise}, seconds=3)
    assert not checked(diagnosis_lines(found, ""))
