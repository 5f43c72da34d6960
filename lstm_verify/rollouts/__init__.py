"""Rollout: a model run on its own outputs, by the framework and by the replay, each on its own.

             ┌─► closed loop of the replay ──────► replayed ──┐
path, seed ──┤                                                ├─► compare, step by step ──► RolloutReport
             └─► closed loop in the framework ─► predicted ───┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify import runtimes
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.arrays import Array, Rows, whole, write_npz
from lstm_verify.case import opened, request, runtime_options
from lstm_verify.details import files_in
from lstm_verify.errors import FrameworkError, InputError
from lstm_verify.formats.endpoints import Endpoints
from lstm_verify.given import about, completed
from lstm_verify.graph.samples_first import as_called
from lstm_verify.inputs import as_input, bind, count_samples, moved, moved_back, named_rows
from lstm_verify.judging.compare import Verdict, verdict_of
from lstm_verify.judging.judge import as_computed
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Input, Model
from lstm_verify.options import Progress, RuntimeOptions
from lstm_verify.report import Predicted
from lstm_verify.rollouts.closed_loop import Rolled, closed_loop, first_outputs, forced_loop
from lstm_verify.rollouts.judge import judge
from lstm_verify.rollouts.pairing import Pairs, Wishes, check_names, likely_states, main_input
from lstm_verify.rollouts.plan import Plan, make_plan
from lstm_verify.rollouts.recorded import RecordedLoop, recorded_loop
from lstm_verify.rollouts.report import RolloutReport, Token
from lstm_verify.timing import timed


def rollout(
    model: str | Path | Model,
    x: Any,
    *,
    steps: int,
    feedback: Pairs | None = None,
    state: Pairs | None = None,
    expected: Any = None,
    teacher_forced: bool = False,
    one_hot: bool = False,
    sample: bool = False,
    seed: int = 0,
    state_from: str | Path | None = None,
    architecture: str | Path | None = None,
    endpoints: Endpoints | None = None,
    tolerance: Tolerance | None = None,
    runtime: RuntimeOptions | str | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> RolloutReport:
    """Feed a model's outputs back into it, step after step, and compare the framework's run with the replay's.

    Args:
        model: the model, as for `verify`.
        x: its inputs in the first step, in the same forms; states that are left out begin as zeros.
        steps: how many times it is called.
        feedback: which output becomes which input, by name; None for the only output that is no state.
        state: which outputs are carried into which inputs as they are; None finds them by name and shape.
        expected: the outputs of a recorded rollout by name, (samples, steps, ...), or a file of them, as `output`; no
            framework is run then.
        teacher_forced: give the replay in every step what the framework was given there, instead of its own outputs.
        one_hot: feed the likeliest class back as a vector of zeros and a one.
        sample: choose tokens at random by their probabilities, with the same random numbers on both sides.
        seed: for these.
        state_from: a `.npz` file with the states to begin with, such as those of an encoder.
        architecture: a file with the config of the model, if that at `model` is there for its weights only.
        endpoints: a signature of a TensorFlow file, or which tensors of a graph are its inputs and outputs, as for
            `verify`.
        tolerance: how far each step may lie from the replay; None is what rounding explains that has come together by
            then, in the precision the model computes in.
        runtime: the framework, and how it predicts, as for `verify`; a rollout runs all samples at once.
        output: a `.npz` file to write the replayed outputs to, (samples, steps, ...).
        progress: on_progress how far the replay and the framework are, in steps.

    Returns:
        The report; its verdict is *inconclusive* if the framework could not predict.

    Raises:
        ModelFileError, UnsupportedError: the model cannot be read or replayed.
        InputError: the inputs do not fit the model, or it is not clear what is to be fed back.
        OutputError: `output` cannot be written.
    """
    timings: dict[str, float] = {}
    if steps < 1:
        raise InputError(f"steps: {steps}, expected 1 or more")
    if sample and expected is not None:
        raise InputError("sample: it is not known which random numbers chose recorded tokens. Leave it out")
    options = runtime_options(runtime)
    tolerance = replace(tolerance or Tolerance(), recorded=expected is not None)
    with timed(timings, "total"):
        with timed(timings, "load"):
            read, arrays = opened(model, x, endpoints, architecture, options)
            read = as_called(read)
            wishes = Wishes(_plain(feedback), _plain(state), one_hot, sample)
            check_names(read, wishes)
            inputs, made, notes = _seed(read, x, arrays, state_from, wishes)
            plan, more = make_plan(read, steps, inputs, made, first_outputs(read, inputs), wishes)
        samples = len(inputs[plan.feedback[0].input])
        draws = np.random.default_rng(seed).random((steps, samples)) if sample else None
        replaying = _Replaying(read, inputs, plan, draws, progress, timings)
        name, recorded, reason = options.name or read.runtime, None, ""
        if expected is None:
            asked = request(read, inputs, samples, architecture, options, rollout=plan.to_dict(), draws=draws)
            predicted, rolled, replayed, reason = _both(name, asked, replaying, teacher_forced)
        else:
            recorded, replayed = _recorded(expected, replaying, teacher_forced, tolerance)
            predicted, rolled = recorded.source, recorded.rolled
            tolerance = tolerance.of_recording(recorded.given.written, list(recorded.given.outputs))
        with timed(timings, "compare"):
            read, of_products = as_computed(read, options.products, predicted.products, predicted.device)
            judged, token = Judgement((), tolerance), None
            if rolled is not None:
                fed = rolled.fed if teacher_forced else None
                judged = judge(read, inputs, plan, rolled, replayed, tolerance, fed, name)
                token = _different_token(plan, rolled, replayed)
            if recorded is not None:
                judged = recorded.without_others(judged)
        along_samples = {name: _samples_first(values) for name, values in replayed.outputs.items()}
        if output is not None:
            write_npz(output, along_samples | {f"{name}.tokens": one.T for name, one in replayed.tokens.items()})
    verdict = _verdict(judged, token, teacher_forced)
    of_recording = recorded.notes(verdict is Verdict.MATCH) if recorded else []
    notes += more + of_recording + of_products + _further_notes(read, plan, inputs, teacher_forced, token)
    return RolloutReport(
        verdict=verdict,
        model=read,
        predicted=predicted,
        tolerance=judged.tolerance,
        plan=plan,
        samples=samples,
        teacher_forced=teacher_forced,
        outputs=judged.outputs,
        replayed=along_samples,
        tokens={name: one.T for name, one in replayed.tokens.items()},
        different_token=token,
        reason=reason,
        notes=(*read.findings, *notes, *judged.notes),
        files=tuple(files_in(read.source.path if read.source else None, architecture, x, state_from)),
        timings=timings,
    )


def _plain(pairs: Pairs | None) -> dict[str, str]:
    """Names without the `:0` of TensorFlow's tensors."""
    return {output.removesuffix(":0"): name.removesuffix(":0") for output, name in (pairs or {}).items()}


