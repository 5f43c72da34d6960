"""Blind spots of real models: a fault of which a framework has shown that it changes nothing is listed as one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_verify import Verdict, verify
from lstm_verify._replay import replay_rows
from lstm_verify.diagnosis.blind import blind_spots
from lstm_verify.inputs import bind, random_inputs
from lstm_verify.model import Input, Model
from tests.command import run
from tests.zoo.faults.blind import CASES
from tests.zoo.faults.case import shared_out
from tests.zoo.faults.limits import NOT_A_BLIND_SPOT, OF_THE_WEIGHTS
from tests.zoo.faults.outcomes import Part, Wording, records_of, spots_of, verified, wanted_of, wording_of
from tests.zoo.faults.record import Record
from tests.zoo.faults.words import disagreement

ALL = [(framework, case.name) for case, framework, _ in shared_out(CASES)]
LISTED = [(framework, name) for framework, name in ALL if name not in NOT_A_BLIND_SPOT]
NO_BLIND_SPOT = "honest_large_weights_batch_7"
"""A case of the zoo whose input shows every fault that its model can have."""

STEPS = 6
"""Time steps that a recurrent kernel has an effect in."""

FaultZoo = Callable[[str], Path]


def ids(cases: Sequence[tuple[str, str]]) -> list[str]:
    return ["-".join(case) for case in cases]


def record_of(folder: Path, name: str) -> Record:
    return next(record for record in records_of(folder, "blind.json") if record["name"] == name)


def of_the_case(spots: Wording, record: Mapping[str, Any]) -> list[Part]:
    """The blind spots that are the fault of a case: in its layer, with its value."""
    (wanted,) = wanted_of(record)
    return [
        part
        for part in spots
        if part.fault == wanted.fault
        and wanted.layers.issuperset(part.layers)
        and not disagreement(record, part.parameter or "", part.file_says, part.behaves_as, None)
    ]


def rich(model: Model, steady: bool) -> tuple[Model, dict[str, Any]]:
    """A model and random inputs of some steps for it; if `steady`, of many steps with large numbers that stay."""

    def longer(spec: Input) -> Input:
        if spec.shape is None or len(spec.shape) != 3:
            return spec
        return replace(spec, shape=(spec.shape[0], 40 if steady else max(spec.shape[1] or 0, STEPS), *spec.shape[2:]))

    model = replace(model, inputs=tuple(longer(spec) for spec in model.inputs))
    made = random_inputs(model, 32, 1)
    if steady:
        made = {name: np.repeat(3 * array[:, :1], array.shape[1], axis=1) for name, array in made.items()}
    return model, made


@pytest.mark.parametrize(("framework", "name"), LISTED, ids=ids(LISTED))
def test_a_fault_that_changed_nothing_is_a_blind_spot(fault_zoo: FaultZoo, framework: str, name: str) -> None:
    folder = fault_zoo(framework)
    record = record_of(folder, name)
    report = verified(folder, record, blind_spots=True)
    assert report.verdict is Verdict.MATCH
    assert report.diagnosis is None
    assert of_the_case(spots_of(report), record)


@pytest.mark.parametrize(("framework", "name"), LISTED, ids=ids(LISTED))
def test_a_richer_input_shows_it_if_one_can(fault_zoo: FaultZoo, framework: str, name: str) -> None:
    folder = fault_zoo(framework)
    record = record_of(folder, name)
    model, inputs = rich(verified(folder, record).model, steady=record["fault"] == "clip")
    rows, _ = bind(model, inputs)
    assert np.isfinite(next(iter(replay_rows(model, rows).values()))[:]).all()
    spots = blind_spots(model, rows, 32)
    assert spots.complete
    found = of_the_case(tuple(part for spot in spots.found for part in wording_of(spot.change)), record)
    assert bool(found) == (name in OF_THE_WEIGHTS)


def test_a_sum_has_no_order_to_be_blind_to(fault_zoo: FaultZoo) -> None:
    (name,) = NOT_A_BLIND_SPOT
    folder = fault_zoo({case: framework for framework, case in ALL}[name])
    record = record_of(folder, name)
    report = verified(folder, record, blind_spots=True)
    assert report.verdict is Verdict.MATCH
    assert not of_the_case(spots_of(report), record)


def files_of(folder: Path, record: Record) -> tuple[object, ...]:
    stem = folder / record["name"]
    return folder / record["model"], "--input", f"{stem}.x.npz", "--expected", f"{stem}.y.npz"


def test_fail_on_blind_spots(fault_zoo: FaultZoo, tmp_path: Path) -> None:
    folder = fault_zoo("tf_keras")
    record = record_of(folder, "recurrent_kernel_dropped_lstm_one_step")
    files = files_of(folder, record)
    assert run(*files).exit_code == 0
    result = run(*files, "--fail-on-blind-spots", "--json", tmp_path / "report.json", "-v")
    assert result.exit_code == 1
    assert "recurrent_kernel_dropped" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["verdict"], report["exit_code"]) == ("match", 1)
    assert "recurrent_kernel_dropped" in report["reason"]
    spots = {(spot["fault"], spot["layer"]): spot for spot in report["blind_spots"]}
    assert spots["recurrent_kernel_dropped", "lstm"]["effect_sigmas"] <= 8
    assert ("recurrent_activation", "lstm") not in spots


def test_an_input_without_blind_spots_does_not_fail(fault_zoo: FaultZoo, tmp_path: Path) -> None:
    folder = fault_zoo("tf_keras")
    record = next(record for record in records_of(folder) if record["name"] == NO_BLIND_SPOT)
    files = (*files_of(folder, record), "--batch-size", record["batch_size"])
    result = run(*files, "--fail-on-blind-spots", "--json", tmp_path / "report.json")
    assert result.exit_code == 0
    assert json.loads((tmp_path / "report.json").read_text())["blind_spots"] == []


def test_blind_spots_can_be_left_out(fault_zoo: FaultZoo) -> None:
    folder = fault_zoo("tf_keras")
    record = record_of(folder, "recurrent_kernel_dropped_lstm_one_step")
    stem = folder / record["name"]
    arguments: dict[str, Any] = {"x": f"{stem}.x.npz", "expected": f"{stem}.y.npz"}
    report = verify(folder / record["model"], **arguments, blind_spots=False)
    assert report.blind_spots is None
    assert report.to_dict()["blind_spots"] is None
    files = files_of(folder, record)
    assert run(*files, "--no-blind-spots", "--fail-on-blind-spots").exit_code == 1
