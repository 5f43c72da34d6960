"""Report: what a verification found, as data. Reporters turn it into text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from lstm_verify.arrays import Array, finite
from lstm_verify.details import Details
from lstm_verify.diagnosis import Diagnosis
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.diagnosis.explain import blind_line
from lstm_verify.errors import MismatchError
from lstm_verify.golden import GoldenCheck
from lstm_verify.judging.compare import Comparison, Verdict
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

SCHEMA_VERSION = 1
MOST_REASONS = 3
"""The outputs whose reasons a summary gives."""
EXIT_CODES = {Verdict.MATCH: 0, Verdict.MISMATCH: 1, Verdict.INCONCLUSIVE: 3}


@dataclass(frozen=True)
class Predicted:
    """The source of the predictions."""

    name: str
    """A runtime, such as `keras`, or `recorded`."""
    description: str
    """In words: `Keras 3.15.1 on TensorFlow 2.21.0`, or the file of recorded predictions."""
    device: str = ""
    """The processor that the framework computed on, if it said so."""
    products: str = "float32"
    """How it multiplied matrices of float32 there: `float32` or `tf32`."""
    again: float = 0.0
    """How far its first samples were from themselves when it predicted them once more."""


class Judged(ABC):
    """Something with a verdict.

    It has no truth value, so that `if report:` cannot pass by accident; ask `report.verdict`, or call
    `report.raise_for_mismatch()`.
    """

    verdict: Verdict
    reporter: ClassVar[str]
    """The module that prints it, which knows of reports, and not they of it."""

    def __str__(self) -> str:
        """The report as the command prints it, in plain text."""
        return str(import_module(self.reporter).plain(self))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} has no truth value: ask report.verdict, or call report.raise_for_mismatch()"
        )

    def __repr__(self) -> str:
        reason = self.summary()
        return f"<{type(self).__name__} {self.verdict}{f': {reason}' if reason else ''}>"

    @property
    def exit_code(self) -> int:
        """0 match, 1 mismatch, 3 inconclusive."""
        return EXIT_CODES[self.verdict]

    def raise_for_mismatch(self) -> None:
        """Do nothing on a match.

        Raises:
            MismatchError: the verdict is a mismatch, or inconclusive.
        """
        if self.verdict is not Verdict.MATCH:
            raise MismatchError(f"{self.verdict}: {self.summary()}")

    @abstractmethod
    def summary(self) -> str:
        """The reason for the verdict in one line."""


@dataclass(frozen=True, repr=False)
class Report(Judged):
    """The result of a verification."""

    reporter: ClassVar[str] = "lstm_verify.reporters.terminal"

    verdict: Verdict
    model: Model
    predicted: Predicted
    tolerance: Tolerance
    outputs: tuple[Comparison, ...]
    samples: int
    own_sigma: int = 0
    """The number of samples whose σ was computed for themselves, and not taken from others."""
    sigma_is_lower_bound: bool = False
    """Whether σ is only a part of what rounding explains, which was enough for a match."""
    reason: str = ""
    """Why nothing was compared, if nothing was."""
    diagnosis: Diagnosis | None = None
    """Of a mismatch, what explains it; None if it was not looked for."""
    blind_spots: BlindSpots | None = None
    """Of a match, what it could not have shown; None if it was not looked for."""
    fails_on_blind_spots: bool = False
    """Whether blind spots are a failure, though the verdict is a match."""
    recurrences: tuple[Mapping[str, Any], ...] = ()
    """What was recognised in a graph, from `inspection.recurrences`."""
    notes: tuple[str, ...] = ()
    """What was assumed on the way."""
    details: Details = field(default_factory=Details)
    """Where the outputs deviate, for pages and plots."""
    command: str = ""
    """The command that made it; empty of a call of the library."""
    golden: GoldenCheck | None = None
    """How the model compares with the one of a golden folder; None if it was not checked against one."""
    started: datetime | None = None
    """When the verification began."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds: load, replay, predict, compare, total."""

    @property
    def exit_code(self) -> int:
        """0 match, 1 mismatch, or a match with blind spots that were to be treated as failures, 3 inconclusive."""
        spots = self.blind_spots
        failed = self.fails_on_blind_spots and spots is not None and (spots.found or not spots.complete)
        return 1 if self.verdict is Verdict.MATCH and failed else super().exit_code

    def raise_for_mismatch(self) -> None:
        if self.exit_code:
            raise MismatchError(f"{self.verdict}: {self.summary()}")

    def summary(self) -> str:
        """The reason for the verdict in one line."""
        if self.reason:
            return self.reason
        if self.verdict is Verdict.MATCH and self.exit_code and self.blind_spots:
            return (
                blind_line(self.blind_spots)
                or f"the search was cut short after {self.blind_spots.tried:,} possible blind spots"
            )
        reasons = [f"{output.name}: {output.reason}" for output in self.outputs if output.reason]
        more = [f"{len(reasons) - MOST_REASONS} more outputs"] if len(reasons) > MOST_REASONS else []
        return "; ".join([*reasons[:MOST_REASONS], *more]) or f"all {self.samples} samples agree"

    def to_html(self) -> str:
        """The report as a page that needs no other file.

        Raises:
            OutputError: matplotlib is not installed.
        """
        return str(import_module("lstm_verify.reporters.html").render(self))

    def plot(self, output: str | None = None) -> Figure:
        """Draw where an output deviates: over time, by sample, by size, by sample and unit.

        Args:
            output: its name; that of the one which deviates most if left out.

        Returns:
            A figure of matplotlib, which a notebook shows; `savefig` writes it.

        Raises:
            InputError: there is no such output, or nothing was compared.
            OutputError: matplotlib is not installed.
        """
        figure: Figure = import_module("lstm_verify.reporters.drawing").overview(self, output)
        return figure

    def to_dataframe(self) -> DataFrame:
        """The deviation of every sample of every output, with the columns of `--per-sample`.

        Raises:
            OutputError: pandas is not installed.
        """
        frame: DataFrame = import_module("lstm_verify.reporters.samples").data_frame(self)
        return frame

    def _repr_html_(self) -> str:
        """The report in short, for notebooks."""
        return str(import_module("lstm_verify.reporters.notebook").render(self))

    def to_dict(self, most: int | None = None) -> dict[str, Any]:
        """The report as plain data for JSON; a number that is not finite is null.

        Args:
            most: how many samples of each output are listed, the worst first; None lists all, in order.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": str(self.verdict),
            "exit_code": self.exit_code,
            "reason": self.summary() if self.exit_code else "",
            "model": model_dict(self.model),
            "runtime": {**vars(self.predicted), "products": self.model.products, "again": finite(self.predicted.again)},
            "tolerance": self.tolerance.to_dict(),
            "samples_with_own_sigma": self.own_sigma,
            "sigma_is_lower_bound": self.sigma_is_lower_bound,
            "outputs": [_output_dict(output, most) for output in self.outputs],
            "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None,
            "blind_spots": [spot.to_dict() for spot in self.blind_spots.found] if self.blind_spots else None,
            "blind_spots_complete": self.blind_spots.complete if self.blind_spots else None,
            "recurrences": [dict(item) for item in self.recurrences],
            "notes": list(self.notes),
            "golden": self.golden.to_dict() if self.golden else None,
            "timings": {key: round(seconds, 4) for key, seconds in self.timings.items()},
        }


@dataclass(frozen=True)
class Failure:
    """What kept a command from comparing anything."""

    model: str
    """The path of the model."""
    reason: str
    """The error, in one line."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, with keys of a report."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": "error",
            "exit_code": 2,
            "reason": self.reason,
            "model": {"name": Path(self.model).name, "path": self.model},
        }


