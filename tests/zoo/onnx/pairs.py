"""The exports of the zoo against the models that they come from: the same function, the same weights?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify import AgainstReport, InputError, LstmVerifyError, Model, Verdict, against, load, verify
from lstm_verify.diagnosis import Diagnosis
from lstm_verify.report import Report

SAVED_MODEL = "saved_model"
"""In the place of an exporter."""
VERDICTS = {Verdict.MATCH: "yes", Verdict.MISMATCH: "**no**", Verdict.INCONCLUSIVE: "undecided"}


@dataclass(frozen=True)
class Cell:
    """What came of one model and one exporter."""

    function: str
    """`yes`, `**no**`, `refused` or `not written`."""
    weights: str = ""
    """`yes` or `no`; nothing if there is no file to compare with."""
    remark: str = ""

    def __str__(self) -> str:
        return " / ".join(filter(None, (self.function, self.weights)))


@dataclass(frozen=True)
class Exports:
    """What one framework exported, and its own files beside that."""

    folder: Path

    @cached_property
    def index(self) -> dict[str, Any]:
        """What is there, and what could not be written."""
        found: dict[str, Any] = json.loads((self.folder / "index.json").read_text())
        return found

    @property
    def names(self) -> list[str]:
        """The exports."""
        return list(self.index["entries"])

    def saved_models(self) -> list[Path]:
        """The SavedModels."""
        return sorted(path.parent for path in self.folder.glob("*/saved_model.pb"))

    def arrays(self, name: str) -> dict[str, Any]:
        """What is in an archive."""
        with np.load(self.folder / f"{name}.npz") as found:
            return dict(found)

    def origin(self, row: str) -> Model | None:
        """The model that an export comes from: of the file of Keras, or else of its SavedModel; None of PyTorch."""
        refused: LstmVerifyError | None = None
        for path in (self.folder / f"{row}.keras", self.folder / row):
            if path.exists():
                try:
                    return load(path)
                except LstmVerifyError as error:  # a function of the user's is in the SavedModel alone
                    refused = error
        if refused is not None:
            raise refused
        return None

    def cell(self, row: str, exporter: str) -> Cell:
        """Compare an export with its origin; of one that claims any length, with inputs of another length."""
        name = next((n for n in (f"{row}_{exporter}_longer", f"{row}_{exporter}") if n in self.names), "")
        failed = self.index["failed"].get(f"{row}_{exporter}")
        if failed is not None:
            return Cell("not written", remark=first_words(failed))
        path = self.folder / (row if exporter == SAVED_MODEL else f"{name}.onnx")
        if not path.exists():
            return Cell("")
        try:
            model = self.origin(row)
            if model is None:
                report = verify(path, self.arrays(f"{name}.x"), expected=self.arrays(f"{name}.origin"))
                return Cell(VERDICTS[report.verdict], remark=said(report.diagnosis))
            return self._compared(against(model, path, self.arrays(f"{row}.x"), predict=False))
        except LstmVerifyError as error:
            return Cell("refused", remark=what_is_wrong(error))

    def _compared(self, report: AgainstReport) -> Cell:
        (other,) = report.others
        same = other.weights.same
        remark = said(other.function.diagnosis) or (
            "" if same else f"of the weights, {what_differs(other.weights.words)}"
        )
        return Cell(VERDICTS[report.verdict], "yes" if same else "no", remark)


# --- faults ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What came of one export with a fault."""

    name: str
    fault: str
    told_apart: bool
    """Whether it is a mismatch, or refused."""
    named: bool
    """Whether the diagnosis names the fault, or the refusal does."""
    weights: bool
    """Whether the weights are said to differ."""
    honest: bool | None
    """Whether the export without the fault passes; None if there is none."""


def outcomes(folder: Path) -> Iterator[Outcome]:
    """Compare each export with a fault with the model that it should be."""
    exports = Exports(folder)
    for name, record in exports.index["entries"].items():
        yield outcome(exports, name, record)


def outcome(exports: Exports, name: str, record: Mapping[str, Any], diagnose: bool = True) -> Outcome:
    """Compare one export with the model that it should be, and the one without the fault too."""
    try:
        report, differ = _judged(exports, name, record, diagnose)
    except LstmVerifyError:
        return Outcome(name, record["fault"], True, True, False, None)
    named = record["fault"] in faults_of(report.diagnosis)
    mismatch = report.verdict is Verdict.MISMATCH
    return Outcome(name, record["fault"], mismatch, named, differ, _honest(exports, name, record))


def _judged(exports: Exports, name: str, record: Mapping[str, Any], diagnose: bool) -> tuple[Report, bool]:
    """The report on a file, and whether its weights are others."""
    path, x = exports.folder / f"{name}.onnx", exports.arrays(f"{name}.x")
    first = record["keras"] or record["honest"]
    try:
        model = load(exports.folder / first) if first else None
    except LstmVerifyError:  # a function of the user's
        model = None
    if model is None:
        expected = exports.arrays(f"{name}.origin")
        return verify(path, x, expected=expected, diagnose=diagnose, blind_spots=False), False
    try:
        (other,) = against(model, path, x, predict=False, diagnose=diagnose).others
    except InputError:  # with such states, outputs of one shape cannot be told apart
        names = [[output.name for output in each.outputs] for each in (model, load(path))]
        said_by_user = dict(zip(*names, strict=True))
        (other,) = against(model, path, x, names=said_by_user, predict=False, diagnose=diagnose).others
    return other.function, not other.weights.same


def _honest(exports: Exports, name: str, record: Mapping[str, Any]) -> bool | None:
    if not record["honest"]:
        return None
    x, y = exports.arrays(f"{name}.x"), exports.arrays(f"{name}.origin")
    path = exports.folder / record["honest"]
    return verify(path, x, expected=y, diagnose=False, blind_spots=False).verdict is Verdict.MATCH


def faults_of(diagnosis: Diagnosis | None) -> set[str]:
    """The faults that explain a mismatch, under all their names."""
    if diagnosis is None:
        return set()
    changes = [change for found in diagnosis.explanations for change in (found.change, *found.also)]
    return {part.fault for change in changes for part in (change.parts or (change,))}


# --- words -------------------------------------------------------------------------------------------------------


def said(diagnosis: Diagnosis | None) -> str:
    """What explains a mismatch, in a few words."""
    if diagnosis is None or not diagnosis.explanations:
        return ""
    change = diagnosis.explanations[0].change
    return f"`{change.fault}`: {change.behaves_as} in place of {change.file_says}"


def what_is_wrong(error: LstmVerifyError) -> str:
    """The reason for a refusal, without the file and the node."""
    return re.sub(r"^\S+\.(onnx|keras): (node '[^']*': )?", "", str(error)).rstrip("?")


def first_words(reason: str) -> str:
    """What an exporter says, as far as it is about the model."""
    return re.split(r"\. | '%|\x1b| \[Caused", reason)[0]


def what_differs(words: str) -> str:
    """What a comparison of weights says of those that are not equal, without their names."""
    parts = [part for part in words.split("; ") if not part.endswith(" equal")]
    return re.sub(r" \(\S+ by up to [^)]*\)", "", "; ".join(parts))
