"""What `lstm_verify` makes of the cases of the fault zoo: verdict and diagnosis, and whether they name the fault."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from lstm_verify import RuntimeOptions, Verdict, load, verify
from lstm_verify.diagnosis import Diagnosis, diagnose
from lstm_verify.diagnosis.changes import Change
from lstm_verify.inputs import bind
from lstm_verify.model import Model
from lstm_verify.report import Report
from tests.graph_files import read_at_once
from tests.zoo.faults.record import Record

PROCESSES = 2
SECONDS = 3.0
"""For a diagnosis that should find nothing; the others have as long as `verify` gives them."""
BATCH = 32
"""The samples that `model.predict` takes at a time."""


class Naming(StrEnum):
    """How well a diagnosis names the fault of a case."""

    FIRST = "first"
    """The first explanation is the fault, in its layer."""
    TIE = "tie"
    """It is one of several explanations that the input does not tell apart, or that compute the same for every one."""
    MISSED = "missed"


@dataclass(frozen=True)
class Part:
    """One fault of an explanation."""

    fault: str
    layers: tuple[str, ...]
    parameter: str | None
    file_says: str
    behaves_as: str

    def __str__(self) -> str:
        return f"{self.fault} in {' and '.join(self.layers)} ({self.parameter} = {self.behaves_as})"


Wording = tuple[Part, ...]
"""Faults that act together: one of them, or a pair, or one of each layer."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case."""

    record: Mapping[str, Any]
    verdict: str
    sigmas: float
    """The largest deviation, in σ."""
    status: str | None = None
    """Of the diagnosis; None if there is none."""
    explanations: tuple[tuple[Wording, ...], ...] = ()
    """Each in all its wordings."""
    diagnosis: Mapping[str, Any] | None = None
    """As in the JSON report."""
    honest: str = ""
    """The verdict on what the framework predicts without the fault."""
    blind_spots: Wording = ()
    """The faults that that match could not have shown."""

    @property
    def naming(self) -> Naming:
        """Whether the fault of the case is named, and how."""
        wanted = wanted_of(self.record)
        if self.explanations and names(self.explanations[0][0], wanted):
            return Naming.FIRST
        return Naming.MISSED if self.answer() is None else Naming.TIE

    def answer(self) -> Wording | None:
        """The first wording that names the fault, or a name that mathematics cannot tell from it."""
        wordings = [wording for explanation in self.explanations for wording in explanation]
        ways = [wanted_of(self.record), *tied(self.record)]
        return next((wording for way in ways for wording in wordings if names(wording, way)), None)

    @property
    def detected(self) -> bool:
        """Whether the verdict is a mismatch."""
        return self.verdict == Verdict.MISMATCH

    def __str__(self) -> str:
        said = "; or ".join(" = ".join(" and ".join(map(str, w)) for w in e) for e in self.explanations)
        return f"{self.record['name']}: {self.verdict} ({self.sigmas:.3g}σ), {self.status}: {said or 'nothing'}"


# --- what has to be named --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """A fault, and the layers that it has to be named in."""

    fault: str
    layers: frozenset[str]
    everywhere: bool
    """Whether it has to be in all of them."""


def wanted_of(record: Mapping[str, Any]) -> list[Wanted]:
    """The faults of a case: one, or two if it is a pair."""
    return [_wanted(each) for each in (record, record["pair"]) if each]


def _wanted(described: Mapping[str, Any]) -> Wanted:
    everywhere = described["layer"] == "all"
    layers = {*described["layers"], *(() if everywhere else described["or_layers"])}
    return Wanted(described["fault"], frozenset(layers), everywhere)


def tied(record: Mapping[str, Any]) -> Iterator[list[Wanted]]:
    """The same under the other names that the case declares."""
    first, *others = wanted_of(record)
    for tie in record["ties"]:
        yield [Wanted(tie["fault"], first.layers, first.everywhere), *others]


def names(wording: Wording, wanted: Sequence[Wanted]) -> bool:
    """Whether a wording names all that is wanted, in its layers, and nothing else."""
    if {part.fault for part in wording} != {each.fault for each in wanted}:
        return False
    for each in wanted:
        found = {path for part in wording if part.fault == each.fault for path in part.layers}
        if not found <= each.layers or (each.everywhere and found != each.layers):
            return False
    return True


