"""Replay: a model's predictions, computed in NumPy.

Samples are independent, unless the model is stateful, so they run in blocks small enough to stay in cache, on one
worker a core with one BLAS thread each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from lstm_verify.arrays import Array, NpyRows, NpyWriter, Rows
from lstm_verify.checkpoints import Noting
from lstm_verify.errors import InputError, LstmVerifyError
from lstm_verify.inputs import as_input, bind, count_samples, in_own_layout
from lstm_verify.layers import Run, Signal
from lstm_verify.model import Model

BLOCK = 256
"""The number of samples that run together."""
SMALLEST_BLOCK = 32
"""Fewer samples are not divided among workers: handing the interpreter to and fro would take longer than they do."""
BLOCK_BYTES = 64 * 2**20
"""What the inputs of a block may weigh, or what a layer makes of them; larger samples run in smaller blocks."""
IN_MEMORY = 256 * 2**20
"""Outputs above this size are kept in a temporary file."""

Progress = Callable[[int], None]
Also = Callable[[slice, list[Array], dict[str, list[tuple[Array, ...]]]], None]
"""Given a block of samples, their inputs, and the states that recurrent layers reached, by the path of the layer."""


class Replayed(dict[str, Array]):
    """The outputs of a model by name, (samples, ...) each; of a model with one output also an array itself.

    Attributes:
        activations: every layer's output by path, and every gate, (samples, timesteps, units): `lstm/i`; empty
            unless asked for.
    """

    activations: dict[str, Array]

    def __init__(
        self,
        outputs: Mapping[str, Array],
        activations: Mapping[str, Array] | None = None,
    ) -> None:
        super().__init__(outputs)
        self.activations = dict(activations or {})

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if len(self) != 1:
            raise TypeError(f"{len(self)} outputs, not one: choose from {', '.join(self)}")
        return np.array(next(iter(self.values())), dtype, copy=copy)


def replay(model: Model, x: Any, dtype: npt.DTypeLike = "float64", *, activations: bool = False) -> Replayed:
    """Compute a model's predictions.

    Args:
        model: the model, from `load`.
        x: an array (samples, ...), a sequence of them in the order of the inputs, or a mapping by input name.
        dtype: the floating-point type to compute in.
        activations: also keep every layer's output and every gate; needs memory in proportion.

    Returns:
        The outputs by name, (samples, ...) in `dtype`; of a graph with its samples elsewhere as the graph has them.

    Raises:
        InputError: `x` does not fit the model.

    Example:
        >>> import lstm_verify
        >>> model = lstm_verify.load("fixtures/origin_tanh_sigmoid.keras3.h5")
        >>> x = np.arange(24.0).reshape(4, 3, 2)
        >>> np.asarray(lstm_verify.replay(model, x)).shape
        (4, 2)
        >>> sorted(lstm_verify.replay(model, x, activations=True).activations)[:3]
        ['dense', 'lstm', 'lstm/c']
    """
    bound, _ = bind(model, x)
    if not activations:
        return Replayed(in_own_layout(model, replay_rows(model, bound, dtype)))
    outputs, kept = replay_traced(model, bound, dtype)
    return Replayed(in_own_layout(model, outputs), kept)


def replay_traced(
    model: Model, rows: Mapping[str, Rows], dtype: npt.DTypeLike = "float64"
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Compute a model's predictions for inputs that are already bound to it, and keep every layer's output and gate.

    Returns:
        The outputs by name, and the activations by path, as `Replayed` has them.

    Raises:
        InputError: the model is stateful, and these are several batches.
    """
    samples = count_samples(rows)
    run = Run(trace={})
    cast = model.astype(dtype)
    size = model.batch_size if model.stateful and model.batch_size else samples
    if size != samples:
        raise InputError(f"activations of a stateful model: {samples} samples, expected one batch of {size}")
    outputs = _run_block(cast, rows, slice(0, samples), dtype, run)
    return dict(zip(_names(model), outputs, strict=True)), run.trace or {}


def replay_rows(
    model: Model,
    rows: Mapping[str, Rows],
    dtype: npt.DTypeLike = "float64",
    batch_size: int | None = None,
    progress: Progress | None = None,
    scratch: Path | None = None,
    also: Also | None = None,
) -> dict[str, Rows]:
    """Compute a model's predictions for inputs that are already bound to it, block by block.

    Args:
        model: the model.
        rows: its inputs by name.
        dtype: the floating-point type to compute in.
        batch_size: the number of samples a stateful model takes at a time, if it does not say so itself.
        progress: told how many samples are done, each time some are.
        scratch: a directory for outputs too large for memory.
        also: given every block with the states that its recurrent layers reached, for runs that begin there.

    Returns:
        The outputs by name, (samples, ...) in `dtype`.
    """
    if not model.divisible:
        return _whole(model, rows, dtype, progress)
    samples = count_samples(rows)
    cast = model.astype(dtype)
    store = Store(_names(model), samples, scratch)
    if model.stateful:
        size = model.batch_size or batch_size or samples
        blocks, workers, run = _blocks(samples, size), 1, Run()
    else:
        size = _block_size(rows, samples, widest(cast, rows, dtype))
        blocks = _blocks(samples, size)
        workers, run = min(os.cpu_count() or 1, len(blocks)), None

    def work(block: slice) -> int:
        noting = None if also is None else Noting()
        values = values_of(cast, rows, block, dtype)
        store.put(block, run_once(cast, values, run or Run(over_time=noting)))
        if also is not None and noting is not None:
            also(block, values, noting.noted)
        done: int = block.stop
        return done

    with _mapping(workers) as mapped:
        for done in mapped(work, blocks):
            if progress:
                progress(done)
    return store.rows()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit matrix products to one thread: with few samples, threads would only wait for each other."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[..., Iterator[int]]]:
    """What runs a function on each of many things: `map`, or that of several threads with one BLAS thread each."""
    if workers < 2:
        yield map
        return
    from concurrent.futures import ThreadPoolExecutor

    with one_thread(), ThreadPoolExecutor(workers) as pool:
        yield pool.map


