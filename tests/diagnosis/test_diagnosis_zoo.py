"""The proof of the diagnosis: every case of the fault zoo is verified, and diagnosed if it does not match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from tests.graph_files import reading
from tests.zoo.faults import all_cases, tf1
from tests.zoo.faults.case import shared_out
from tests.zoo.faults.limits import NOT_NAMED, NOT_THE_VALUE
from tests.zoo.faults.outcomes import Naming, Outcome, Part, outcome_of, records_of, wanted_of
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

Reading = Callable[[], AbstractContextManager[None]]


def ids(cases: list[tuple[str, str]]) -> list[str]:
    return ["-".join(case) for case in cases]


def disagreement_of(described: Mapping[str, Any], part: Part, record: Mapping[str, Any]) -> str:
    return disagreement(described, part.parameter or "", part.file_says, part.behaves_as, record["batch_size"])


@pytest.fixture(scope="module")
def graphs_read(fault_zoo: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """A context in which the graphs of TensorFlow 1 have been read by one child process."""

    @cache
    def read() -> Reading:
        folder = fault_zoo("tf1")
        return reading([folder / record["model"] for record in records_of(folder)], tmp_path_factory.mktemp("read"))

    return lambda: read()()


@pytest.fixture
def outcome(fault_zoo: Callable[[str], Path], framework: str, name: str, graphs_read: Reading) -> Outcome:
    """What came of a case; all its tests run in one process, which tries it once."""
    return tried(fault_zoo(framework), name, graphs_read if framework == "tf1" else nullcontext)


@cache
def tried(folder: Path, name: str, context: Reading) -> Outcome:
    with context(), threadpool_limits(1):
        return outcome_of(folder, next(record for record in records_of(folder) if record["name"] == name))


def test_every_case_is_there(fault_zoo: Callable[[str], Path]) -> None:
    found = [(kind, record["name"]) for kind in ("keras", "tf_keras", "tf1") for record in records_of(fault_zoo(kind))]
    assert sorted(found) == sorted(ALL)


@pytest.mark.parametrize(("framework", "name"), FAULTY, ids=ids(FAULTY))
def test_a_fault_is_detected_and_named(outcome: Outcome, framework: str, name: str) -> None:
    assert outcome.detected, outcome
    if name in NOT_NAMED:
        assert outcome.naming is Naming.MISSED, f"named after all, so no longer for NOT_NAMED: {outcome}"
        return
    assert outcome.naming is not Naming.MISSED, outcome
    assert outcome.status == ("explained" if len(outcome.explanations) == 1 else "ambiguous")


@pytest.mark.parametrize(("framework", "name"), NAMED, ids=ids(NAMED))
def test_a_fault_is_described_as_it_is(outcome: Outcome, framework: str, name: str) -> None:
    record, answer = outcome.record, outcome.answer()
    assert answer is not None
    faults = {described["fault"]: described for described in (record, record["pair"]) if described}
    checked = [disagreement_of(faults[part.fault], part, record) for part in answer if part.fault in faults]
    assert checked or record["ties"], outcome
    assert any(checked) == (name in NOT_THE_VALUE), checked


@pytest.mark.parametrize(("framework", "name"), FAULTY, ids=ids(FAULTY))
def test_what_explains_leaves_only_rounding(outcome: Outcome, framework: str, name: str) -> None:
    assert outcome.diagnosis is not None
    faults = outcome.diagnosis["faults"]
    assert {fault["explanation"] for fault in faults} == set(range(len(outcome.explanations)))
    for fault in faults if outcome.record["fault"] != "dropout_active" else []:
        assert fault["sigmas_after"] <= 8, outcome
        assert fault["max_abs_deviation_after"] < fault["max_abs_deviation_before"] / 2, outcome


@pytest.mark.parametrize(("framework", "name"), UNEXPLAINED, ids=ids(UNEXPLAINED))
def test_what_no_fault_explains_is_not_explained(outcome: Outcome, framework: str, name: str) -> None:
    assert outcome.detected, outcome
    assert outcome.status == "unexplained", outcome


@pytest.mark.parametrize(("framework", "name"), HONEST, ids=ids(HONEST))
def test_an_honest_run_matches_and_is_not_diagnosed(outcome: Outcome, framework: str, name: str) -> None:
    assert (outcome.verdict, outcome.status) == ("match", None), outcome


@pytest.mark.parametrize(("framework", "name"), ALL, ids=ids(ALL))
def test_the_same_model_matches_without_its_fault(outcome: Outcome, framework: str, name: str) -> None:
    assert outcome.honest == "match", outcome


@pytest.mark.parametrize(("framework", "name"), FAULTY, ids=ids(FAULTY))
def test_a_fault_that_shows_is_no_blind_spot(outcome: Outcome, framework: str, name: str) -> None:
    record = outcome.record
    for described, wanted in zip((record, record["pair"]), wanted_of(record), strict=False):
        for part in outcome.blind_spots:
            if part.fault == wanted.fault and wanted.layers.issuperset(part.layers):
                assert disagreement_of(described, part, record), f"{part} does show in {name}"
