"""Verify: the whole way from a model file to a report, in one place.

        ┌─► load ──► replay ─────────────► replayed ──┐
path ───┤                                             ├─► compare ──► Report
        └─► a framework, or a recorded file ► predicted ──┘
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lstm_verify import runtimes
from lstm_verify._replay import replay_rows
from lstm_verify.arrays import NpyRows, Rows, write_npz
from lstm_verify.budget import PartOfSigma
from lstm_verify.diagnosis import diagnose as diagnosed
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.diagnosis.informative import BlindSpotSearch, informative_inputs
from lstm_verify.errors import FrameworkError, InputError
from lstm_verify.formats import load
from lstm_verify.formats.endpoints import Endpoints, with_given
from lstm_verify.given import about, arrays_of, completed, matched, recorded
from lstm_verify.inputs import bind, count_samples, in_own_layout, random_inputs
from lstm_verify.inspection import recurrences
from lstm_verify.judging.compare import Verdict, accepted, verdict_of
from lstm_verify.judging.judge import TOLERANCES, Judgement, as_computed, judge, part_of_sigma, with_products
from lstm_verify.judging.tolerance import SIGMAS, asked_tolerance
from lstm_verify.model import Model
from lstm_verify.report import Predicted, Report
from lstm_verify.runtimes.layer_outputs import LayerOutputs
from lstm_verify.timing import timed

RANDOM_SAMPLES = 32
TIMEOUT = 600.0

Progress = Callable[[str, int, int], None]
"""Told a stage (`replay`, `predict`), how many samples it has done, and how many there are."""


def verify(
    path: str | Path,
    x: Any = None,
    *,
    expected: Any = None,
    architecture: str | Path | None = None,
    runtime: str | None = None,
    signature: str | None = None,
    endpoints: Endpoints | None = None,
    sigmas: float = SIGMAS,
    atol: float | None = None,
    rtol: float | None = None,
    decimals: int | None = None,
    products: str | None = None,
    allow_unjudged: bool = False,
    batch_size: int | None = None,
    timeout: float = TIMEOUT,
    unsafe: bool = False,
    random: int = RANDOM_SAMPLES,
    seed: int = 0,
    state_from: str | Path | None = None,
    output: str | Path | None = None,
    diagnose: bool = True,
    blind_spots: bool = True,
    fail_on_blind_spots: bool = False,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Compare a framework's predictions with what the weights in a model file compute.

    Args:
        path: the model: a Keras `.h5` or `.keras` file, a SavedModel's directory, a TensorFlow graph.
        x: inputs, (samples, ...): an array, a sequence in the order of the model's inputs, a mapping by name, or the
            path of a `.npy` or `.npz` file. None makes them from the model's own signature.
        expected: recorded predictions in the same forms; no framework is run then.
        architecture: a file with the config of the model, if that at `path` is there for its weights only, as for
            `load`; the framework builds the model from it too.
        runtime: the framework to predict with, one of `runtimes.NAMES`; None takes the one that wrote the file.
        signature: which signature of a TensorFlow file; None takes `serving_default`, or the only one.
        endpoints: which tensors of a TensorFlow graph are its inputs and outputs; what `x` has by the name of a
            tensor of the graph is fed to that tensor anyway.
        sigmas: how far predictions may lie from the replay, in standard deviations of the rounding error that comes
            with the precision the model computes in.
        atol: absolute tolerance, in units of the output, in place of that.
        rtol: tolerance relative to the replayed value, in place of that; added to `atol` if both are given.
        decimals: to how many decimals the predictions were rounded when they were recorded.
        products: how the framework multiplies matrices in float32: `float32`, or with factors rounded to `tf32`, as
            NVIDIA GPUs do, or to `bfloat16`, as oneDNN and TPUs may; None: as the framework says of itself, or float32.
        allow_unjudged: accept elements that rounding alone may change as much as a fault would.
        batch_size: samples that the framework predicts at a time; None is 32 for Keras, and all at once for graphs.
        timeout: seconds until the framework is given up.
        unsafe: let the framework run code from the file, such as Lambda layers.
        random: how many samples to make when `x` is None.
        seed: for making them.
        state_from: a `.npz` file with the inputs that `x` does not have, such as the states of an encoder, which the
            `output` of its verification has.
        output: a `.npz` file to write the replayed predictions to.
        diagnose: on a mismatch, find out which fault explains it.
        blind_spots: on a match, find out which faults it could not have shown.
        fail_on_blind_spots: count a match that has some as a failure.
        seconds: how long to look at most for what explains a mismatch; None ends a search by what it computes alone, at
            the same fault on every machine.
        progress: told how far the replay and the framework are.

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
    timings: dict[str, float] = {}
    wants_blind_spots = blind_spots or fail_on_blind_spots
    with timed(timings, "total"), tempfile.TemporaryDirectory(prefix="lstm-verify-") as scratch:
        with timed(timings, "load"):
            arrays = arrays_of(x)
            model = with_products(load(path, signature, with_given(endpoints, arrays), architecture), products)
            framework = runtime or model.runtime
            given, batch_size, spots, notes = _given(
                model, arrays, framework, batch_size, (random, seed), wants_blind_spots
            )
            if state_from is not None:
                given, notes = completed(model, given, state_from)
            with about(x):
                inputs, more = bind(model, given)
            notes += more
            samples = count_samples(inputs)
            if x is None and samples != random:
                notes.append(f"{samples} samples made, whole batches of {model.batch_size} as the model wants them")
        tolerance = replace(asked_tolerance(sigmas, atol, rtol, decimals), recorded=expected is not None)
        if not timeout > 0:
            raise InputError(f"timeout: {timeout}, expected a positive number of seconds")
        size = _batch_size(model, framework, batch_size)
        replaying = _Replaying(model, inputs, size, Path(scratch), progress, timings)
        batches = size if expected is None or model.stateful else None  # not known of recorded predictions
        search = BlindSpotSearch(model, inputs, batches, timings, wants_blind_spots, spots)
        if expected is None:
            call = model.source.call if model.source else {}
            again = model.divisible and not model.stateful
            request = runtimes.Request(
                Path(path), inputs, model.suffix, size, timeout, unsafe, call, again=again, architecture=architecture
            )
            predicted, replayed = _predict_and_replay(framework, request, replaying, search)
        else:
            description = str(expected) if isinstance(expected, str | Path) else "recorded predictions"
            outputs, more = recorded(model, expected)
            predicted = _Predictions(Predicted("recorded", description), outputs)
            notes += more
            replayed = replaying.run()
        with timed(timings, "compare"):
            model, more = as_computed(model, products, predicted.source.products, predicted.source.device)
            notes += more
            judged = Judgement((), tolerance)
            if predicted.outputs is not None:
                fallback = TOLERANCES[model.precision]
                judged = judge(model, inputs, predicted.outputs, replayed, tolerance, fallback, size, replaying.part)
        if allow_unjudged:
            judged = replace(judged, outputs=tuple(map(accepted, judged.outputs)))
        verdict, found, blind = verdict_of(judged.outputs), None, None
        if verdict is Verdict.MISMATCH and diagnose and predicted.outputs is not None:
            with timed(timings, "diagnose"):
                tap = None if expected is not None else LayerOutputs(framework, request)
                found = diagnosed(
                    model, inputs, predicted.outputs, judged.outputs, size, seconds, predicted.again, tap, replayed,
                    judged.tolerance,
                )  # fmt: skip
        if verdict is Verdict.MATCH:
            blind = search.result()
        if output is not None:
            write_npz(output, in_own_layout(model, replayed))
    return Report(
        verdict=verdict,
        model=model,
        predicted=predicted.source,
        tolerance=judged.tolerance,
        outputs=judged.outputs,
        samples=samples,
        own_sigma=judged.own_sigma,
        sigma_is_lower_bound=judged.is_lower_bound,
        reason=predicted.reason,
        diagnosis=found,
        blind_spots=blind,
        fails_on_blind_spots=fail_on_blind_spots,
        recurrences=tuple(recurrences(model)),
        notes=(*model.findings, *notes, *judged.notes),
        timings=timings,
    )


@dataclass(frozen=True)
class _Replaying:
    """The replay, with what it needs; it may run while a framework predicts."""

    model: Model
    inputs: dict[str, Rows]
    batch_size: int | None
    scratch: Path
    progress: Progress | None
    timings: dict[str, float]

    @cached_property
    def part(self) -> PartOfSigma | None:
        """Where a part of σ comes together."""
        return part_of_sigma(self.model, count_samples(self.inputs), self.scratch)

    def run(self) -> dict[str, Rows]:
        samples, tell = count_samples(self.inputs), self.progress
        told = None if tell is None else lambda done: tell("replay", done, samples)
        with timed(self.timings, "replay"):
            also = self.part.put if self.part else None
            return replay_rows(self.model, self.inputs, "float64", self.batch_size, told, self.scratch, also)


@dataclass(frozen=True)
class _Predictions:
    """Predictions from somewhere, or the reason why there are none."""

    source: Predicted
    outputs: dict[str, Rows] | None
    reason: str = ""
    again: float = 0.0
    """How far the framework is from itself when it predicts again."""


def _predict_and_replay(
    name: str, request: runtimes.Request, replaying: _Replaying, search: BlindSpotSearch
) -> tuple[_Predictions, dict[str, Rows]]:
    """Let a framework predict in its own process while this one replays."""
    runtime, tell = runtimes.find(name), replaying.progress
    told = None if tell is None else lambda done, samples: tell("predict", done, samples)
    with runtimes.predicting(runtime, request, told) as prediction:
        replayed = replaying.run()
        search.result()  # most likely it will be a match, and the framework takes longer
        try:
            outputs, reason = matched(replaying.model, _kept(prediction.result(), replaying.scratch)), ""
        except FrameworkError as failure:
            outputs, reason = None, str(failure)
        replaying.timings["predict"] = prediction.seconds
        source = Predicted(name, prediction.description or runtime.title, prediction.device, prediction.products)
        return _Predictions(source, outputs, reason, prediction.again), replayed


def _given(
    model: Model, x: Any, framework: str, batch_size: int | None, random: tuple[int, int], informative: bool
) -> tuple[Any, int | None, BlindSpots | None, list[str]]:
    """Inputs, given or made, the size of a batch, and if they were made to be telling, their blind spots and a note."""
    if x is not None:
        return x, batch_size, None, []
    count = _random_samples(model, random[0])
    # at least two batches, so that it would show what one leaves to the next
    size = batch_size or min(runtimes.find(framework).batch_size or count, max(1, count // 2))
    made = random_inputs(model, count, random[1])
    if not informative:
        return made, size, None, []
    inputs, spots, notes = informative_inputs(model, made, _batch_size(model, framework, size))
    return inputs, size, spots, notes


def _kept(outputs: dict[str, Rows], scratch: Path) -> dict[str, Rows]:
    """Move predictions out of the child's directory, which goes away with it."""
    return {
        name: NpyRows(rows.path.replace(scratch / rows.path.name)) if isinstance(rows, NpyRows) else rows
        for name, rows in outputs.items()
    }


def _batch_size(model: Model, runtime: str, asked: int | None) -> int | None:
    """How many samples are a batch, for the framework and, if the model is stateful, for the replay; None for all."""
    if not model.divisible:
        return model.batch_size
    return model.batch_size or asked or runtimes.find(runtime).batch_size


def _random_samples(model: Model, samples: int) -> int:
    """As many as asked for, rounded up to whole batches of a model that insists on a batch size."""
    size = model.batch_size or 1
    return -(-samples // size) * size
