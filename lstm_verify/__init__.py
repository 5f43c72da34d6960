"""lstm-verify: check that an exported recurrent model still computes what was trained.

    load(path)             → Model     read from its file, without the framework
    replay(model, x)       → outputs   recomputed in NumPy
    verify(path, x)        → Report    compared with what the framework predicts
    rollout(path, x, steps=N)          the same for a model that is fed with its own outputs, step by step

Importing it imports no framework.
"""

from lstm_verify.compare import Comparison, Verdict
from lstm_verify.errors import (
    InputError,
    LstmVerifyError,
    Mismatch,
    ModelFileError,
    OutputError,
    RuntimeFailure,
    UnsupportedError,
)
from lstm_verify.formats import load
from lstm_verify.formats.ends import Ends
from lstm_verify.model import Model
from lstm_verify.replay import Replayed, replay
from lstm_verify.report import Report
from lstm_verify.rollout import rollout
from lstm_verify.rollout.report import RolloutReport
from lstm_verify.tolerance import Tolerance
from lstm_verify.verify import verify

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Ends",
    "InputError",
    "LstmVerifyError",
    "Mismatch",
    "Model",
    "ModelFileError",
    "OutputError",
    "Replayed",
    "Report",
    "RolloutReport",
    "RuntimeFailure",
    "Tolerance",
    "UnsupportedError",
    "Verdict",
    "load",
    "replay",
    "rollout",
    "verify",
]
