"""States written by one model, such as an encoder, used as missing inputs of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstm_verify.arrays import Rows
from lstm_verify.errors import InputError
from lstm_verify.inputs import check, named_rows
from lstm_verify.model import Input, Model


def join(model: Model, given: Any, states: Mapping[str, Rows]) -> tuple[dict[str, Rows], list[str]]:
    """Complete inputs with states: matched by name if the names agree, else in order of those that fit.

    Args:
        model: the model.
        given: the other inputs: an array, or a mapping by input name.
        states: the states by any names.

    Returns:
        The inputs by name, and notes on what was assumed.

    Raises:
        InputError: it is not clear which state goes where.
    """
    inputs = {name.removesuffix(":0"): rows for name, rows in named_rows(given).items()}
    names = [spec.name for spec in model.inputs]
    unnamed = inputs.pop("", None)
    strange = [name for name in inputs if name not in names]
    if strange:
        raise InputError(f"inputs: no input is named {', '.join(strange)}; they are {', '.join(names)}")
    free = [spec.name for spec in model.inputs if spec.name not in inputs]
    by_name = {name: states[name] for name in free if name in states}
    if unnamed is not None:
        target = _only_fitting(model, unnamed, [name for name in free if name not in by_name])
        inputs[target] = unnamed
        free.remove(target)
        by_name.pop(target, None)
    if set(by_name) == set(free):
        return inputs | by_name, []
    ordered = _in_order(model, free, states)
    pairs = ", ".join(f"{state or '(unnamed)'} as {name}" for name, (state, _) in ordered.items())
    return inputs | {name: rows for name, (_, rows) in ordered.items()}, [f"states taken in order: {pairs}"]


def _in_order(model: Model, free: list[str], states: Mapping[str, Rows]) -> dict[str, tuple[str, Rows]]:
    specs = {spec.name: spec for spec in model.inputs}
    fitting = [(name, rows) for name, rows in states.items() if any(fits(specs[one], rows) for one in free)]
    if len(fitting) != len(free) or not free:
        raise InputError(
            f"states: {len(states)} arrays ({', '.join(states)}), of which {len(fitting)} could be states, expected "
            f"one for each of the inputs not given: {', '.join(free) or 'none is left'}. Save them under these names"
        )
    return dict(zip(free, fitting, strict=True))


def _only_fitting(model: Model, rows: Rows, free: list[str]) -> str:
    """The input that an array without a name is for: the only one that it fits, or the first."""
    fitting = [spec.name for spec in model.inputs if spec.name in free and fits(spec, rows)]
    if not free:
        raise InputError("inputs: an array without a name, and no input is left for it. Name it: --input NAME=FILE")
    return fitting[0] if len(fitting) == 1 else free[0]


def fits(spec: Input, rows: Rows) -> bool:
    """Whether an array has the rank, shape and dtype of an input."""
    try:
        check(spec, rows)
    except InputError:
        return False
    return True
