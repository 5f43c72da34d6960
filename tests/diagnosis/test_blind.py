"""Blind spots: the short way to see that a fault shows says nothing else than the long one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lstm_verify.compare import SIGMAS
from lstm_verify.diagnosis.blind import _calls, _representative, _shows, _small_effect, blind_spots
from lstm_verify.diagnosis.experiment import Experiment, experiment
from tests.test_waypoints import MODELS, given


def tried(name: str, seed: int) -> Experiment:
    x = given()["x"][seed : seed + 4]
    return experiment(MODELS[name], {"x": x}, None, None)


@pytest.mark.parametrize("name", MODELS)
def test_what_shows_in_the_last_steps_shows_in_all_of_them(name: str) -> None:
    few = tried(name, 0)
    changes = list(_representative(few.model, _calls(few), 2))
    shown = [change for change in changes if not change.batches and _shows(few, change)]
    assert len(shown) > len(changes) / 3
    assert all(_small_effect(few, change) > SIGMAS for change in shown)


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