def _whole(model: Model, rows: Mapping[str, Rows], dtype: npt.DTypeLike, progress: Progress | None) -> dict[str, Rows]:
    """The outputs of a model whose samples must not be divided, but into batches if it is built for some size."""
    samples = count_samples(rows)
    cast, run = model.astype(dtype), Run()
    batches = [_run_block(cast, rows, block, dtype, run) for block in _blocks(samples, model.batch_size or samples)]
    if progress:
        progress(samples)
    outputs = batches[0] if len(batches) == 1 else [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    return dict(zip(_names(model), outputs, strict=True))


def _names(model: Model) -> list[str]:
    return [output.name for output in model.outputs]


def _run_block(model: Model, rows: Mapping[str, Rows], block: slice, dtype: npt.DTypeLike, run: Run) -> list[Array]:
    return run_once(model, values_of(model, rows, block, dtype), run)


def values_of(model: Model, rows: Mapping[str, Rows], block: slice, dtype: npt.DTypeLike) -> list[Array]:
    """The inputs of some samples, in the order of the model's."""
    given = {name: array[block] if array.shape else np.asarray(array) for name, array in rows.items()}
    return [_cast(as_input(spec, given[spec.name]), dtype) for spec in model.inputs]


def run_once(model: Model, values: Sequence[Array], run: Run) -> list[Array]:
    """Run a model on values in the order of its inputs, with floats in its own dtype; return the outputs in order."""
    signals = tuple(Signal(value) for value in values)
    # overflow is a result like any other here: it is compared, and reported
    with np.errstate(all="ignore"):
        try:
            return [signal.value for signal in model.apply(signals, run)]
        except LstmVerifyError as error:
            raise type(error)(f"{model.source.path}: {error}" if model.source else error) from error.__cause__


def _cast(values: Array, dtype: npt.DTypeLike) -> Array:
    """Floats in the dtype of the replay; whole numbers stay what they are."""
    return values.astype(dtype) if values.dtype.kind == "f" else values


def widest(model: Model, rows: Mapping[str, Rows], dtype: npt.DTypeLike) -> int:
    """Return the size in bytes of the largest layer output for one sample, if the model has images.

    Their convolutions make them as many times larger as they have filters; so one sample is tried.
    """
    if count_samples(rows) < 2 or not any(array.ndim > 3 for _, array in model.weights()):
        return 0
    run = Run(trace={})
    outputs = _run_block(model, rows, slice(0, 1), dtype, run)
    return max(array.nbytes for array in (*(run.trace or {}).values(), *outputs))


def _block_size(rows: Mapping[str, Rows], samples: int, sample_bytes: int) -> int:
    workers = os.cpu_count() or 1
    row_bytes = max(sample_bytes, sum(8 * int(np.prod(array.shape[1:])) for array in rows.values()))
    fair = max(SMALLEST_BLOCK, -(-samples // workers))
    return max(1, min(BLOCK, fair, BLOCK_BYTES // max(row_bytes, 1)))


def _blocks(samples: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, samples)) for start in range(0, samples, size)]


class Store:
    """Collects the outputs of blocks; each array is allocated when the first block shows its shape."""

    def __init__(self, names: list[str], samples: int, scratch: Path | None, what: str = "replayed") -> None:
        self._names, self._samples, self._scratch, self._what = names, samples, scratch, what
        self._lock = Lock()
        self._kept: dict[str, Array | NpyWriter] = {}

    def put(self, block: slice, outputs: Iterable[Array]) -> None:
        for name, values in zip(self._names, outputs, strict=True):
            with self._lock:
                if name not in self._kept:
                    self._kept[name] = self._allocate(name, values)
            kept = self._kept[name]
            if isinstance(kept, NpyWriter):
                kept.put(block, values)
            else:
                kept[block] = values

    def rows(self) -> dict[str, Rows]:
        """The outputs by name."""
        kept = {name: self._kept[name] for name in self._names}
        return {name: NpyRows(rows.path) if isinstance(rows, NpyWriter) else rows for name, rows in kept.items()}

    def _allocate(self, name: str, values: Array) -> Array | NpyWriter:
        shape = (self._samples, *values.shape[1:])
        if self._scratch is None or values[0].nbytes * self._samples < IN_MEMORY:
            return np.empty(shape, values.dtype)
        return NpyWriter(
            self._scratch / f"{self._what}-{self._names.index(name)}.npy",
            shape,
            values.dtype,
        )
