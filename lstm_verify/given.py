"""User data: arrays or files, matched to the names of the model's inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.array_files import read_arrays
from lstm_verify.array_files.tables import fitted
from lstm_verify.array_files.text_rows import TextRows
from lstm_verify.array_files.written import Written
from lstm_verify.arrays import NpyRows, Rows, refuse_objects
from lstm_verify.errors import InputError
from lstm_verify.given_states import join
from lstm_verify.inputs import by_name, outputs_samples_first
from lstm_verify.model import Model


def matched(model: Model, predicted: dict[str, Rows]) -> dict[str, Rows]:
    """Match predictions to the model's outputs: by name if the names agree, else by order."""
    names = [output.name for output in model.outputs]
    if set(names) == set(predicted):
        return predicted
    extra = [f"{name} (one too many)" for name in list(predicted)[len(names) :]]
    return dict(zip([*names, *extra][: len(predicted)], predicted.values(), strict=True))


def completed(model: Model, given: Any, state_from: str | Path) -> tuple[dict[str, Rows], list[str]]:
    """Complete inputs with states from a file for those that are missing."""
    with about(state_from):
        return join(model, given, read_arrays(state_from))


@dataclass(frozen=True)
class Recorded:
    """Recorded predictions."""

    outputs: dict[str, Rows]
    """By output name, samples first."""
    notes: tuple[str, ...] = ()
    """How names were matched, and what else was assumed."""
    written: Mapping[str, Written] = field(default_factory=dict)
    """By output name, how numbers in text were rounded when they were written."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The files of these."""

    def of_digits(self, is_match: bool) -> Iterator[str]:
        """What a user should know of rounded numbers, unless he says himself how far they may be off."""
        for name, written in self.written.items():
            start = f"output '{name}': {self.sources[name]} has numbers of {written}"
            if not written.is_doubtful:
                yield f"{start}: half a unit of the last is added to the tolerance, and smaller faults cannot be seen"
            elif not is_match:
                option = f"--decimals {written.decimals}" if written.digits is None else f"--digits {written.digits}"
                yield f"{start}, which were not taken for rounded; {option} allows for that"

    def in_shapes_of(self, replayed: Mapping[str, Rows]) -> Recorded:
        """Return them with tables in the shapes of what was replayed.

        Raises:
            InputError: it is not clear what the lines of a table are.
        """
        outputs, notes = dict(self.outputs), list(self.notes)
        for name, rows in self.outputs.items():
            # other numbers of elements are for the comparison to report
            if isinstance(rows, TextRows) and name in replayed and rows.values.size == math.prod(replayed[name].shape):
                outputs[name], more = fitted(rows, replayed[name].shape, 0, f"output '{name}'")
                notes += more
            elif isinstance(rows, TextRows):
                outputs[name] = rows.values
        return replace(self, outputs=outputs, notes=tuple(notes))


def recorded(model: Model, expected: Any) -> Recorded:
    """Return recorded predictions by output name, samples first.

    Raises:
        InputError: they are no numbers, or do not fit the outputs of the model.
    """
    found = named(model, expected, [output.name for output in model.outputs])
    return replace(found, outputs=outputs_samples_first(model, found.outputs))


def named(model: Model, expected: Any, names: Sequence[str]) -> Recorded:
    """Return recorded arrays by the names of some outputs, with the axes that they have.

    Raises:
        InputError: they are no numbers, or more or fewer than the names.
    """
    given = arrays_of(expected)
    if not isinstance(given, Mapping):
        listed = given if isinstance(given, list | tuple) else [given]
        given = {"" if len(listed) == 1 else f"#{i}": array for i, array in enumerate(listed)}
    given = {name: rows if isinstance(rows, NpyRows | TextRows) else np.asarray(rows) for name, rows in given.items()}
    with about(expected):
        for name, rows in given.items():
            where = f"output '{name}'" if name else "predictions"
            refuse_objects(where, rows.dtype)
            if rows.dtype.kind not in "fiub":
                raise InputError(f"{where}: dtype {rows.dtype}, expected numbers")
        outputs, notes = by_name(given, names, "output")
    texts = {name: rows for name, rows in outputs.items() if isinstance(rows, TextRows)}
    digits = {name: rows.written() for name, rows in texts.items()}
    written = {name: found for name, found in digits.items() if found is not None}
    sources = {name: rows.source for name, rows in texts.items()}
    notes += [note for rows in texts.values() for note in rows.notes]
    outputs |= {name: replace(_in_float32(model, rows), notes=()) for name, rows in texts.items()}
    return Recorded(outputs, tuple(notes), written, sources)


def _in_float32(model: Model, rows: TextRows) -> TextRows:
    """Numbers in the float32 that they are the shortest decimals of, if the model computes in it."""
    if model.precision == "float64" or rows.dtype != np.float64:
        return rows
    with np.errstate(over="ignore"):
        narrow = rows.values.astype(np.float32)
    # NumPy writes the shortest decimal too
    is_shortest = np.array_equal(narrow.astype(str).astype(np.float64), rows.values, equal_nan=True)
    return replace(rows, values=narrow) if is_shortest else rows


def names_asked(model: Model, expected: Any) -> list[str]:
    """Return the names of what is expected, if they are not just those of the outputs."""
    given = arrays_of(expected)
    names = [str(name) for name in given] if isinstance(given, Mapping) else []
    return [] if names == [""] or set(names) == {output.name for output in model.outputs} else names


def arrays_of(x: Any) -> Any:
    """Return the arrays a user gives, read from a file if it is a path."""
    return read_arrays(x) if isinstance(x, str | Path) else x


@contextmanager
def about(given: Any) -> Iterator[None]:
    """Prefix an error with the file that does not fit the model."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{given}: {error}" if isinstance(given, str | Path) else error) from None
