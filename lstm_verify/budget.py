"""The rounding budget: how far a framework's predictions may lie from the replay by rounding alone.

The layers of a model run once more, on `Rounded` arrays, each in the precision that the framework computes it in; and
once on plain arrays of that precision, as a witness of errors that go together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_verify import runtimes
from lstm_verify._replay import BLOCK_BYTES, Store, one_thread, run_once, widest
from lstm_verify.arrays import Array, Rows, whole
from lstm_verify.checkpoints import Checkpoints, Resuming
from lstm_verify.errors import UnsupportedError
from lstm_verify.inputs import as_input, bind, count_samples
from lstm_verify.layers import Run
from lstm_verify.model import Input, Model
from lstm_verify.rounded import PRECISIONS, Rounded, Undecided
from lstm_verify.rounded.discrete import CHOICE
from lstm_verify.run_arithmetic import RoundedArithmetic, Textbook, as_rounded, deviation_of, output_value

BLOCK = 64
"""The number of samples that run together."""
WITNESSES = 3
"""How often a model runs in the precision of its framework, to see errors that go together."""


def standard_deviations(model: Model, x: Any) -> dict[str, Array]:
    """The standard deviation of the rounding error of every element of a model's outputs.

    Args:
        model: the model, from `load`.
        x: as for `replay`.

    Returns:
        By output name, float64 of the shape of the output; infinite where the precision cannot hold a number on
        the way, so that nothing can be said.

    Raises:
        InputError: `x` does not fit the model.
        UnsupportedError: rounding errors cannot be followed through an operation of the model.

    Example:
        >>> import lstm_verify
        >>> model = lstm_verify.load("fixtures/origin_tanh_sigmoid.keras3.h5")
        >>> x = np.arange(24.0).reshape(4, 3, 2)
        >>> σ = standard_deviations(model, x)["dense"]
        >>> σ.shape, bool((σ < 1e-6).all())
        ((4, 2), True)
    """
    bound, _ = bind(model, x)
    return rounded_rows(model, bound)


def rounded_rows(model: Model, rows: Mapping[str, Rows], batch_size: int | None = None) -> dict[str, Array]:
    """Like `standard_deviations`, for inputs already bound to the model; `batch_size` is as for `replay_rows`."""
    samples = count_samples(rows)
    if model.stateful or not model.divisible:
        size = model.batch_size or batch_size or samples
    else:
        size = min(BLOCK, max(1, BLOCK_BYTES // max(1, widest(model, rows, np.float64))))
    given = [np.asarray(whole(rows[spec.name])) for spec in model.inputs]
    values = [as_input(spec, array) for spec, array in zip(model.inputs, given, strict=True)]
    found = budgets(model, lambda kind: in_blocks(kind, values, samples, size))
    return {output.name: σ for output, σ in zip(model.outputs, found, strict=True)}


@dataclass
class PartOfSigma:
    """A part of σ of every sample, computed block by block while the replay has the states of its layers at hand.

    It comes of the last steps of recurrent layers alone: errors only add up, so that what lies within 8σ of the part
    lies within 8σ of the whole.
    """

    model: Model
    """Whose samples are independent."""
    store: Store
    """Where it comes together, by output name."""
    noticed: set[str] = field(default_factory=set)
    failed: str = ""
    """Why there is none, if so."""

    @cached_property
    def _kind(self) -> Computation:
        return _with_errors(self.model, noticed=self.noticed)

    @property
    def is_usable(self) -> bool:
        """Whether a prediction within it is a match: not if any discrete choice along the way depends on rounding."""
        return not self.failed and CHOICE not in self.noticed

    def put(self, block: slice, values: list[Array], begun: Checkpoints) -> None:
        """Compute it for a block of samples.

        Args:
            block: which samples those are.
            values: the inputs of the block, in the order of the model's.
            begun: the states at which recurrent layers begin, as the replay noted them.
        """
        if not self.is_usable:
            return
        try:
            found = self._kind.resuming(begun).call(values)
        except Undecided:
            self.noticed.add(CHOICE)
        except UnsupportedError as error:
            self.failed = str(error)
        else:
            self.store.put(block, [np.broadcast_to(deviation_of(y), np.shape(y)) for y in found])


def recent_rows(model: Model, rows: Mapping[str, Rows], begun: Checkpoints) -> dict[str, Array]:
    """A lower bound of `rounded_rows`: the part of σ that the last steps of recurrent layers contribute.

    Args:
        model: the model, whose samples are independent.
        rows: its inputs, bound to it.
        begun: the checkpoints of these samples, at which recurrent layers begin.
    """
    kind, samples = _with_errors(model), count_samples(rows)
    values = [as_input(spec, np.asarray(whole(rows[spec.name]))) for spec in model.inputs]
    with one_thread():
        found = in_blocks(kind.resuming(begun), values, samples, samples)
    return {output.name: deviation_of(y) for output, y in zip(model.outputs, found, strict=True)}


class Computation(NamedTuple):
    """How a model is run: with which arithmetic, and how an input is converted for it."""

    model: Model
    """With weights of the dtype that is computed in."""
    run: Run
    given: Callable[[Input, Any], Any]
    """Makes what an input is given, an array in general, one of the values that this kind computes with."""

    def resuming(self, checkpoints: Checkpoints) -> Computation:
        """Return the same computation, with recurrent layers that start from checkpoints."""
        return self._replace(run=replace(self.run, over_time=Resuming(checkpoints)))

    def call(self, values: list[Any]) -> list[Any]:
        """Run the model on arrays in the order of its inputs; return its outputs in order."""
        made = [self.given(spec, value) for spec, value in zip(self.model.inputs, values, strict=True)]
        return run_once(self.model, made, self.run)


def plain(model: Model, dtype: npt.DTypeLike = np.float64) -> Computation:
    """Compute with plain arrays of a dtype, which the weights of the model already have."""
    return Computation(model, Run(), lambda spec, value: value.astype(dtype) if value.dtype.kind == "f" else value)


Runner = Callable[[Computation], list[Any]]
"""Runs a model, once or often, and puts together what is judged: its outputs in their order."""


def in_blocks(kind: Computation, values: list[Array], samples: int, size: int) -> list[Any]:
    """Run a model in blocks of samples; one sample at a time where rounding decides what is computed at all."""
    blocks = [slice(start, min(start + size, samples)) for start in range(0, samples, size)]
    parts = [_called(kind, [v[block] if np.ndim(v) else v for v in values]) for block in blocks]
    return parts[0] if len(parts) == 1 else [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def _called(kind: Computation, values: list[Array]) -> list[Any]:
    try:
        return kind.call(values)
    except Undecided:
        count = max((len(v) for v in values if np.ndim(v)), default=1)
        if count > 1 and kind.model.divisible and not kind.model.stateful:
            return in_blocks(kind, values, count, 1)
        known = plain(kind.model).call(values)
        return [Rounded(np.asarray(y, np.float64), np.full(np.shape(y), np.inf)) for y in known]


def budgets(model: Model, runner: Runner, raised: Raising | None = None, is_cast: bool | None = None) -> list[Array]:
    """Return σ of every output.

    Args:
        model: the model.
        runner: runs it as it is to be judged.
        raised: how much σ is raised where a witness lies further away; None is `by_sample`.
        is_cast: whether the framework casts what it is given to float32, whatever the model computes in; None if that
            is as with the `predict` of who wrote the file.
    """
    with one_thread():
        outputs = runner(_with_errors(model, is_cast))
        sigma = [deviation_of(output) for output in outputs]
        exact = [output_value(output) for output in outputs]
        away = [np.zeros(np.shape(σ)) for σ in sigma]
        for low in _in_its_precision(model):
            found = [np.asarray(y).astype(np.float64) for y in runner(low)]
            away = [np.maximum(a, _away(y, r, σ)) for a, y, r, σ in zip(away, found, exact, sigma, strict=True)]
    return (raised or by_sample)(model, away, sigma)


def _with_errors(model: Model, is_cast: bool | None = None, noticed: set[str] | None = None) -> Computation:
    framework = runtimes.known(model.source.runtime) if model.source else None
    off_by = framework.sigmoid_error if framework else 0.0
    arithmetic = RoundedArithmetic(model.products, off_by, noticed=set() if noticed is None else noticed)
    by_itself = framework is not None and framework.casts_to_float32
    casting = by_itself if is_cast is None else is_cast

    def given(spec: Input, value: Any) -> Any:
        return as_rounded(value, spec.dtype, arithmetic, casting)

    return Computation(model.astype("float64"), Run(arithmetic=arithmetic), given)


def _in_its_precision(model: Model) -> Iterator[Computation]:
    """The witnesses: the model in the precision of its framework; none if NumPy has no such numbers.

    One has the weights as they are (in float64 it is the replay), the others are off by up to half a unit in the last
    place of each weight: errors of a memory that is long, or of a cell that is chaotic, show in the one and not in the
    other.
    """
    low = LOW.get(model.precision)
    dtype = None if low is None else low()
    if dtype is None:
        return
    cast, unit = model.astype(dtype), PRECISIONS[model.precision].unit
    for seed in range(WITNESSES):
        witness = _shaken(cast, unit, seed) if seed else cast
        yield plain(witness, dtype)._replace(run=Run(arithmetic=Textbook()))


Raising = Callable[[Model, list[Array], list[Array]], list[Array]]
"""From how many σ the witness is away at each element of each output, and σ: σ made larger where errors go together.

