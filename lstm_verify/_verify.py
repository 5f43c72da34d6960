"""Verification: every step from a model file to a report.

        ┌─► load ──► replay ─────────────► replayed ──┐
path ───┤                                             ├─► compare ──► Report
        └─► a framework, or a recorded file ► predicted ──┘
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from lstm_verify import runtimes
from lstm_verify._replay import Replayed, replay_rows
from lstm_verify.arrays import NpyRows, Rows, write_npz
from lstm_verify.budget import PartOfSigma
from lstm_verify.case import Case, case_of, opened, request, runtime_options
from lstm_verify.details import Details, details_of
from lstm_verify.diagnosis import Diagnosis, Tap
from lstm_verify.diagnosis import diagnose as diagnosed
from lstm_verify.diagnosis.first_parting import recorded_layers
from lstm_verify.diagnosis.informative import BlindSpotSearch
from lstm_verify.errors import FrameworkError
from lstm_verify.expected import Predictions, recorded_predictions, unless_exchanged, with_inner_values
from lstm_verify.formats import runtime_of
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.given import matched, recorded
from lstm_verify.golden import Evidence, Golden, golden_of
from lstm_verify.inputs import count_samples, in_own_layout
from lstm_verify.inspection import recurrences
from lstm_verify.judging.compare import Verdict, verdict_of
from lstm_verify.judging.judge import TOLERANCES, judge, part_of_sigma
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.nothing_computed import with_handed_on
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model
from lstm_verify.options import Progress, RuntimeOptions
from lstm_verify.report import Predicted, Report
from lstm_verify.runtimes.layer_outputs import LayerOutputs
from lstm_verify.timing import timed


def verify(
    model: str | Path | Model,
    x: Any = None,
    *,
    expected: Any = None,
    golden: str | Path | Golden | None = None,
    architecture: str | Path | None = None,
    endpoints: Endpoints | None = None,
    state_from: str | Path | None = None,
    tolerance: Tolerance | None = None,
    runtime: RuntimeOptions | str | None = None,
    diagnose: bool = True,
    blind_spots: bool = True,
    seconds: float | None = None,
    output: str | Path | None = None,
    save_input: str | Path | None = None,
    details: bool = True,
    progress: Progress | None = None,
    evidence: Evidence | None = None,
) -> Report:
    """Compare a framework's predictions with what the weights in a model file compute.

    Args:
        model: a Keras `.h5` or `.keras` file, a SavedModel's directory, a TensorFlow graph, an ONNX file; or what
            `load` read of one.
        x: inputs, (samples, ...): an array, a sequence in the order of the model's inputs, a mapping by name, or the
            path of a file of arrays, as for `--input`. `RandomInputs` makes them from the model's own signature, as
            None does.
        expected: recorded predictions in the same forms, or what `replay` made of another model; no framework is run
            then.
        golden: a folder that `record` wrote, in place of `x` and `expected`; its tolerance holds unless one is given.
        architecture: a file with the config of the model, if that at `model` is there for its weights only, as for
            `load`; the framework builds the model from it too.
        endpoints: a signature of a TensorFlow file, or which tensors of a graph are its inputs and outputs; what `x`
            has by the name of a tensor of the graph is fed to that tensor anyway.
        state_from: a file, such as a `.npz`, with the inputs that `x` does not have, such as the states of an encoder,
            which the `output` of its verification has.
        tolerance: how far predictions may lie from the replay; None is what rounding explains.
        runtime: the framework to predict with, and how it does; a name alone is enough.
        diagnose: on a mismatch, find out which fault explains it.
        blind_spots: on a match, find out which faults it could not have shown.
        seconds: how long to look at most for what explains a mismatch; None ends a search by what it computes alone, at
            the same fault on every machine.
        output: a `.npz` file to write the replayed predictions to.
        save_input: a `.npz` file to write the inputs to, if they are generated.
        details: keep what `Report.to_html` and `Report.plot` show of where the outputs deviate.
        progress: on_progress how far the replay and the framework are.
        evidence: where to keep what was compared, for `record`.

    Returns:
        The report; its verdict is *inconclusive* if the framework could not predict.

    Raises:
        ModelFileError, UnsupportedError: the model cannot be read or replayed.
        InputError: the inputs or recorded predictions do not fit the model.
        OutputError: `output` cannot be written.

    Example:
        >>> report = verify(
        ...     "fixtures/origin_tanh_sigmoid.keras3.h5",
        ...     "fixtures/origin.x.npy",
        ...     expected="fixtures/origin_tanh_sigmoid.keras3.y.npz",
        ... )
        >>> print(report.verdict)
        match
    """
    options, gold = runtime_options(runtime), golden_of(golden)
    if gold is not None:
        x, expected, options, tolerance = gold.asked(x, expected, options, tolerance)
    else:
        tolerance = replace(tolerance or Tolerance(), recorded=expected is not None)
    timings: dict[str, float] = {}
    started = datetime.now(UTC)
    with timed(timings, "total"), tempfile.TemporaryDirectory(prefix="lstm-verify-") as scratch, ExitStack() as stack:
        ready = None if expected is not None else _started(model, options, stack)
        with timed(timings, "load"):
            read, arrays = opened(model, x, endpoints, architecture, options)
            with unless_exchanged(read, expected):
                case = case_of(read, x, arrays, options, state_from, blind_spots)
                case = with_inner_values(case, expected, gold)
            read = case.model
            if save_input is not None:
                case.save_inputs(save_input)
        replaying = _Replaying(case, Path(scratch), progress, timings, evidence is not None)
        search = BlindSpotSearch(read, case.inputs, case.batch_size_of(expected), timings, blind_spots, case.spots)
        if expected is None:
            again = read.divisible and not read.stateful
            asked = request(read, case.inputs, case.batch_size, architecture, options, again=again)
            predicted, replayed = _predict_and_replay(case.framework, asked, replaying, search, ready)
            tap: Tap | None = LayerOutputs(case.framework, asked)
        else:
            given, replayed = recorded(read, expected), replaying.run()
            predicted = recorded_predictions(expected, given, replayed, tolerance, gold)
            tolerance = tolerance.of_recording(given.written, list(replayed))
            tap = recorded_layers(read, predicted.outputs)
        with timed(timings, "compare"):
            case, notes = case.as_computed(options, predicted.source)
            judged = _judged(case, predicted, replayed, tolerance, replaying.part)
        verdict, found = verdict_of(judged.outputs), None
        if verdict is Verdict.MISMATCH and diagnose and predicted.outputs is not None:
            with timed(timings, "diagnose"):
                exact = isinstance(expected, Replayed)
                found = _diagnosed(case, predicted, replayed, judged, tap, seconds, exact)
        spots = search.result() if verdict is Verdict.MATCH else None
        if evidence is not None:
            evidence.put(case.model, case.inputs, predicted.outputs, replayed, judged, tolerance, case.batch_size)
        checked = None if gold is None else gold.checked(read, replayed)
        if output is not None:
            write_npz(output, in_own_layout(read, replayed))
        given_files = (architecture, *((x, state_from, expected) if gold is None else (state_from, golden)))
        outputs = predicted.outputs
        kept = details_of(case.model, case.inputs, outputs, replayed, judged, given_files) if details else Details()
    of_digits = predicted.digits.of_digits(verdict is Verdict.MATCH) if predicted.digits else ()
    notes = [*read.findings, *case.notes, *predicted.notes, *of_digits, *notes, *judged.notes]
    return Report(
        verdict=verdict,
        model=case.model,
        predicted=predicted.source,
        tolerance=judged.tolerance,
        outputs=judged.outputs,
        samples=count_samples(case.inputs),
        own_sigma=judged.own_sigma,
        sigma_is_lower_bound=judged.is_lower_bound,
        reason=predicted.reason,
        diagnosis=found,
        blind_spots=spots,
        recurrences=tuple(recurrences(read)),
        notes=tuple(notes),
        details=kept,
        golden=checked,
        started=started,
        timings=timings,
    )


def diagnose(model: str | Path | Model, x: Any = None, **options: Any) -> Diagnosis | None:
    """Find out why a framework's predictions differ from what the weights compute.

    Args:
        model, x: as for `verify`.
        options: those of `verify`, such as `expected`, `tolerance`, `runtime` and `seconds`.

    Returns:
        What explains a mismatch, or is known of one that nothing explains; None if it is none.

    Raises:
        The errors of `verify`.

    Example:
        >>> import numpy as np
        >>> from lstm_verify import load, replay
        >>> model = load("fixtures/origin_tanh_sigmoid.keras3.h5")
        >>> reversed_in_time = replay(model, np.load("fixtures/origin.x.npy")[:, ::-1])
        >>> diagnose(model, "fixtures/origin.x.npy", expected=reversed_in_time).status
        'explained'
    """
    return verify(model, x, **options, blind_spots=False, details=False).diagnosis


def _judged(
    case: Case, predicted: Predictions, replayed: Mapping[str, Rows], tolerance: Tolerance, part: PartOfSigma | None
) -> Judgement:
    if predicted.outputs is None:
        return Judgement((), tolerance)
    fallback = TOLERANCES[case.model.precision]
    model, inputs = case.model, case.inputs
    judgement = judge(model, inputs, predicted.outputs, replayed, tolerance, fallback, case.batch_size, part)
    return with_handed_on(judgement, model)


def _diagnosed(
    case: Case,
    predicted: Predictions,
    replayed: Mapping[str, Rows],
    judged: Judgement,
    tap: Tap | None,
    seconds: float | None,
    exact: bool,
) -> Diagnosis | None:
    assert predicted.outputs is not None
    return diagnosed(
        case.model, case.inputs, predicted.outputs, judged.outputs, case.batch_size, seconds, predicted.again, tap,
        replayed, judged.tolerance, exact,
    )  # fmt: skip


@dataclass(frozen=True)
class _Replaying:
    """The replay, with what it needs; it may run while a framework predicts."""

    case: Case
    scratch: Path
    progress: Progress | None
    timings: dict[str, float]
    wants_whole_sigma: bool = False

    @cached_property
    def part(self) -> PartOfSigma | None:
        """Collect a part of σ."""
        samples = count_samples(self.case.inputs)
        return None if self.wants_whole_sigma else part_of_sigma(self.case.model, samples, self.scratch)

    def run(self) -> dict[str, Rows]:
        case, tell = self.case, self.progress
        samples = count_samples(case.inputs)
        on_progress = None if tell is None else lambda done: tell("replay", done, samples)
        with timed(self.timings, "replay"):
            also = self.part.put if self.part else None
            return replay_rows(case.model, case.inputs, "float64", case.batch_size, on_progress, self.scratch, also)


def _started(model: str | Path | Model, options: RuntimeOptions, stack: ExitStack) -> runtimes.Started | None:
    """The process of a framework, which imports it while the file is read; None if it is not known which it is."""
    name = "" if isinstance(model, Model) else runtime_of(Path(model))
    runtime = runtimes.known(name) if options.name in (None, name) else None
    return None if runtime is None else stack.enter_context(runtimes.started(runtime))


def _predict_and_replay(
    name: str,
    asked: runtimes.Request,
    replaying: _Replaying,
    search: BlindSpotSearch,
    ready: runtimes.Started | None = None,
) -> tuple[Predictions, dict[str, Rows]]:
    """Let a framework predict in its own process while this one replays."""
    runtime, tell = runtimes.find(name), replaying.progress
    on_progress = None if tell is None else lambda done, samples: tell("predict", done, samples)
    with runtimes.predicting(runtime, asked, on_progress, ready) as prediction:
        replayed = replaying.run()
        search.result()  # most likely it will be a match, and the framework takes longer
        try:
            outputs, reason = matched(replaying.case.model, _kept(prediction.result(), replaying.scratch)), ""
        except FrameworkError as failure:
            outputs, reason = None, str(failure)
        replaying.timings["predict"] = prediction.seconds
        about = (prediction.description or runtime.title, prediction.device, prediction.products, prediction.again)
        return Predictions(Predicted(name, *about), outputs, reason, prediction.again), replayed


def _kept(outputs: dict[str, Rows], scratch: Path) -> dict[str, Rows]:
    """Move predictions out of the child's directory, which goes away with it."""
    return {
        name: NpyRows(rows.path.replace(scratch / rows.path.name)) if isinstance(rows, NpyRows) else rows
        for name, rows in outputs.items()
    }
