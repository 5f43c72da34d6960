"""The outcome of a diagnosis, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lstm_verify.arrays import finite
from lstm_verify.diagnosis.below import Below
from lstm_verify.diagnosis.changes import Change
from lstm_verify.diagnosis.localise import DeviationStart
from lstm_verify.diagnosis.misfit import Misfit
from lstm_verify.diagnosis.single_weight import SingleWeight


@dataclass(frozen=True)
class Explanation:
    """A fault that makes the deviation fall within rounding."""

    change: Change
    before: Misfit
    after: Misfit
    samples: int
    """How many samples it was tried on."""
    also: tuple[Change, ...] = ()
    """The same in other words: changes that compute the same, whatever the input."""


@dataclass(frozen=True)
class Diagnosis:
    """What explains a mismatch."""

    status: str
    """`explained`, `ambiguous` (several faults explain it alike), `unexplained`, or `within_rounding` (nothing is to be
    explained, since the tolerance asked for is below rounding)."""
    explanations: tuple[Explanation, ...]
    closest: tuple[Change, Misfit] | None = None
    """What comes nearest, if nothing explains it."""
    tried: int = 0
    untried: tuple[str, ...] = ()
    """The kinds of changes that were not tried, or not all of them, since that is more than was allowed."""
    separating: Mapping[str, int] | None = None
    """The number and the seed of random samples that would tell the faults apart."""
    place: DeviationStart | None = None
    """Where the deviation starts, as far as that is known."""
    suspect: SingleWeight | None = None
    """If no fault explains it: a single weight that does."""
    evidence: tuple[tuple[Change, Misfit], ...] = ()
    """The changes that come nearest, the nearest first."""
    over_time: tuple[tuple[int, float], ...] = ()
    """Of the first output that is a sequence, some time steps and the largest deviation in each."""
    below: Below | None = None
    """If the tolerance asked for is below rounding: the smallest that is not."""

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain data."""
        return {
            "status": self.status,
            "faults": [
                _explanation_dict(explanation, number, part, path)
                for number, explanation in enumerate(self.explanations)
                for part in explanation.change.parts or (explanation.change,)
                for path in part.layers
            ],
            "smallest_tolerance": self.below.to_dict() if self.below else None,
            "tried": self.tried,
            "complete": not self.untried,
            "untried": list(self.untried),
            "separating_input": dict(self.separating) if self.separating else None,
            "first_deviation": self.place.to_dict() if self.place else None,
            "suspect": self.suspect.to_dict() if self.suspect else None,
            "over_time": [[step, finite(largest)] for step, largest in self.over_time],
            "evidence": [
                {**change.to_dict(), "rms_sigmas": finite(misfit.mean), "max_sigmas": finite(misfit.sigmas)}
                for change, misfit in self.evidence
            ],
        }


def _explanation_dict(explanation: Explanation, number: int, change: Change, path: str) -> dict[str, Any]:
    """One fault of an explanation; those with the same number act together."""
    return {
        "explanation": number,
        "fault": change.fault,
        "layer": path,
        "parameter": change.parameter,
        "file_says": change.file_says,
        "behaves_as": change.behaves_as,
        "max_abs_deviation_before": finite(explanation.before.absolute),
        "max_abs_deviation_after": finite(explanation.after.absolute),
        "sigmas_after": finite(explanation.after.sigmas),
        "samples": explanation.samples,
        "also": [{"fault": other.fault, "layer": other.layers[0]} for other in explanation.also],
    }
