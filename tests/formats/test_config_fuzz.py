"""Configs with one thing wrong, at every level: an error in one line or a verdict, never a traceback or a hang."""

from __future__ import annotations

import copy
import io
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from lstm_verify import LstmVerifyError, load, verify
from lstm_verify.inspection import inspect
from lstm_verify.reporters import json, junit, samples, terminal
from tests.command import inputs, model, recorded
from tests.model_files import Json, read_config, with_config

VALUES: tuple[object, ...] = (None, [], {}, "x", -1, True, 1.5, 10**30)
CASES_PER_FILE = 40
SECONDS = 60
FILES = [
    (name, kind)
    for name, kinds in {
        "origin_tanh_sigmoid": ("keras2.h5", "keras3.keras"),
        "stacked_gru": ("keras2.keras", "keras3.h5"),
        "bidirectional_masked": ("keras2.h5", "keras3.keras"),
        "encoder_decoder": ("keras2.keras", "keras3.h5"),
        "conv_pool_lstm": ("keras2.h5", "keras3.keras"),
        "nested_shared": ("keras2.keras", "keras3.keras"),
    }.items()
    for kind in kinds
]
Place = tuple[str | int, ...]


def places(value: Json, at: Place = ()) -> Iterator[Place]:
    """Every place in a config below its top, as the keys and indices that lead there."""
    children: list[tuple[Any, Json]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for key, child in children:
        yield (*at, key)
        yield from places(child, (*at, key))


def changed(config: Json, place: Place, change: Callable[[Any, Any], None]) -> Json:
    """A copy of a config with one place changed."""
    config = copy.deepcopy(config)
    parent = config
    for key in place[:-1]:
        parent = parent[key]
    change(parent, place[-1])
    return config


def mutations(config: Json, seed: int) -> Iterator[tuple[str, Json]]:
    """A seeded sample of configs with one place left out or replaced; places high up come more often."""
    chance = random.Random(seed)
    found = [place for place in places(config) if "initializer" not in "".join(map(str, place))]
    for place in chance.choices(found, weights=[1 / len(place) for place in found], k=CASES_PER_FILE):
        label = "/".join(map(str, place))
        if chance.random() < 0.4:
            yield f"without {label}", changed(config, place, lambda parent, key: parent.pop(key))
        else:
            value = chance.choice(VALUES)
            yield (
                f"{label} = {value!r}",
                changed(config, place, lambda parent, key, v=value: parent.__setitem__(key, v)),
            )


@pytest.fixture
def alarm() -> Iterator[Callable[[], None]]:
    """Start the clock anew: what takes longer than a minute is a hang, however busy the machine."""

    def ring(*_: object) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda: signal.alarm(SECONDS) and None
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def first_batch(path: Path) -> dict[str, np.ndarray]:
    """Two samples of each array, since a stateful model takes two at a time: enough to run every line once."""
    with np.load(path) as archive:
        return {name: archive[name][:2] for name in archive.files}


def try_out(path: Path, x: dict[str, np.ndarray], y: dict[str, np.ndarray]) -> str:
    """What is wrong with how a file is dealt with, if anything is."""
    try:
        made = load(path)
        report = verify(made, x, expected=y, seconds=2)
        for render in (lambda: json.render(report.to_dict()), lambda: junit.render(report)):
            render()
        samples.render_csv(report)
        terminal.render(report, Console(file=io.StringIO()), top=3)
        json.render(inspect(made))
    except LstmVerifyError as error:
        message = str(error)
        return "" if message and message.isprintable() else f"not one printable line: {message!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_one_thing_wrong_in_the_config(
    name: str, kind: str, tmp_path: Path, alarm: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = model(name, kind), tmp_path / f"model.{kind}"
    x, y = first_batch(inputs(name)), first_batch(recorded(name, kind))
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # two samples on two workers cost more than they save
    problems = {}
    for label, config in mutations(read_config(source), seed=FILES.index((name, kind))):
        alarm()
        problem = try_out(with_config(source, target, config), x, y)
        if problem:
            problems[label] = problem
    assert not problems, "\n".join(f"{label}: {problem}" for label, problem in problems.items())
