"""Graphs that decide something or cast to narrower formats, and attributes of operations, with TensorFlow as oracle."""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Verdict, load, replay, verify
from lstm_verify.budget import standard_deviations
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.formats.tensorflow.attributes import IGNORED
from lstm_verify.formats.tensorflow.operations import RULES
from lstm_verify.formats.tensorflow.table import table_of
from lstm_verify.graph.compute import Compute
from lstm_verify.graph.expand import Expand
from lstm_verify.operations import OPERATIONS
from tests.building import Build, Recipe
from tests.graph_files import read_at_once
from tests.zoo.graph_decisions import CASTS, NAMES, UNITS

FAR = 2
"""The samples at the end that are far away from where a decision turns."""


@pytest.fixture(scope="module")
def folder(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = build(Recipe("graph_decisions", "tests.zoo.graph_decisions", given=json.dumps(sorted(RULES))))
    with read_at_once([found / "decisions", *(found / name for name in CASTS)], tmp_path_factory.mktemp("found")):
        yield found


def decision(folder: Path, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    with np.load(folder / "decisions.npz") as arrays:
        return arrays[f"{name}.x"], arrays[f"{name}.y"]


@pytest.mark.parametrize("name", NAMES)
def test_a_graph_decides_in_its_own_format(folder: Path, name: str) -> None:
    """At the number itself and next to it; in float32, where nothing was rounded before, all is certain."""
    x, y = decision(folder, name)
    model = load(folder / "decisions", endpoints=Endpoints(signature=name))
    np.testing.assert_allclose(np.asarray(replay(model, x)), y, rtol=2 * UNITS[name.rsplit("_", 1)[1]], atol=1e-6)
    report = verify(
        folder / "decisions", x, expected=y, endpoints=Endpoints(signature=name), blind_spots=False, diagnose=False
    )
    assert report.verdict is not Verdict.MISMATCH, report.summary()
    if name.endswith("float32") and "Floor" not in name:
        assert report.verdict is Verdict.MATCH, report.summary()


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_decision_is_no_match(folder: Path, name: str) -> None:
    x, y = decision(folder, name)
    wrong = y.copy()
    wrong[-FAR:] = y[-FAR:] + 1
    report = verify(
        folder / "decisions", x, expected=wrong, endpoints=Endpoints(signature=name), blind_spots=False, diagnose=False
    )
    assert report.verdict is Verdict.MISMATCH
    assert [bool(within) for within in report.outputs[0].within] == [True] * (len(x) - FAR) + [False] * FAR


@pytest.mark.parametrize("name", CASTS)
def test_a_cast_to_a_narrower_format_rounds(folder: Path, name: str) -> None:
    """The honest run is a match, and σ holds the rounding of the cast: half a unit of its last place, evenly spread."""
    with np.load(folder / f"{name}.npz") as arrays:
        x, y = arrays["x"], arrays["y"]
    report = verify(folder / name, x, expected=y, blind_spots=False, diagnose=False)
    assert report.verdict is not Verdict.MISMATCH, report.summary()
    model = load(folder / name)
    (σ,) = standard_deviations(model, x).values()
    unit = UNITS[name.rsplit("_", 1)[1]]
    assert unit / 100 < np.median(σ) < unit
    off = verify(folder / name, x, expected=y + 20 * unit, blind_spots=False, diagnose=False)
    assert off.verdict is Verdict.MISMATCH


def definitions(folder: Path) -> dict[str, dict[str, Any]]:
    return json.loads((folder / "operations.json").read_text())  # type: ignore[no-any-return]


def test_no_attribute_of_an_operation_is_dropped(folder: Path) -> None:
    """Each that TensorFlow defines is used, checked, or among those without effect; others are refused by name."""
    unknown = {
        op: [key for key in found["attributes"] if key not in {*known_of(op), *IGNORED, *UNKNOWN.get(op, ())}]
        for op, found in definitions(folder).items()
    }
    assert not {op: keys for op, keys in unknown.items() if keys}


def known_of(op: str) -> Collection[str]:
    rule = RULES[op]
    assert isinstance(rule, Compute | Expand)
    return rule.known


UNKNOWN: dict[str, tuple[str, ...]] = {}
"""Attributes with which an operation is refused."""


def test_an_attribute_that_is_missing_has_its_default(folder: Path) -> None:
    """SavedModels leave out what has its default: it means the same there as where it is said."""
    differing = {}
    for op, found in definitions(folder).items():
        defaults = {key: value for key, value in found["defaults"].items() if value is not None}
        rule, table = RULES[op], table_of({}, None)
        if not isinstance(rule, Compute):  # whose steps have defaults of their own
            continue
        always = {key: value for key, value in ALWAYS_SAID.items() if key in found["attributes"]}
        said = effective(rule.operation, rule.translated(op, defaults | always, table))
        left_out = effective(rule.operation, rule.translated(op, always, table))
        if said != left_out:
            differing[op] = {key for key in said if said[key] != left_out.get(key, "nothing")}
    assert not differing


ALWAYS_SAID = {"padding": "SAME"}
"""Attributes without a default that say with others what these mean."""
HANDING_ON = {"lstm_block": "lstm_cell"}
"""Operations that hand their options on to others."""


def effective(operation: str, options: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of an operation, with the defaults of those that are not given."""
    try:
        named = HANDING_ON.get(operation, operation)
        parameters = inspect.signature(OPERATIONS[named]).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    known = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    return known | options
