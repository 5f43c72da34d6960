"""Judging anew: another tolerance for what was compared before, without the model and without any framework.

A golden folder has every value and its σ, so that any tolerance can be tried. A report has for each sample what decides
by σ, and its largest deviation: a number of σ or an absolute tolerance can be tried, and what they leave open is
inconclusive, never a match. What explains a mismatch, and blind spots, are not looked for again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from lstm_verify.arrays import finite
from lstm_verify.errors import InputError
from lstm_verify.golden import Golden, is_golden, read
from lstm_verify.judging.compare import Comparison, Verdict, accepted, compare
from lstm_verify.judging.judge import TOLERANCES
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.report import SCHEMA_VERSION, Judged

NEEDED = ("beyond_by_sample", "sigma_is_known", "sigmas_needed", "judged_up_to_sigmas", "sigmas_are_at_most")
VERIFY = "Verify the model again"


@dataclass(frozen=True)
class JudgedOutput:
    """The verdict on one output."""

    name: str
    verdict: Verdict
    reason: str
    """Why it is no match; empty if it is one."""
    samples: int
    samples_beyond: int
    max_abs_deviation: float | None
    max_sigmas: float | None


@dataclass(frozen=True, repr=False)
class JudgedAnew(Judged):
    """A verdict by another tolerance."""

    reporter: ClassVar[str] = "lstm_verify.reporters.anew"

    source: str
    """What was judged: the path of a report or a golden folder."""
    model: str
    before: str
    """The verdict that it has itself."""
    tolerance: Tolerance
    outputs: tuple[JudgedOutput, ...]
    reason: str = ""
    """Why nothing was compared, if so."""

    @property
    def verdict(self) -> Verdict:  # type: ignore[override]
        """That of the worst output; inconclusive if there is none."""
        verdicts = {output.verdict for output in self.outputs}
        if Verdict.MISMATCH in verdicts:
            return Verdict.MISMATCH
        return Verdict.MATCH if verdicts == {Verdict.MATCH} else Verdict.INCONCLUSIVE

    def summary(self) -> str:
        """The reason for the verdict in one line."""
        reasons = [f"{output.name}: {output.reason}" for output in self.outputs if output.reason]
        return self.reason or "; ".join(reasons) or "all samples agree"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": str(self.verdict),
            "exit_code": self.exit_code,
            "reason": self.summary() if self.exit_code else "",
            "source": self.source,
            "verdict_before": self.before,
            "model": {"name": self.model},
            "tolerance": self.tolerance.to_dict(),
            "outputs": [{**vars(output), "verdict": str(output.verdict)} for output in self.outputs],
        }


def judge(source: str | Path, tolerance: Tolerance | None = None) -> JudgedAnew:
    """Judge a stored report or a golden folder by another tolerance, without running anything.

    Args:
        source: a JSON report of a verification, or a folder that `record` wrote.
        tolerance: how far predictions may lie from the replay; None is the tolerance that it has itself.

    Raises:
        InputError: it is neither, was changed, or does not have what the tolerance needs.

    Example:
        >>> import tempfile
        >>> from lstm_verify import record
        >>> folder = tempfile.mkdtemp() + "/golden"
        >>> name = "fixtures/origin_tanh_sigmoid.keras3"
        >>> _ = record(f"{name}.h5", "fixtures/origin.x.npy", folder, expected=f"{name}.y.npz")
        >>> print(judge(folder).verdict, judge(folder, Tolerance(sigmas=0.01)).verdict)
        match mismatch
    """
    path = Path(source)
    if path.is_dir():
        if not is_golden(path):
            raise InputError(f"{path}: a directory, expected a golden folder or a JSON report")
        return _of_golden(read(path), tolerance)
    return _of_report(path, _report(path), tolerance)


# --- golden folders: every value is there ------------------------------------------------------------------------


def _of_golden(golden: Golden, wanted: Tolerance | None) -> JudgedAnew:
    before = _compared(golden, golden.tolerance)
    tolerance = golden.judged_by(wanted)
    if not golden.of("sigma") and wanted is not None and wanted.by_rounding:
        raise InputError(f"{golden.folder}: σ of this model is not known. Give --atol or --rtol")
    then = {name: Verdict(output["verdict"]) for name, output in golden.facts["outputs"].items()}
    outputs = tuple(
        _as_recorded(o, b.verdict, then[o.name], golden)
        for o, b in zip(_compared(golden, tolerance), before, strict=True)
    )
    return JudgedAnew(str(golden.folder), golden.facts["model"]["name"], golden.facts["verdict"], tolerance, outputs)


def _compared(golden: Golden, tolerance: Tolerance) -> tuple[Comparison, ...]:
    sigma = golden.of("sigma")
    if not sigma and tolerance.by_rounding:
        tolerance = TOLERANCES[golden.facts["arithmetic"]["precision"]]  # as it was judged
    share = golden.facts["arithmetic"]["share"]
    found = compare(
        golden.of("predicted"), golden.of("replayed"), tolerance, sigma=sigma, share=share, least=golden.of("least")
    )
    return tuple(map(accepted, found)) if tolerance.allow_unjudged else found


def _as_recorded(output: Comparison, before: Verdict, then: Verdict, golden: Golden) -> JudgedOutput:
    """The verdict on an output; what was no match for a reason that no tolerance is about remains that."""
    verdict, reason = output.verdict, output.reason
    if before is Verdict.MATCH and then is not Verdict.MATCH and verdict is Verdict.MATCH:
        verdict, reason = then, str(golden.facts["outputs"][output.name]["reason"])
    beyond, samples = output.samples_beyond, len(output.deviations)
    numbers = finite(output.max_abs_deviation), finite(output.max_sigmas)
    return JudgedOutput(output.name, verdict, reason, samples, beyond, *numbers)


# --- reports: what decides, sample by sample ---------------------------------------------------------------------


def _report(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). Expected a JSON report, or a golden folder"
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: not readable as JSON ({error}). Expected a report that --json wrote") from None
    if not isinstance(found, dict) or found.get("schema_version") != SCHEMA_VERSION:
        raise InputError(f"{path}: no report of lstm-verify, expected what --json wrote")
    if found.get("verdict") not in list(Verdict) or "tolerance" not in found or "outputs" not in found:
        raise InputError(f"{path}: not the report of a verification, and no other can be judged anew. {VERIFY}")
    return found


def _of_report(path: Path, report: Mapping[str, Any], wanted: Tolerance | None) -> JudgedAnew:
    name = report["model"]["name"]
    stored = report["tolerance"]
    if wanted is None:
        tolerance = Tolerance(**{**stored, "sigmas": stored["sigmas"] or 8.0})
        outputs = tuple(_stored(output) for output in report["outputs"])
        return JudgedAnew(str(path), name, report["verdict"], tolerance, outputs, _nothing(report))
    _check(path, report, wanted)
    outputs = tuple(_anew(output, wanted, stored["sigmas"]) for output in report["outputs"])
    return JudgedAnew(str(path), name, report["verdict"], wanted, outputs, _nothing(report))


def _nothing(report: Mapping[str, Any]) -> str:
    return "" if report["outputs"] else str(report["reason"])


def _check(path: Path, report: Mapping[str, Any], wanted: Tolerance) -> None:
    """Check that a report has what a tolerance needs.

    Raises:
        InputError: it has not.
    """
    if wanted.rtol:
        raise InputError(f"{path}: --rtol needs every value, and a report has none. {VERIFY}, or judge a golden folder")
    if any(output.get("samples_listed") is not None for output in report["outputs"]):
        raise InputError(
            f"{path}: lists some samples alone, and a tolerance is about all. {VERIFY}, --json-samples all"
        )
    for output in _with_numbers(report):
        if not set(NEEDED) <= set(output):
            raise InputError(f"{path}: written by an earlier version, without what decides. {VERIFY}")
        if wanted.by_rounding and not output["sigma_is_known"]:
            raise InputError(f"{path}: σ of output '{output['name']}' is not known. Give --atol")
    was_rounded = any(report["tolerance"].get(key) is not None for key in ("decimals", "digits"))
    if was_rounded and not wanted.by_rounding:
        raise InputError(f"{path}: its predictions were rounded, which --atol does not know of. {VERIFY}")


def _with_numbers(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (output for output in report["outputs"] if output["deviations"])


def _stored(output: Mapping[str, Any]) -> JudgedOutput:
    """The verdict that an output has."""
    numbers = (output["samples"], output["samples_beyond"], output["max_abs_deviation"], output["max_sigmas"])
    return JudgedOutput(output["name"], Verdict(output["verdict"]), output["reason"], *numbers)


def _anew(output: Mapping[str, Any], wanted: Tolerance, sigmas: float | None) -> JudgedOutput:
    """The verdict on an output by another tolerance; `sigmas` is the number that it was judged by before."""
    before = _stored(output)
    if not output["deviations"]:
        return before  # missing, or of another shape: no tolerance is about that
    states = _by_sigmas(output, wanted, sigmas) if wanted.by_rounding else _by_atol(output, wanted)
    verdict, reason = _judged(states, output, wanted)
    inexplicable = before.verdict is Verdict.INCONCLUSIVE and not output["unjudged"] and not output["non_finite"]
    if verdict is Verdict.MATCH and inexplicable:
        verdict, reason = before.verdict, before.reason
    return replace(before, verdict=verdict, reason=reason, samples_beyond=states.count("beyond"))


def _by_sigmas(output: Mapping[str, Any], wanted: Tolerance, before: float | None) -> list[str]:
    """The state of every sample: `within`, `beyond`, `unjudged`, or `open`, since the report does not tell.

    Args:
        output: of the report.
        wanted: the number of σ.
        before: the one by which the report says what is beyond; None if it was another tolerance.
    """
    smaller = before is not None and wanted.sigmas <= before
    columns = zip(*(output[key] for key in ("beyond_by_sample", *NEEDED[2:])), strict=True)
    return [
        "beyond" if smaller and beyond else _state(needed, up_to, at_most, wanted.sigmas)
        for beyond, needed, up_to, at_most in columns
    ]


def _state(needed: float | None, up_to: float | None, at_most: bool, sigmas: float) -> str:
    enough, judged = needed is not None and needed <= sigmas, up_to is None or sigmas <= up_to
    if enough:
        return "within" if judged else "unjudged"
    return "open" if not judged or (at_most and needed is not None) else "beyond"


def _by_atol(output: Mapping[str, Any], wanted: Tolerance) -> list[str]:
    atol = wanted.atol or 0.0
    return ["within" if value is not None and value <= atol else "beyond" for value in output["deviations"]]


def _judged(states: Sequence[str], output: Mapping[str, Any], wanted: Tolerance) -> tuple[Verdict, str]:
    beyond, unjudged, left = (states.count(state) for state in ("beyond", "unjudged", "open"))
    of = f"of {len(states):,} samples"
    if beyond:
        limit = "what rounding explains" if wanted.by_rounding else "the tolerance"
        return Verdict.MISMATCH, f"{beyond:,} {of} beyond {limit}"
    if left:
        return Verdict.INCONCLUSIVE, f"of {left:,} {of} the report does not tell, which has a part of σ alone. {VERIFY}"
    accepts = wanted.allow_unjudged and unjudged < len(states) and None not in output["deviations"]
    if unjudged and not accepts:
        return (
            Verdict.INCONCLUSIVE,
            f"{unjudged:,} {of} cannot be judged: rounding alone may change them as a fault would",
        )
    if output["non_finite"]:
        return Verdict.INCONCLUSIVE, f"{output['non_finite']:,} values are NaN or infinite on both sides"
    return Verdict.MATCH, ""