def _seed(
    model: Model, x: Any, arrays: Any, state_from: str | Path | None, wishes: Wishes
) -> tuple[dict[str, Array], list[str], list[str]]:
    """The inputs of the first step, the names of those that are zeros since nobody gave them, and notes."""
    with about(x):
        given = named_rows(arrays)
        if "" in given and len(model.inputs) > 1:
            unnamed = given.pop("")
            rank = None if isinstance(unnamed, TextRows) and unnamed.is_table else len(unnamed.shape)
            given[main_input(model, wishes, likely_states(model).values(), rank)] = unnamed
    notes: list[str] = []
    if state_from is not None:
        given, notes = completed(model, given, state_from)
    named = [spec for spec in model.inputs if spec.name in given]
    made = [spec for spec in model.inputs if spec.name not in given] if named else []
    samples = count_samples({spec.name: moved(given[spec.name], spec.axis) for spec in named}) if named else 1
    zeros = {spec.name: _zeros(spec, samples) for spec in made}
    with about(x):
        bound, more = bind(model, {**given, **zeros})
        inputs = {spec.name: as_input(spec, whole(bound[spec.name])) for spec in model.inputs}
        samples = count_samples(inputs)
    if model.batch_size not in (None, samples):
        raise InputError(
            f"inputs: {samples} samples, expected {model.batch_size}, the batch size that this model is built for"
        )
    if zeros:
        notes.append(f"not given, so zeros in the first step: {', '.join(zeros)}")
    return inputs, list(zeros), notes + more


def _zeros(spec: Input, samples: int) -> Array:
    if spec.shape is None or len(spec.shape) < 2 or None in spec.shape[1:] or "float" not in spec.dtype:
        raise InputError(f"input '{spec.name}': not given, and no state of a known shape. Give it with --input")
    lengths = [samples if length is None else length for length in spec.shape[:1]]
    zeros = np.zeros((*lengths, *(length or 0 for length in spec.shape[1:])), "float32")
    return zeros[0] if spec.axis is None else np.asarray(moved_back(zeros, spec.axis))


