"""Recording: a verification becomes a golden folder, against which models are checked without any framework."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_verify._verify import verify
from lstm_verify.arrays import finite
from lstm_verify.errors import FrameworkError, InputError, MismatchError
from lstm_verify.formats.parts import hash_of_model
from lstm_verify.golden import Evidence, check_free, write
from lstm_verify.hashing import hash_of_array
from lstm_verify.judging.compare import Comparison, Verdict
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.report import Predicted, Report
from lstm_verify.versions import versions


def record(
    model: str | Path,
    x: Any = None,
    output: str | Path | None = None,
    *,
    update: bool = False,
    any_verdict: bool = False,
    **options: Any,
) -> Report:
    """Verify a model and record inputs, predictions, replay and verdict as a golden folder.

    Args:
        model: the path of the model.
        x: inputs, as for `verify`; `RandomInputs`, or None, makes them from the model's signature.
        output: the folder to write; None is `MODEL.golden`, beside the model.
        update: whether a record that is there already is replaced.
        any_verdict: whether a mismatch, or what is inconclusive, is recorded too.
        options: those of `verify`, such as `runtime`, `tolerance`, or `expected` with predictions made elsewhere.

    Returns:
        The report of the verification.

    Raises:
        MismatchError: the verdict is no match, and nothing was recorded.
        FrameworkError: the framework did not predict, so that there is nothing to record.
        OutputError: the folder has a record already, or cannot be written.
        The errors of `verify`.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp() + "/golden"
        >>> name = "fixtures/origin_tanh_sigmoid.keras3"
        >>> print(record(f"{name}.h5", "fixtures/origin.x.npy", folder, expected=f"{name}.y.npz").verdict)
        match
        >>> print(verify(f"{name}.keras", golden=folder).verdict)
        match
    """
    folder = folder_for(model) if output is None else Path(output)
    check_free(folder, update)
    report, evidence, about = observed(model, x, **options)
    if not evidence.predicted:
        raise FrameworkError(nothing_recorded(report))
    if report.verdict is not Verdict.MATCH and not any_verdict:
        raise MismatchError(nothing_recorded(report))
    write(folder, about, evidence.arrays())
    return report


def folder_for(model: str | Path) -> Path:
    """Where a record goes, and is looked for, unless something else is said: beside the model.

    Example:
        >>> print(folder_for("export/model.keras"))
        export/model.keras.golden
    """
    path = Path(model)
    return path.with_name(f"{path.name}.golden")


def observed(model: str | Path, x: Any = None, **options: Any) -> tuple[Report, Evidence, dict[str, Any]]:
    """Verify a model; return the report, the arrays, and the facts for a record.

    Raises:
        InputError: the model changed meanwhile.
        The errors of `verify`.
    """
    evidence, before = Evidence(), hash_of_model(Path(model))
    report = verify(model, x, evidence=evidence, **options)
    if hash_of_model(Path(model)) != before:
        raise InputError(f"{model}: changed while it was verified. Record it once it stays the same")
    return report, evidence, _facts(report, evidence, before)


def nothing_recorded(report: Report) -> str:
    """Why a verification is not recorded, and what to do about it."""
    if not any(output.deviations.size for output in report.outputs):
        return f"nothing recorded, since nothing was compared: {report.summary()}"
    return f"nothing recorded, since it is no match ({report.verdict}). --any-verdict records it all the same"


def _facts(report: Report, evidence: Evidence, model_hash: str) -> dict[str, Any]:
    source, predicted = report.model.source, report.predicted
    assert source is not None
    return {
        "arithmetic": {**evidence.arithmetic, "device": predicted.device, "machine": platform.machine()},
        "inputs": {name: _about(array) for name, array in evidence.inputs.items()},
        "model": {
            "format": source.format,
            "name": Path(source.path).name,
            "sha256": model_hash,
            "writer": source.writer,
        },
        "outputs": {
            output.name: {
                **_verdict(output),
                "samples_axis": evidence.axes[output.name],
                "predicted": _about(evidence.predicted[output.name]),
            }
            for output in report.outputs
            if output.name in evidence.predicted
        },
        "runtime": _runtime(predicted),
        "samples": report.samples,
        "tolerance": _tolerance(evidence.tolerance),
        "verdict": str(report.verdict),
        "versions": versions(),
    }


def _runtime(predicted: Predicted) -> dict[str, str]:
    """What predicted; of a file of recorded predictions its name, without the folders of this machine."""
    recorded = predicted.name == "recorded"
    return {
        "name": predicted.name,
        "description": Path(predicted.description).name if recorded else predicted.description,
    }


def _about(array: Any) -> Mapping[str, str]:
    return {"dtype": str(array.dtype), "sha256": hash_of_array(array), "shape": str(array.shape)}


def _verdict(output: Comparison) -> dict[str, Any]:
    return {
        "max_abs_deviation": finite(output.max_abs_deviation),
        "max_sigmas": finite(output.max_sigmas),
        "reason": output.reason,
        "unjudged": output.unjudged,
        "verdict": str(output.verdict),
    }


def _tolerance(tolerance: Tolerance) -> dict[str, Any]:
    return {
        "sigmas": tolerance.sigmas,
        "atol": tolerance.atol,
        "rtol": tolerance.rtol,
        "decimals": tolerance.decimals,
        "allow_unjudged": tolerance.allow_unjudged,
        "recorded": tolerance.recorded,
    }
