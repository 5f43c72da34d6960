"""JSON: the report, unchanged, as text that every reader takes."""

from __future__ import annotations

import json as standard
from dataclasses import replace

import pytest

from lstm_verify.inspection import inspect
from lstm_verify.reporters import json
from tests import reports
from tests.builders import lstm_model
from tests.reports import REPORTS, STRANGE


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_comes_back_as_it_was(name: str) -> None:
    data = REPORTS[name]().to_dict()
    text = json.render(data)
    assert standard.loads(text, parse_constant=refuse) == data
    assert text.endswith("}\n")


def test_text_stays_readable() -> None:
    text = json.render(reports.strange_names().to_dict())
    assert STRANGE.replace('"', '\\"') in text
    text.encode("utf-8")


def test_the_beginning_of_a_report() -> None:
    lines = json.render(reports.mismatch().to_dict()).splitlines()
    assert lines[:5] == [
        "{",
        '  "schema_version": 1,',
        '  "verdict": "mismatch",',
        '  "exit_code": 1,',
        '  "reason": "dense: 2 of 4 samples beyond the tolerance",',
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_does_not_have_are_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json.render({"value": value})


def test_an_inspection_is_plain_data() -> None:
    data = inspect(replace(lstm_model(), source=reports.SOURCE))
    assert standard.loads(json.render(data)) == data
    assert data["parameters"] == 138
    assert [layer["name"] for layer in data["layers"]] == ["lstm", "dense"]
    assert data["layers"][0]["weights"]["recurrent_kernel"] == {"shape": [4, 16], "dtype": "float64"}
