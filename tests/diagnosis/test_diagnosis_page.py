"""The page about the diagnosis has all faults, and the numbers that are its goals."""

from __future__ import annotations

import re

import pytest

from lstm_verify.faults import FAULTS
from tests.zoo.faults import all_cases, blind, tf1
from tests.zoo.faults.limits import NOT_A_BLIND_SPOT, NOT_NAMED
from tests.zoo.faults.table import GOAL, MEANINGS, PAGE, PAIR

TEXT = PAGE.read_text()
NAMES = [fault.name for fault in FAULTS]


def rows_of(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by their first cell."""
    part = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    return {first.strip("`*"): rest for first, *rest in rows[2:]}


ACCURACY = rows_of("How often it is right")
FAULTS_OF_CASES = [[fault.name for fault in case.faults] for cases in (all_cases(), tf1.CASES) for case in cases]
"""The names of the faults of each case: none if it is honest, two if it is a pair."""
FAULTY = [names for names in FAULTS_OF_CASES if names and names != ["unexplained"]]


OF_ONNX_FILES = {"other_settings", *(name for name in NAMES if name.startswith("onnxruntime_"))}
"""Those that only ONNX Runtime has, and that only two files show; their cases are among the ONNX files."""


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_is_explained(name: str) -> None:
    meaning, advice = rows_of("The faults")[name]
    assert meaning == MEANINGS[name]
    assert meaning
    assert advice


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_ONNX_FILES])
def test_every_fault_is_counted(name: str) -> None:
    assert FAULTY.count([name]) >= 2
    assert ACCURACY[name][0] == str(FAULTY.count([name]))


def test_there_is_no_fault_without_a_name() -> None:
    assert set(ACCURACY) - {PAIR, "all", "share"} == set(NAMES) - OF_ONNX_FILES
    assert set(rows_of("The faults")) == set(NAMES)


def test_the_goals_are_met() -> None:
    cases, detected, first, tie, missed = map(int, ACCURACY["all"])
    assert cases == detected == len(FAULTY)
    assert first + tie + missed == cases
    assert missed == len(NOT_NAMED)
    assert (first + tie) / cases >= GOAL
    for column in range(5):
        rows = [row for name, row in ACCURACY.items() if name not in ("all", "share")]
        assert sum(int(row[column]) for row in rows) == int(ACCURACY["all"][column])


def test_no_honest_run_is_diagnosed_and_nothing_is_explained_wrongly() -> None:
    unexplained, diagnosed, honest = rows_of("What has no name, and what is no fault").values()
    assert unexplained == [str(FAULTS_OF_CASES.count(["unexplained"]))] * 2
    assert diagnosed == ["0", str(FAULTS_OF_CASES.count([]))]
    assert honest == [str(len(FAULTS_OF_CASES))] * 2


def test_every_case_that_is_not_named_is_on_the_page() -> None:
    for name, why in NOT_NAMED.items():
        assert f"* `{name}`: {why}." in TEXT


def test_every_blind_case_is_listed() -> None:
    assert "not listed" not in TEXT
    assert len(re.findall(r"\| listed \|", TEXT)) == len(blind.CASES) - len(NOT_A_BLIND_SPOT)
