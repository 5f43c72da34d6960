"""The proof of the diagnosis: every case of the fault zoo is verified, and diagnosed if it does not match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.zoo.faults import all_cases, tf1
from tests.zoo.faults.case import shared_out
from tests.zoo.faults.limits import NOT_NAMED, NOT_THE_VALUE
from tests.zoo.faults.outcomes import Naming, Outcome, Part, outcomes, wanted_of
from tests.zoo.faults.words import disagreement

CASES: list[tuple[str, str, bool]] = [
    *((framework, case.name, bool(case.faults)) for case, framework, _ in shared_out(all_cases())),
    *(("tf1", case.name, bool(case.faults)) for case in tf1.CASES),
]
ALL = [(framework, name) for framework, name, _ in CASES]
HONEST = [(framework, name) for framework, name, faulty in CASES if not faulty]
UNEXPLAINED = [(framework, name) for framework, name in ALL if name.startswith("unexplained_")]
FAULTY = [(framework, name) for framework, name, faulty in CASES if faulty and (framework, name) not in UNEXPLAINED]
NAMED = [(framework, name) for framework, name in FAULTY if name not in NOT_NAMED]

Outcomes = Callable[[str], dict[str, Outcome]]


def ids(cases: list[tuple[str, str]]) -> list[str]:
    return ["-".join(case) for case in cases]


def disagreement_of(described: Mapping[str, Any], part: Part, record: Mapping[str, Any]) -> str:
    return disagreement(described, part.parameter or "", part.file_says, part.behaves_as, record["batch_size"])


@pytest.fixture(scope="session")
def diagnosed(fault_zoo: Callable[[str], Path]) -> Outcomes:
    """What came of all cases of a framework, by name."""
    found: dict[str, dict[str, Outcome]] = {}

    def of(framework: str) -> dict[str, Outcome]:
        if framework not in found:
            found[framework] = outcomes(fault_zoo(framework))
        return found[framework]

    return of


def test_every_case_is_there(diagnosed: Outcomes) -> None:
    assert sorted((framework, name) for framework in ("keras", "tf_keras", "tf1") for name in diagnosed(framework)) == (
        sorted(ALL)
    )


@pytest.mark.parametrize(("framework", "name"), FAULTY, ids=ids(FAULTY))
def test_a_fault_is_detected_and_named(diagnosed: Outcomes, framework: str, name: str) -> None:
    outcome = diagnosed(framework)[name]
    assert outcome.detected, outcome
    if name in NOT_NAMED:
        assert outcome.naming is Naming.MISSED, f"named after all, so no longer for NOT_NAMED: {outcome}"
        return
    assert outcome.naming is not Naming.MISSED, outcome
    assert outcome.status == ("explained" if len(outcome.explanations) == 1 else "ambiguous")


@pytest.mark.parametrize(("framework", "name"), NAMED, ids=ids(NAMED))
def test_a_fault_is_described_as_it_is(diagnosed: Outcomes, framework: str, name: str) -> None:
    outcome = diagnosed(framework)[name]
    record, answer = outcome.record, outcome.answer()
    assert answer is not None
    faults = {described["fault"]: described for described in (record, record["pair"]) if described}
    checked = [disagreement_of(faults[part.fault], part, record) for part in answer if part.fault in faults]
    assert checked or record["ties"], outcome
    assert any(checked) == (name in NOT_THE_VALUE), checked


@pytest.mark.parametrize(("framework", "name"), FAULTY, ids=ids(FAULTY))
def test_what_explains_leaves_only_rounding(diagnosed: Outcomes, framework: str, name: str) -> None:
    outcome = diagnosed(framework)[name]
    assert outcome.diagnosis is not None
    faults = outcome.diagnosis["faults"]
    assert {fault["explanation"] for fault in faults} == set(range(len(outcome.explanations)))
    for fault in faults if outcome.record["fault"] != "dropout_active" else []:
        assert fault["sigmas_after"] <= 8, outcome
        assert fault["max_abs_deviation_after"] < fault["max_abs_deviation_before"] / 2, outcome


@pytest.mark.parametrize(("framework", "name"), UNEXPLAINED, ids=ids(UNEXPLAINED))
def test_what_no_fault_explains_is_not_explained(diagnosed: Outcomes, framework: str, name: str) -> None:
    outcome = diagnosed(framework)[name]
    assert outcome.detected, outcome
    assert outcome.status == "unexplained", outcome


@pytest.mark.parametrize(("framework", "name"), HONEST, ids=ids(HONEST))
def test_an_honest_run_matches_and_is_not_diagnosed(diagnosed: Outcomes, framework: str, name: str) -> None:
    outcome = diagnosed(framework)[name]
    assert (outcome.verdict, outcome.status) == ("match", None), outcome


@pytest.mark.parametrize(("framework", "name"), ALL, ids=ids(ALL))
def test_the_same_model_matches_without_its_fault(diagnosed: Outcomes, framework: str, name: str) -> None:
    outcome = diagnosed(framework)[name]
    assert outcome.honest == "match", outcome


@pytest.mark.parametrize(("framework", "name"), FAULTY, ids=ids(FAULTY))
def test_a_fault_that_shows_is_no_blind_spot(diagnosed: Outcomes, framework: str, name: str) -> None:
    outcome = diagnosed(framework)[name]
    record = outcome.record
    for described, wanted in zip((record, record["pair"]), wanted_of(record), strict=False):
        for part in outcome.blind_spots:
            if part.fault == wanted.fault and wanted.layers.issuperset(part.layers):
                assert disagreement_of(described, part, record), f"{part} does show in {name}"