def model_dict(model: Model) -> dict[str, Any]:
    """Return what a report says about its model, as plain data."""
    source = model.source
    return {
        "name": model.name,
        "path": source.path if source else None,
        "format": source.format if source else None,
        "writer": source.writer if source else None,
        "layers": len(model.layers),
        "parameters": sum(array.size for _, array in model.weights()),
    }


def _output_dict(output: Comparison, most: int | None = None) -> dict[str, Any]:
    worst = output.worst(1)
    rows = np.arange(len(output.deviations)) if most is None else np.array(output.worst(most), int)
    return {
        "name": output.name,
        "verdict": str(output.verdict),
        "reason": output.reason,
        "shape": list(output.shape),
        "samples": output.shape[0] if output.shape else 0,
        "samples_beyond": output.samples_beyond,
        "non_finite": output.non_finite,
        "max_abs_deviation": finite(output.max_abs_deviation),
        "max_rel_deviation": finite(output.max_rel_deviation),
        "max_sigmas": finite(output.max_sigmas),
        "unjudged": output.unjudged,
        "worst_sample": worst[0] if worst else None,
        "worst_index": list(output.index(worst[0])) if worst else None,
        "worst_predicted": finite(output.predicted[worst[0]]) if worst else None,
        "worst_replayed": finite(output.replayed[worst[0]]) if worst else None,
        "worst_sigma": finite(output.sigma[worst[0]]) if worst else None,
        "samples_listed": None if most is None else rows.tolist(),
        "deviations": _finite(output.deviations, rows),
        "sigmas": _finite(output.sigmas, rows),
        "unjudged_by_sample": _flags(output.unjudged_rows, rows),
        "beyond_by_sample": _flags(~output.within.astype(bool), rows),
        "sigma_is_known": bool(output.judged_up_to.size and not np.isnan(output.judged_up_to).any()),
        "sigmas_needed": _finite(output.needed, rows),
        "judged_up_to_sigmas": _finite(output.judged_up_to, rows),
        "sigmas_are_at_most": _flags(output.at_most, rows),
    }


def _finite(values: Array, rows: Array) -> list[float | None]:
    """The values of some samples; empty if there are none."""
    return [finite(value) for value in (values[rows] if values.size else values).tolist()]


def _flags(values: Array, rows: Array) -> list[bool]:
    flags: list[bool] = (values[rows] if values.size else values).astype(bool).tolist()
    return flags
