"""Blind spots: the short way to see that a fault shows says nothing else than the long one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.diagnosis.blind import MANY_STEPS, _calls, _effect, _more, _representative, _shows, blind_spots
from lstm_verify.diagnosis.experiment import Experiment, experiment
from lstm_verify.judging.tolerance import SIGMAS
from tests.rounded.test_checkpoints import MODELS, given


def tried(name: str, seed: int) -> Experiment:
    x = given()["x"][seed : seed + 4]
    return experiment(MODELS[name], {"x": x}, None, None)


@pytest.mark.parametrize("name", MODELS)
def test_what_shows_in_the_last_steps_shows_in_all_of_them(name: str) -> None:
    few = tried(name, 0)
    changes = list(_representative(few.model, _calls(few), 2))
    shown = [change for change in changes if not change.batches and _shows(few, change)]
    assert len(shown) > len(changes) / 3
    assert all(_effect(few, change) > SIGMAS for change in shown)


def small() -> Any:
    return given()["x"] * np.float32(0.01)


def first_steps_only() -> Any:
    """Nothing in the last steps shows what the weights of the input are."""
    x = given()["x"] * np.float32(0.01)
    x[:, 1:] = 0
    return x


@pytest.mark.parametrize("make", [small, first_steps_only])
@pytest.mark.parametrize("name", ["last", "stacked_sequences", "masked_sequences"])
def test_the_blind_spots_are_those_of_the_long_way(name: str, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> list[Any]:
        return [spot.change.key for spot in blind_spots(MODELS[name], {"x": make()}, 2).found]

    soon = found()
    monkeypatch.setattr("lstm_verify.diagnosis.blind._shows", lambda *rest: False)
    monkeypatch.setattr("lstm_verify.diagnosis.blind._is_clear", lambda *rest: False)
    assert soon == found() != []


@pytest.mark.parametrize("name", MODELS)
def test_an_effect_in_a_part_of_sigma_is_no_smaller(name: str) -> None:
    few = tried(name, 4)
    for part, whole in zip(few.part_of_sigma, few.sigma, strict=True):
        assert (part <= whole * (1 + 1e-12)).all()
        assert (part > 0).any()  # masked steps have none


def test_longer_sequences_are_tried_in_fewer_samples_but_in_whole_batches() -> None:
    short, long = np.zeros((9000, 4, 1)), np.zeros((9000, MANY_STEPS // 4, 1))
    assert len(_more({"x": long}, 2)) < 20 < 256 <= len(_more({"x": short}, 2))
    chosen = _more({"x": long}, 64)
    assert chosen[:64].tolist() == list(range(64))
    assert chosen[-1] == 8999  # those that were tried before are among them
    assert _more({"tokens": np.zeros((3, 5))}, 2).tolist() == [0, 1, 2]
