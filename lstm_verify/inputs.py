"""Inputs: matched to a model by name or order, checked against it, or generated for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lstm_verify.array_files.tables import fitted
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.arrays import Array, NpyRows, Rows, refuse_objects, whole
from lstm_verify.errors import InputError, UnsupportedError
from lstm_verify.layers import Embedding
from lstm_verify.layers.constant import Constant
from lstm_verify.layers.operation import Operation
from lstm_verify.model import Input, Model, Tensor
from lstm_verify.rounded.precision import in_format

RANDOM_TIMESTEPS = 7
"""The length of random sequences where the model takes any."""


def by_name(given: Mapping[str, Rows], names: Sequence[str], what: str) -> tuple[dict[str, Rows], list[str]]:
    """Match arrays to names: by name if the names are those expected, else by order.

    Returns:
        The arrays by expected name, in order; and notes for the user on what was assumed.

    Raises:
        InputError: there are more or fewer arrays than names, or some names fit and others do not.
    """
    listed = ", ".join(names)
    if len(given) != len(names):
        have = ", ".join(name or "(unnamed)" for name in given)
        raise InputError(f"{what}s: {len(given)} given ({have}), expected {len(names)}: {listed}")
    fitting = set(given) & set(names)
    if len(fitting) == len(names):
        return {name: given[name] for name in names}, []
    if fitting:
        strange = ", ".join(name or "(unnamed)" for name in given if name not in names)
        raise InputError(f"{what}s: no {what} is named {strange}; they are {listed}. Rename the arrays")
    notes = [] if list(given) == [""] else [f"{what}s taken in order: {', '.join(given)} as {listed}"]
    return dict(zip(names, given.values(), strict=True)), notes


def bind(model: Model, x: Any) -> tuple[dict[str, Rows], list[str]]:
    """Match what a user gives to a model's inputs, and check it.

    Args:
        model: the model.
        x: an array, a sequence of arrays in the order of the inputs, or a mapping of names to arrays.

    Returns:
        The arrays by input name, (samples, ...) each wherever the model has its samples; and notes on what was assumed.

    Raises:
        InputError: a number, rank, dtype or shape does not fit.
        UnsupportedError: the model is none, but weights only.
    """
    if not model.outputs:
        raise UnsupportedError(f"model '{model.name}': nothing to replay. {' '.join(model.findings)}")
    given = named_rows(x)
    names = [spec.name for spec in model.inputs]
    if isinstance(x, list | tuple) and len(x) == len(names):
        bound, notes = dict(zip(names, given.values(), strict=True)), list[str]()
    else:
        bound, notes = by_name(given, names, "input")
    for spec in model.inputs:
        bound[spec.name], more = fitted(bound[spec.name], spec.own_shape, spec.axis, f"input '{spec.name}'")
        notes += more
        check(spec, bound[spec.name])
    bound = samples_first(model, bound)
    _check_samples(model, bound)
    return bound, notes


def named_rows(x: Any) -> dict[str, Rows]:
    """Return a user's arrays by name: an array without one has the empty name, those of a sequence are `#0`, `#1`, …"""
    if isinstance(x, Mapping):
        return {str(name).removesuffix(":0"): _rows(value) for name, value in x.items()}
    if isinstance(x, list | tuple):
        return {f"#{index}": _rows(value) for index, value in enumerate(x)}
    return {"": _rows(x)}


def _rows(value: Any) -> Rows:
    if isinstance(value, TextRows) or (isinstance(value, NpyRows) and value.shape):
        return value
    return np.asarray(value[:] if isinstance(value, NpyRows) else value)


def check(spec: Input, rows: Rows) -> None:
    """Check the rank, shape and dtype of an array given for an input.

    Raises:
        InputError: one of them does not fit.
    """
    where = f"input '{spec.name}'"
    refuse_objects(where, rows.dtype)
    if rows.dtype.kind not in "fiub":
        raise InputError(f"{where}: dtype {rows.dtype}, expected numbers as {spec.dtype}")
    shape = spec.own_shape
    if shape is None or rows.shape == shape:
        return
    wanted = _wanted(shape, spec.axis)
    if len(rows.shape) != len(shape):
        hint = _axis_left_out(shape, rows.shape, spec.axis)
        raise InputError(f"{where}: shape {rows.shape} has {len(rows.shape)} axes, expected {wanted}{hint}")
    others = [(n, m) for axis, (n, m) in enumerate(zip(shape, rows.shape, strict=True)) if axis != spec.axis]
    if any(n is not None and n != m for n, m in others):
        raise InputError(f"{where}: shape {rows.shape}, expected {wanted}")
    if any(m == 0 for _, m in others):
        raise InputError(f"{where}: shape {rows.shape} has an axis of length 0, expected {wanted}")


