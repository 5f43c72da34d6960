"""What a model is compared with, in place of what a framework predicts: recorded arrays, by the names they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lstm_verify._replay import Replayed
from lstm_verify.arrays import Rows
from lstm_verify.case import Case
from lstm_verify.errors import InputError, LstmVerifyError
from lstm_verify.given import Recorded, about, arrays_of, names_asked
from lstm_verify.golden import Golden
from lstm_verify.inner_values import Inner
from lstm_verify.inputs import bind
from lstm_verify.judging.tolerance import Tolerance
from lstm_verify.model import Model
from lstm_verify.report import Predicted


@dataclass(frozen=True)
class Predictions:
    """Predictions from somewhere, or the reason why there are none."""

    source: Predicted
    outputs: dict[str, Rows] | None
    reason: str = ""
    again: float = 0.0
    """How far the framework is from itself when it predicts again."""
    notes: tuple[str, ...] = ()
    digits: Recorded | None = None
    """What their text says of how they were rounded, if that counts."""


def with_inner_values(case: Case, expected: Any, golden: Golden | None = None) -> Case:
    """Return the case with the values that are expected as the outputs of its model, if there are others among them.

    Raises:
        InputError: the model has no value of a name that a user chose.
    """
    names = [] if expected is None else names_asked(case.model, expected)
    # a file, a record and a replay have names of another program, or model
    is_chosen = golden is None and not isinstance(expected, str | Path | Replayed)
    if not names:
        return case
    inner, outputs = Inner.of(case.model, case.inputs), [output.name for output in case.model.outputs]
    if not is_chosen and not set(names) & set(inner.values) - set(outputs):
        return case
    left = [name for name in outputs if name not in names]
    notes = [f"nothing is expected of {', '.join(left)}, which is not compared"] if left else []
    return replace(case, model=inner.as_outputs(names), notes=(*case.notes, *notes))


@contextmanager
def unless_exchanged(model: Model, expected: Any) -> Iterator[None]:
    """Say so in the error about inputs that do not fit if what is expected would."""
    try:
        yield
    except InputError as error:
        if expected is None or not _fits(model, expected):
            raise
        raise InputError(f"{error}. What is expected would fit: are inputs and predictions exchanged?") from None


def _fits(model: Model, arrays: Any) -> bool:
    try:
        bind(model, arrays_of(arrays))
    except LstmVerifyError:
        return False
    return True


def recorded_predictions(
    expected: Any, given: Recorded, replayed: Mapping[str, Rows], tolerance: Tolerance, golden: Golden | None
) -> Predictions:
    """Return recorded predictions in the shapes of what was replayed.

    Raises:
        InputError: it is not clear what the lines of a table are.
    """
    description = str(expected) if isinstance(expected, str | Path) else "arrays in memory"
    with about(expected):
        found = given.in_shapes_of(replayed)
    source = Predicted("recorded", golden.description if golden else description)
    digits = given if tolerance.follows_text else None
    return Predictions(source, found.outputs, notes=found.notes, digits=digits)
