"""The case under verification: a model with its inputs, and the request to a framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lstm_verify import runtimes
from lstm_verify.arrays import Rows, write_npz
from lstm_verify.diagnosis.blind import BlindSpots
from lstm_verify.diagnosis.informative import informative_inputs
from lstm_verify.errors import InputError
from lstm_verify.formats import load
from lstm_verify.formats.endpoints import Endpoints, with_given
from lstm_verify.given import about, arrays_of, completed
from lstm_verify.inputs import bind, inputs_in_own_layout, random_inputs
from lstm_verify.judging.judge import as_computed
from lstm_verify.model import Model
from lstm_verify.options import RandomInputs, RuntimeOptions
from lstm_verify.report import Predicted


def runtime_options(runtime: RuntimeOptions | str | None) -> RuntimeOptions:
    """Return the runtime options, of which only a name may be given."""
    return runtime if isinstance(runtime, RuntimeOptions) else RuntimeOptions(runtime)


def opened(
    model: str | Path | Model,
    x: Any,
    endpoints: Endpoints | None,
    architecture: str | Path | None,
    options: RuntimeOptions,
) -> tuple[Model, Any]:
    """Read a model and its inputs, unless they are read already, and set how the framework multiplies matrices.

    Raises:
        InputError: the model is read already, and it is too late for endpoints or an architecture.
    """
    arrays = arrays_of(x)
    if not isinstance(model, Model):
        read = load(model, endpoints=with_given(endpoints, arrays), architecture=architecture)
    elif endpoints is not None or architecture is not None:
        raise InputError(f"model '{model.name}': it is read already. Give endpoints and the architecture to `load`")
    else:
        read = model
    return replace(read, products=options.products or read.products), arrays


def request(
    model: Model,
    inputs: Mapping[str, Rows],
    batch_size: int | None,
    architecture: str | Path | None,
    options: RuntimeOptions,
    **more: Any,
) -> runtimes.Request:
    """Build the request to a framework.

    Raises:
        InputError: the model was not read from a file, or the framework does not optimize graphs.
    """
    source = model.source
    if source is None:
        raise InputError(f"model '{model.name}': it comes from no file that a framework could open. Give `expected`")
    limits, call = (options.timeout, options.unsafe), dict(source.call)
    if not options.optimize:
        runtime = runtimes.find(options.name or source.runtime)
        if not runtime.optimizes:
            raise InputError(f"--no-optimize: {runtime.title} cannot be told not to optimize a graph. Leave it out")
        call["optimize"] = False
    return runtimes.Request(
        Path(source.path), inputs, source.suffix, batch_size, *limits, call, architecture=architecture, **more
    )


@dataclass(frozen=True)
class Case:
    """A model under verification, with its inputs."""

    model: Model
    inputs: dict[str, Rows]
    framework: str
    batch_size: int | None
    """How many samples the framework predicts at a time, and so does the replay of a stateful model; None for all."""
    spots: BlindSpots | None = None
    """The blind spots of inputs that were made, if they were looked for on the way."""
    notes: tuple[str, ...] = ()
    is_made: bool = False
    """Whether the inputs were generated, and not given."""

    def batch_size_of(self, expected: Any) -> int | None:
        """Return the batch size, if it is known; for recorded predictions it is not."""
        return self.batch_size if expected is None or self.model.stateful else None

    def save_inputs(self, path: str | Path) -> None:
        """Write inputs that were generated to a `.npz` file, as a user would give them.

        Raises:
            InputError: they were given.
            OutputError: it cannot be written there.
        """
        if not self.is_made:
            raise InputError(f"save_input: {path}, but the inputs are given, expected RandomInputs. Leave it out")
        write_npz(path, inputs_in_own_layout(self.model, self.inputs))

    def as_computed(self, options: RuntimeOptions, predicted: Predicted) -> tuple[Case, list[str]]:
        """Return the case with matrix products as the framework reports them, and a note if that changes anything."""
        model, notes = as_computed(self.model, options.products, predicted.products, predicted.device)
        return replace(self, model=model), notes


def case_of(
    model: Model, x: Any, arrays: Any, options: RuntimeOptions, state_from: str | Path | None, wants_blind_spots: bool
) -> Case:
    """Combine a model with its inputs, given or generated; `arrays` is the content of `x`, if that is a file."""
    framework = options.name or model.runtime
    notes: list[str] = []
    spots, asked = None, options.batch_size
    is_made = x is None or isinstance(x, RandomInputs)
    if is_made:
        made = x or RandomInputs()
        arrays, asked, spots, notes = _made(model, framework, asked, made, wants_blind_spots)
        if (count := _random_samples(model, made.samples)) != made.samples:
            notes.append(f"{count} samples made, whole batches of {model.batch_size} as the model wants them")
    if state_from is not None:
        arrays, more = completed(model, arrays, state_from)
        notes += more
    with about(x):
        inputs, more = bind(model, arrays)
    return Case(model, inputs, framework, _batch_size(model, framework, asked), spots, (*notes, *more), is_made)


def _made(
    model: Model, framework: str, batch_size: int | None, wanted: RandomInputs, informative: bool
) -> tuple[Any, int | None, BlindSpots | None, list[str]]:
    """Inputs, the size of a batch, and if they were made to be informative, their blind spots and a note."""
    count = _random_samples(model, wanted.samples)
    # at least two batches, so that it would show what one leaves to the next
    size = batch_size or min(runtimes.find(framework).batch_size or count, max(1, count // 2))
    made = random_inputs(model, count, wanted.seed)
    if not informative:
        return made, size, None, []
    inputs, spots, notes = informative_inputs(model, made, _batch_size(model, framework, size))
    return inputs, size, spots, notes


def _batch_size(model: Model, runtime: str, asked: int | None) -> int | None:
    """How many samples are a batch, for the framework and, if the model is stateful, for the replay; None for all."""
    if not model.divisible:
        return model.batch_size
    return model.batch_size or asked or runtimes.find(runtime).batch_size


def _random_samples(model: Model, samples: int) -> int:
    """As many as asked for, rounded up to whole batches of a model that insists on a batch size."""
    size = model.batch_size or 1
    return -(-samples // size) * size