Errors of different units, or of one unit at different times, are not independent where a memory is long or a cell is
chaotic, and their variances do not tell. The witness makes errors of that kind as well.
"""


def by_sample(model: Model, away: list[Array], sigma: list[Array]) -> list[Array]:
    """Raise σ of each sample to the deviation of that sample's own witness; samples never affect each other."""
    if any(output.axis is None for output in model.outputs) or any(ratio.ndim == 0 for ratio in away):
        most = max((float(ratio.max(initial=0)) for ratio in away), default=0.0)
        return [max(1.0, most) * σ for σ in sigma]
    return _times(np.maximum(1.0, _most(away, 1)), sigma)


def by_step(model: Model, away: list[Array], sigma: list[Array]) -> list[Array]:
    """Raise σ of each step of a loop, (steps, samples, ...), to the deviation of its own witness."""
    axes = 2 if model.divisible and all(ratio.ndim > 1 for ratio in away) else 1
    return _times(np.maximum(1.0, _most(away, axes)), sigma)


def _most(away: list[Array], axes: int) -> Array:
    """The most of all outputs, for each place on the first axes."""
    each = [ratio.reshape(*ratio.shape[:axes], -1).max(axis=-1, initial=0) for ratio in away]
    most: Array = np.max(each, axis=0)
    return most


def _times(factor: Array, sigma: list[Array]) -> list[Array]:
    return [σ * factor.reshape(*factor.shape, *(1,) * (σ.ndim - factor.ndim)) for σ in sigma]


def _shaken(model: Model, unit: float, seed: int) -> Model:
    """The model with each weight off by up to half a unit in its last place."""
    rng = np.random.default_rng(seed)

    def moved(weight: Array) -> Array:
        return (weight * (1 + unit * rng.uniform(-1, 1, weight.shape))).astype(weight.dtype)

    return model.with_weights(moved)


def _away(low: Array, exact: Array, sigma: Array) -> Array:
    with np.errstate(all="ignore"):
        ratio = np.abs(low - exact) / sigma
    return np.where(np.isfinite(ratio), ratio, 0.0)


def _bfloat16() -> Any:
    try:
        from ml_dtypes import bfloat16  # which comes with TensorFlow
    except ImportError:
        return None
    return np.dtype(bfloat16)


LOW: dict[str, Callable[[], Any]] = {
    "float64": lambda: np.dtype(np.float64),
    "float32": lambda: np.dtype(np.float32),
    "float16": lambda: np.dtype(np.float16),
    "bfloat16": _bfloat16,
}
"""The dtype of a witness, by the model's precision."""