def _axis_left_out(shape: tuple[int | None, ...], given: tuple[int, ...], samples: int | None) -> str:
    """What to do about an array that lacks the axis of the samples, or one of length 1; nothing if neither is it."""
    words = {0: "x[None]", len(shape) - 1: "x[..., None]", 1: "x[:, None]"}
    for axis in dict.fromkeys(n for n in (samples, len(shape) - 1, 1) if n is not None and n < len(shape)):
        rest = shape[:axis] + shape[axis + 1 :]
        is_one = axis == samples or shape[axis] == 1
        if is_one and len(rest) == len(given) and all(n in (None, m) for n, m in zip(rest, given, strict=True)):
            whose = (
                "A single sample needs the axis of the samples too" if axis == samples else "An axis of 1 is left out"
            )
            return f". {whose}: {words[axis]}" if axis in words else ""
    return ""


def _wanted(shape: tuple[int | None, ...], samples: int | None) -> str:
    sides = ["any" if n is None else str(n) for n in shape]
    if samples is not None and shape:
        sides[samples] = "samples"
    return f"({', '.join(sides)})"


def samples_first(model: Model, given: Mapping[str, Rows]) -> dict[str, Rows]:
    """Move the samples of a user's inputs to the first axis; repeat inputs that have none for each sample."""
    found = {spec.name: moved(given[spec.name], spec.axis) for spec in model.inputs}
    samples = [len(found[spec.name]) for spec in model.inputs if spec.axis is not None and found[spec.name].shape]
    for spec in model.inputs:
        if spec.axis is None and found[spec.name].shape:
            array = whole(found[spec.name])
            found[spec.name] = np.broadcast_to(array, (*(samples or [1])[:1], *array.shape))
    return found


def in_own_layout(model: Model, outputs: Mapping[str, Rows]) -> dict[str, Array]:
    """Move the samples of outputs from the first axis to where the framework has them."""
    if model.is_whole:
        return {output.name: np.asarray(whole(outputs[output.name])[0]) for output in model.outputs}
    return {output.name: np.asarray(moved_back(whole(outputs[output.name]), output.axis)) for output in model.outputs}


def outputs_samples_first(model: Model, outputs: Mapping[str, Rows]) -> dict[str, Rows]:
    """Move the samples of outputs from where the framework has them to the first axis."""
    if model.is_whole:
        return {output.name: whole(outputs[output.name])[None] for output in model.outputs}
    return {output.name: moved(outputs[output.name], output.axis) for output in model.outputs}


def inputs_in_own_layout(model: Model, inputs: Mapping[str, Rows]) -> dict[str, Array]:
    """Move the samples of inputs from the first axis to where the framework has them; one without any is there once."""
    found = {}
    for spec in model.inputs:
        rows = inputs[spec.name]
        without = spec.axis is None and rows.shape
        found[spec.name] = np.asarray(rows[:1])[0] if without else np.asarray(moved_back(whole(rows), spec.axis))
    return found


def moved(rows: Rows, axis: int | None) -> Rows:
    """Move the samples of an array from some axis to the first."""
    return np.moveaxis(whole(rows), axis, 0) if axis and len(rows.shape) > axis else rows


def moved_back(rows: Rows, axis: int | None) -> Rows:
    """Move the samples of an array from the first axis to where the framework has them."""
    return np.moveaxis(whole(rows), 0, axis) if axis and len(rows.shape) > axis else rows


def count_samples(rows: Mapping[str, Rows]) -> int:
    """Return the number of samples: the length of the first input that is not a scalar; 1 if all are."""
    return next((len(array) for array in rows.values() if array.shape), 1)


def _check_samples(model: Model, bound: Mapping[str, Rows]) -> None:
    if not model.divisible:
        empty = [name for name, rows in bound.items() if 0 in rows.shape]
        if empty:
            raise InputError(
                f"input '{empty[0]}': shape {bound[empty[0]].shape} holds nothing. Give at least one sample"
            )
        return
    counts = {name: len(rows) for name, rows in bound.items() if rows.shape}
    if len(set(counts.values())) > 1:
        raise InputError(f"inputs: different numbers of samples, {counts}; expected the same for all")
    samples = count_samples(bound)
    if samples == 0:
        raise InputError("inputs: no samples (an empty batch). Nothing could be compared; give at least one")
    _check_batches(model, samples)


def _check_batches(model: Model, samples: int) -> None:
    if model.batch_size and samples % model.batch_size:
        raise InputError(
            f"inputs: {samples} samples, expected a multiple of {model.batch_size}, "
            "the batch size that this model is built for"
        )


