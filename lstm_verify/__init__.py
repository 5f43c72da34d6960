"""lstm-verify: check that an exported recurrent model still computes what was trained.

    load(path)             → Model     read from its file, without the framework
    replay(model, x)       → outputs   recomputed in NumPy
    verify(path, x)        → Report    compared with what the framework predicts
    diagnose(path, x)      → Diagnosis what explains a mismatch, or None
    record(path, x)        → Report    the same, kept as a golden folder; verify(path, golden=…) checks against it
    judge(report)          → JudgedAnew    a stored report by another tolerance
    check(paths)           → CheckReport   many models, or those of a manifest
    against(path, others, x) → AgainstReport   files compared with each other
    rollout(path, x, steps=N)          the same for a model that is fed with its own outputs, step by step
    inspect(model)         → dict      what is in it, as plain data

Importing it imports no framework, and no part of this package before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstm_verify._judge import JudgedAnew, judge
    from lstm_verify._record import record
    from lstm_verify._replay import Replayed, replay
    from lstm_verify._verify import diagnose, verify
    from lstm_verify.checking import check
    from lstm_verify.checking.report import CheckReport
    from lstm_verify.cross import against
    from lstm_verify.cross.report import AgainstReport
    from lstm_verify.errors import (
        FrameworkError,
        InputError,
        LstmVerifyError,
        MismatchError,
        ModelFileError,
        OutputError,
        UnsupportedError,
    )
    from lstm_verify.formats import load
    from lstm_verify.formats.endpoints import Endpoints
    from lstm_verify.inspection import inspect
    from lstm_verify.judging.compare import Comparison, Verdict
    from lstm_verify.judging.tolerance import Tolerance
    from lstm_verify.model import Model
    from lstm_verify.options import RandomInputs, RuntimeOptions
    from lstm_verify.report import Report
    from lstm_verify.rollouts import rollout
    from lstm_verify.rollouts.report import RolloutReport

__version__ = "0.2.0"

__all__ = [
    "AgainstReport",
    "CheckReport",
    "Comparison",
    "Endpoints",
    "FrameworkError",
    "InputError",
    "JudgedAnew",
    "LstmVerifyError",
    "MismatchError",
    "Model",
    "ModelFileError",
    "OutputError",
    "RandomInputs",
    "Replayed",
    "Report",
    "RolloutReport",
    "RuntimeOptions",
    "Tolerance",
    "UnsupportedError",
    "Verdict",
    "against",
    "check",
    "diagnose",
    "inspect",
    "judge",
    "load",
    "record",
    "replay",
    "rollout",
    "verify",
]

_MODULES = {
    "_judge": ("JudgedAnew", "judge"),
    "_record": ("record",),
    "_replay": ("Replayed", "replay"),
    "_verify": ("diagnose", "verify"),
    "checking": ("check",),
    "checking.report": ("CheckReport",),
    "judging.compare": ("Comparison", "Verdict"),
    "errors": (
        "FrameworkError",
        "InputError",
        "LstmVerifyError",
        "MismatchError",
        "ModelFileError",
        "OutputError",
        "UnsupportedError",
    ),
    "cross": ("against",),
    "cross.report": ("AgainstReport",),
    "formats": ("load",),
    "formats.endpoints": ("Endpoints",),
    "inspection": ("inspect",),
    "model": ("Model",),
    "options": ("RandomInputs", "RuntimeOptions"),
    "report": ("Report",),
    "rollouts": ("rollout",),
    "rollouts.report": ("RolloutReport",),
    "judging.tolerance": ("Tolerance",),
}
"""Where each name comes from (PEP 562)."""


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            found = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
