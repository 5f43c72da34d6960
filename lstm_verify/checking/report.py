"""What came of checking many models."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

from lstm_verify.checking.run import ERROR, Outcome, exit_code_of
from lstm_verify.errors import MismatchError
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import SCHEMA_VERSION

VERDICTS = (*map(str, Verdict), ERROR)


@dataclass(frozen=True, repr=False)
class CheckReport:
    """The outcomes of several models, in order.

    It has no truth value; ask `report.exit_code`, or call `report.raise_for_mismatch()`.
    """

    outcomes: tuple[Outcome, ...]
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """That of the worst: 2 error, before 1 mismatch, before 3 inconclusive, before 0; 2 also if there are none."""
        return exit_code_of({outcome.exit_code for outcome in self.outcomes}) if self.outcomes else 2

    @property
    def counts(self) -> dict[str, int]:
        """How many models there are of each verdict."""
        found = Counter(outcome.verdict for outcome in self.outcomes)
        return {verdict: found[verdict] for verdict in VERDICTS}

    def summary(self) -> str:
        """The result in one line."""
        counted = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items() if count)
        failed = sum(outcome.exit_code == 1 and outcome.verdict == Verdict.MATCH for outcome in self.outcomes)
        spots = f", {failed} of them with blind spots that are not allowed" if failed else ""
        models = "1 model" if len(self.outcomes) == 1 else f"{len(self.outcomes)} models"
        return f"{models}: {counted}{spots}" if self.outcomes else "no models"

    def raise_for_mismatch(self) -> None:
        """Do nothing if all models match.

        Raises:
            MismatchError: one does not.
        """
        if self.exit_code:
            worst = next((outcome for outcome in self.outcomes if outcome.exit_code == self.exit_code), None)
            raise MismatchError(f"{self.summary()}{f'; {worst.name}: {worst.cause}' if worst else ''}")

    def __bool__(self) -> NoReturn:
        raise TypeError("a CheckReport has no truth value: ask report.exit_code, or call report.raise_for_mismatch()")

    def __repr__(self) -> str:
        return f"<CheckReport {self.summary()}>"

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain data; each outcome has a line of its own."""
        return {
            "schema_version": SCHEMA_VERSION,
            "models": len(self.outcomes),
            **self.counts,
            "cached": sum(outcome.cached for outcome in self.outcomes),
            "exit_code": self.exit_code,
        }
