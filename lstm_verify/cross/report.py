"""What came of comparing files with each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from lstm_verify.cross.settings import Difference
from lstm_verify.cross.weights import WeightComparison
from lstm_verify.judging.compare import Verdict
from lstm_verify.model import Model
from lstm_verify.report import SCHEMA_VERSION, Judged, Report, model_dict


@dataclass(frozen=True)
class Other:
    """A file beside the first."""

    model: Model
    weights: WeightComparison
    function: Report
    """The first model's weights replayed, and in the place of predictions the other's."""
    runtime: Report | None
    """Whether its runtime does what it says; None if that was not asked."""
    differences: tuple[Difference, ...] = ()
    """Settings of cells that are others there."""
    names: dict[str, str] = field(default_factory=dict)
    """Its name of each output of the first."""
    notes: tuple[str, ...] = ()
    """What was assumed of its inputs and outputs."""
    is_turned: bool = False
    """Whether it is called with axes in another order, or returns them so: what one caller wants, and another not."""

    @property
    def reports(self) -> list[Report]:
        """Those on which the verdict depends."""
        return [self.function, *([] if self.runtime is None else [self.runtime])]


@dataclass(frozen=True, repr=False)
class AgainstReport(Judged):
    """Files that were compared with each other."""

    reporter: ClassVar[str] = "lstm_verify.reporters.against"

    model: Model
    runtime: Report | None
    """Whether the first file's runtime does what it says; None if that was not asked."""
    others: tuple[Other, ...]
    notes: tuple[str, ...] = ()
    started: datetime | None = None
    """When the comparison began."""
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:  # type: ignore[override]
        """A match if all files compute the same, and each runtime what its file says."""
        verdicts = {report.verdict for report in self.reports}
        return next((v for v in (Verdict.MISMATCH, Verdict.INCONCLUSIVE) if v in verdicts), Verdict.MATCH)

    @property
    def reports(self) -> list[Report]:
        """Everything on which the verdict depends."""
        return [*([] if self.runtime is None else [self.runtime]), *(r for other in self.others for r in other.reports)]

    def summary(self) -> str:
        """The reason for the verdict in one line."""
        return "; ".join(self._reasons()) or self._agreement()

    def _agreement(self) -> str:
        turned = ", ".join(called(other.model) for other in self.others if other.is_turned)
        how = f", with the axes of {turned} in another order" if turned else ""
        return f"{_all([other.model for other in self.others])} what {called(self.model)} does{how}"

    def _reasons(self) -> list[str]:
        found = (
            [f"{called(self.model)}: {self.runtime.summary()}"]
            if self.runtime is not None and self.runtime.exit_code
            else []
        )
        for other in self.others:
            if other.function.verdict is Verdict.MISMATCH:
                found.append(f"{called(other.model)} computes something else than {called(self.model)}")
            elif other.function.exit_code:
                found.append(f"{called(other.model)} beside {called(self.model)}: {other.function.summary()}")
            if other.runtime is not None and other.runtime.exit_code:
                found.append(f"{called(other.model)}: {other.runtime.summary()}")
        return found

    def to_dict(self, most: int | None = None) -> dict[str, Any]:
        """The report as plain data for JSON; `most` is how many samples are listed, as in `Report.to_dict`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": str(self.verdict),
            "exit_code": self.exit_code,
            "reason": self.summary() if self.exit_code else "",
            "model": model_dict(self.model),
            "runtime": None if self.runtime is None else self.runtime.to_dict(most),
            "against": [
                {
                    "model": model_dict(other.model),
                    "weights": other.weights.to_dict(),
                    "settings": [vars(difference) for difference in other.differences],
                    "function": other.function.to_dict(most),
                    "runtime": None if other.runtime is None else other.runtime.to_dict(most),
                    "outputs": dict(other.names),
                    "notes": list(other.notes),
                    "axes_in_another_order": other.is_turned,
                }
                for other in self.others
            ],
            "notes": list(self.notes),
            "timings": {key: round(seconds, 4) for key, seconds in self.timings.items()},
        }


def called(model: Model) -> str:
    """What a file is called in a sentence."""
    return Path(model.source.path).name if model.source else model.name


def _all(models: list[Model]) -> str:
    names = [called(model) for model in models]
    return f"{names[0]} computes" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} compute"