def as_input(spec: Input, values: Array) -> Array:
    """Cast values to the dtype of an input, as every framework does before anything else.

    Raises:
        InputError: the input takes integers, and the values are none, or are too large.
    """
    dtype = np.dtype("float32" if spec.dtype == "bfloat16" else spec.dtype)
    if dtype.kind in "iu" and values.size:
        if values.dtype.kind == "f" and not (whole_ones := np.isfinite(values) & (values == np.trunc(values))).all():
            raise InputError(f"input '{spec.name}': {values[~whole_ones][0]} is not whole, expected {spec.dtype}")
        limits, smallest, largest = np.iinfo(dtype), int(values.min()), int(values.max())
        if smallest < limits.min or largest > limits.max:
            raise InputError(
                f"input '{spec.name}': values from {smallest} to {largest}, expected {spec.dtype}, "
                f"which holds {limits.min} to {limits.max}"
            )
    with np.errstate(over="ignore"):  # ∞ is what every framework makes of it
        cast: Array = in_format(values.astype(dtype, copy=False), spec.dtype)
    return cast


def random_inputs(model: Model, samples: int, seed: int = 0) -> dict[str, Array]:
    """Generate inputs from a model's signature: tokens for an embedding, a padded mask for booleans, N(0, 1) otherwise.

    Returns:
        The arrays by input name, as a user would give them.

    Raises:
        InputError: the model does not say what shape an input has.

    Example:
        >>> import lstm_verify
        >>> random_inputs(lstm_verify.load("fixtures/bidirectional_masked.keras3.h5"), 4)["words"].dtype
        dtype('int32')
    """
    random = np.random.default_rng(seed)
    made = {}
    for spec in model.inputs:
        shape = _shape_to_make(model, spec, samples)
        tokens = vocabulary(model, spec.name)
        if math.prod(shape) > MOST_RANDOM:
            raise InputError(f"input '{spec.name}': its shape {shape} is too large to generate. Give --input")
        if not shape:
            values: npt.NDArray[Any] = np.ones(())  # a setting such as keep_prob, which 1 leaves without effect
        elif tokens is not None:
            values = random.integers(0, tokens, shape)
        elif spec.dtype == "bool" and len(shape) != 2:  # such as what each step may look at
            values = random.random(shape) < 0.75
        elif spec.dtype == "bool":
            lengths = random.integers(1, shape[1] + 1, shape[0])
            values = np.arange(shape[1]) < lengths[:, None]
        elif np.dtype(spec.dtype).kind in "iu":  # lengths of sequences, or tokens
            values = (
                random.integers(1, RANDOM_TIMESTEPS + 1, shape) if len(shape) == 1 else random.integers(0, 2, shape)
            )
        else:
            values = random.standard_normal(shape)
        made[spec.name] = np.asarray(moved_back(as_input(spec, values), spec.axis))
    return made


def _shape_to_make(model: Model, spec: Input, samples: int) -> tuple[int, ...]:
    """The shape of an array to make for an input, samples first if it has them.

    Raises:
        InputError: the model does not say how long more than two axes are.
    """
    shape = spec.own_shape if spec.axis is None else spec.shape
    if shape is None or any(n is None for n in shape[2:]):
        raise InputError(
            f"input '{spec.name}': the model leaves its shape open ({spec.own_shape}), so no input can be made. "
            "Give one with --input"
        )
    made = [RANDOM_TIMESTEPS if n is None else n for n in shape]
    holds_samples = model.is_whole or spec.axis is not None
    if shape and holds_samples and (model.divisible or shape[0] is None):
        made[0] = samples
    return tuple(made)


MOST_RANDOM = 2**31
"""How many numbers an input may have that is made."""
HANDED_ON = {"cast", "reshape_to", "transpose", "expand_dims", "squeeze", "slices", "maximum", "minimum"}
"""Operations behind which a token is still a token."""


def vocabulary(model: Model, name: str) -> int | None:
    """Return the vocabulary size of the embedding that an input feeds, if there is one."""
    tokens = {Tensor(name)}
    for node in model.nodes:
        places = [place for place, tensor in enumerate(node.inputs) if tensor in tokens]
        layer = model.layers[node.layer]
        if not places:
            continue
        if isinstance(layer, Embedding):
            return len(layer.embeddings)
        if isinstance(layer, Model):
            return vocabulary(layer, layer.inputs[places[0]].name)
        if isinstance(layer, Operation) and layer.operation == "gather" and places[0] == 1:
            table = model.layers.get(node.inputs[0].layer)
            return len(table.value) if isinstance(table, Constant) else None
        if isinstance(layer, Operation) and layer.operation in HANDED_ON:
            tokens.add(Tensor(node.layer, node.call))
    return None
