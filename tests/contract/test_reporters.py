"""What every reporter keeps to, by being in `REPORTERS`: whatever was found is rendered, and always alike."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lstm_verify import Tolerance
from lstm_verify._judge import JudgedAnew, JudgedOutput
from lstm_verify.checking.report import CheckReport
from lstm_verify.checking.run import Outcome
from lstm_verify.cross.report import AgainstReport, Other
from lstm_verify.cross.settings import differences
from lstm_verify.cross.weights import compare_weights
from lstm_verify.inspection import inspect as look
from lstm_verify.judging.compare import Verdict
from lstm_verify.report import Failure
from lstm_verify.reporters import REPORTERS, Reporter, find
from tests.builders import lstm_model, two_headed_model
from tests.contract.layers import EXAMPLES
from tests.contract.test_faults import model_of
from tests.reporters.test_rollout import report as rolled
from tests.reports import REPORTS


def compared(make: Callable[[], Any]) -> AgainstReport:
    one, other = lstm_model(), two_headed_model()
    beside = Other(other, compare_weights(one, other), make(), None, differences(one, other), notes=("a note",))
    return AgainstReport(one, make(), (beside,))


def outcome(verdict: str, code: int, *outputs: tuple[str, str, str, float | None], cached: bool = False) -> Outcome:
    cause = "" if not code else "a cause <with> \x1b[31m characters"
    return Outcome(
        *("model.h5", verdict, code, "keras", cause, 0.5, 1e3 if outputs else None, False, outputs, None, True),
        cached=cached,
    )


MATCHED = outcome("match", 0, ("dense", "match", "", 1e-8), cached=True)
CHECKS: dict[str, Callable[[], Any]] = {
    "match": lambda: CheckReport((MATCHED,), 1.5),
    "mismatch": lambda: CheckReport((outcome("mismatch", 1, ("dense", "mismatch", "beyond", None)), MATCHED)),
    "inconclusive": lambda: CheckReport((outcome("inconclusive", 3), MATCHED)),
    "error": lambda: CheckReport((outcome("error", 2), MATCHED)),
    "blind spots": lambda: CheckReport((outcome("match", 1, ("dense", "match", "", 1e-8)),)),
    "none": lambda: CheckReport(()),
}


def judged(*verdicts: Verdict, reason: str = "") -> JudgedAnew:
    outputs = tuple(
        JudgedOutput(f"dense {n}", verdict, "" if verdict is Verdict.MATCH else "a reason", 4, 1, None, 20.0)
        for n, verdict in enumerate(verdicts)
    )
    return JudgedAnew("report.json", "model.h5", "match", Tolerance(sigmas=4.0), outputs, reason)


JUDGEMENTS: dict[str, Callable[[], Any]] = {
    "match": lambda: judged(Verdict.MATCH),
    "mismatch": lambda: judged(Verdict.MATCH, Verdict.MISMATCH),
    "inconclusive": lambda: judged(Verdict.MATCH, Verdict.INCONCLUSIVE),
    "nothing compared": lambda: judged(reason="no predictions"),
}
ROLLOUTS: dict[str, Callable[[], Any]] = {
    "match": lambda: rolled([0.0] * 5),
    "mismatch": lambda: rolled([0.0, 0.0, 1.0, 2.0, 3.0]),
    "by rounding": lambda: rolled([0.0, 1e-3, 0.0, 0.0, 0.0], sigma=[1e-5] * 5),
    "not finite": lambda: rolled([float("nan")] * 5),
    "nothing compared": lambda: rolled([0.0] * 5, outputs=(), verdict=Verdict.INCONCLUSIVE, reason="no predictions"),
}
MODELS: dict[str, Callable[[], Any]] = {
    "LSTM": lambda: look(lstm_model()),
    "two heads": lambda: look(two_headed_model()),
    **{name: lambda example=example: look(model_of(example)) for name, example in EXAMPLES.items()},
}
COMPARISONS: dict[str, Callable[[], Any]] = {name: lambda make=make: compared(make) for name, make in REPORTS.items()}
SUBJECTS: dict[str, dict[str, Callable[[], Any]]] = {
    "verification": REPORTS,
    "rollout": ROLLOUTS,
    "comparison": COMPARISONS,
    "check": CHECKS,
    "judgement": JUDGEMENTS,
    "model": MODELS,
    "failure": {"error": lambda: Failure("model.h5", "model.h5: an error <with> \x1b[31m characters")},
}
every = pytest.mark.parametrize("reporter", REPORTERS, ids=lambda reporter: f"{reporter.name}-{reporter.subject}")


def rendered(reporter: Reporter, found: Any) -> bytes:
    if not reporter.prints:
        made = reporter.render(found)
        return made if isinstance(made, bytes) else made.encode()
    console = Console(file=io.StringIO(), width=100, color_system=None)
    reporter.render(found, console)
    return console.file.getvalue().encode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_there_is_something_to_report_of_every_verdict(subject: str) -> None:
    if subject == "check":
        assert {make().exit_code for make in CHECKS.values()} == {0, 1, 2, 3}
    elif subject not in ("model", "failure"):
        assert {make().verdict for make in SUBJECTS[subject].values()} == set(Verdict)


@every
def test_everything_is_rendered_and_always_alike(reporter: Reporter) -> None:
    for name, make in SUBJECTS[reporter.subject].items():
        first = rendered(reporter, make())
        assert first or reporter.name == "annotations", name  # which says nothing of a match
        assert rendered(reporter, make()) == first, name


@every
def test_a_reporter_is_found_by_its_name_and_loaded_from_its_file(reporter: Reporter) -> None:
    assert find(reporter.name, reporter.subject) is reporter
    module = sys.modules[reporter.render.__module__]
    assert module.__file__
    assert Path(module.__file__).stem == reporter.module
    assert module.__doc__
    assert reporter.render.__doc__


def test_there_is_no_other_reporter() -> None:
    with pytest.raises(LookupError, match="no reporter 'yaml' of a rollout"):
        find("yaml", "rollout")
