"""A plugin for pytest: the fixture `verify_model` verifies a model, and fails the test with the report.

    def test_the_export(verify_model):
        verify_model("export/model.keras", x, expected=y)           # against recorded predictions
        verify_model("export/model.keras", x, golden="export")      # against golden/export, beside the test

`pytest --lstm-verify-update` records the golden folders anew, with the framework. Importing this module imports nothing
but pytest, since every test run does it where the package is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lstm_verify.golden import Golden
    from lstm_verify.report import Report

UPDATE = "--lstm-verify-update"
RECORDED = "lstm_verify_recorded"
"""The property of a test that says what it recorded; pytest-xdist hands properties on from its workers."""
FOLDER = "golden"


@dataclass(frozen=True)
class VerifyModel:
    """What the fixture `verify_model` is: a function that verifies a model, and fails the test unless it matches."""

    item: pytest.Item
    """The test."""
    defaults: Mapping[str, Any]
    """Options from the marks of the test."""
    updates: bool
    """Whether golden folders are recorded, in place of being checked against."""

    def __call__(
        self,
        model: str | Path,
        x: Any = None,
        *,
        expected: Any = None,
        golden: str | None = None,
        fail_on_blind_spots: bool | None = None,
        **options: Any,
    ) -> Report:
        """Verify a model.

        Args:
            model: its path, relative to where pytest runs.
            x: inputs, as for `lstm_verify.verify`. Of a golden folder they may be left out, and must be the recorded
                ones otherwise, but for `RandomInputs`, in whose place the recorded ones are.
            expected: recorded predictions, as for `lstm_verify.verify`; without them and `golden` the framework
                predicts.
            golden: the name of a folder in `golden/` beside the test, with recorded inputs and predictions.
            fail_on_blind_spots: whether blind spots are a failure; they are not, unless a mark says so.
            options: those of `lstm_verify.verify`, such as `tolerance` and `runtime`.

        Returns:
            The report, which is a match.

        Raises:
            pytest.fail.Exception: it is not; the message is the report in plain text.
            The errors of `lstm_verify.verify`.
        """
        __tracebackhide__ = True
        options = {**self.defaults, **options}
        strict = options.pop("fail_on_blind_spots", False) if fail_on_blind_spots is None else fail_on_blind_spots
        options.pop("fail_on_blind_spots", None)
        if golden is None:
            report = _verified(model, x, expected=expected, **options)
        elif expected is not None:
            raise TypeError("verify_model: golden and expected exclude each other, since both are predictions")
        elif self.updates:
            report = self._record(model, x, golden, options)
        else:
            report = self._checked(model, x, golden, options)
        report = replace(report, fails_on_blind_spots=strict)
        if report.exit_code:
            pytest.fail("\n\n".join([str(report), *self._hints(golden)]), pytrace=False)
        return report

    def _hints(self, golden: str | None) -> Iterator[str]:
        if golden is not None:
            yield "Nothing was recorded, since it is no match." if self.updates else _hint(golden)

    def folder(self, golden: str) -> Path:
        """Return the golden folder of a name."""
        return self.item.path.parent / FOLDER / golden

    def _record(self, model: str | Path, x: Any, golden: str, options: dict[str, Any]) -> Report:
        """Verify with the framework, and record a match; nothing else is recorded."""
        from lstm_verify._record import observed
        from lstm_verify.golden import write

        report, evidence, facts = observed(model, x, **options)
        if not report.exit_code:
            folder = self.folder(golden)
            folder.parent.mkdir(parents=True, exist_ok=True)
            write(folder, facts, evidence.arrays())
            self.item.user_properties.append((RECORDED, str(folder)))
        return report

    def _checked(self, model: str | Path, x: Any, golden: str, options: dict[str, Any]) -> Report:
        """Verify with what was recorded."""
        from lstm_verify.golden import is_golden, read

        folder = self.folder(golden)
        if not is_golden(folder):
            pytest.fail(f"{folder}: nothing is recorded there yet. pytest {UPDATE} records it", pytrace=False)
        found = read(folder)
        if _feeds_others(found, model, x, options):
            pytest.fail(f"{folder}: was recorded with other inputs than these. {_hint(golden)}", pytrace=False)
        return _verified(model, golden=found, **options)


def _verified(model: str | Path, x: Any = None, **options: Any) -> Report:
    from lstm_verify._verify import verify

    return verify(model, x, **options)


def _feeds_others(golden: Golden, model: str | Path, x: Any, options: Mapping[str, Any]) -> bool:
    """Whether a test gives inputs of its own, and they are not those that were recorded."""
    import numpy as np

    from lstm_verify.case import case_of, opened, runtime_options
    from lstm_verify.inputs import inputs_in_own_layout
    from lstm_verify.options import RandomInputs

    if x is None or isinstance(x, RandomInputs):
        return False
    asked = runtime_options(options.get("runtime"))
    read, arrays = opened(model, x, options.get("endpoints"), options.get("architecture"), asked)
    case = case_of(read, x, arrays, asked, options.get("state_from"), False)
    given, recorded = inputs_in_own_layout(read, case.inputs), golden.of("inputs")
    return list(given) != list(recorded) or not all(
        np.array_equal(given[name], array, equal_nan=array.dtype.kind == "f") for name, array in recorded.items()
    )


def _hint(golden: str) -> str:
    return f"If that is meant, pytest {UPDATE} records golden={golden!r} anew."


def _defaults(item: pytest.Item) -> dict[str, Any]:
    """The options from the marks of a test; those of the mark that is closest to it come first."""
    found: dict[str, Any] = {}
    for mark in item.iter_markers("lstm_verify"):
        if mark.args:
            raise pytest.UsageError(f"{item.nodeid}: the mark lstm_verify has keywords only, such as tolerance=…")
        found = {**mark.kwargs, **found}
    return found


@pytest.fixture
def verify_model(request: pytest.FixtureRequest) -> VerifyModel:
    """Verify a model; fail with the report unless it matches."""
    return VerifyModel(request.node, _defaults(request.node), bool(request.config.getoption(UPDATE)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that records."""
    group = parser.getgroup("lstm-verify")
    group.addoption(UPDATE, action="store_true", help="Record the golden folders of verify_model anew.")


def pytest_configure(config: pytest.Config) -> None:
    """Describe the mark."""
    text = "lstm_verify(**options): defaults for the fixture verify_model, such as tolerance, runtime"
    config.addinivalue_line("markers", f"{text}, fail_on_blind_spots.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was recorded."""
    for folder in dict.fromkeys(_recorded(terminalreporter)):
        terminalreporter.write_line(f"lstm-verify: recorded {folder}")


def _recorded(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                yield from (str(value) for name, value in report.user_properties if name == RECORDED)