def named_by(spots: Wording, wanted: Wanted) -> bool:
    """Whether a fault is one of several parts."""
    return any(part.fault == wanted.fault and wanted.layers.issuperset(part.layers) for part in spots)


# --- running them ----------------------------------------------------------------------------------------------


def records_of(folder: Path, index: str = "cases.json") -> list[Record]:
    """The cases of a zoo."""
    found: list[Record] = json.loads((folder / index).read_text())["cases"]
    return found


def outcomes(folder: Path, only: Callable[[Record], bool] = lambda _: True) -> dict[str, Outcome]:
    """Verify and diagnose the cases of a zoo, in two processes, by name."""
    records = [record for record in records_of(folder) if only(record)]
    context = multiprocessing.get_context("spawn")
    with TemporaryDirectory() as scratch, ProcessPoolExecutor(PROCESSES, context, threadpool_limits, (1,)) as pool:
        found = pool.map(partial(_some, folder, Path(scratch)), range(PROCESSES), [records] * PROCESSES)
        return {outcome.record["name"]: outcome for part in found for outcome in part}


def _some(folder: Path, scratch: Path, number: int, records: list[Record]) -> list[Outcome]:
    """Every second case, say. The graphs among them are read by one child process."""
    mine = records[number::PROCESSES]
    graphs = [folder / record["model"] for record in mine if record["model"].endswith(".pb")]
    (scratch / str(number)).mkdir()
    with read_at_once(graphs, scratch / str(number)) if graphs else nullcontext():
        return [outcome_of(folder, record) for record in mine]


def outcome_of(folder: Path, record: Record) -> Outcome:
    """Verify one case, and diagnose it if it does not match; and verify what was predicted without its fault."""
    directly = record["fault"] in ("dropout_active", "unexplained")
    model = load(folder / record["model"])
    report = verified(folder, record, model=model, diagnose=not directly)
    honest = verified(folder, record, "honest", model=model, diagnose=False, blind_spots=True)
    without: dict[str, Any] = {"honest": str(honest.verdict), "blind_spots": spots_of(honest)}
    sigmas = max(output.max_sigmas for output in report.outputs)
    found = report.diagnosis
    if directly and report.verdict is Verdict.MISMATCH:
        found = _diagnosed(folder, record, report)
    if found is None:
        return Outcome(record, str(report.verdict), sigmas, **without)
    explanations = tuple(tuple(wording_of(c) for c in (e.change, *e.also)) for e in found.explanations)
    return Outcome(record, str(report.verdict), sigmas, found.status, explanations, found.to_dict(), **without)


def verified(
    folder: Path, record: Record, predictions: str = "y", model: Model | None = None, **options: Any
) -> Report:
    """The report on recorded predictions of a case: `y` with its fault, `honest` without; its model may be read yet."""
    stem, size = str(folder / record["name"]), record["batch_size"]
    options = {"blind_spots": False, "runtime": RuntimeOptions(batch_size=size), **options}
    return verify(model or folder / record["model"], f"{stem}.x.npz", expected=f"{stem}.{predictions}.npz", **options)


def _diagnosed(folder: Path, record: Record, report: Report) -> Diagnosis:
    """The diagnosis of a mismatch as `verify` makes it, but with other predictions of the same samples if there are
    some, and with less time.
    """
    model, stem = report.model, str(folder / record["name"])
    inputs, _ = bind(model, arrays(f"{stem}.x.npz"))
    predicted = arrays(f"{stem}.y.npz")
    again = arrays(f"{stem}.y2.npz") if record["fault"] == "dropout_active" else predicted
    itself = max(float(np.abs(again[name] - predicted[name]).max()) for name in predicted)
    size = model.batch_size or record["batch_size"] or BATCH
    return diagnose(model, inputs, predicted, report.outputs, size, SECONDS, itself)


def arrays(path: str) -> dict[str, Any]:
    """The arrays of a file."""
    with np.load(path) as found:
        return dict(found)


def spots_of(report: Report) -> Wording:
    """The blind spots of a match."""
    found = report.blind_spots.found if report.blind_spots else ()
    return tuple(part for spot in found for part in wording_of(spot.change))


def wording_of(change: Change) -> Wording:
    """A change as faults in layers."""
    parts = change.parts or (change,)
    return tuple(Part(p.fault, p.layers, p.parameter, p.file_says, p.behaves_as) for p in parts)