@dataclass(frozen=True)
class _Replaying:
    """The replay's side of a rollout."""

    model: Model
    inputs: Mapping[str, Array]
    plan: Plan
    draws: Array | None
    progress: Progress | None
    timings: dict[str, float]

    def progress_of(self, stage: str) -> Callable[[int], None] | None:
        tell = self.progress
        return None if tell is None else lambda done: tell(stage, done, self.plan.steps)

    def run(self, fed: Mapping[str, Array] | None = None) -> Rolled:
        """Run in a closed loop, or on what another run was fed."""
        with timed(self.timings, "replay"):
            on_progress = self.progress_of("replay")
            if fed is None:
                return closed_loop(self.model, self.inputs, self.plan, self.draws, on_progress)
            return forced_loop(self.model, self.inputs, self.plan, self.draws, fed, on_progress)


def _recorded(expected: Any, replaying: _Replaying, forced: bool, tolerance: Tolerance) -> tuple[RecordedLoop, Rolled]:
    """A recorded run, and the replay's on its own outputs or on what the recorded one was fed."""
    replayed = replaying.run()
    shaped = {name: _samples_first(values) for name, values in replayed.outputs.items()}
    recorded = recorded_loop(replaying.model, expected, replaying.plan, replaying.inputs, shaped, forced, tolerance)
    return recorded, replaying.run(recorded.rolled.fed) if forced else replayed


def _both(
    name: str, request: runtimes.Request, replaying: _Replaying, forced: bool
) -> tuple[Predicted, Rolled | None, Rolled, str]:
    """Run both sides: at the same time, or if the replay is to be given the framework's inputs one after the other."""
    runtime, steps_done = runtimes.find(name), replaying.progress_of("predict")
    with runtimes.predicting(
        runtime, request, None if steps_done is None else lambda done, _: steps_done(done)
    ) as prediction:
        replayed = None if forced else replaying.run()
        rolled, reason = None, ""
        try:
            outputs = prediction.result()
            rolled = Rolled(*(_in_memory(rows) for rows in (outputs, prediction.tokens, prediction.fed)))
        except FrameworkError as failure:
            reason = str(failure)
        replaying.timings["predict"] = prediction.seconds
        if replayed is None:
            replayed = replaying.run(rolled.fed if rolled else None)
        return (
            Predicted(name, prediction.description or runtime.title, prediction.device, prediction.products),
            rolled,
            replayed,
            reason,
        )


def _in_memory(rows: Mapping[str, Rows]) -> dict[str, Array]:
    return {name: np.array(whole(one)) for name, one in rows.items()}


def _different_token(plan: Plan, predicted: Rolled, replayed: Rolled) -> Token | None:
    """The first token, in order of steps, that the two runs do not agree on."""
    found = []
    for rule in plan.feedback:
        if rule.choose == "value":
            continue
        shapes = [side.outputs.get(rule.output, np.empty(0)).shape for side in (predicted, replayed)]
        if shapes[0] != shapes[1]:
            continue  # which is a mismatch of its own
        theirs, ours = predicted.tokens[rule.output], replayed.tokens[rule.output]
        for step, sample in np.argwhere(theirs != ours)[:1].tolist():
            likelihoods = replayed.outputs[rule.output][step, sample].reshape(
                -1, replayed.outputs[rule.output].shape[-1]
            )
            one, other = int(theirs[step, sample]), int(ours[step, sample])
            margin = float(likelihoods[-1, other] - likelihoods[-1, one])
            found.append(Token(rule.output, step + 1, sample, one, other, margin))
    return min(found, key=lambda token: token.step, default=None)


def _verdict(judged: Judgement, token: Token | None, forced: bool) -> Verdict:
    """The verdict on all outputs; with a different token no match.

    Where rounding is allowed for and both sides agree up to a different token, it is a tie, which decides nothing; from
    the same inputs in every step, a tie changes nothing either.
    """
    compared = verdict_of(judged.outputs)
    if token is None or forced or compared is Verdict.MISMATCH:
        return compared
    return Verdict.INCONCLUSIVE if judged.tolerance.by_rounding else Verdict.MISMATCH


def _samples_first(values: Array) -> Array:
    return np.swapaxes(values, 0, 1) if values.ndim > 1 else values


def _further_notes(
    model: Model, plan: Plan, inputs: Mapping[str, Array], forced: bool, token: Token | None
) -> list[str]:
    longer = [rule.input for rule in plan.feedback if rule.place == "step" and inputs[rule.input].shape[1] > 1]
    notes = [f"of the first step, which takes all of '{name}', the last time step is compared" for name in longer]
    if forced and model.stateful:
        notes.append("states inside the model stay each side's own, also in this comparison")
    if forced and token:
        notes.append(str(token))
    return notes
