"""Details: what a page about a verification shows besides the report, a bounded amount of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify._replay import replay_traced
from lstm_verify.arrays import Array, NpyRows, Rows, picked
from lstm_verify.errors import LstmVerifyError
from lstm_verify.judging.compare import Comparison, Verdict
from lstm_verify.judging.judgement import Judgement
from lstm_verify.judging.profile import Profile, profiles
from lstm_verify.model import Model

LARGEST_SAMPLE = 4 * 2**20
"""The bytes of a sample's inputs above which they are not kept."""
LONGEST_SAMPLE = 4096
"""The time steps above which a sample is not replayed once more."""


@dataclass(frozen=True)
class WorstSample:
    """The sample that deviates most, with its inputs, so that it can be replayed alone."""

    output: str
    """The output in which it does."""
    sample: int
    inputs: Mapping[str, Array]
    """By input name, (1, ...), bound to the model."""

    def activations(self, model: Model) -> dict[str, Array]:
        """Replay the sample, and return the output of every layer and every gate, (1, ...); nothing if it cannot be."""
        try:
            return replay_traced(model, self.inputs)[1]
        except LstmVerifyError:  # such as a graph that computes with the number of samples
            return {}


@dataclass(frozen=True)
class Details:
    """What is kept of a verification to show where its outputs deviate, and what it was made of."""

    profiles: tuple[Profile, ...] = ()
    worst: WorstSample | None = None
    """None if nothing was compared, if samples cannot be replayed one at a time, or if one of them is too large."""
    inputs: Mapping[str, tuple[tuple[int, ...], str]] | None = None
    """The shape and dtype of each input, samples first."""
    files: tuple[Path, ...] = ()
    """The files that were read, the model first."""


def details_of(
    model: Model,
    inputs: Mapping[str, Rows],
    predicted: Mapping[str, Rows] | None,
    replayed: Mapping[str, Rows],
    judged: Judgement,
    given: tuple[Any, ...],
) -> Details:
    """Keep the details of a verification, while its arrays are there.

    Args:
        model: the model.
        inputs: its inputs, bound to it, by name.
        predicted: what the framework computed, by output name; None if it did not.
        replayed: what the replay computed.
        judged: how they were compared.
        given: what the user gave besides the model, some of it perhaps files.
    """
    shapes = {name: (rows.shape, str(rows.dtype)) for name, rows in inputs.items()}
    files = tuple(files_in(model.source.path if model.source else None, *given))
    found = profiles(predicted or {}, replayed, judged.tolerance, judged.sigma)
    return Details(found, _worst_sample(model, inputs, judged.outputs), shapes, files)


def _worst_sample(model: Model, inputs: Mapping[str, Rows], outputs: tuple[Comparison, ...]) -> WorstSample | None:
    """The sample that deviates most, if it can be replayed alone."""
    compared = [output for output in outputs if output.deviations.size]
    if not compared or not model.divisible or model.stateful or _is_large(inputs):
        return None
    output = max(compared, key=_how_bad)
    (sample,) = output.worst(1)
    kept = {name: picked(rows, np.array([sample])) for name, rows in inputs.items()}
    return WorstSample(output.name, sample, kept)


def _how_bad(output: Comparison) -> tuple[bool, float, float]:
    return output.verdict is Verdict.MISMATCH, float(np.nan_to_num(output.max_sigmas)), output.max_abs_deviation


def _is_large(inputs: Mapping[str, Rows]) -> bool:
    """Whether a sample is too large to keep, or too long to replay while a page is made."""
    size = sum(rows.dtype.itemsize * int(np.prod(rows.shape[1:])) for rows in inputs.values())
    steps = max((rows.shape[1] for rows in inputs.values() if len(rows.shape) > 1), default=0)
    return size > LARGEST_SAMPLE or steps > LONGEST_SAMPLE


def files_in(*given: Any) -> Iterator[Path]:
    """Yield the files among what a user gave: paths, and arrays that are read from a file."""
    for item in given:
        if isinstance(item, str | Path):
            yield Path(item)
        elif isinstance(item, NpyRows):
            yield item.path
        elif isinstance(item, Mapping):
            yield from files_in(*item.values())
