"""RolloutReport: the result of running a model on its own outputs, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lstm_verify.arrays import Array, finite
from lstm_verify.judging.compare import Comparison, Verdict
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model
from lstm_verify.report import Judged, Predicted, model_dict
from lstm_verify.rollouts.plan import Plan

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Token:
    """The first position where the two runs choose different tokens."""

    output: str
    step: int
    """Counted from 1."""
    sample: int
    predicted: int
    replayed: int
    margin: float
    """How much likelier the replay finds its own token than the framework's; next to nothing for a tie."""

    def __str__(self) -> str:
        return (
            f"first different token at step {self.step}, sample {self.sample}: predicted {self.predicted}, "
            f"replayed {self.replayed} (likelier by {self.margin:.2e})"
        )


@dataclass(frozen=True, repr=False)
class RolloutReport(Judged):
    """The result of a rollout; in each of its comparisons the rows are steps."""

    reporter: ClassVar[str] = "lstm_verify.reporters.rollout"

    verdict: Verdict
    model: Model
    predicted: Predicted
    tolerance: Tolerance
    plan: Plan
    samples: int
    teacher_forced: bool
    outputs: tuple[Comparison, ...]
    replayed: dict[str, Array]
    """What was replayed: outputs by name, (samples, steps, ...)."""
    tokens: dict[str, Array] = field(default_factory=dict)
    """The tokens that the replay chose, by output, (samples, steps)."""
    different_token: Token | None = None
    reason: str = ""
    """Why nothing was compared, if nothing was."""
    notes: tuple[str, ...] = ()
    """What was assumed on the way."""
    files: tuple[Path, ...] = ()
    """The files that were read, the model first."""
    command: str = ""
    """The command that made it; empty of a call of the library."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds: load, replay, predict, compare, total."""

    @property
    def first_step_beyond(self) -> int | None:
        """The first step, counted from 1, in which an output is beyond the tolerance."""
        return min(
            (int(np.argmin(output.within)) + 1 for output in self.outputs if output.samples_beyond), default=None
        )

    @property
    def deviations(self) -> Array:
        """(steps,) float64: the largest deviation of each step; empty if nothing was compared."""
        compared = [output.deviations for output in self.outputs if output.deviations.size]
        return np.max(compared, axis=0) if compared else np.empty(0)

    @property
    def worst_step(self) -> int:
        """The step, counted from 1, that deviates most; in σ, if that decides."""
        deciding = [output.sigmas if output.by_rounding else output.deviations for output in self.outputs]
        return int(np.argmax(np.max([values for values in deciding if values.size], axis=0))) + 1

    def worst_output(self, step: int) -> Comparison:
        """Return the output that deviates most in a step, counted from 1; in σ, if that decides."""
        compared = [output for output in self.outputs if output.deviations.size]
        row = step - 1
        return max(compared, key=lambda o: (float(o.sigmas[row] if o.by_rounding else 0), float(o.deviations[row])))

    def summary(self) -> str:
        if self.reason:
            return self.reason
        parted, reasons = self.first_step_beyond, [f"{one.name}: {one.reason}" for one in self.outputs if one.reason]
        if parted is not None:
            worst = self.worst_output(parted)
            what = "step" if self.teacher_forced else "the two runs diverge at step"
            reasons.insert(0, f"{what} {parted}, where {worst.name} is {worst.deviations[parted - 1]:.2e} off")
        if self.different_token:
            tie = self.verdict is Verdict.INCONCLUSIVE and parted is None
            said = ". Both sides agree up to there, so it is a tie that rounding decides" if tie else ""
            reasons = [*([] if tie else reasons), f"{self.different_token}{said}"]
        return "; ".join(reasons) or f"all {self.plan.steps} steps agree"

    def to_html(self) -> str:
        """The report as a page that needs no other file.

        Raises:
            OutputError: matplotlib is not installed.
        """
        return str(import_module("lstm_verify.reporters.html").render_rollout(self))

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON; a number that is not finite is null."""
        token = self.different_token
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": str(self.verdict),
            "exit_code": self.exit_code,
            "reason": "" if self.verdict is Verdict.MATCH else self.summary(),
            "model": model_dict(self.model),
            "runtime": {**vars(self.predicted), "products": self.model.products},
            "tolerance": self.tolerance.to_dict(),
            "samples": self.samples,
            "teacher_forced": self.teacher_forced,
            "plan": self.plan.to_dict(),
            "first_step_beyond": self.first_step_beyond,
            "first_different_token": None if token is None else {**vars(token), "margin": finite(token.margin)},
            "outputs": [
                {"name": one.name, "verdict": str(one.verdict), "reason": one.reason, "non_finite": one.non_finite}
                for one in self.outputs
            ],
            "steps": [self._step_dict(step) for step in range(1, len(self.deviations) + 1)],
            "notes": list(self.notes),
            "timings": {key: round(seconds, 4) for key, seconds in self.timings.items()},
        }

    def _step_dict(self, step: int) -> dict[str, Any]:
        worst, row = self.worst_output(step), step - 1
        return {
            "step": step,
            "within": all(bool(output.within[row]) for output in self.outputs if output.within.size),
            "max_abs_deviation": finite(float(worst.deviations[row])),
            "output": worst.name,
            "worst_index": list(worst.index(row)[1:]),
            "worst_predicted": finite(float(worst.predicted[row])),
            "worst_replayed": finite(float(worst.replayed[row])),
            "worst_sigma": finite(float(worst.sigma[row])),
            "max_sigmas": finite(float(worst.sigmas[row])),
        }
