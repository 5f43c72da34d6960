"""What a report for machines says of its circumstances: the model and its hash, the runtime, arithmetic, versions."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from lstm_verify import __version__
from lstm_verify.cross.report import AgainstReport
from lstm_verify.errors import InputError
from lstm_verify.hashing import hash_of_file
from lstm_verify.model import Model
from lstm_verify.report import Report

Properties = list[tuple[str, str]]


def path_of(model: Model) -> str:
    """Return the path of a model, or its name if it was read of no file."""
    return model.source.path if model.source else model.name


def sha256_of(path: str | Path) -> str | None:
    """Hash a file as it is now; None of what is no file, such as the directory of a SavedModel, or cannot be read."""
    try:
        return hash_of_file(Path(path))
    except (InputError, ValueError):
        return None


def properties(report: Report) -> Properties:
    """List the circumstances of a verification, as names and values."""
    return [
        *_of_model("model", report.model),
        ("predictions" if report.predicted.name == "recorded" else "runtime", report.predicted.description),
        *([("golden", report.golden.words)] if report.golden else []),
        *([("device", report.predicted.device)] if report.predicted.device else []),
        ("arithmetic", f"{report.model.precision}, products in {report.model.products}"),
        ("tolerance", str(report.tolerance)),
        ("samples", str(report.samples)),
        *versions(),
    ]


def properties_against(report: AgainstReport) -> Properties:
    """List the circumstances of a comparison of files, as names and values."""
    found = _of_model("model", report.model)
    for other in report.others:
        found += _of_model("against", other.model)
    runs = [report.runtime, *(other.runtime for other in report.others)]
    found += [("runtime", run.predicted.description) for run in runs if run is not None]
    found += [("samples", str(other.function.samples)) for other in report.others[:1]]
    return [*found, *versions()]


def versions() -> Properties:
    """List the versions of what computed the replay."""
    return [("lstm-verify", __version__), ("numpy", np.__version__), ("python", platform.python_version())]


def _of_model(what: str, model: Model) -> Properties:
    path = path_of(model)
    sha256 = sha256_of(path) if model.source else None
    found = [(what, path)]
    if sha256:
        found.append((f"{what} sha256", sha256))
    if model.source:
        found.append((f"{what} format", f"{model.source.format}, written by {model.source.writer}"))
    return found
