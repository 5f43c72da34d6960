"""Every way out that a refusal names is gone, to the letter, and leads to a model that verifies.

Models are built, refused and rebuilt by the real frameworks, in one process each (`tests/zoo/ways_out.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.building import Build, of_both
from tests.command import assert_refused, inputs, model, recorded, run
from tests.zoo.ways_out import READ, WAYS

RECIPES = {framework: of_both("ways_", "tests.zoo.ways_out")[f"ways_{framework}"] for framework in WAYS}


@dataclass(frozen=True)
class Gone:
    """What the program has written for a framework."""

    folder: Path
    reached: dict[str, str]
    """By entry, the name of what its way leads to."""

    def arrays(self, name: str, prefix: str = "") -> tuple[object, ...]:
        return ("-i", self.folder / name / f"{prefix}x.npy", "-e", self.folder / name / f"{prefix}y.npy")


@pytest.fixture(scope="module")
def gone(build: Build) -> Callable[[str], Gone]:
    """By framework."""

    def of(framework: str) -> Gone:
        folder = build(RECIPES[framework])
        return Gone(folder, json.loads((folder / "ways.json").read_text()))

    return of


@pytest.mark.parametrize(("framework", "name"), [(framework, name) for framework in WAYS for name in WAYS[framework]])
def test_the_way_that_a_refusal_names_leads_to_a_match(framework: str, name: str, gone: Callable[[str], Gone]) -> None:
    way, folder = WAYS[framework][name], gone(framework).folder / name
    assert_refused(run(folder / way.refused, *gone(framework).arrays(name)), way.says)
    architecture = ("--architecture", folder / "model.json") if (folder / "model.json").exists() else ()
    arguments = (*gone(framework).arrays(name, "way."), *architecture, "--no-diagnose", "--no-blind-spots")
    result = run(folder / gone(framework).reached[name], *arguments)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("framework", "name", "file"),
    [
        (framework, name, file)
        for framework, models in READ.items()
        for name, (_, files) in models.items()
        for file in files
    ],
)
def test_what_is_called_in_training_is_replayed_as_predict_computes_it(
    framework: str, name: str, file: str, gone: Callable[[str], Gone]
) -> None:
    result = run(gone(framework).folder / name / file, *gone(framework).arrays(name))
    assert result.exit_code == 0, result.output


def test_what_keras_cannot_reopen_verifies_as_keras_file_or_against_recorded_predictions(
    gone: Callable[[str], Gone],
) -> None:
    folder, (option, x, *expected) = gone("keras").folder / "not_reopened", gone("keras").arrays("not_reopened")
    result = run(folder / "model.h5", option, x, "--json", "-")
    assert result.exit_code == 3, result.output
    reason = json.loads(result.stdout)["reason"]
    assert "save the model as .keras; or record predictions" in reason
    assert "--expected" in reason
    assert run(folder / "model.keras", option, x).exit_code == 0
    assert run(folder / "model.h5", option, x, *expected).exit_code == 0


@pytest.mark.framework
def test_what_a_runtime_cannot_open_verifies_against_recorded_predictions() -> None:
    """Keras 3 does not know `time_major`, which Keras 2 writes."""
    name, kind = "origin_tanh_sigmoid", "keras2.keras"
    result = run(model(name, kind), "-i", inputs(name), "--runtime", "keras", "--json", "-")
    assert result.exit_code == 3, result.output
    assert "give them with --expected" in json.loads(result.stdout)["reason"]
    assert run(model(name, kind), "-i", inputs(name), "--expected", recorded(name, kind)).exit_code == 0
