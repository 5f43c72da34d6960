"""User data: arrays or files, matched to the names of the model's inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lstm_verify.arrays import NpyRows, Rows, read_arrays, refuse_objects
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


def recorded(model: Model, expected: Any) -> tuple[dict[str, Rows], list[str]]:
    """Return recorded predictions by output name, samples first, and a note on how names were matched.

    Raises:
        InputError: they are no numbers, or do not fit the outputs of the model.
    """
    names = [output.name for output in model.outputs]
    given = arrays_of(expected)
    if not isinstance(given, Mapping):
        listed = given if isinstance(given, list | tuple) else [given]
        given = {"" if len(listed) == 1 else f"#{i}": array for i, array in enumerate(listed)}
    given = {name: rows if isinstance(rows, NpyRows) else np.asarray(rows) for name, rows in given.items()}
    with about(expected):
        for name, rows in given.items():
            where = f"output '{name}'" if name else "predictions"
            refuse_objects(where, rows.dtype)
            if rows.dtype.kind not in "fiub":
                raise InputError(f"{where}: dtype {rows.dtype}, expected numbers")
        outputs, notes = by_name(given, names, "output")
    return outputs_samples_first(model, outputs), notes


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
